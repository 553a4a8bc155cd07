// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Fill, Health, IMarginEngine, MarketRules, Valuation} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {IRiskEngine, VolatilityLimits} from "../../contracts/interfaces/IRiskEngine.sol";
import {LevelLib} from "../../contracts/libraries/LevelLib.sol";
import {EngineBase} from "../helpers/EngineBase.t.sol";

/// @notice What an intervention level does to a market, and to whom it does nothing.
contract MarginEngineLevelsTest is EngineBase {
    uint56 private constant LOTS = 1_000_000; // {lot} $200,000, of which the pool may have to pay $18,900
    uint256[5] private stakes = [uint256(10_000_000), 86_400, 54_000, 37_800, 13_000]; // {USD} that ask for each level

    IRiskEngine private risk;

    function setUp() public override {
        super.setUp();
        risk = IRiskEngine(engine.risk());
        risk.setVolatilityLimits(ETH, VolatilityLimits(60_000, 61_000, 62_000, 63_000, 1_000));
    }

    /// @dev Free stake falls until it asks for `level`, twice, and comes back: the level stays for its dwell.
    function _raise(uint8 level) private {
        _syncWith(stakes[level]);
        _syncWith(stakes[level]);
        _syncWith(stakes[0]);
        assertEq(engine.markets(ETH).level, level);
        assertEq(risk.level(ETH), level);
    }

    function _syncWith(uint256 usd) private {
        pool.setStake(usd * 1e6, type(uint128).max);
        _warp(60);
        engine.sync(ETH);
    }

    /* TABLE */

    function test_Levels_AreTheTable() public pure {
        uint16[5] memory initial = [10_000, 11_000, 12_500, 15_000, 20_000];
        uint16[5] memory cap = [10_000, 7_500, 5_000, 5_000, 5_000];
        uint16[5] memory premium = [10_000, 10_000, 12_500, 15_000, 20_000];
        uint16[5] memory fee = [0, 100, 300, 600, 1_000];
        for (uint256 level; level < 5; ++level) {
            assertEq(LevelLib.initialBps(level), initial[level]);
            assertEq(LevelLib.capBps(level), cap[level]);
            assertEq(LevelLib.premiumBps(level), premium[level]);
            assertEq(LevelLib.takerFeePpm(level), fee[level]);
        }
    }

    /* WHEN */

    function test_Sync_ObservesOnceAMinute() public {
        _open(100_000, LOTS);
        vm.warp(vm.getBlockTimestamp() - (vm.getBlockTimestamp() % 60) + 60);
        _syncWith(stakes[4]);
        assertEq(engine.markets(ETH).level, 1);
        _warp(59);
        engine.sync(ETH);
        assertEq(engine.markets(ETH).level, 1, "the same minute");
        _warp(1);
        engine.sync(ETH);
        assertEq(engine.markets(ETH).level, 4);
    }

    function test_Sync_AMarketWithoutLimitsHasNoLevel() public {
        _deposit(alice, 100_000);
        _deposit(bob, 100_000);
        _trade(ALT, alice, bob, LOTS);
        pool.setStake(1, 1);
        for (uint256 i; i < 3; ++i) {
            _warp(60);
            engine.sync(ALT);
            assertEq(engine.markets(ALT).level, 0);
        }
    }

    /// @dev While nobody can see the price, and only then.
    function test_Sync_ABlindMarketIsAtThree() public {
        vm.warp(vm.getBlockTimestamp() + 60);
        feeds[ETH].setRound(99, -1, vm.getBlockTimestamp());
        engine.sync(ETH);
        assertEq(uint8(engine.markets(ETH).state), uint8(PriceState.BAD));
        assertEq(engine.markets(ETH).level, 3);
        vm.warp(vm.getBlockTimestamp() + 60);
        feeds[ETH].setRound(100, 2_000e8, vm.getBlockTimestamp());
        engine.sync(ETH);
        assertEq(engine.markets(ETH).level, 0);
    }

    /* WHAT */

    function test_Level_RaisesInitialMarginAndNeverMaintenance() public {
        _open(100_000, LOTS);
        for (uint8 level = 1; level <= 4; ++level) {
            uint256 snapshot = vm.snapshotState();
            Health memory before = engine.health(alice, Valuation.UNFAVOURABLE);
            _raise(level);
            Health memory now_ = engine.health(alice, Valuation.UNFAVOURABLE);
            assertEq(now_.maintenance, before.maintenance);
            assertEq(now_.equity, before.equity);
            assertApproxEqAbs(now_.initial, (before.initial * LevelLib.initialBps(level)) / 1e4, 2e11); // one D18 of $200,000
            vm.revertToState(snapshot);
        }
    }

    function test_Level_LowersTheCapForWhatIsNew() public {
        _open(100_000, LOTS);
        _raise(2);
        uint256 cap = uint256(engine.markets(ETH).openInterestCap) / 2;
        uint256 room = cap - LOTS;
        _deposit(carol, 200_000_000);
        _deposit(keeper, 200_000_000);
        Fill memory order = _fill(ETH, carol, keeper, uint56(room + 1), 2_000e8);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.OpenInterestAboveCap.selector, cap + 1, cap));
        engine.fill(order);
        _trade(carol, keeper, uint56(room));
        assertEq(engine.markets(ETH).openInterest, cap);
    }

    function test_Level_AddsToTheTakerFee() public {
        _open(100_000, LOTS);
        _raise(3);
        _deposit(carol, 100_000);
        (int256 taker, int256 maker) = (_equity(carol), _equity(bob));
        _trade(carol, bob, 10_000); // $2,000: 6 bp
        assertEq(taker - _equity(carol), 12e11);
        assertEq(_equity(bob), maker);
    }

    function test_Level_RaisesThePremiumFromTheNextSyncOn() public {
        MarketRules memory r = _rules();
        r.premiumRate = 1e6;
        engine.setMarket(ETH, _params(), r);
        _open(100_000, LOTS);
        (uint256 used, uint256 calm) = engine.premiumOf(ETH);
        _raise(3);
        (uint256 usedNow, uint256 rate) = engine.premiumOf(ETH);
        assertEq(usedNow, used, "use is of the cap at level 0");
        assertApproxEqAbs(rate, (calm * 3) / 2, 2); // each is rounded up
        int256 fees = _cash(FEES);
        _warp(28_800 / 8);
        engine.sync(ETH);
        assertApproxEqRel(uint256(_cash(FEES) - fees), (uint256(2 * 200_000e12) * rate) / 8 / 1e9, 1e10);
    }

    function test_Level_FourTakesNoNewRisk() public {
        _open(100_000, LOTS);
        _raise(4);
        _deposit(carol, 100_000);
        Fill memory order = _fill(ETH, carol, bob, 1000, 2_000e8);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.LevelTooHigh.selector, ETH, 4));
        engine.fill(order);
        _trade(bob, alice, 1000); // both reduce
        _withdrawAll(carol);
    }

    function _withdrawAll(uint256 id) private {
        uint256 amount = uint256(_cash(id)) / 1e6;
        vm.prank(_owner(id));
        engine.withdraw(id, amount, amount, _owner(id));
        assertEq(_cash(id), 0);
    }

    /// @dev What a settled market might have cost must not count against the others for ever.
    function test_Settlement_TakesTheMarketOutOfTheLiabilities() public {
        _warp(14 days);
        _open(100_000, LOTS);
        _syncWith(stakes[0]);
        assertEq(risk.liabilities(), 18_900e12);
        engine.windDown(ETH);
        _warp(1 days);
        engine.sync(ETH);
        _warp(31 minutes);
        engine.fixSettlementPrice(ETH);
        assertEq(risk.liabilities(), 0);
    }

    /* PROPERTIES */

    /// @dev Stake that leaves, levels that rise, limits and terms that governance sets: nobody is liquidatable for it in this block,
    /// nor a minute later.
    function testFuzz_NoActionOfStakersOrGovernanceMakesAnybodyLiquidatable(uint256 seed) public {
        _open(10_600, LOTS);
        _setPrice(ETH, 1_960e8); // alice keeps a little more than maintenance
        (int256 equity, uint256 mm) = (_equity(alice), _mm(alice));
        for (uint256 i; i < 8; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _act(seed);
            if (seed % 2 == 0) _warp(60);
            engine.sync(ETH);
            assertEq(_equity(alice), equity);
            assertLe(_mm(alice), mm);
            vm.expectPartialRevert(IMarginEngine.Healthy.selector);
            engine.flag(alice);
        }
    }

    function _act(uint256 seed) private {
        uint256 kind = seed % 5;
        uint256 x = seed >> 8;
        if (kind == 0) pool.setStake(x % 1e14, x % 1e14);
        if (kind == 1) {
            uint16 level1 = uint16(1 + (x % 60_000));
            risk.setVolatilityLimits(ETH, VolatilityLimits(level1, level1 + 1, level1 + 2, level1 + 3, 60_000));
        }
        if (kind == 2) {
            MarketRules memory r = _rules();
            (r.shockBps, r.stakeShareBps) = (uint16(bound(x, 400, 9000)), uint16(x % 10_001));
            engine.setMarket(ETH, _params(), r);
        }
        if (kind == 3) {
            vm.prank(guardian);
            try engine.pauseMarket(ETH) {} catch {}
        }
        if (kind == 4) oracle.configure(ETH, oracle.feed(ETH));
    }
}
