// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {PythErrors} from "@pythnetwork/pyth-sdk-solidity/PythErrors.sol";
import {FeedConfig, IOracle, PriceState, Quote, SecondConfig} from "../../contracts/interfaces/IOracle.sol";
import {BadFeed, Fault} from "../../contracts/mocks/BadFeed.sol";
import {OracleBase} from "../helpers/OracleBase.t.sol";

/// @dev Takes no ether.
contract Miser {
    function bring(IOracle oracle, uint8 market, bytes[] calldata updates) external payable {
        oracle.updateSecond{value: msg.value}(market, updates);
    }
}

contract OracleSecondTest is OracleBase {
    function setUp() public override {
        super.setUp();
        _addSecond();
    }

    /* BRINGING IT */

    function test_UpdateSecond_KeepsWhatIsNewer() public {
        vm.expectEmit(address(oracle));
        emit IOracle.SecondUpdated(ETH, 2001e8, 5e8, uint32(START));
        _sign(2001e8, 5e8, START);
        _checkSecond(2001e8, 5e8, START);

        _wait(10);
        vm.recordLogs();
        _sign(1900e8, 0, START); // the same second
        _sign(1800e8, 0, START - 1); // older
        assertEq(vm.getRecordedLogs().length, 0);
        _checkSecond(2001e8, 5e8, START);
        _sign(1900e8, 1e8, START + 1);
        _checkSecond(1900e8, 1e8, START + 1);
    }

    /// @dev Others have paid for it: the source itself has something newer than what is brought.
    function test_UpdateSecond_TakesTheNewestOfTheSource() public {
        _wait(10);
        pyth.updatePriceFeeds{value: FEE}(_updates(2005e8, 0, START + 9));
        _sign(1900e8, 0, START + 8);
        _checkSecond(2005e8, 0, START + 9);
    }

    function test_UpdateSecond_CostsNothingWithoutUpdates() public {
        pyth.updatePriceFeeds{value: FEE}(_updates(2005e8, 0, START));
        oracle.updateSecond(ETH, new bytes[](0));
        _checkSecond(2005e8, 0, START);
    }

    function test_UpdateSecond_GivesTheRestBack() public {
        uint256 before = address(this).balance;
        oracle.updateSecond{value: 1 ether}(ETH, _updates(P0, 0, START));
        assertEq(before - address(this).balance, FEE);
        assertEq(address(pyth).balance, FEE);
        assertEq(address(oracle).balance, 0);
    }

    function test_UpdateSecond_DatesAPriceOfTheFutureNow() public {
        _sign(2001e8, 0, START + 5);
        _checkSecond(2001e8, 0, START);
        _wait(4);
        oracle.updateSecond(ETH, new bytes[](0));
        _checkSecond(2001e8, 0, START + 4); // never longer than SECOND_AGE after its true date
        _wait(100);
        oracle.updateSecond(ETH, new bytes[](0));
        _checkSecond(2001e8, 0, START + 5);
    }

    function test_RevertWhen_TheFeeIsNotSent() public {
        bytes[] memory updates = _updates(P0, 0, START);
        vm.expectRevert(abi.encodeWithSelector(IOracle.FeeTooLow.selector, FEE - 1, FEE));
        oracle.updateSecond{value: FEE - 1}(ETH, updates);
    }

    function test_RevertWhen_TheRestIsNotTaken() public {
        Miser miser = new Miser();
        bytes[] memory updates = _updates(P0, 0, START);
        vm.expectRevert(abi.encodeWithSelector(IOracle.RefundFailed.selector, miser));
        miser.bring{value: FEE + 1}(oracle, ETH, updates);
        miser.bring{value: FEE}(oracle, ETH, updates);
        _checkSecond(P0, 0, START);
    }

    function test_RevertGiven_ThereIsNoSecondSource() public {
        bytes memory none = abi.encodeWithSelector(IOracle.NoSecondSource.selector, 7);
        vm.expectRevert(none);
        oracle.updateSecond(7, new bytes[](0));
        oracle.configureSecond(ETH, SecondConfig(address(0), ID));
        vm.expectRevert(abi.encodeWithSelector(IOracle.NoSecondSource.selector, ETH));
        oracle.updateSecond(ETH, new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(IOracle.UnknownMarket.selector, 7));
        oracle.secondNow(7);
        vm.expectRevert(abi.encodeWithSelector(IOracle.UnknownMarket.selector, 7));
        oracle.configureSecond(7, SecondConfig(address(pyth), ID));
    }

    function test_RevertGiven_TheSourceKnowsNothing() public {
        vm.expectRevert(PythErrors.PriceFeedNotFound.selector);
        oracle.updateSecond(ETH, new bytes[](0));
    }

    function test_RevertWhen_TheSecondPriceCannotBeUsed() public {
        _checkUnusable(0, -8);
        _checkUnusable(-1, -8);
        _checkUnusable(type(int64).min, -8);
        _checkUnusable(1, -9); // less than one u per lot
        _checkUnusable(1, 5);
        _checkUnusable(type(int64).max, -7);
        _checkUnusable(1, type(int32).max);
        _checkUnusable(1, type(int32).min);
        _checkUnusable(int64(uint64(1 << 62)), -8);
    }

    function testFuzz_UpdateSecond_ScalesAnyExponent(uint64 value, uint64 confidence, int32 exponent) public {
        exponent = int32(bound(int256(exponent), -20, 4));
        uint256 up = exponent > -8 ? 10 ** uint256(int256(exponent) + 8) : 1;
        uint256 down = exponent < -8 ? 10 ** uint256(-8 - int256(exponent)) : 1;
        uint256 most = ((1 << 62) - 1) / up;
        uint256 least = down;
        if (most > uint256(uint64(type(int64).max))) most = uint256(uint64(type(int64).max));
        value = uint64(bound(value, least, most));
        oracle.updateSecond{value: FEE}(ETH, _update(int64(value), confidence, exponent, START));
        uint256 scaled = (uint256(confidence) * up + down - 1) / down; // up: never surer than it says
        _checkSecond(
            uint64((uint256(value) * up) / down),
            scaled > type(uint64).max ? type(uint64).max : uint64(scaled),
            START
        );
        _sync(); // whatever it says, the view and the call agree
    }

    function test_RevertWhen_ConfigurerOfTheSecondIsNotAuthorized() public {
        address mallory = makeAddr("mallory");
        vm.prank(mallory);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, mallory));
        oracle.configureSecond(ETH, SecondConfig(address(pyth), ID));
    }

    /* DOUBT */

    function testFuzz_Quote_WidensByTheDistance(uint64 said) public {
        said = uint64(bound(said, 1, uint256(P0) * 3));
        _sign(said);
        uint256 apart = said > P0 ? said - P0 : P0 - said;
        _checkDoubt((apart * 10_000 + P0 - 1) / P0);
    }

    function testFuzz_Quote_WidensByTheConfidence(uint64 confidence) public {
        confidence = uint64(bound(confidence, 0, uint256(P0) / 10));
        _sign(P0 + 1, confidence, START);
        uint256 apart = confidence > 1 ? confidence : 1;
        _checkDoubt((apart * 10_000 + P0 - 1) / P0);
    }

    function test_Quote_TellsTheStatesApartAtTheBorders() public {
        uint64[8] memory said = [
            uint64(2010e8),
            1990e8,
            2010e8 + 1,
            1990e8 - 1,
            2100e8,
            1900e8,
            2100e8 + 1,
            1900e8 - 1
        ];
        uint16[8] memory edges = [uint16(50), 50, 51, 51, 500, 500, 500, 500];
        for (uint256 i; i < said.length; ++i) {
            _wait(1);
            _sign(said[i]);
            Quote memory q = _check(
                P0,
                i < 2
                    ? PriceState.OK
                    : i < 6
                        ? PriceState.WIDE
                        : PriceState.JUMP
            );
            assertEq(q.edgeBps, edges[i]);
            assertEq(q.low, (uint256(P0) * (10_000 - edges[i])) / 10_000);
            assertEq(q.high, (uint256(P0) * (10_000 + edges[i])) / 10_000);
        }
    }

    function test_Quote_DoubtsForSecondAge() public {
        _sign(2050e8);
        _wait(oracle.SECOND_AGE());
        assertEq(_check(P0, PriceState.WIDE).edgeBps, 250);
        _wait(1);
        assertEq(_check(P0, PriceState.OK).edgeBps, EDGE);
    }

    function test_Quote_PrefersWhatIsWrongWithTheFeed() public {
        _wait(MAX_AGE + 1);
        _sign(5000e8);
        assertEq(_check(P0, PriceState.STALE).edgeBps, EDGE);
        feed.setFault(Fault.REVERT);
        assertEq(_check(P0, PriceState.BAD).edgeBps, EDGE);
        feed.setFault(Fault.NONE);
        _answer(MAX_ANSWER);
        assertEq(_check(P0, PriceState.BOUND).edgeBps, EDGE);
    }

    /// @dev The widest edge of a feed is the widest doubt.
    function test_Quote_IsNeverWideWhenTheFeedsEdgeIsTheLargest() public {
        _wait(1);
        _answer(P0);
        _sync();
        oracle.configureSecond(ETH, SecondConfig(address(0), 0));
        _configure(500, JUMP);
        _addSecond();
        _sign(2100e8);
        assertEq(_check(P0, PriceState.OK).edgeBps, 500);
        _wait(1);
        _sign(2100e8 + 1);
        assertEq(_check(P0, PriceState.JUMP).edgeBps, 500);
    }

    /* CONFIRMING */

    function test_Sync_BelievesAStepThatTheSecondConfirms() public {
        _wait(60);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        _wait(5);
        _sign(HIGH - HIGH / 20, 0, START + 60); // as old as the answer, five percent away
        vm.expectEmit(address(oracle));
        emit IOracle.PriceRecorded(ETH, HIGH, P0, P0, uint32(START) + 60);
        oracle.sync(ETH);
        assertEq(_check(HIGH, PriceState.WIDE).edgeBps, 500);
        _checkHeld(0, 0);
    }

    /// @dev Without having been held before: it came together.
    function test_Sync_BelievesAtOnceWhatIsConfirmedAlready() public {
        _wait(60);
        _answer(HIGH);
        _sign(HIGH);
        _check(HIGH, PriceState.OK);
    }

    function test_Sync_IsNotConvincedByAPriceFromBeforeTheAnswer() public {
        _wait(60);
        _answer(HIGH);
        _wait(5);
        _sign(HIGH, 0, START + 59);
        _check(P0, PriceState.JUMP);
        _sign(HIGH, 0, START + 60);
        _check(HIGH, PriceState.OK);
    }

    function test_Sync_IsNotConvincedFromFurtherThanTheWidestEdge() public {
        uint64[3] memory said = [HIGH - HIGH / 20 - 1, HIGH + HIGH / 20 + 1, P0];
        _wait(60);
        _answer(HIGH);
        for (uint256 i; i < said.length; ++i) {
            _wait(1);
            _sign(said[i]);
            _check(P0, PriceState.JUMP);
        }
        _wait(1);
        _sign(HIGH, HIGH / 20 + 1, _now());
        _check(P0, PriceState.JUMP);
        _wait(1);
        _sign(HIGH, HIGH / 20, _now());
        assertEq(_check(HIGH, PriceState.WIDE).edgeBps, 500);
    }

    function test_Sync_IsNotConvincedByAnOldPrice() public {
        _answer(HIGH, START + 60);
        _wait(60);
        _sign(HIGH, 0, START + 60);
        _wait(oracle.SECOND_AGE() + 1);
        _check(P0, PriceState.JUMP);
        _sign(HIGH);
        _check(HIGH, PriceState.OK);
    }

    function test_Sync_DoesNotBelieveAContradictedStepWhenItsTimeIsOver() public {
        _wait(60);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        _wait(oracle.JUMP_TIME());
        _sign(P0);
        _check(P0, PriceState.JUMP);
        _wait(oracle.SECOND_AGE());
        _check(P0, PriceState.JUMP);
    }

    /// @dev A step stands for JUMP_TIME uncontradicted: eleven minutes of contradiction do not ripen it for the first gap.
    function test_Sync_DoesNotBelieveAStepOnceTheContradictionLapses() public {
        _wait(60);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        for (uint256 i; i < 11; ++i) {
            _sign(P0);
            _check(P0, PriceState.JUMP);
            _wait(60);
        }
        _wait(oracle.SECOND_AGE()); // one keeper missed three turns
        _check(P0, PriceState.JUMP);
    }

    /// @dev The allowance for hours without a price is no way around the second source.
    function test_Sync_DoesNotBelieveAContradictedStepBecauseHoursHavePassed() public {
        uint64 lie = 2700e8; // 35 %: three hours allow 40 %
        for (uint256 i; i < 4; ++i) {
            _wait(59 minutes);
            _answer(lie);
            _sign(P0);
            _check(P0, PriceState.JUMP);
        }
    }

    /// @dev The second source says the old price to the cent. That confirms nothing, however small a step is.
    function test_Sync_IsNotConvincedByTheOldPrice() public {
        _configure(EDGE, 100);
        _wait(60);
        _answer(2080e8);
        _sign(P0);
        _check(P0, PriceState.JUMP);
    }

    /* REMOVING IT */

    function test_ConfigureSecond_ForgetsWhatTheFormerSaid() public {
        _sign(2050e8);
        _check(P0, PriceState.WIDE);
        SecondConfig memory none;
        vm.expectEmit(address(oracle));
        emit IOracle.SecondConfigured(ETH, none);
        oracle.configureSecond(ETH, none);
        assertEq(_check(P0, PriceState.OK).edgeBps, EDGE);
        _checkSecond(0, 0, 0);
        _addSecond();
        _check(P0, PriceState.OK);
    }

    function test_ConfigureSecond_LeavesTimeToDecideAStep() public {
        _wait(60);
        _answer(HIGH);
        _sign(P0);
        _check(P0, PriceState.JUMP);
        oracle.configureSecond(ETH, SecondConfig(address(0), 0));
        _check(P0, PriceState.JUMP);
        _checkHeld(HIGH, START + 60);
        _wait(oracle.JUMP_TIME() - 1);
        _check(P0, PriceState.JUMP);
        _wait(1);
        _check(HIGH, PriceState.OK);
    }

    function test_RevertWhen_TheNewFeedIsContradicted() public {
        _sign(P0);
        _answer(HIGH);
        vm.expectRevert(abi.encodeWithSelector(IOracle.FeedInvalid.selector, feed, PriceState.JUMP));
        oracle.configure(ETH, _config());
        _wait(1);
        _answer(2050e8);
        oracle.configure(ETH, _config());
        _check(2050e8, PriceState.WIDE);
    }

    /// @dev Governance has looked: what it sets the feed to is believed, held or not, unless the second source contradicts.
    function test_Configure_BelievesAHeldStepOfTheSameFeed() public {
        _wait(60);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        oracle.configure(ETH, _config());
        _check(HIGH, PriceState.OK);
        _checkHeld(0, 0);
    }

    /* FAULTS */

    /// @dev Whatever the source does, prices go on without it: only who calls it is told.
    function test_Sync_DoesNotCallTheSecondSource() public {
        BadFeed broken = new BadFeed("", "");
        oracle.configureSecond(ETH, SecondConfig(address(broken), ID));
        Fault[5] memory faults = [Fault.NONE, Fault.REVERT, Fault.REVERT_BLOB, Fault.EAT_GAS, Fault.BLOB];
        for (uint256 i; i < faults.length; ++i) {
            broken.setFault(faults[i]);
            (bool ok, ) = address(oracle).call{gas: 2_000_000}(
                abi.encodeCall(IOracle.updateSecond, (ETH, new bytes[](0)))
            );
            assertEq(ok, faults[i] == Fault.BLOB); // a price of nothing, signed never
            _wait(1);
            _answer(P0 + uint64(i));
            _check(P0 + uint64(i), PriceState.OK);
        }
        vm.etch(address(broken), "");
        _check(P0 + 4, PriceState.OK);
    }

    /* IS CURRENT */

    /// @dev Feeds, second source, sequencer and time move at random, as feeds and clocks do: forward.
    /// hardhat-config: fuzz.runs = 512
    function testFuzz_IsCurrent_IsTrueExactlyWhenNothingIsNew(uint256 seed, bool hasSequencer) public {
        if (hasSequencer) _addSequencer();
        Quote memory stored = oracle.sync(ETH);
        uint256 trues;
        for (uint256 i; i < 24; ++i) {
            uint256 r = uint256(keccak256(abi.encode(seed, i)));
            _move(r % 16, r >> 8);
            Quote memory q = oracle.quote(ETH);
            bool isSame =
                q.price == stored.price &&
                    q.validUntil == stored.validUntil &&
                    (q.state == PriceState.OK || q.state == PriceState.STALE);
            bool isCurrent = oracle.isCurrent(ETH, stored.price, stored.validUntil);
            assertEq(isCurrent, isSame, "current exactly when nothing is new");
            if (isCurrent) ++trues;
            if ((r >> 200) % 3 == 0) q = oracle.sync(ETH);
            if (q.state == PriceState.OK && (r >> 204) % 2 == 0) stored = oracle.sync(ETH);
        }
    }

    /// @dev What it reads of the oracle: two slots at most, and one for what the second source said or where the sequencer's feed is.
    function test_IsCurrent_ReadsOneSlotMoreForEachThatThereIs() public {
        uint32 validUntil = uint32(START) + MAX_AGE;
        _sign(P0);
        uint256 withSecond = _slotsRead(validUntil);
        oracle.configureSecond(ETH, SecondConfig(address(0), 0));
        uint256 plain = _slotsRead(validUntil);
        assertLe(plain, 2);
        assertEq(withSecond, plain + 1);
        _addSequencer();
        assertEq(_slotsRead(validUntil), plain + 1);
    }

    /* HELPERS */

    function _move(uint256 kind, uint256 r) private {
        if (kind < 4) _wait(r % 90);
        else if (kind == 4) _wait(r % 50 minutes);
        else if (kind < 7) _answer(uint64(1000e8 + (r % 1000e8) + ((r >> 64) % 1000e8)));
        else if (kind == 7) _answer(oracle.quote(ETH).price);
        else if (kind == 8) feed.setRound(_round(oracle.quote(ETH).price + 1, _now() + 1));
        else if (kind == 9) _answer(r % 2 == 0 ? MAX_ANSWER : 0);
        else if (kind == 10) feed.setFault(r % 2 == 0 ? Fault.REVERT : Fault.NONE);
        else if (kind < 14) {
            uint256 price = oracle.quote(ETH).price;
            price = (price * (9_400 + (r % 1_200))) / 10_000;
            _sign(uint64(price), uint64((price * ((r >> 64) % 80)) / 10_000), _now() - ((r >> 128) % 150));
        } else if (kind == 14) sequencer.setRound(_status(0, _now() - (r % 1000)));
        else if (r % 4 == 0) sequencer.setRound(_status(1, _now()));
    }

    function _slotsRead(uint32 validUntil) private returns (uint256 count) {
        vm.record();
        assertTrue(oracle.isCurrent(ETH, P0, validUntil));
        (bytes32[] memory reads, ) = vm.accesses(address(oracle));
        for (uint256 i; i < reads.length; ++i) {
            bool isNew = true;
            for (uint256 j; j < i; ++j) if (reads[i] == reads[j]) isNew = false;
            if (isNew) ++count;
        }
    }

    function _configure(uint16 edgeBps, uint16 jumpBps) private {
        FeedConfig memory config = _config();
        (config.edgeBps, config.jumpBps) = (edgeBps, jumpBps);
        oracle.configure(ETH, config);
    }

    function _checkSecond(uint64 price, uint64 confidence, uint256 publishTime) private view {
        (uint64 saidPrice, uint64 saidConfidence, uint32 saidAt) = oracle.secondNow(ETH);
        assertEq(saidPrice, price, "second price");
        assertEq(saidConfidence, confidence, "second confidence");
        assertEq(saidAt, publishTime, "second time");
    }

    function _checkDoubt(uint256 doubt) private {
        Quote memory q = _sync();
        assertEq(q.price, P0);
        PriceState state =
            doubt <= EDGE
                ? PriceState.OK
                : doubt <= 500
                    ? PriceState.WIDE
                    : PriceState.JUMP;
        assertEq(uint8(q.state), uint8(state));
        assertEq(
            q.edgeBps,
            doubt <= EDGE
                ? EDGE
                : doubt <= 500
                    ? doubt
                    : 500
        );
        assertEq(oracle.isCurrent(ETH, P0, uint32(START) + MAX_AGE), state == PriceState.OK);
    }

    function _checkUnusable(int64 price, int32 exponent) private {
        bytes[] memory updates = _update(price, 3, exponent, START);
        vm.expectRevert(abi.encodeWithSelector(IOracle.SecondPriceUnusable.selector, price, 3, exponent));
        oracle.updateSecond{value: FEE}(ETH, updates);
    }

    function _update(
        int64 price,
        uint64 confidence,
        int32 exponent,
        uint256 publishTime
    ) private view returns (bytes[] memory updates) {
        updates = new bytes[](1);
        uint64 time = uint64(publishTime);
        updates[0] = pyth.createPriceFeedUpdateData(ID, price, confidence, exponent, price, 0, time, time - 1);
    }
}
