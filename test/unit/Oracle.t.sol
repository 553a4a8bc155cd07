// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAggregatorV3} from "../../contracts/interfaces/IAggregatorV3.sol";
import {FeedConfig, IOracle, PriceState, Quote} from "../../contracts/interfaces/IOracle.sol";
import {BadFeed, Fault} from "../../contracts/mocks/BadFeed.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {Oracle} from "../../contracts/Oracle.sol";
import {BaseTest} from "../helpers/Base.t.sol";
import {Deployer} from "../helpers/Deployer.sol";

/// @dev Market 0 reads an honest mock, market 1 a feed that can say and do anything. Both start at 2000 USD, lots of 1e-4 coin.
contract OracleTest is BaseTest {
    uint8 private constant ETH = 0;
    uint8 private constant ODD = 1;
    uint32 private constant MAX_AGE = 1 hours;
    uint64 private constant P0 = 2000e8; // {u/lot} equals the answer at 8 + 4 decimals
    int256 private constant MIN_ANSWER = 1e8;
    int256 private constant MAX_ANSWER = 1_000_000e8;
    uint256 private constant START = 1_700_000_040; // a whole minute

    Oracle private _oracle;
    MockAggregator private _feed;
    BadFeed private _odd;

    function setUp() public {
        vm.warp(START);
        _oracle = Deployer.oracle(address(new AccessManager(address(this))));
        _feed = new MockAggregator(8, 2000e8);
        _odd = new BadFeed(abi.encode(8), _round(1, 2000e8, START));
        _oracle.configure(ETH, _config(address(_feed)));
        _oracle.configure(ODD, _config(address(_odd)));
    }

    /* CONFIGURE */

    function test_Configure_RecordsTheFirstPrice() public {
        FeedConfig memory config = _config(address(_feed));
        vm.expectEmit(address(_oracle));
        emit IOracle.FeedConfigured(63, config);
        vm.expectEmit(address(_oracle));
        emit IOracle.PriceRecorded(63, P0, P0, P0, uint32(START));
        _oracle.configure(63, config);

        Quote memory q = _oracle.quote(63);
        assertEq(abi.encode(q), abi.encode(Quote(P0, 1990e8, 2010e8, P0, uint32(START) + MAX_AGE, 50, PriceState.OK)));
        assertEq(abi.encode(_oracle.feed(63)), abi.encode(config));
        FeedConfig memory none;
        assertEq(abi.encode(_oracle.feed(62)), abi.encode(none));
    }

    function test_Configure_KeepsTheAveragesOfTheFormerFeed() public {
        vm.warp(START + 60);
        _feed.setAnswer(1000e8);
        _oracle.sync(ETH);
        MockAggregator next = new MockAggregator(18, 1);
        next.setRound(0, 1100e18, START + 30); // dated before the price on record, from round zero

        vm.warp(START + 660);
        vm.expectEmit(address(_oracle));
        emit IOracle.PriceRecorded(ETH, 1100e8, 1500e8, 189_089_871_814, uint32(START) + 30);
        FeedConfig memory config = _config(address(next));
        config.maxAnswer = type(uint128).max;
        _oracle.configure(ETH, config);

        (uint64 mean, uint256 samples) = _oracle.twap(ETH, 660);
        assertEq(mean, (uint256(2000e8) * 60 + uint256(1000e8) * 600) / 660);
        assertEq(samples, 3);
    }

    function test_Configure_AcceptsItsLimits() public {
        FeedConfig memory config = _config(address(_feed));
        (config.maxAge, config.edgeBps) = (60, 0);
        (config.minAnswer, config.maxAnswer) = (2000e8 - 1, 2000e8 + 1);
        _oracle.configure(ETH, config);
        assertEq(uint8(_oracle.quote(ETH).state), uint8(PriceState.OK));
        assertEq(_oracle.quote(ETH).low, P0);
        assertEq(_oracle.quote(ETH).high, P0);
        (config.maxAge, config.edgeBps) = (2 days, 500);
        _oracle.configure(ETH, config);
        assertEq(_oracle.quote(ETH).low, 1900e8);
        assertEq(_oracle.quote(ETH).high, 2100e8);
    }

    function test_RevertWhen_ConfigurerIsNotAuthorized() public {
        address mallory = makeAddr("mallory");
        vm.prank(mallory);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, mallory));
        _oracle.configure(ETH, _config(address(_feed)));
    }

    function test_RevertWhen_ParameterIsOutOfRange() public {
        FeedConfig memory config = _config(address(_feed));
        _checkConfigure(64, config, abi.encodeWithSelector(IOracle.UnknownMarket.selector, 64));
        _checkConfigure(255, config, abi.encodeWithSelector(IOracle.UnknownMarket.selector, 255));

        bytes4 selector = IOracle.MaxAgeOutOfRange.selector;
        config.maxAge = 59;
        _checkConfigure(ETH, config, abi.encodeWithSelector(selector, 59, 60, 2 days));
        config.maxAge = 2 days + 1;
        _checkConfigure(ETH, config, abi.encodeWithSelector(selector, 2 days + 1, 60, 2 days));

        config = _config(address(_feed));
        config.edgeBps = 501;
        _checkConfigure(ETH, config, abi.encodeWithSelector(IOracle.EdgeTooWide.selector, 501, 500));

        config = _config(address(_feed));
        config.maxAnswer = config.minAnswer;
        selector = IOracle.AnswerBoundsCrossed.selector;
        _checkConfigure(ETH, config, abi.encodeWithSelector(selector, config.minAnswer, config.minAnswer));

        config = _config(address(_feed));
        config.lotDecimals = 5;
        _checkConfigure(ETH, config, abi.encodeWithSelector(IOracle.LotDecimalsChanged.selector, 5, 4));
        config.lotDecimals = 9;
        _checkConfigure(2, config, abi.encodeWithSelector(IOracle.DecimalsUnsupported.selector, 8, 9));
        config.lotDecimals = 4;
        _feed.setDecimals(19);
        _checkConfigure(ETH, config, abi.encodeWithSelector(IOracle.DecimalsUnsupported.selector, 19, 4));
    }

    function test_RevertWhen_FeedGivesNoPriceNow() public {
        FeedConfig memory config = _config(address(_odd));
        bytes memory bad = abi.encodeWithSelector(IOracle.FeedInvalid.selector, _odd, PriceState.BAD);
        _odd.setRound(_round(1, 0, START));
        _checkConfigure(2, config, bad);
        _odd.setRound(_round(1, 2000e8, 0)); // equal to the date that `configure` leaves
        _checkConfigure(2, config, bad);
        _odd.setRound(_round(1, MAX_ANSWER, START));
        _checkConfigure(2, config, abi.encodeWithSelector(IOracle.FeedInvalid.selector, _odd, PriceState.BOUND));
        _odd.setRound(_round(1, 2000e8, START - MAX_AGE - 1));
        _checkConfigure(2, config, abi.encodeWithSelector(IOracle.FeedInvalid.selector, _odd, PriceState.STALE));
        _odd.setRound(_round(1, 2000e8, START - MAX_AGE));
        _oracle.configure(2, config);
    }

    function test_RevertWhen_DecimalsAreGarbage() public {
        FeedConfig memory config = _config(address(_odd));
        bytes memory bad = abi.encodeWithSelector(IOracle.FeedInvalid.selector, _odd, PriceState.BAD);
        _odd.setDecimals("");
        _checkConfigure(2, config, bad);
        _odd.setDecimals(abi.encode(8, 8));
        _checkConfigure(2, config, bad);
        _odd.setDecimals(abi.encode(256));
        bytes memory tooMany = abi.encodeWithSelector(IOracle.DecimalsUnsupported.selector, 255, config.lotDecimals);
        _checkConfigure(2, config, tooMany);
        _odd.setFault(Fault.EAT_GAS);
        _checkConfigure(2, config, bad);
        config.aggregator = makeAddr("empty");
        bad = abi.encodeWithSelector(IOracle.FeedInvalid.selector, config.aggregator, PriceState.BAD);
        _checkConfigure(2, config, bad);
        config.aggregator = address(0);
        _checkConfigure(2, config, abi.encodeWithSelector(IOracle.FeedInvalid.selector, address(0), PriceState.BAD));
    }

    function test_RevertGiven_MarketHasNoFeed() public {
        bytes memory unknown = abi.encodeWithSelector(IOracle.UnknownMarket.selector, 7);
        vm.expectRevert(unknown);
        _oracle.sync(7);
        vm.expectRevert(unknown);
        _oracle.quote(7);
        vm.expectRevert(unknown);
        _oracle.twap(7, 60);
    }

    /* ANSWERS */

    function test_Sync_RecordsANewerAnswer() public {
        vm.warp(START + 60);
        _feed.setRound(2, 2100e8, START + 59);
        Quote memory expected = _oracle.quote(ETH);

        vm.expectEmit(address(_oracle));
        emit IOracle.PriceRecorded(ETH, 2100e8, P0, P0, uint32(START) + 59);
        Quote memory q = _oracle.sync(ETH);

        assertEq(abi.encode(q), abi.encode(expected));
        // Edges: 0.5 % below the average, 0.5 % above the price.
        Quote memory known = Quote(2100e8, 1990e8, 2110.5e8, P0, uint32(START) + 59 + MAX_AGE, 50, PriceState.OK);
        assertEq(abi.encode(q), abi.encode(known));
        assertEq(abi.encode(_oracle.quote(ETH)), abi.encode(known));
    }

    function test_Sync_WritesNothingWithoutANewerAnswer() public {
        vm.warp(START + 90);
        vm.record();
        vm.recordLogs();
        Quote memory q = _oracle.sync(ETH);
        (, bytes32[] memory writes) = vm.accesses(address(_oracle));
        assertEq(writes.length, 0);
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(abi.encode(q), abi.encode(_oracle.quote(ETH)));
    }

    function test_Sync_LetsTheFirstOfTwoAnswersOfOneSecondStand() public {
        _feed.setRound(2, 2100e8, START);
        _checkKept(ETH, PriceState.OK);
        _feed.setRound(0, 2100e8, START); // nothing would be recorded, so the round does not matter
        _checkKept(ETH, PriceState.OK);
    }

    function test_Sync_AcceptsTheSameRoundAtALaterTime() public {
        vm.warp(START + 1);
        _feed.setRound(1, 2100e8, START + 1);
        assertEq(_oracle.sync(ETH).price, 2100e8);
    }

    function test_Sync_RejectsWhatIsNotPositive() public {
        vm.warp(START + 1);
        int256[4] memory answers = [int256(0), -1, -2000e8, type(int256).min];
        for (uint256 i; i < answers.length; ++i) {
            _odd.setRound(_round(2, answers[i], START + 1));
            _checkKept(ODD, PriceState.BAD);
            _odd.setRound(_round(2, answers[i], START)); // even at the recorded time
            _checkKept(ODD, PriceState.BAD);
        }
    }

    function test_Sync_HoldsBackAtTheFeedsBounds() public {
        vm.warp(START + 1);
        int256[5] memory answers = [int256(1), MIN_ANSWER, MAX_ANSWER, MAX_ANSWER + 1, type(int256).max];
        for (uint256 i; i < answers.length; ++i) {
            _odd.setRound(_round(2, answers[i], START + 1));
            _checkKept(ODD, PriceState.BOUND);
        }
        FeedConfig memory config = _oracle.feed(ODD);
        _odd.setRound(_round(2, MIN_ANSWER + 1, START + 1));
        _oracle.configure(ODD, config); // no step
        assertEq(_oracle.quote(ODD).price, 1e8 + 1);
        vm.warp(START + 2);
        _odd.setRound(_round(2, MAX_ANSWER - 1, START + 2));
        _oracle.configure(ODD, config);
        assertEq(_oracle.quote(ODD).price, 1_000_000e8 - 1);
    }

    function test_Sync_RejectsWrongDates() public {
        vm.warp(START + 1);
        uint256[5] memory dates = [START + 2, uint256(type(uint32).max) + START, type(uint256).max, START - 1, 0];
        for (uint256 i; i < dates.length; ++i) {
            _odd.setRound(_round(2, 2100e8, dates[i]));
            _checkKept(ODD, PriceState.BAD);
        }
        _odd.setRound(_round(2, 2100e8, START + 1));
        assertEq(_oracle.sync(ODD).price, 2100e8);
    }

    function test_Sync_RejectsARoundGoingBack() public {
        vm.warp(START + 1);
        _feed.setRound(0, 2100e8, START + 1);
        _checkKept(ETH, PriceState.BAD);
    }

    function test_Sync_IsStaleOneSecondAfterMaxAge() public {
        vm.warp(START + MAX_AGE);
        _checkKept(ETH, PriceState.OK);
        vm.warp(START + MAX_AGE + 1);
        _checkKept(ETH, PriceState.STALE);
    }

    function test_Sync_RecordsANewerAnswerThatIsAlreadyStale() public {
        vm.warp(START + MAX_AGE + 100);
        _feed.setRound(2, 1500e8, START + 99);
        Quote memory q = _oracle.sync(ETH);
        assertEq(q.price, 1500e8);
        assertEq(q.validUntil, START + MAX_AGE + 99);
        assertEq(uint8(q.state), uint8(PriceState.STALE));
    }

    function test_Sync_PrefersTheFeedsFaultToItsAge() public {
        vm.warp(START + MAX_AGE + 1);
        _odd.setFault(Fault.REVERT);
        _checkKept(ODD, PriceState.BAD);
    }

    /* UNITS */

    function testFuzz_Configure_ScalesDecimals(uint8 feedDecimals, uint8 lotDecimals, uint64 price) public {
        uint8[3] memory known = [6, 8, 18];
        feedDecimals = known[feedDecimals % 3];
        lotDecimals = uint8(bound(lotDecimals, 0, 8));
        uint256 decimals = uint256(feedDecimals) + lotDecimals;
        uint256 unit = decimals < 12 ? 10 ** (12 - decimals) : 1; // {u/lot} of an answer of one
        uint256 lots = decimals > 12 ? 10 ** (decimals - 12) : 1;
        uint256 answer = bound(price, 1, ((1 << 62) - 1) / unit) * lots + (lots - 1); // rounds down to the same price
        FeedConfig memory config = _config(address(_odd));
        (config.minAnswer, config.maxAnswer, config.lotDecimals) = (0, type(uint128).max, lotDecimals);
        _odd.setDecimals(abi.encode(feedDecimals));
        _odd.setRound(_round(1, int256(answer), START));

        _oracle.configure(2, config);
        assertEq(_oracle.quote(2).price, (answer / lots) * unit);
    }

    function test_Sync_RejectsPricesOutsideTheRange() public {
        FeedConfig memory config = _config(address(_odd));
        (config.minAnswer, config.maxAnswer, config.lotDecimals) = (0, type(uint128).max, 8);
        _odd.setDecimals(abi.encode(18));
        _odd.setRound(_round(1, 1e14, START)); // one u per lot
        _oracle.configure(2, config);
        assertEq(_oracle.quote(2).price, 1);
        assertEq(_oracle.quote(2).low, 0);
        assertEq(_oracle.quote(2).high, 2);

        vm.warp(START + 1);
        int256 limit = (1 << 62) * 1e14;
        int256[3] memory outside = [int256(1e14 - 1), limit, int256(uint256(type(uint128).max)) - 1];
        for (uint256 i; i < outside.length; ++i) {
            _odd.setRound(_round(2, outside[i], START + 1));
            Quote memory q = _oracle.sync(2);
            assertEq(q.price, 1);
            assertEq(uint8(q.state), uint8(PriceState.BAD));
        }
        _odd.setRound(_round(2, limit - 1, START + 1));
        _oracle.configure(2, config); // no step
        assertEq(_oracle.quote(2).price, (1 << 62) - 1);
        vm.warp(START + 1 days); // both averages at the largest price
        assertEq(_oracle.quote(2).high, 4634744448519524843); // ceil((2^62 - 1) * 1.005)
    }

    function test_Sync_HoldsBackAFeedThatChangesItsDecimals() public {
        vm.warp(START + 1);
        _feed.setDecimals(18);
        _feed.setRound(2, 2000e18, START + 1);
        _checkKept(ETH, PriceState.BOUND);
        FeedConfig memory config = _config(address(_feed));
        (config.minAnswer, config.maxAnswer) = (1e18, 1_000_000e18);
        _oracle.configure(ETH, config);
        assertEq(_oracle.quote(ETH).price, P0);
    }

    /* FAULTS */

    function test_Sync_SurvivesABrokenFeed() public {
        vm.warp(START + 1);
        _odd.setRound(_round(2, 2100e8, START + 1)); // would be valid
        Fault[4] memory faults = [Fault.REVERT, Fault.REVERT_BLOB, Fault.EAT_GAS, Fault.BLOB];
        for (uint256 i; i < faults.length; ++i) {
            _odd.setFault(faults[i]);
            uint256 before = gasleft();
            _oracle.sync(ODD);
            assertLt(before - gasleft(), 125_000, "gas");
            _checkKept(ODD, PriceState.BAD);
        }
        _odd.setFault(Fault.NONE);
        assertEq(_oracle.sync(ODD).price, 2100e8);
    }

    function test_Sync_RejectsMalformedReturns() public {
        vm.warp(START + 1);
        bytes memory valid = _round(2, 2100e8, START + 1);
        bytes[6] memory returned = [
            bytes(""),
            abi.encode(2100e8),
            _cut(valid, 159),
            bytes.concat(valid, hex"00"),
            abi.encode(uint256(1) << 80, 2100e8, START, START + 1, 2), // dirty roundId
            abi.encode(2, 2100e8, START, START + 1, type(uint256).max) // dirty answeredInRound
        ];
        for (uint256 i; i < returned.length; ++i) {
            _odd.setRound(returned[i]);
            _checkKept(ODD, PriceState.BAD);
        }
        _odd.setRound(abi.encode(type(uint80).max, 2100e8, type(uint256).max, START + 1, type(uint80).max));
        assertEq(_oracle.sync(ODD).price, 2100e8);
    }

    function test_Sync_SurvivesAFeedThatLostItsCode() public {
        vm.etch(address(_odd), "");
        _checkKept(ODD, PriceState.BAD);
    }

    /// @dev The feed needs most of its limit. Whoever starves the call may fail, but not make the feed look bad.
    function test_RevertWhen_TheFeedWouldBeStarved() public {
        vm.warp(START + 1);
        _odd.setRound(_round(2, 2100e8, START + 1));
        _odd.setFault(Fault.HEAVY);
        bytes memory latest = abi.encodeCall(IAggregatorV3.latestRoundData, ());
        (bool served, ) = address(_odd).staticcall{gas: _oracle.FEED_GAS() - 5_000}(latest);
        assertFalse(served, "no use of a feed that needs less");
        uint256 refused;
        uint256 answered;
        for (uint256 gas = 20_000; gas < 260_000; gas += 731) {
            (bool ok, bytes memory result) = address(_oracle).staticcall{gas: gas}(abi.encodeCall(IOracle.quote, ODD));
            if (ok) {
                ++answered;
                assertEq(uint8(abi.decode(result, (Quote)).state), uint8(PriceState.OK));
                assertEq(abi.decode(result, (Quote)).price, 2100e8);
            } else if (result.length != 0) {
                ++refused;
                assertEq(bytes4(result), IOracle.InsufficientGas.selector);
                (uint256 available, uint256 needed) = abi.decode(_cut(_skip(result, 4), 64), (uint256, uint256));
                assertEq(needed, _oracle.FEED_GAS_NEEDED());
                assertLt(available, needed);
                assertLt(available, gas);
            }
        }
        assertGt(refused, 100);
        assertGt(answered, 100);

        (bool synced, bytes memory reason) = address(_oracle).call{gas: 110_000}(abi.encodeCall(IOracle.sync, ODD));
        assertFalse(synced);
        assertEq(bytes4(reason), IOracle.InsufficientGas.selector);
    }

    /* HELPERS */

    function _config(address aggregator) private pure returns (FeedConfig memory) {
        return
            FeedConfig({
                aggregator: aggregator,
                maxAge: MAX_AGE,
                edgeBps: 50,
                jumpBps: type(uint16).max,
                lotDecimals: 4,
                minAnswer: uint128(uint256(MIN_ANSWER)),
                maxAnswer: uint128(uint256(MAX_ANSWER)),
                sequencer: address(0)
            });
    }

    function _round(uint80 roundId, int256 answer, uint256 updatedAt) private pure returns (bytes memory) {
        return abi.encode(roundId, answer, updatedAt, updatedAt, roundId);
    }

    function _checkConfigure(uint8 market, FeedConfig memory config, bytes memory reason) private {
        vm.expectRevert(reason);
        _oracle.configure(market, config);
    }

    /// @dev The first price is still the one on record, nothing was recorded, and the view agrees.
    function _checkKept(uint8 market, PriceState state) private {
        vm.recordLogs();
        Quote memory q = _oracle.sync(market);
        assertEq(vm.getRecordedLogs().length, 0);
        Quote memory kept = Quote(P0, 1990e8, 2010e8, P0, uint32(START) + MAX_AGE, 50, state);
        assertEq(abi.encode(q), abi.encode(kept));
        assertEq(abi.encode(_oracle.quote(market)), abi.encode(kept));
    }

    function _cut(bytes memory data, uint256 length) private pure returns (bytes memory out) {
        out = new bytes(length);
        for (uint256 i; i < length; ++i) out[i] = data[i];
    }

    function _skip(bytes memory data, uint256 count) private pure returns (bytes memory out) {
        out = new bytes(data.length - count);
        for (uint256 i; i < out.length; ++i) out[i] = data[i + count];
    }
}
