// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Vm} from "forge-std/Vm.sol";
import {IMarginEngine, Market, MarketParams, MarketRules} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {EngineBase} from "../helpers/EngineBase.t.sol";

contract MarginEngineSyncTest is EngineBase {
    uint256 internal constant DEN = 1e9 * 28_800;

    function _terms(int32 interest, uint32 skew, uint24 premium) private {
        MarketRules memory r = _rules();
        (r.interestRate, r.skewFactor, r.premiumRate) = (interest, skew, premium);
        engine.setMarket(ETH, _params(), r);
    }

    function test_RevertWhen_MarketIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 2));
        engine.sync(2);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 64));
        engine.sync(64);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 255));
        engine.sync(255);
    }

    function test_Sync_StoresTheQuote() public {
        _warp(100);
        feeds[ETH].setAnswer(2_100e8);
        vm.warp(vm.getBlockTimestamp() + 1);
        feeds[ETH].setAnswer(2_100e8);
        vm.recordLogs();
        vm.prank(guardian); // anyone
        engine.sync(ETH);
        Market memory m = engine.markets(ETH);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory synced = logs[logs.length - 1];
        assertEq(synced.emitter, address(engine));
        assertEq(synced.topics[0], IMarginEngine.Synced.selector);
        assertEq(synced.topics[1], bytes32(uint256(ETH)));
        assertEq(synced.data, abi.encode(m, uint256(0)));
        assertEq(m.price, 2_100e8);
        assertEq(m.syncedAt, vm.getBlockTimestamp());
        assertEq(m.validUntil, vm.getBlockTimestamp() + 3600);
        assertEq(m.high, (2_100e8 * uint256(10_025)) / 10_000);
        assertLe(m.low, 2_000e8); // the short average has not followed yet
        assertGe(m.low, 1_995e8);
        assertEq(m.slow, oracle.quote(ETH).slow);
        assertEq(m.edgeBps, 25);
    }

    function test_Sync_ABadFeedKeepsTheLastPriceAndAccruesNothingMore() public {
        _terms(100_000, 0, 25_000);
        _open(50_000, 1_000_000);
        vm.warp(vm.getBlockTimestamp() + 100);
        feeds[ETH].setRound(99, -1, vm.getBlockTimestamp());
        engine.sync(ETH);
        Market memory m = engine.markets(ETH);
        assertEq(m.price, ETH_PRICE);
        assertEq(uint8(m.state), uint8(PriceState.BAD));
        vm.warp(vm.getBlockTimestamp() + 1000);
        engine.sync(ETH);
        assertEq(engine.markets(ETH).indexLong, m.indexLong);
        assertEq(engine.markets(ETH).indexShort, m.indexShort);
        assertEq(engine.markets(ETH).fundingRemainder, m.fundingRemainder);
        _assertConserved();
    }

    function test_Sync_FundingEndsWithTheValidityOfThePrice() public {
        _terms(100_000, 0, 0);
        _open(50_000, 1_000_000);
        vm.warp(vm.getBlockTimestamp() + 3 hours);
        engine.sync(ETH);
        assertEq(uint256(int256(engine.markets(ETH).indexLong)), (uint256(ETH_PRICE) * 100_000 * 3600) / DEN);
        assertEq(uint8(engine.markets(ETH).state), uint8(PriceState.STALE));
    }

    /// @dev Longs pay shorts u for u, both pay the premium, and the sum is nil to the last unit.
    function testFuzz_Sync_FundingAndPremiumMoveExactAmounts(int256 interest, uint256 premium, uint256 dt) public {
        interest = bound(interest, -4e6, 4e6);
        premium = bound(premium, 0, 1e7);
        dt = bound(dt, 1, 3600);
        _terms(int32(interest), 0, uint24(premium));
        _open(100_000, 1_000_000);
        int256 long = _equity(alice);
        int256 short = _equity(bob);
        uint256 cap = engine.markets(ETH).openInterestCap;
        uint256 used = (1_000_000e6 + cap - 1) / cap; // {1e-6}
        assertLt(used, 800_000); // below the kink
        premium = (premium * (1e6 + used) + 1e6 - 1) / 1e6;
        (uint256 utilisation, uint256 rate) = engine.premiumOf(ETH);
        assertEq(utilisation, used);
        assertEq(rate, premium);
        vm.warp(vm.getBlockTimestamp() + dt);
        engine.sync(ETH);

        int256 acc = int256(uint256(ETH_PRICE) * dt) * interest;
        int256 f = acc / int256(DEN);
        if (acc < 0 && f * int256(DEN) != acc) --f;
        int256 q = int256((uint256(ETH_PRICE) * dt * premium) / DEN);
        assertEq(_equity(alice), long - (f + q) * 1_000_000);
        assertEq(_equity(bob), short + (f - q) * 1_000_000);
        assertEq(_cash(FEES), 2 * q * 1_000_000);
        assertEq(int256(uint256(engine.markets(ETH).fundingRemainder)), acc - f * int256(DEN));
        _assertConserved();
    }

    function test_Sync_FundingDoesNotDependOnHowOftenItRuns() public {
        _terms(123_457, 0, 0);
        _open(100_000, 1_000_000);
        uint256 start = vm.getBlockTimestamp();
        uint256 snapshot = vm.snapshotState();
        vm.warp(start + 3600);
        engine.sync(ETH);
        int64 once = engine.markets(ETH).indexLong;
        uint48 remainder = engine.markets(ETH).fundingRemainder;
        vm.revertToState(snapshot);
        for (uint256 t = 7; t < 3600; t += 7) {
            vm.warp(start + t);
            engine.sync(ETH);
            engine.sync(ETH); // twice in a block changes nothing
        }
        vm.warp(start + 3600);
        engine.sync(ETH);
        assertEq(engine.markets(ETH).indexLong, once);
        assertEq(engine.markets(ETH).fundingRemainder, remainder);
    }

    function test_Sync_InventoryTurnsFundingAgainstTheOtherSide() public {
        _terms(100, 1_000_000, 0);
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_900e8);
        engine.takeover(alice, keeper); // the inventory is the whole long side
        vm.warp(vm.getBlockTimestamp() + 1);
        engine.sync(ETH);
        assertEq(engine.markets(ETH).fundingRate, 100 - 1_000_000); // shorts pay
    }

    function test_Sync_CapFollowsFreeStake() public {
        assertEq(_capOf(54_000e6 - 1), 999_999); // rounded down
        assertEq(_capOf(54_000e6), 1_000_000);
        assertEq(_capOf(0), 0);
        assertEq(_capOf(type(uint128).max), 1 << 47);
    }

    function test_Sync_CapIsThatOfTheMinute() public {
        vm.warp(60 * (vm.getBlockTimestamp() / 60 + 2));
        pool.setStake(54_000e6, 0);
        engine.sync(ETH);
        pool.setStake(27_000e6, 0);
        vm.warp(vm.getBlockTimestamp() + 59);
        engine.sync(ETH);
        assertEq(engine.markets(ETH).openInterestCap, 1_000_000);
        vm.warp(vm.getBlockTimestamp() + 1);
        engine.sync(ETH);
        assertEq(engine.markets(ETH).openInterestCap, 500_000);
    }

    function test_SetMarket_SetsTheCapWithinTheMinute() public {
        assertEq(_capOf(54_000e6), 1_000_000);
        MarketRules memory r = _rules();
        r.stakeShareBps = 2500;
        engine.setMarket(ETH, _params(), r);
        assertEq(engine.markets(ETH).openInterestCap, 250_000);
    }

    /// @dev {lot} after a minute with that stake
    function _capOf(uint256 stake) private returns (uint256) {
        pool.setStake(stake, 0);
        vm.warp(vm.getBlockTimestamp() + 60);
        engine.sync(ETH);
        return engine.markets(ETH).openInterestCap;
    }

    function test_Sync_StakeThatLeavesMakesNobodyLiquidatable() public {
        _open(10_600, 1_000_000);
        uint256 mm = _mm(alice);
        pool.setStake(0, 0);
        _warp(60);
        engine.sync(ETH);
        assertEq(_mm(alice), mm);
        vm.expectPartialRevert(IMarginEngine.Healthy.selector);
        engine.flag(alice);
    }

    function test_Sync_MaintenanceRampsUpAndFallsAtOnce() public {
        MarketParams memory p = _params();
        p.maintenanceBps = 310;
        engine.setMarket(ETH, p, _rules());
        uint256 start = vm.getBlockTimestamp();
        assertEq(engine.marketParams(ETH).maintenanceBps, 300);
        assertEq(engine.marketRules(ETH).maintenanceTargetBps, 310);
        uint256[5] memory at = [uint256(359), 360, 719, 3599, 9000];
        uint16[5] memory bps = [300, 301, 301, 309, 310];
        for (uint256 i; i < 5; ++i) {
            vm.warp(start + at[i]);
            engine.sync(ETH);
            assertEq(engine.marketParams(ETH).maintenanceBps, bps[i]);
        }
        _warp(1);
        p.maintenanceBps = 200;
        engine.setMarket(ETH, p, _rules());
        assertEq(engine.marketParams(ETH).maintenanceBps, 200);
    }

    function test_Sync_IndexOutOfRangeStandsStill() public {
        // the largest price an oracle accepts, the largest rates: years of it in steps
        MarketRules memory r = _rules();
        (r.interestRate, r.fundingCap, r.premiumRate) = (1e7, 4e7, 1e7);
        feeds[ETH].setRound(50, int256((1 << 62) - 1), vm.getBlockTimestamp() + 1);
        vm.warp(vm.getBlockTimestamp() + 1);
        oracle.configure(ETH, oracle.feed(ETH)); // no step
        engine.setMarket(ETH, _params(), r);
        for (uint256 i; i < 600; ++i) {
            _warp(3600);
            engine.sync(ETH);
        }
        Market memory m = engine.markets(ETH);
        _warp(3600);
        engine.sync(ETH);
        assertEq(engine.markets(ETH).indexLong, m.indexLong);
        assertEq(engine.markets(ETH).indexShort, m.indexShort);
        assertEq(engine.markets(ETH).fundingRemainder, m.fundingRemainder);
        assertLt(int256(m.indexLong), int256(1) << 62);
        assertGt(m.indexLong, 0);
    }
}
