// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Vm} from "forge-std/Vm.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {Exposure, IRiskEngine, RiskReport, VolatilityLimits} from "../../contracts/interfaces/IRiskEngine.sol";
import {RiskEngine} from "../../contracts/RiskEngine.sol";
import {BaseTest} from "../helpers/Base.t.sol";
import {Deployer} from "../helpers/Deployer.sol";

/// @notice Levels: what asks for them, how they rise and how they fall. This contract is the margin engine.
contract RiskEngineTest is BaseTest {
    uint8 private constant ETH = 0;
    uint8 private constant BTC = 1;
    uint256 private constant START = 1_700_000_040; // {s} a whole minute
    uint64 private constant PRICE = 2_000e8; // {u/lot}
    uint256 private constant CAPACITY = 1_000_000; // {lot}
    uint256 private constant STAKE = 1e24; // {u}

    RiskEngine private risk;
    Exposure private calm;

    function setUp() public {
        vm.warp(START);
        risk = Deployer.risk(address(this), address(new AccessManager(address(this))));
        risk.setVolatilityLimits(ETH, VolatilityLimits(11_000, 17_000, 27_000, 43_000, 5_000));
        calm = Exposure({
            price: PRICE,
            state: PriceState.OK,
            openInterest: 100,
            capacity: CAPACITY,
            longs: 100,
            shorts: 100,
            fundingRate: 0,
            divergence: 0,
            depletion: 0,
            beyondMargin: 0,
            freeStake: STAKE
        });
    }

    /* VERBS */

    /// @dev The next minute's observation.
    function _observe(Exposure memory e) private returns (uint8) {
        vm.warp(vm.getBlockTimestamp() + 60);
        return risk.update(ETH, e);
    }

    function _used(uint256 lots) private view returns (Exposure memory e) {
        e = calm;
        e.openInterest = lots;
    }

    /// @dev Potential liabilities that the free stake covers `coverageBps` of.
    function _covered(uint256 coverageBps) private view returns (Exposure memory e) {
        e = calm;
        e.beyondMargin = 1e24; // potential liabilities 0.35e24
        e.freeStake = (0.35e24 * coverageBps) / 10_000;
    }

    function _at(uint8 level) private {
        Exposure memory e = _covered(
            level == 4
                ? 6_999
                : level == 3
                    ? 9_999
                    : level == 2
                        ? 11_999
                        : 14_999
        );
        _observe(e);
        assertEq(_observe(e), level);
    }

    /* WHO */

    function test_RevertWhen_CallerIsNotTheEngine() public {
        vm.expectRevert(abi.encodeWithSelector(IRiskEngine.NotEngine.selector, address(1)));
        vm.prank(address(1));
        risk.update(ETH, calm);
        vm.expectRevert(abi.encodeWithSelector(IRiskEngine.NotEngine.selector, address(1)));
        vm.prank(address(1));
        risk.close(ETH);
    }

    function test_RevertWhen_CallerDoesNotGovern() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(1)));
        vm.prank(address(1));
        risk.setVolatilityLimits(ETH, VolatilityLimits(1, 2, 3, 4, 1));
    }

    function test_RevertWhen_LimitsDoNotRise() public {
        VolatilityLimits[5] memory wrong = [
            VolatilityLimits(0, 2, 3, 4, 1),
            VolatilityLimits(2, 2, 3, 4, 1),
            VolatilityLimits(1, 3, 3, 4, 1),
            VolatilityLimits(1, 2, 4, 4, 1),
            VolatilityLimits(1, 2, 3, 4, 0)
        ];
        uint256[2][5] memory said = [
            [uint256(0), 0],
            [uint256(2), 2],
            [uint256(3), 3],
            [uint256(4), 4],
            [uint256(0), 0]
        ];
        for (uint256 i; i < 5; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRiskEngine.LimitsNotAscending.selector, said[i][0], said[i][1]));
            risk.setVolatilityLimits(ETH, wrong[i]);
        }
    }

    function test_Update_AMarketWithoutLimitsIsAtNoLevel() public {
        Exposure memory e = _covered(1);
        for (uint256 i; i < 3; ++i) {
            vm.warp(vm.getBlockTimestamp() + 60);
            assertEq(risk.update(BTC, e), 0);
        }
        assertEq(risk.liabilities(), 0);
    }

    /* INPUTS */

    function test_Update_UseAsksForAtMostThree() public {
        uint256[4] memory lots = [uint256(500_000), 875_000, 1_250_000, 1_750_000]; // twice it: 1, 1.75, 2.5, 3.5
        for (uint8 i; i < 4; ++i) {
            _observe(_used(lots[i] - 50)); // 1 bps
            assertEq(risk.report(ETH).wanted, i, "below");
            _observe(_used(lots[i]));
            uint8 asked = i == 3 ? 3 : i + 1;
            assertEq(risk.report(ETH).wanted, asked);
            assertEq(risk.report(ETH).use.level, asked);
        }
        _observe(_used(type(uint56).max));
        assertEq(risk.report(ETH).wanted, 3);
        Exposure memory none = calm;
        none.capacity = 0;
        _observe(none);
        assertEq(risk.report(ETH).wanted, 3, "no stake at all");
        none.openInterest = 0;
        _observe(none);
        assertEq(risk.report(ETH).wanted, 0, "and nothing open");
    }

    function test_Update_CoverageAsksForUpToFour() public {
        uint256[4] memory bps = [uint256(15_000), 12_000, 10_000, 7_000];
        for (uint8 i; i < 4; ++i) {
            _observe(_covered(bps[i]));
            assertEq(risk.report(ETH).wanted, i, "exactly covered");
            _observe(_covered(bps[i] - 1));
            assertEq(risk.report(ETH).wanted, i + 1);
        }
    }

    /// @dev What one market may cost counts for all.
    function test_Update_CoverageIsOfAllMarketsTogether() public {
        risk.setVolatilityLimits(BTC, VolatilityLimits(11_000, 17_000, 27_000, 43_000, 5_000));
        Exposure memory e = _covered(20_000);
        _observe(e);
        assertEq(risk.report(ETH).wanted, 0);
        risk.update(BTC, e);
        assertEq(risk.liabilities(), 2 * 0.35e24);
        assertEq(risk.report(BTC).wanted, 2, "100 % of both"); // 10,000 is not below 10,000
        _observe(e);
        assertEq(risk.report(ETH).wanted, 2);
        e.beyondMargin = 0;
        vm.warp(vm.getBlockTimestamp() + 60);
        risk.update(BTC, e);
        assertEq(risk.liabilities(), 0.35e24);
    }

    /// @dev Prices that move by 1 % and back every minute are a volatility of 725 % a year, once the average is there.
    function test_Update_VolatilityAsks() public {
        for (uint256 i; i < 1000; ++i) {
            calm.price = i % 2 == 0 ? PRICE : (PRICE * 101) / 100;
            _observe(calm);
        }
        (uint256 variance, uint256 fast, , ) = risk.variances(ETH);
        assertGe(variance, fast);
        assertGt(variance, 4.3e18 * 4.3);
        assertEq(risk.report(ETH).volatility.level, 4);
        assertEq(risk.level(ETH), 4);
    }

    function test_Update_ACrowdedSideThatPaysIsOneMore() public {
        Exposure memory e = _used(500_000); // asks for one
        (e.longs, e.shorts, e.fundingRate) = (600, 400, 1_000_000); // 60 %, 10 bp
        _observe(e);
        assertTrue(risk.report(ETH).isCrowded);
        assertEq(risk.report(ETH).wanted, 2);

        e.shorts = 401;
        _observe(e);
        assertEq(risk.report(ETH).wanted, 1, "below 60 %");
        e.shorts = 400;
        e.openInterest = 1;
        _observe(e);
        assertEq(risk.report(ETH).wanted, 0, "nothing that matters is open");
    }

    function test_Update_FundingThatGoesTheOtherWayIsNoCrowd() public {
        Exposure memory e = _used(500_000);
        (e.longs, e.shorts, e.fundingRate) = (600, 400, -1_000_000);
        _observe(e);
        assertFalse(risk.report(ETH).isCrowded);
        (e.longs, e.shorts) = (400, 600);
        _observe(e);
        assertTrue(risk.report(ETH).isCrowded);
    }

    /// @dev Half a day's weight takes half a day: a spoofed rate of one minute is worth a 2,000th of itself.
    function test_Update_FundingIsAnAverageOfADay() public {
        Exposure memory e = calm;
        _observe(e);
        e.fundingRate = 4e7;
        _observe(e);
        assertApproxEqAbs(risk.report(ETH).funding.value, 19_249, 2); // 4e7 (1 - 2^(-1/1440))
        e.fundingRate = 1e6;
        vm.warp(vm.getBlockTimestamp() + 30 days);
        risk.update(ETH, e);
        assertApproxEqAbs(risk.report(ETH).funding.value, 509_624, 2, "one observation is a day at most");
    }

    /* WAYS */

    function test_Update_RisesOneStepAtOnceAndMoreWhenAskedTwice() public {
        vm.expectEmit(address(risk));
        emit IRiskEngine.LevelSet(ETH, 0, 1);
        assertEq(_observe(_covered(1)), 1);
        vm.expectEmit(address(risk));
        emit IRiskEngine.LevelSet(ETH, 1, 4);
        assertEq(_observe(_covered(1)), 4);
    }

    function test_Update_OneForgedObservationIsOneStep() public {
        assertEq(_observe(_covered(1)), 1);
        assertEq(_observe(calm), 1);
        assertEq(_observe(_covered(1)), 2, "not twice in a row");
    }

    function test_Update_FallsAStepAfterEachDwell() public {
        _at(4);
        uint256[4] memory dwell = [uint256(4 hours), 2 hours, 1 hours, 30 minutes];
        for (uint8 i; i < 4; ++i) {
            uint8 at = 4 - i;
            if (i == 0) assertEq(_observe(calm), at, "the first calm observation starts the dwell");
            uint256 since = vm.getBlockTimestamp();
            assertEq(risk.report(ETH).calmSince, since);
            assertEq(risk.report(ETH).fallsAt, since + dwell[i]);
            vm.warp(since + dwell[i] - 61);
            assertEq(_observe(calm), at, "not a second early");
            vm.warp(since + dwell[i]);
            vm.expectEmit(address(risk));
            emit IRiskEngine.LevelSet(ETH, at, at - 1);
            assertEq(risk.update(ETH, calm), at - 1);
        }
        assertEq(risk.report(ETH).calmSince, 0);
        assertEq(risk.report(ETH).fallsAt, 0);
    }

    /// @dev Left below 75 % of the limit only: for coverage 15,000 / 0.75 = 20,000.
    function test_Update_StaysWhileNotCalm() public {
        _at(1);
        assertEq(risk.report(ETH).coverage.calmAt, 20_000);
        for (uint256 i; i < 60; ++i) assertEq(_observe(_covered(19_999)), 1);
        assertEq(risk.report(ETH).calmSince, 0);
        _observe(_covered(20_000));
        for (uint256 i; i < 30; ++i) _observe(_covered(20_000));
        assertEq(risk.level(ETH), 0);
    }

    function test_Update_AnyRestlessObservationStartsTheDwellAgain() public {
        _at(1);
        for (uint256 i; i < 29; ++i) _observe(calm);
        _observe(_used(400_000)); // 80 % of the limit
        assertEq(risk.report(ETH).calmSince, 0);
        for (uint256 i; i < 30; ++i) assertEq(_observe(calm), 1);
        assertEq(_observe(calm), 0);
    }

    function test_Update_WithinAMinuteOnlySaysTheLevel() public {
        _observe(_covered(14_999));
        vm.warp(vm.getBlockTimestamp() + 59);
        vm.recordLogs();
        assertEq(risk.update(ETH, _covered(1)), 1);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    /// @dev As long as nobody can see the market; the level itself has not risen.
    function test_Update_ABlindMarketIsAtThreeAtLeast() public {
        for (uint8 state; state <= uint8(PriceState.BAD); ++state) {
            calm.state = PriceState(state);
            uint8 seen = state <= uint8(PriceState.WIDE) ? 0 : risk.BLIND();
            assertEq(_observe(calm), seen);
            assertEq(risk.update(ETH, calm), seen, "within the minute too");
            assertEq(risk.level(ETH), 0);
        }
        calm.state = PriceState.OK;
        _at(4);
        calm.state = PriceState.BAD;
        assertEq(_observe(calm), 4);
    }

    function test_Update_ABlindMarketsPriceIsNotObserved() public {
        _observe(calm);
        (uint256 before, , , ) = risk.variances(ETH);
        (calm.price, calm.state) = (1, PriceState.JUMP);
        _observe(calm);
        (uint256 after_, , , ) = risk.variances(ETH);
        assertEq(after_, before);
    }

    /* VIEWS */

    /// @dev Each input, brought to what the report says would change it, does change it.
    function test_Report_SaysWhatWouldChangeIt() public {
        _observe(_used(100));
        RiskReport memory r = risk.report(ETH);
        _observe(_used((r.use.upAt * CAPACITY) / 20_000));
        assertEq(risk.report(ETH).use.level, 1);
        assertEq(risk.level(ETH), 1);
        r = risk.report(ETH);
        _observe(_used((r.use.calmAt * CAPACITY) / 20_000));
        assertEq(risk.report(ETH).calmSince, 0, "at it: not calm");
        _observe(_used(((r.use.calmAt - 1) * CAPACITY) / 20_000));
        assertEq(risk.report(ETH).calmSince, vm.getBlockTimestamp());

        _observe(_covered(risk.report(ETH).coverage.upAt - 1));
        assertEq(risk.report(ETH).coverage.level, 1);
        assertEq(risk.report(ETH).volatility.upAt, 1.1e18 * 1.1);
        assertEq(risk.report(ETH).volatility.calmAt, (1.1e18 * 1.1 * 9) / 16);
        assertEq(risk.report(ETH).funding.upAt, 500_000);
    }

    function test_Update_SaysWhatItObserved() public {
        Exposure memory e = _covered(13_000);
        (e.openInterest, e.fundingRate, e.divergence, e.depletion) = (500_000, -700_000, 70, 800);
        vm.warp(START + 60);
        vm.recordLogs();
        risk.update(ETH, e);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 2);
        assertEq(logs[1].topics[0], IRiskEngine.Observed.selector);
        assertEq(logs[1].topics[1], bytes32(uint256(ETH)));
        assertEq(logs[1].data, abi.encode(0.25e18, 10_000, 13_000, 70, 800, -700_000, 1, 1));
    }

    /// @dev At 4 nobody could open the trade that brings a curve back to the index.
    function test_Update_ACurveAsksForThreeAtMost() public {
        uint16[5] memory apart = [uint16(99), 100, 200, 400, 65_535];
        uint16[5] memory gone = [uint16(3_999), 4_000, 6_000, 8_000, 10_000];
        uint8[5] memory asked = [0, 1, 2, 3, 3];
        for (uint256 i; i < 5; ++i) {
            uint256 snapshot = vm.snapshotState();
            Exposure memory e = calm;
            e.divergence = apart[i];
            for (uint256 k; k < 5; ++k) _observe(e);
            assertEq(risk.level(ETH), asked[i]);
            assertEq(risk.report(ETH).divergence.level, asked[i]);
            vm.revertToState(snapshot);
            e = calm;
            e.depletion = gone[i];
            for (uint256 k; k < 5; ++k) _observe(e);
            assertEq(risk.level(ETH), asked[i]);
            assertEq(risk.report(ETH).depletion.level, asked[i]);
            vm.revertToState(snapshot);
        }
    }

    /// @dev A minute is observed once. Its later prices widen the range, and the last one counts as the next minute begins.
    function test_Update_OfTheSameMinuteOnlyShowsThePrice() public {
        _observe(calm);
        (uint256 before, uint256 fast, , ) = risk.variances(ETH);
        Exposure memory e = _covered(1);
        e.price = (PRICE * 98) / 100;
        vm.warp(vm.getBlockTimestamp() + 59);
        assertEq(risk.update(ETH, e), 0);
        (uint256 widened, uint256 same, , ) = risk.variances(ETH);
        assertGt(widened, before);
        assertEq(same, fast);

        vm.warp(vm.getBlockTimestamp() + 1);
        risk.update(ETH, calm); // back where it was
        (, uint256 counted, , ) = risk.variances(ETH);
        assertGt(counted, fast, "the fall");
        _observe(calm);
        (, uint256 again, , ) = risk.variances(ETH);
        assertGt(again, counted, "and the way back");
    }

    /* PROPERTIES */

    /// @dev No exposure makes it revert, no level leaves its range, and a step up of more than one was asked for twice.
    function testFuzz_Update_NeverRevertsAndClimbsByTheRules(uint256 seed) public {
        uint8 asked;
        for (uint256 i; i < 20; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            Exposure memory e = _any(seed);
            vm.warp(vm.getBlockTimestamp() + ((seed >> 240) % 10_000));
            bool isDue = vm.getBlockTimestamp() / 60 != risk.report(ETH).updatedAt / 60;
            uint8 from = risk.level(ETH);
            uint8 said = risk.update(ETH, e);
            RiskReport memory r = risk.report(ETH);
            bool isSeen = e.state <= PriceState.WIDE;
            assertEq(said, isSeen || r.level > 3 ? r.level : 3);
            assertLe(r.level, 4);
            if (!isDue) assertEq(r.level, from);
            if (r.level > from + 1) assertGe(asked, r.level, "asked for twice");
            if (r.level > from) assertLe(r.level, r.wanted);
            if (r.level < from) assertEq(r.level, from - 1, "down by one");
            asked = r.wanted;
        }
    }

    function _any(uint256 seed) private pure returns (Exposure memory e) {
        e.price = uint64(1 + (seed % ((1 << 62) - 1)));
        e.state = PriceState((seed >> 64) % 6);
        e.openInterest = (seed >> 70) >> (200 + ((seed >> 8) % 56)); // every size up to 2^56 and nothing
        e.openInterest %= 1 << 56;
        e.capacity = (seed >> 16) % ((1 << ((seed >> 80) % 48)));
        e.longs = (seed >> 100) % (1 << 56);
        e.shorts = (seed >> 120) % (1 << ((seed >> 90) % 57));
        e.fundingRate = int256((seed >> 130) % 8e7) - 4e7;
        e.beyondMargin = (seed >> 20) % (1 << ((seed >> 110) % 128));
        e.freeStake = (seed >> 40) % (1 << ((seed >> 150) % 200));
    }
}
