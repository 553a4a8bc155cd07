// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {FeedConfig, PriceState, Quote} from "../../contracts/interfaces/IOracle.sol";
import {OracleBase} from "../helpers/OracleBase.t.sol";

/// @dev What has cost others money, at the oracle. What it costs accounts is in MarginEngine.prices.t.sol.
contract OracleIncidentsTest is OracleBase {
    /* B17: LUNA, MAY 2022 */

    /// @dev The feed stays at its minimum, fresh every minute, while the market goes on falling.
    function test_B17_AFeedAtItsMinimumIsNoPrice() public {
        uint64 price = P0;
        while (price > (MIN_ANSWER * 3) / 2) {
            price = (price / 10) * 9;
            _wait(300);
            _answer(price);
            _check(price, PriceState.OK);
        }
        for (uint256 i; i < 30; ++i) {
            _wait(60);
            _answer(MIN_ANSWER);
            _check(price, PriceState.BOUND);
            assertFalse(oracle.isCurrent(ETH, price, oracle.quote(ETH).validUntil));
        }
        _wait(1 days);
        _answer(MIN_ANSWER);
        _check(price, PriceState.BOUND);
    }

    /* B18: KILOEX, APRIL 2025 */

    /// @dev 100 to 10,000 in one update, and back a minute later.
    function test_B18_AHundredfoldInOneUpdateIsHeld() public {
        _recordHundred();
        _wait(60);
        _answer(10_000e8);
        Quote memory q = _check(100e8, PriceState.JUMP);
        assertLt(q.high, 1_100e8);
        _wait(60);
        _answer(100e8 + 1);
        _check(100e8 + 1, PriceState.OK);
        (uint64 mean, ) = oracle.twap(ETH, 120);
        assertApproxEqAbs(mean, 100e8, 1, "no trace in the average");
    }

    /// @dev The update stays. While anybody says otherwise it waits.
    function test_B18_AHundredfoldThatStaysWaitsWhileItIsContradicted() public {
        _addSecond();
        _recordHundred();
        _wait(60);
        _answer(10_000e8);
        for (uint256 i; i < 20; ++i) {
            _sign(100e8);
            _check(100e8, PriceState.JUMP);
            _wait(oracle.SECOND_AGE());
            _check(100e8, PriceState.JUMP);
        }
    }

    /// @dev The limit: without anybody else a lie that stays for ten minutes is believed.
    function test_B18_AHundredfoldThatStaysIsBelievedAfterJumpTime() public {
        _recordHundred();
        _wait(60);
        _answer(10_000e8);
        _check(100e8, PriceState.JUMP);
        _wait(oracle.JUMP_TIME() - 1);
        _check(100e8, PriceState.JUMP);
        _wait(1);
        _check(10_000e8, PriceState.OK);
    }

    /// @dev The other limit: the same hundredfold in 49 answers within the step, a second apart, is never held. The second source
    /// contradicts as soon as somebody brings it.
    function test_B18_AHundredfoldInSmallStepsIsFollowed() public {
        _addSecond();
        _recordHundred();
        uint64 price = 100e8;
        for (uint256 i; i < 49; ++i) {
            price += price / 10;
            _wait(1);
            _answer(price);
            _check(price, PriceState.OK);
        }
        assertGt(price, 10_000e8);
        _sign(100e8);
        _check(price, PriceState.JUMP);
        _sign(100e8);
        (uint64 mean, ) = oracle.twap(ETH, 1800);
        assertLt(mean, 200e8, "the average of half an hour hardly moved");
    }

    /* B19: LEVANA, DECEMBER 2023 */

    /// @dev Whatever is signed, whoever brings it and when: the price is one the feed gave, and the averages are the feed's.
    function testFuzz_B19_ThePriceIsNeverTheSecondSources(
        uint64 answer,
        uint64[3] memory said,
        uint64[3] memory confidence,
        uint256[3] memory at
    ) public {
        _addSecond();
        _wait(300);
        answer = uint64(bound(answer, MIN_ANSWER + 1, uint256(P0) * 3));
        _answer(answer, _now() - 60);
        uint256 snapshot = vm.snapshotState();
        Quote memory without = _sync();
        vm.revertToState(snapshot);
        for (uint256 i; i < 3; ++i) {
            said[i] = uint64(bound(said[i], 1, uint256(P0) * 3));
            _sign(said[i], confidence[i], _now() - bound(at[i], 0, 150));
            Quote memory q = _sync();
            assertTrue(q.price == P0 || q.price == answer, "a price of the feed");
            if (without.state == PriceState.OK) {
                assertEq(q.price, without.price, "and the same, unless a step waits");
                assertEq(q.slow, without.slow);
                assertLe(q.low, without.low, "edges only widen");
                assertGe(q.high, without.high);
                assertTrue(q.state <= PriceState.WIDE || q.state == PriceState.JUMP);
            }
        }
    }

    /// @dev Of several prices that are all known, what the newest one brought says decides; the order in which they came does not.
    function testFuzz_B19_TheNewestDecidesInWhateverOrder(uint64[3] memory said, uint256 order, bool isStep) public {
        _addSecond();
        _wait(60);
        uint64 answer = isStep ? HIGH : P0 + 1;
        _answer(answer);
        _wait(10);
        for (uint256 i; i < 3; ++i) said[i] = uint64(bound(said[i], uint256(P0) / 2, uint256(P0) * 2));
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < 3; ++i) _sign(said[i], 0, START + 60 + i);
        bytes memory expected = abi.encode(_sync());
        vm.revertToState(snapshot);
        for (uint256 i; i < 3; ++i) {
            uint256 j = (i + (order % 3)) % 3;
            if (order % 2 == 0) j = 2 - j;
            _sign(said[j], 0, START + 60 + j);
        }
        assertEq(abi.encode(_sync()), expected);
    }

    /// @dev A wick: the feed answers 20 % below, the second source agrees in that second and is back in the next. A minute later one
    /// with positions to take over brings the one price of sixty that confirms it.
    function test_B19_NobodyConfirmsAWickByChoosingTheOneSecondThatAgrees() public {
        _addSecond();
        _wait(60);
        _answer(1600e8);
        _check(P0, PriceState.JUMP);
        _wait(60); // and the newest signed price, which he does not bring, says 2000
        _sign(1600e8, 0, START + 61);
        _check(P0, PriceState.JUMP);
    }

    /// @dev What stops it today: the newest price was brought first.
    function test_B19_AChosenPriceIsRefusedOnceANewerOneIsThere() public {
        _addSecond();
        _wait(60);
        _answer(1600e8);
        _wait(30);
        _sign(P0);
        _sign(1600e8, 0, START + 61);
        _check(P0, PriceState.JUMP);
    }

    /// @dev Several updates in one call, the source's own store and a second call: nothing older replaces what is there.
    function test_B19_ABundleOfUpdatesCountsAsItsNewest() public {
        _addSecond();
        _wait(60);
        bytes[] memory bundle = new bytes[](3);
        bundle[0] = _updates(1900e8, 0, _now() - 5)[0];
        bundle[1] = _updates(2040e8, 0, _now() - 1)[0];
        bundle[2] = _updates(1800e8, 0, _now() - 3)[0];
        oracle.updateSecond{value: 3 * FEE}(ETH, bundle);
        (uint64 price, , uint32 time) = oracle.secondNow(ETH);
        assertEq(price, 2040e8);
        assertEq(time, _now() - 1);
    }

    /* B20: SYNTHETIX sKRW, JUNE 2019 */

    function test_B20_AThousandfoldOnTheFeedIsNoPrice() public {
        _addSecond();
        _wait(60);
        _answer(999_999e8);
        _check(P0, PriceState.JUMP);
        _sign(P0);
        Quote memory q = _check(P0, PriceState.JUMP);
        assertLt(q.high, 2_200e8);
        assertGt(q.low, 1_800e8);
    }

    function test_B20_AThousandfoldOnTheSecondMovesNothing() public {
        _addSecond();
        _wait(60);
        _sign(2_000_000e8);
        Quote memory q = _check(P0, PriceState.JUMP);
        assertEq(q.high, 2100e8);
        assertEq(q.low, 1900e8);
        _answer(2001e8);
        _check(2001e8, PriceState.JUMP);
        _wait(oracle.SECOND_AGE());
        _sign(2_000_000e8 - 1); // as long as anybody repeats it
        _check(2001e8, PriceState.JUMP);
        _wait(oracle.SECOND_AGE() + 1);
        _check(2001e8, PriceState.OK);
    }

    /// @dev A feed's unit drops by a thousand and the second source agrees with the number: it is still no price.
    function test_B20_AThousandfoldOfUnitsIsBadThoughItIsConfirmed() public {
        FeedConfig memory config = _config();
        config.maxAnswer = type(uint128).max;
        oracle.configure(ETH, config);
        _addSecond();
        _wait(60);
        feed.setDecimals(abi.encode(11));
        _answer(P0 * 1000);
        _sign(P0 * 1000);
        assertEq(oracle.sync(ETH).price, P0);
        _check(P0, PriceState.BAD);
    }

    /// @dev Ten times fewer decimals fall within the step after three quiet hours when the limit is that of a thin coin.
    function test_B20_OtherUnitsAreNoPriceThoughHoursHavePassed() public {
        FeedConfig memory config = _config();
        config.jumpBps = 3000; // as ALT
        oracle.configure(ETH, config);
        _wait(3 hours);
        feed.setDecimals(abi.encode(7));
        _answer(P0 / 10);
        assertEq(_sync().price, P0);
    }

    function _recordHundred() private {
        feed.setRound(_round(100e8, _now()));
        oracle.configure(ETH, _config());
        _wait(2 hours);
        _answer(100e8);
        _check(100e8, PriceState.OK);
    }
}
