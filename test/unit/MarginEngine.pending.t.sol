// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {ICapitalStack} from "../../contracts/interfaces/ICapitalStack.sol";
import {MarketStatus} from "../../contracts/interfaces/IMarginEngine.sol";
import {FeedConfig} from "../../contracts/interfaces/IOracle.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

/// @notice What a market tells the capital stack about its inventory and about accounts nobody has taken over.
contract MarginEnginePendingTest is RecoveryBase {
    uint56 private constant LOTS = 1_000_000; // {lot} 100 coins, $200,000
    uint256 private constant SLOW_AT_RISK = 8_579.699341e6; // {token} see below

    /// @param gain {1e-6 USD}
    function _assertReported(uint8 m, uint256 gain, uint256 loss, uint256 atRisk) private view {
        (uint256 gained, uint256 lost, uint256 risked) = pool.reported(m);
        assertEq(gained, gain, "gain");
        assertEq(lost, loss, "loss");
        assertEq(risked, atRisk, "at risk");
    }

    /// @dev The inventory has alice's lots at $1,900 and $995; the averages are there too.
    function _warehouse() private {
        _open(11_000, LOTS);
        _setPrice(ETH, 1_900e8);
        engine.takeover(alice, keeper);
        _warp(8 hours);
        engine.sync(ETH);
    }

    /* CALM */

    function test_Report_NothingIsPendingInCalm() public {
        _open(100_000, LOTS);
        _warp(1 hours);
        engine.sync(ETH);
        _assertReported(ETH, 0, 0, 0);
        _setPrice(ETH, 1_960e8); // 2 % and the edge are within maintenance
        _assertReported(ETH, 0, 0, 0);
        _warp(8 hours);
        _setPrice(ETH, 2_000e8);
        _assertReported(ETH, 0, 0, 0);
    }

    /// @dev A calm market costs the stack nothing, once it has said that nothing is pending any more.
    function test_Report_NothingIsSaidWhileNothingIsPending() public {
        bytes memory any = abi.encodeWithSelector(ICapitalStack.report.selector);
        vm.expectCall(address(pool), any, 2);
        _open(100_000, LOTS);
        _setPrice(ETH, 1_900e8);
        _assertReported(ETH, 0, 0, 4_325e6);
        _setPrice(ETH, 2_000e8);
        _assertReported(ETH, 0, 0, 0);
        engine.sync(ETH);
        _warp(60);
        engine.sync(ETH);
    }

    function test_Report_AnEmptyMarketHasNothingPendingWhateverItsPriceDoes() public {
        _setPrice(ETH, 500e8);
        _assertReported(ETH, 0, 0, 0);
        feeds[ETH].setRound(99, 0, vm.getBlockTimestamp());
        engine.sync(ETH);
        _assertReported(ETH, 0, 0, 0);
    }

    /* AT RISK */

    /// @dev The oracle's edges are 2,005 and 1,895.25, 105 above the price and 4.75 below: 100.25 off, less 3 % of 1,900, for 100 coins.
    function test_AtRisk_OfLongsIsWhatThePriceFellBeyondMaintenance() public {
        _open(100_000, LOTS);
        _setPrice(ETH, 1_900e8);
        _assertReported(ETH, 0, 0, 4_325e6);
    }

    /// @dev 2,105.25 and 1,995: 99.75 off, less 3 % of 2,100.
    function test_AtRisk_OfShortsIsWhatThePriceRoseBeyondMaintenance() public {
        _open(100_000, LOTS);
        _setPrice(ETH, 2_100e8);
        _assertReported(ETH, 0, 0, 3_675e6);
    }

    function test_AtRisk_BeginsExactlyAtMaintenance() public {
        _open(100_000, LOTS);
        _setPrice(ETH, 1_941.89e8); // 58.255275 of 58.2567
        _assertReported(ETH, 0, 0, 0);
        _setPrice(ETH, 2_000e8);
        _warp(8 hours);
        _setPrice(ETH, 1_941.88e8); // 58.2653 of 58.2564, for 100 coins
        _assertReported(ETH, 0, 0, 0.89e6);
    }

    /// @dev 300 s are half of the half-life: the average is 1,900 + 100 / sqrt(2) = 1,970.71067811, its edge 1,975.63745481.
    function test_AtRisk_FadesAsTheAverageFollows() public {
        _open(100_000, LOTS);
        _setPrice(ETH, 1_900e8);
        _warp(300);
        engine.sync(ETH);
        _assertReported(ETH, 0, 0, 1_388.745481e6);
        _warp(300); // halfway: 50.125 off
        engine.sync(ETH);
        _assertReported(ETH, 0, 0, 0);
    }

    function testFuzz_AtRisk_OfAnyMove(uint256 price, uint256 lots) public {
        price = bound(price, 400e8, 4_000e8);
        lots = bound(lots, 100, 50_000_000);
        _deposit(alice, 10_000_000);
        _deposit(bob, 10_000_000);
        _trade(alice, bob, uint56(lots));
        _setPrice(ETH, uint64(price));
        (uint256 below, uint256 above) = price < 2_000e8 ? (price, uint256(2_000e8)) : (uint256(2_000e8), price);
        uint256 edges = (below * 9_975) / 10_000 + (above * 10_025 + 9_999) / 10_000;
        uint256 moved = edges > 2 * price ? edges - 2 * price : 2 * price - edges;
        uint256 borne = (price * 300) / 10_000;
        uint256 atRisk = moved > borne ? lots * (moved - borne) : 0;
        _assertReported(ETH, 0, 0, (atRisk + 1e6 - 1) / 1e6);
    }

    function test_AtRisk_IsWithoutThePoolsLots() public {
        _deposit(carol, 100_000);
        _open(11_000, LOTS);
        _trade(carol, bob, 500_000);
        _setPrice(ETH, 1_900e8);
        _assertReported(ETH, 0, 0, 6_487.5e6); // 43.25 for 150 coins
        engine.takeover(alice, keeper);
        _assertReported(ETH, 1_470e6, 0, 2_162.5e6); // carol's 50
    }

    function test_AtRisk_OfWinnersIsNothing() public {
        _open(100_000, LOTS);
        _setPrice(ETH, 1_900e8);
        _assertReported(ETH, 0, 0, 4_325e6); // bob's 100 coins short are not in it
        _trade(bob, alice, LOTS); // all closed: nobody is left to lose
        engine.sync(ETH);
        _assertReported(ETH, 0, 0, 0);
    }

    function test_AtRisk_WhileThePriceIsNotOkIsAllThatTheMarketMayCost() public {
        _open(100_000, LOTS);
        feeds[ETH].setRound(99, 0, vm.getBlockTimestamp());
        engine.sync(ETH);
        _assertReported(ETH, 0, 0, 54_000e6); // 30 % less 3 % of $200,000
        vm.warp(vm.getBlockTimestamp() + 1);
        feeds[ETH].setAnswer(2_000e8);
        engine.sync(ETH);
        _assertReported(ETH, 0, 0, 0);
        vm.warp(vm.getBlockTimestamp() + 3_601); // nothing but time has passed
        engine.sync(ETH);
        _assertReported(ETH, 0, 0, 54_000e6);
        _assertReported(ALT, 0, 0, 0);
    }

    function test_AtRisk_OfOneMarketLeavesTheOther() public {
        _open(100_000, LOTS);
        _trade(ALT, alice, bob, LOTS); // $10,000
        _setPrice(ALT, 90e8);
        _assertReported(ALT, 0, 0, 732.5e6); // 10.025 less 2.70, for 100 coins
        _assertReported(ETH, 0, 0, 0);
    }

    /* INVENTORY */

    function test_Inventory_LongGainIsAtTheFavourableEdge() public {
        _open(11_000, LOTS);
        _setPrice(ETH, 1_900e8);
        engine.takeover(alice, keeper);
        _assertReported(ETH, 1_470e6, 0, 0); // 995 and 0.25 % of 190,000, before the next sync
        engine.sync(ETH);
        _assertReported(ETH, 1_470e6, 0, 0);
    }

    function test_Inventory_ShortGainIsAtTheFavourableEdge() public {
        _deposit(alice, 1_000_000);
        _deposit(bob, 11_000);
        _trade(alice, bob, LOTS);
        _setPrice(ETH, 2_100e8);
        engine.takeover(bob, keeper);
        _assertReported(ETH, 1_520e6, 0, 0); // 995 and 0.25 % of 210,000
    }

    function test_Inventory_LossIsAtTheUnfavourableEdge() public {
        _warehouse();
        _setPrice(ETH, 1_880e8);
        _assertReported(ETH, 0, 1_475e6, 0); // 2,000 less 995, and 0.25 % of 188,000
    }

    function test_Inventory_UnfavourableEdgeIsTheAveragesWhenThatIsWorse() public {
        _warehouse();
        _setPrice(ETH, 1_880e8);
        engine.coverInventory(ETH);
        _warp(8 hours);
        _setPrice(ETH, 1_890e8); // + 1,000, but 14.70 above 0.9975 of the average
        _assertReported(ETH, 1_472.5e6, 470e6, 0);
    }

    function test_Inventory_AfterCoverInventoryTheLossIsOnTheBooks() public {
        _warehouse();
        _setPrice(ETH, 1_880e8);
        assertEq(engine.coverInventory(ETH), 1_005 * USD);
        _assertReported(ETH, 470e6, 470e6, 0); // only the edges are left
    }

    function test_Inventory_OfAnInsolventAccountStartsAtTheMark() public {
        _open(11_000, LOTS);
        _setPrice(ETH, 1_880e8); // - 1,000
        engine.takeover(alice, keeper);
        assertEq(pool.lastRequested(), 1_000e6);
        engine.sync(ETH);
        _assertReported(ETH, 470e6, 470e6, 0);
    }

    function testFuzz_Inventory_EdgesAtAnyPrice(uint256 price) public {
        _warehouse();
        price = bound(price, 1_000e8, 3_000e8);
        _setPrice(ETH, uint64(price));
        int256 equity = int256(995 * USD) + int256(uint256(LOTS)) * (int256(price) - 1_900e8);
        uint256 low = ((price < 1_900e8 ? price : 1_900e8) * 9_975) / 10_000;
        int256 gain = equity + int256((uint256(LOTS) * price * 25) / 10_000);
        int256 loss = int256(uint256(LOTS) * (price - low)) - equity;
        (uint256 gained, uint256 lost, ) = pool.reported(ETH);
        assertEq(gained, _tokens(gain));
        assertEq(lost, _tokens(loss));
    }

    function _tokens(int256 u) private pure returns (uint256) {
        return u > 0 ? (uint256(u) + 1e6 - 1) / 1e6 : 0;
    }

    function test_Inventory_CountsOnlyWhatDeleveragingHasLeft() public {
        _warehouse();
        _cap(ETH, 400_000);
        engine.deleverage(ETH);
        engine.sync(ETH);
        _assertReported(ETH, 1_185e6, 0, 0); // 995 and 0.25 % of 40 coins
    }

    /* INCOME */

    function test_CollectIncome_LeavesNothingPendingAndSaysWhatPositionsEarned() public {
        _fund(ETH, 700);
        _warehouse();
        _settleAt(1_950e8);
        _assertReported(ETH, 5_995e6, 0, 0); // no edge any more
        _warp(1 hours);
        engine.close(ETH, bob);
        _assertReported(ETH, 5_995e6, 0, 0);
        assertEq(engine.collectIncome(ETH), 6_695e6);
        assertEq(pool.income(), 6_695e6);
        assertEq(pool.recovered(), 5_995e6, "not what the bucket had");
        _assertReported(ETH, 0, 0, 0);
    }

    /* SETTLEMENT */

    /// @dev Settled at `price`: it has been in force for the whole window.
    function _settleAt(uint64 price) private {
        engine.windDown(ETH);
        _warp(1 days);
        _setPrice(ETH, price);
        _warp(31 minutes);
        engine.fixSettlementPrice(ETH);
        assertEq(engine.markets(ETH).price, price);
        assertEq(uint8(engine.markets(ETH).status), uint8(MarketStatus.SETTLED));
    }

    /// @dev The slow average is 1,800 + 200 * 2^(-31/60) = 1,939.79699341; 139.79699341 less 3 % of 1,800, for 100 coins.
    function test_Settled_IsSeenFromTheSlowAverage() public {
        _open(100_000, LOTS);
        _settleAt(1_800e8);
        (uint256 gain, uint256 loss, uint256 atRisk) = pool.reported(ETH);
        assertEq(gain, 0);
        assertEq(loss, 0);
        assertEq(atRisk, SLOW_AT_RISK);
    }

    function test_Settled_AfterCloseFewerAreLeftToLose() public {
        _open(100_000, LOTS);
        _deposit(carol, 100_000);
        _trade(carol, bob, LOTS);
        _settleAt(1_800e8);
        _assertReported(ETH, 0, 0, 2 * SLOW_AT_RISK);
        _warp(1 hours);
        engine.close(ETH, carol);
        _assertReported(ETH, 0, 0, SLOW_AT_RISK);
        engine.close(ETH, bob);
        _assertReported(ETH, 0, 0, SLOW_AT_RISK);
        engine.close(ETH, alice);
        _assertReported(ETH, 0, 0, 0);
    }

    function test_Settled_ForThreeDaysOnly() public {
        _open(100_000, LOTS);
        _deposit(carol, 100_000);
        _trade(carol, bob, LOTS);
        _settleAt(1_800e8);
        _warp(3 days - 1);
        engine.close(ETH, carol);
        _assertReported(ETH, 0, 0, SLOW_AT_RISK);
        _warp(1);
        engine.close(ETH, bob);
        _assertReported(ETH, 0, 0, 0);
    }

    function test_Settling_IsAllThatTheMarketMayCostUntilThePriceIsFinal() public {
        _open(100_000, LOTS);
        engine.windDown(ETH);
        vm.warp(vm.getBlockTimestamp() + 2 days);
        engine.fixSettlementPrice(ETH);
        assertEq(uint8(engine.markets(ETH).status), uint8(MarketStatus.SETTLING));
        _assertReported(ETH, 0, 0, 54_000e6);
        vm.warp(vm.getBlockTimestamp() + 1 days);
        engine.fixSettlementPrice(ETH);
        assertEq(uint8(engine.markets(ETH).status), uint8(MarketStatus.SETTLED));
        _assertReported(ETH, 0, 0, 0);
    }
}

/// @notice A feed whose band is wider than maintenance margin, which nothing forbids.
contract MarginEnginePendingWideEdgeTest is RecoveryBase {
    function _feed(MockAggregator feed) internal pure override returns (FeedConfig memory) {
        return FeedConfig(address(feed), 3600, 500, type(uint16).max, 4, 1, type(uint128).max, address(0));
    }

    function test_Report_NothingIsPendingInCalmWhateverTheEdge() public {
        _open(100_000, 1_000_000);
        _warp(8 hours);
        engine.sync(ETH);
        (uint256 gain, uint256 loss, uint256 atRisk) = pool.reported(ETH);
        assertEq(gain, 0);
        assertEq(loss, 0);
        assertEq(atRisk, 0, "the price has not moved");
    }
}
