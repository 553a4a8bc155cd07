// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Vm} from "forge-std/Vm.sol";
import {DrawReason} from "../../contracts/interfaces/ICapitalStack.sol";
import {Health, IMarginEngine, Market, MarketParams, Valuation} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {EngineBase, PoolDouble} from "../helpers/EngineBase.t.sol";

contract MarginEngineTakeoverTest is EngineBase {
    /// @dev Puts `usd` into the market's bucket by a trade at a fee of 1 %.
    function _fund(uint8 m, uint256 usd) private {
        MarketParams memory p = _params();
        p.takerFeePpm = 10_000;
        engine.setMarket(m, p, _rules());
        _deposit(carol, 10_000_000);
        _deposit(bob, 10_000_000);
        _trade(m, carol, bob, uint56((usd * 100 * USD) / engine.markets(m).price));
        engine.setMarket(m, _params(), _rules());
        assertEq(engine.markets(m).bucket, usd * USD);
    }

    function _bankrupt() private {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_880e8); // E = - 1,000
    }

    function _bankruptLongAgo() private {
        _open(11_000, 1_000_000);
        _setPriceLongAgo(ETH, 1_880e8);
    }

    /* WHEN */

    function test_RevertGiven_AccountIsHealthy() public {
        _open(11_000, 1_000_000);
        Health memory h = engine.health(alice, Valuation.FAVOURABLE);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotTakeoverable.selector, alice, h.equity, h.maintenance));
        engine.takeover(alice, keeper);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotTakeoverable.selector, carol, 0, 0));
        engine.takeover(carol, keeper);

        _setPrice(ETH, 1_940e8); // a clock that nobody stopped does not make a healthy account fair game
        engine.flag(alice);
        _deposit(alice, 10_000);
        _warp(90);
        vm.expectPartialRevert(IMarginEngine.NotTakeoverable.selector);
        engine.takeover(alice, keeper);
    }

    function test_RevertWhen_TakeoverIsMalformed() public {
        _bankrupt();
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SystemAccount.selector, 0));
        engine.takeover(0, keeper);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SystemAccount.selector, FEES));
        engine.takeover(alice, FEES);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SameAccount.selector, alice));
        engine.takeover(alice, alice);
    }

    function test_RevertGiven_PriceOfAnyOfItsMarketsIsNotOk() public {
        _open(11_000, 1_000_000);
        _trade(ALT, alice, bob, 10_000);
        _setPrice(ETH, 1_880e8);
        vm.warp(vm.getBlockTimestamp() + 60);
        feeds[ALT].setRound(99, 0, vm.getBlockTimestamp());
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ALT, PriceState.BAD));
        engine.takeover(alice, keeper);
    }

    function test_Takeover_WaitsForTheClockAboveBeta() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_930e8); // E = 4,000 of MM = 5,800
        Health memory h = engine.health(alice, Valuation.FAVOURABLE);
        bytes memory refusal = abi.encodeWithSelector(
            IMarginEngine.NotTakeoverable.selector,
            alice,
            h.equity,
            h.maintenance
        );
        vm.expectRevert(refusal);
        engine.takeover(alice, keeper);
        engine.flag(alice);
        _warp(89);
        vm.expectRevert(refusal);
        engine.takeover(alice, keeper);
        uint256 snapshot = vm.snapshotState();
        _warp(1);
        engine.takeover(alice, keeper);
        assertEq(_since(alice), 0);
        vm.revertToState(snapshot);
        _warp(511); // 600 s
        engine.takeover(alice, keeper);
        vm.revertToState(snapshot);
        _warp(512);
        vm.expectRevert(refusal);
        engine.takeover(alice, keeper);
    }

    function test_Takeover_BetaIsExact() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_900e8); // E = 1,000 and 475 of the edge, MM = 5,700
        Health memory h = engine.health(alice, Valuation.FAVOURABLE);
        uint256 gap = h.maintenance * 4 - uint256(10 * h.equity); // tenths of u
        vm.prank(_owner(keeper));
        engine.transfer(keeper, alice, uint128((gap + 9) / 10));
        h = engine.health(alice, Valuation.FAVOURABLE);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotTakeoverable.selector, alice, h.equity, h.maintenance));
        engine.takeover(alice, keeper);
    }

    function test_Takeover_BelowBetaNeedsNoClock() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_900e8);
        int256 e = _equity(alice);
        vm.expectEmit(address(engine));
        emit IMarginEngine.TakenOver(alice, keeper, e, 5 * USD);
        assertEq(engine.takeover(alice, keeper), e);
    }

    function test_Takeover_DustNeedsNoClock() public {
        _deposit(alice, 2);
        _deposit(bob, 1_000_000);
        _trade(alice, bob, 100); // $20, the minimum
        _setPrice(ETH, 1_840e8); // E = 0.4 of MM = 0.55
        engine.takeover(alice, keeper);
        assertEq(engine.accounts(alice).markets, 0);

        _deposit(carol, 3);
        _setPrice(ETH, 2_000e8);
        _warp(1 days);
        engine.sync(ETH);
        _trade(carol, bob, 150);
        _setPrice(ETH, 1_830e8); // E = 0.45 of MM = 0.82
        vm.expectPartialRevert(IMarginEngine.NotTakeoverable.selector);
        engine.takeover(carol, keeper);
    }

    /* EQUITY >= 0 */

    function test_Takeover_InventoryReceivesPositionsAndEquity() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_900e8); // E = 1,000
        vm.expectEmit(address(engine));
        emit IMarginEngine.Filled(ETH, 0, alice, 1_000_000, 1_900e8, 0, 0);
        engine.takeover(alice, carol);
        assertEq(_lots(0, ETH), 1_000_000);
        assertEq(_equity(0), int256(995 * USD));
        assertEq(_cash(carol), int256(5 * USD)); // the reward, to whom the caller names
        assertEq(_cash(alice), 0);
        assertEq(engine.accounts(alice).markets, 0);
        assertEq(engine.positions(alice, ETH).quote, 0);
        assertEq(pool.draws(), 0);
        _assertConserved();
    }

    function test_Takeover_RewardIsAtMostAQuarterOfTheEquity() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_890.01e8); // E = 1
        engine.takeover(alice, carol);
        assertEq(_cash(carol), int256(USD / 4));
        assertEq(_equity(0), int256(USD - USD / 4));
        _assertConserved();
    }

    function test_Takeover_EquityIsSplitByMaintenance() public {
        _deposit(alice, 11_000);
        _deposit(bob, 1_000_000);
        _trade(ETH, alice, bob, 500_000);
        _trade(ALT, bob, alice, 10_000_000);
        _setPrice(ETH, 1_800e8);
        uint256 mmEth = _positionMm(1_800e8 * 500_000);
        uint256 mmAlt = _positionMm(100e8 * 10_000_000);
        uint256 left = uint256(_equity(alice)) - 5 * USD;
        engine.takeover(alice, keeper);
        assertEq(_equity(0), int256((left * mmEth) / (mmEth + mmAlt)));
        assertEq(_equity(1), int256(left) - _equity(0));
        assertEq(_lots(1, ALT), -10_000_000);
        assertEq(_lots(0, ETH), 500_000);
        _assertConserved();
    }

    function _positionMm(uint256 n) private pure returns (uint256) {
        uint256 rate = 0.03e18 + (n * 6e5 + 1e9 - 1) / 1e9;
        return (n * rate + 1e18 - 1) / 1e18;
    }

    /* EQUITY < 0 */

    /// @dev eq. (19) for shorts: what they pay of `rest`, and what whole units a lot bring beyond
    function _share(uint256 rest) private view returns (uint256 byShare, uint256 beyond) {
        Market memory m = engine.markets(ETH);
        uint256 limit = m.slow - m.price - (m.slow * uint256(_params().maintenanceBps) + 9_999) / 10_000;
        uint256 lots = m.openInterest;
        uint256 perLot = (rest + lots - 1) / lots;
        uint256 collected = (perLot < limit ? perLot : limit) * lots;
        byShare = rest < collected ? rest : collected;
        beyond = collected - byShare;
    }

    function testFuzz_Takeover_LayersSumToTheShortfall(
        uint256 price,
        uint256 bucket,
        uint256 limit,
        uint256 odd
    ) public {
        _fund(ETH, bound(bucket, 1, 3_000));
        _deposit(alice, 11_000);
        _deposit(keeper, 1_000_000);
        vm.prank(_owner(keeper));
        engine.transfer(keeper, alice, uint128(bound(odd, 1, USD))); // so that D is no whole token
        _trade(alice, bob, 1_000_000);
        limit = bound(limit, 0, 12_000e6);
        pool.setStake(STAKE * 1e6, limit);
        _setPrice(ETH, uint64(bound(price, 1_780e8, 1_889e8)));

        uint256 d = uint256(-_equity(alice));
        uint256 full = engine.markets(ETH).bucket;
        uint256 reward = full < 5 * USD ? full : 5 * USD; // before the bucket pays
        full -= reward;
        uint256 byBucket = d < full ? d : full;
        uint256 wanted = (d - byBucket + 1e6 - 1) / 1e6;
        uint256 drawn = (wanted < limit ? wanted : limit) * 1e6;
        uint256 byPool = drawn < d - byBucket ? drawn : d - byBucket;
        uint256 rest = d - byBucket - byPool;
        uint256 excess = drawn - byPool;
        (uint256 byShare, uint256 beyond) = _share(rest);
        (rest, excess) = (rest - byShare, excess + beyond);
        uint256 left = full - byBucket + excess;
        vm.expectEmit(address(engine));
        emit IMarginEngine.ShortfallCovered(
            ETH,
            alice,
            DrawReason.LIQUIDATION,
            d,
            byBucket,
            byPool,
            byShare,
            rest,
            excess
        );
        vm.expectEmit(address(engine));
        emit IMarginEngine.TakenOver(alice, carol, -int256(d), reward);
        int256 before = _cash(carol);
        engine.takeover(alice, carol);

        assertLt(excess, byShare == 0 ? 1e6 : engine.markets(ETH).openInterest); // under a token unit, or one unit a lot
        assertEq(engine.markets(ETH).bucket, left);
        assertEq(_cash(carol) - before, int256(reward));
        assertEq(engine.deficit(ETH), rest);
        assertEq(engine.totalDeficit(), rest);
        assertEq(_equity(alice), 0);
        assertEq(_equity(0), 0);
        if (wanted != 0) assertEq(pool.lastRequested(), wanted);
        _assertConserved();
    }

    function test_Takeover_BelowZeroIsTheOnlyWayAndNeedsNoMoney() public {
        _setStake(STAKE, 0);
        pool.setStake(STAKE * 1e6, 0);
        _bankruptLongAgo();
        assertEq(engine.takeover(alice, keeper), -int256(1000 * USD));
        assertEq(engine.deficit(ETH), 1000 * USD);
        assertEq(_cash(keeper), int256(1_000_000 * USD)); // no bucket, no reward
        _assertConserved();
    }

    function test_Takeover_ShortBelowZero() public {
        _deposit(alice, 11_000);
        _deposit(bob, 1_000_000);
        _trade(bob, alice, 1_000_000);
        _setPrice(ETH, 2_120e8);
        vm.expectEmit(address(engine));
        emit IMarginEngine.Filled(ETH, alice, 0, 1_000_000, 2_120e8, 0, 0);
        engine.takeover(alice, keeper);
        assertEq(_lots(0, ETH), -1_000_000);
        assertEq(pool.lastRequested(), 1000e6);
        assertEq(uint8(pool.lastReason()), uint8(DrawReason.LIQUIDATION));
        _assertConserved();
    }

    function test_Takeover_PoolThatRevertsPaysNothing() public {
        pool.setMode(PoolDouble.Mode.REVERTS);
        _bankruptLongAgo();
        engine.takeover(alice, keeper);
        assertEq(engine.deficit(ETH), 1000 * USD);
        _assertConserved();
    }

    function test_Takeover_PoolThatBurnsItsGasPaysNothing() public {
        pool.setMode(PoolDouble.Mode.BURNS);
        _bankruptLongAgo();
        engine.takeover{gas: 20_000_000}(alice, keeper);
        assertEq(engine.deficit(ETH), 1000 * USD);
        _assertConserved();
    }

    /// @dev No gas limit makes the takeover succeed while the pool, which could pay, does not.
    function test_Takeover_CallerCannotStarveThePool() public {
        _bankrupt();
        bool refused;
        bool passed;
        for (uint256 g = 100_000; g < 900_000; g += 5_000) {
            uint256 snapshot = vm.snapshotState();
            try engine.takeover{gas: g}(alice, keeper) {
                passed = true;
                assertEq(engine.totalDeficit(), 0);
                assertEq(pool.draws(), 1);
            } catch (bytes memory reason) {
                if (bytes4(reason) == IMarginEngine.InsufficientGas.selector) refused = true;
            }
            vm.revertToState(snapshot);
        }
        assertTrue(passed);
        assertTrue(refused);
    }

    function test_Takeover_ShortfallIsSplitByTheMoveBeyondMaintenance() public {
        pool.setStake(STAKE * 1e6, 0);
        _deposit(alice, 15_000);
        _deposit(bob, 1_000_000);
        _trade(ETH, alice, bob, 500_000); // $100,000
        _trade(ALT, alice, bob, 10_000_000); // $100,000
        _setPrice(ALT, 95e8);
        _setPrice(ETH, 1_600e8);
        engine.sync(ALT);
        uint256 d = uint256(-_equity(alice));
        uint256 wEth = _weight(ETH, 500_000);
        uint256 wAlt = _weight(ALT, 10_000_000);
        assertGt(wAlt, 0);
        vm.recordLogs();
        engine.takeover(alice, keeper);
        (uint256 eth, uint256 alt) = _shortfalls(vm.getRecordedLogs());
        assertEq(eth, (d * wEth) / (wEth + wAlt));
        assertEq(alt, d - eth);
        _assertConserved();
    }

    /// @dev {u} of both markets in the logs of one takeover
    function _shortfalls(Vm.Log[] memory logs) private pure returns (uint256 eth, uint256 alt) {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IMarginEngine.ShortfallCovered.selector) continue;
            (uint256 shortfall, , , , , ) = abi.decode(
                logs[i].data,
                (uint256, uint256, uint256, uint256, uint256, uint256)
            );
            if (uint256(logs[i].topics[1]) == ETH) eth += shortfall;
            else alt += shortfall;
        }
    }

    /// @dev eq. (17) for a long, first rule
    function _weight(uint8 m, uint256 lots) private view returns (uint256) {
        Market memory market = engine.markets(m);
        uint256 rate = 0.03e18 + (lots * market.price * 6e5 + 1e9 - 1) / 1e9;
        uint256 borne = (rate * market.slow + 1e18 - 1) / 1e18;
        uint256 adverse = market.slow - market.price;
        return adverse > borne ? lots * (adverse - borne) : 0;
    }

    function test_Takeover_WithoutAMoveTheSplitIsByMaintenance() public {
        pool.setStake(STAKE * 1e6, 0);
        _deposit(alice, 15_000);
        _deposit(bob, 1_000_000);
        _trade(ETH, alice, bob, 500_000);
        _trade(ALT, alice, bob, 10_000_000);
        _setPrice(ETH, 1_600e8);
        _warp(10 days); // the slow average has arrived
        engine.sync(ETH);
        engine.sync(ALT);
        assertEq(engine.markets(ETH).slow, 1_600e8);
        uint256 d = uint256(-_equity(alice));
        uint256 mmEth = _positionMm(1_600e8 * 500_000);
        uint256 mmAlt = _positionMm(100e8 * 10_000_000);
        engine.takeover(alice, keeper);
        assertEq(engine.deficit(ETH), (d * mmEth) / (mmEth + mmAlt));
        assertEq(engine.deficit(ALT), d - engine.deficit(ETH));
        _assertConserved();
    }

    function test_Takeover_RewardBelowZeroIsAtMostHalfTheMargin() public {
        _fund(ETH, 3_000);
        _deposit(alice, 2);
        _trade(alice, bob, 100);
        _setPrice(ETH, 1_500e8); // E = - 3, MM = 0.45
        uint256 mm = _mm(alice);
        int256 before = _cash(keeper);
        engine.takeover(alice, keeper);
        assertEq(_cash(keeper) - before, int256(mm / 2));
        _assertConserved();
    }

    /* INVENTORY */

    function test_CoverInventory_PaysWhatTheInventoryLost() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_900e8);
        engine.takeover(alice, keeper); // inventory: 995 and 1,000,000 lots
        assertEq(engine.coverInventory(ETH), 0);
        _setPrice(ETH, 1_880e8); // - 2,000
        vm.expectEmit(address(engine));
        emit IMarginEngine.ShortfallCovered(ETH, 0, DrawReason.INVENTORY, 1005 * USD, 0, 1005 * USD, 0, 0, 0);
        assertEq(engine.coverInventory(ETH), 1005 * USD);
        assertEq(_equity(0), 0);
        assertEq(pool.lastRequested(), 1005e6);
        assertEq(uint8(pool.lastReason()), uint8(DrawReason.INVENTORY));
        assertEq(engine.coverInventory(ETH), 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 5));
        engine.coverInventory(5);
        vm.warp(vm.getBlockTimestamp() + 3700);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.STALE));
        engine.coverInventory(ETH);
        _assertConserved();
    }
}
