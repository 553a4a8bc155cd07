// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {DrawReason} from "../../contracts/interfaces/ICapitalStack.sol";
import {IMarginEngine, Market, MarketRules, MarketStatus} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

/// @notice The end of a market whose feed is alive.
contract MarginEngineWindDownTest is RecoveryBase {
    uint56 private constant LOTS = 1_000_000; // {lot} $200,000
    uint256 private dave;

    function setUp() public override {
        super.setUp();
        dave = _account("dave");
    }

    function _status() private view returns (MarketStatus) {
        return engine.markets(ETH).status;
    }

    /// @dev Settled at `price`: it has been in force long enough.
    function _settleAt(uint64 price) private {
        engine.windDown(ETH);
        _warp(1 days);
        _setPrice(ETH, price);
        _warp(31 minutes); // the window starts on a whole minute
        engine.fixSettlementPrice(ETH);
        assertEq(engine.markets(ETH).price, price);
        (uint256 utilisation, uint256 rate) = engine.premiumOf(ETH);
        assertEq(utilisation + rate, 0, "nothing accrues any more");
    }

    function _notActive(MarketStatus status) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IMarginEngine.MarketNotActive.selector, ETH, status);
    }

    /* NOTICE */

    function test_WindDown_IsReduceOnlyForGood() public {
        _open(100_000, LOTS);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardian));
        vm.prank(guardian);
        engine.windDown(ETH);
        vm.expectEmit(address(engine));
        emit IMarginEngine.StatusSet(ETH, MarketStatus.WINDING_DOWN);
        vm.prank(governor);
        engine.windDown(ETH);
        assertEq(engine.recovery(ETH).since, vm.getBlockTimestamp());

        bytes memory refusal = _notActive(MarketStatus.WINDING_DOWN);
        vm.expectRevert(refusal);
        engine.windDown(ETH);
        vm.expectRevert(refusal);
        engine.setStatus(ETH, MarketStatus.ACTIVE);
        vm.expectRevert(refusal);
        vm.prank(guardian);
        engine.pauseMarket(ETH);
        vm.expectRevert(refusal);
        engine.fill(_fill(ETH, alice, bob, 100, ETH_PRICE));
        _trade(bob, alice, 100);
        vm.expectRevert(refusal);
        engine.close(ETH, alice);
        vm.expectRevert(refusal);
        engine.challengeSettlementPrice(ETH);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 7));
        engine.windDown(7);
    }

    function test_RevertWhen_PriceIsFixedBeforeTheNoticeIsOver() public {
        vm.expectRevert(_notActive(MarketStatus.ACTIVE));
        engine.fixSettlementPrice(ETH);
        vm.prank(guardian);
        engine.pauseMarket(ETH);
        engine.windDown(ETH);
        uint256 earliest = vm.getBlockTimestamp() + 1 days;
        _warp(1 days - 1);
        bytes4 selector = IMarginEngine.TooEarly.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, vm.getBlockTimestamp(), earliest));
        engine.fixSettlementPrice(ETH);
        _warp(1);
        engine.fixSettlementPrice(ETH);
        assertEq(uint8(_status()), uint8(MarketStatus.SETTLED));
    }

    function test_RevertGiven_FeedWasSetForTheOccasion() public {
        oracle.configure(ETH, _feed(feeds[ETH])); // the same one, with other limits or not, has stood
        assertLe(oracle.feedSince(ETH) + 15 days, vm.getBlockTimestamp());
        feeds[ETH] = new MockAggregator(8, int256(uint256(ETH_PRICE)));
        oracle.configure(ETH, _feed(feeds[ETH]));
        uint256 earliest = vm.getBlockTimestamp() + 14 days;
        engine.windDown(ETH);
        _warp(14 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.TooEarly.selector, vm.getBlockTimestamp(), earliest));
        engine.fixSettlementPrice(ETH);
        _warp(1);
        engine.fixSettlementPrice(ETH);
        assertEq(uint8(_status()), uint8(MarketStatus.SETTLED));
    }

    /* PRICE */

    /// @dev Prices at odd moments; the mean of the half hour (from a whole minute) is what the integral says.
    function testFuzz_Settlement_PriceIsTheMeanOfHalfAnHour(uint256 seed) public {
        engine.windDown(ETH);
        _warp(1 days);
        uint256[12] memory times;
        uint256[12] memory prices;
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _warp(61 + (seed % 6 minutes));
            prices[i] = 1_000e8 + ((seed >> 64) % 2_000e8);
            _setPrice(ETH, uint64(prices[i]));
            times[i] = vm.getBlockTimestamp();
        }
        _warp(1 + (seed % 10 minutes));
        uint256 end = vm.getBlockTimestamp();
        uint256 start = end - 30 minutes;
        start -= start % 60;
        if (start < times[0]) return; // the price before the first is not in the table
        uint256 integral;
        for (uint256 i; i < 12; ++i) {
            uint256 from = times[i] < start ? start : times[i];
            uint256 to = i == 11 ? end : times[i + 1];
            if (to > from) integral += prices[i] * (to - from);
        }
        uint64 price = uint64(integral / (end - start));
        vm.expectEmit(address(engine));
        emit IMarginEngine.SettlementPriceSet(ETH, price, true);
        vm.expectEmit(address(engine));
        emit IMarginEngine.StatusSet(ETH, MarketStatus.SETTLED);
        vm.prank(makeAddr("anybody"));
        engine.fixSettlementPrice(ETH);
        Market memory m = engine.markets(ETH);
        assertEq(m.price, price);
        assertEq(m.low, price);
        assertEq(m.high, price);
        assertEq(m.edgeBps, 0);
        assertEq(m.fundingRate, 0);
        assertEq(uint8(m.state), uint8(PriceState.OK));
    }

    function test_RevertGiven_MarketIsSettled() public {
        _open(11_000, LOTS);
        _settleAt(1_950e8);
        bytes memory refusal = _notActive(MarketStatus.SETTLED);
        vm.expectRevert(refusal);
        engine.sync(ETH);
        vm.expectRevert(refusal);
        engine.fill(_fill(ETH, bob, alice, 100, 1_950e8));
        vm.expectRevert(refusal);
        engine.deleverage(ETH);
        vm.expectRevert(refusal);
        engine.fixSettlementPrice(ETH);
        vm.expectRevert(refusal);
        engine.challengeSettlementPrice(ETH);
        vm.expectRevert(refusal);
        engine.windDown(ETH);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceAlive.selector, ETH, type(uint32).max));
        engine.windDownDead(ETH);
        vm.expectRevert(refusal);
        engine.setMarket(ETH, _params(), _rules());
        vm.expectRevert(refusal);
        engine.setStatus(ETH, MarketStatus.ACTIVE);
        vm.expectRevert(refusal);
        vm.prank(_owner(keeper));
        engine.liquidate(alice, ETH, keeper, type(uint56).max, 0);
        _setFeedOnly(1e8);
        _warp(365 days);
        assertEq(engine.markets(ETH).price, 1_950e8);
        assertEq(engine.markets(ETH).indexLong, 0);
    }

    function _setFeedOnly(int256 answer) private {
        feeds[ETH].setAnswer(answer);
    }

    /* CLOSING */

    function test_Close_MovesEveryPositionToTheInventoryAtThePrice() public {
        _open(100_000, LOTS);
        _settleAt(1_950e8);
        uint256 earliest = vm.getBlockTimestamp() + 1 hours;
        _warp(1 hours - 1);
        bytes4 selector = IMarginEngine.TooEarly.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, vm.getBlockTimestamp(), earliest));
        engine.close(ETH, alice);
        _warp(1);
        vm.expectEmit(address(engine));
        emit IMarginEngine.Filled(ETH, ETH, alice, LOTS, 1_950e8, 0, 0);
        vm.prank(makeAddr("anybody"));
        engine.close(ETH, alice);
        assertEq(_cash(alice), int256(95_000 * USD));
        assertEq(engine.markets(ETH).openInterest, LOTS);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NoPosition.selector, alice, ETH));
        engine.close(ETH, alice);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SystemAccount.selector, ETH));
        engine.close(ETH, ETH);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.MarketNotActive.selector, ALT, MarketStatus.ACTIVE));
        engine.close(ALT, alice);
        _assertWhole();
        engine.close(ETH, bob);
        assertEq(_cash(bob), int256(1_005_000 * USD));
        assertEq(engine.markets(ETH).openInterest, 0);
        assertEq(_cash(ETH), 0);
        assertEq(_lots(ETH, ETH), 0);
        assertEq(_take(alice, 95_000e6), 95_000e6);
        assertEq(_take(bob, 1_005_000e6), 1_005_000e6);
        _assertWhole();
    }

    /// @dev Alice below zero, dave short there and long elsewhere, inventory on one side, what deleveraging recorded not yet settled.
    function testFuzz_Close_AnyOrderGivesEverybodyTheSame(uint256 order) public {
        uint256 erin = _account("erin");
        pool.setStake(STAKE * 1e6, 0);
        _deposit(alice, 11_000);
        _deposit(erin, 22_000);
        _deposit(bob, 1_000_000);
        _deposit(carol, 1_000_000);
        _deposit(dave, 500_000);
        _trade(alice, bob, LOTS);
        _trade(erin, carol, LOTS);
        _trade(ETH, carol, dave, LOTS / 2);
        _trade(ALT, dave, carol, 1_000_000);
        _setPriceLongAgo(ETH, 1_790e8); // erin: 1,000
        engine.takeover(erin, keeper);
        _cap(ETH, 400_000);
        engine.deleverage(ETH);
        _settleAt(1_700e8);
        _warp(1 hours);
        uint256[4] memory ids = [alice, bob, carol, dave];
        uint256 snapshot = vm.snapshotState();
        uint256 wanted = _closeAll(ids, 0);
        vm.revertToState(snapshot);
        assertEq(_closeAll(ids, bound(order, 1, 23)), wanted);
    }

    /// @dev Hash of what everybody has when all are closed in the order with this number.
    function _closeAll(uint256[4] memory ids, uint256 order) private returns (uint256) {
        for (uint256 left = 4; left != 0; --left) {
            uint256 pick = order % left;
            order /= left;
            engine.close(ETH, ids[pick]);
            (ids[pick], ids[left - 1]) = (ids[left - 1], ids[pick]);
            _assertWhole();
        }
        assertEq(engine.markets(ETH).openInterest, 0);
        assertEq(engine.accounts(ETH).markets, 0);
        assertEq(engine.accounts(alice).markets, 0);
        assertEq(_lots(dave, ALT), 1_000_000);
        int256 own = _cash(ETH);
        if (own < 0) assertEq(engine.coverInventory(ETH), uint256(-own)); // the pool's own loss, last
        assertGt(engine.deficit(ETH), 0);
        return
            uint256(
                keccak256(
                    abi.encode(
                        [_equity(alice), _equity(bob), _equity(carol), _equity(dave)],
                        own,
                        engine.totalDeficit()
                    )
                )
            );
    }

    function test_Close_InsolventAccountIsAShortfallWithoutAShare() public {
        _open(11_000, LOTS);
        _settleAt(1_700e8);
        _warp(1 hours);
        pool.setStake(STAKE * 1e6, 4_000e6);
        vm.expectEmit(address(engine));
        emit IMarginEngine.ShortfallCovered(
            ETH,
            alice,
            DrawReason.ORACLE_FAILURE,
            19_000 * USD,
            0,
            4_000 * USD,
            0,
            15_000 * USD,
            0
        );
        engine.close(ETH, alice);
        assertEq(_cash(alice), 0);
        assertEq(uint8(pool.lastReason()), uint8(DrawReason.ORACLE_FAILURE));
        _assertWhole();
    }

    function test_Close_CrossMarginedAccountIsCarriedByItsOtherPositions() public {
        _open(21_500, LOTS);
        _trade(ALT, alice, bob, 10_000_000); // $100,000
        _settleAt(1_700e8);
        _setPrice(ALT, 120e8); // + 20,000
        _warp(1 hours);
        engine.close(ETH, alice);
        assertEq(_cash(alice), -int256(8_500 * USD));
        assertEq(_equity(alice), int256(11_500 * USD));
        assertEq(engine.totalDeficit(), 0);
        assertEq(pool.draws(), 0);
        _assertWhole();
        _setPrice(ALT, 105e8); // 5,000: 3,500 short now
        assertEq(engine.takeover(alice, keeper), -int256(3_500 * USD));
        assertEq(_cash(alice), 0);
        _assertWhole();
    }

    /* DELISTING */

    function test_Delisting_DeficitIsRepaidByAnotherMarket() public {
        pool.setStake(STAKE * 1e6, 0);
        _open(11_000, LOTS);
        _settleAt(1_700e8);
        _warp(1 hours);
        engine.close(ETH, alice);
        engine.close(ETH, bob);
        assertEq(engine.markets(ETH).openInterest, 0);
        assertEq(engine.deficit(ETH), 19_000 * USD);
        _warp(30 days);
        pool.setStake(STAKE * 1e6, 0);
        MarketRules memory r = _rules();
        r.bucketTarget = 0;
        engine.setMarket(ALT, _params(), r);
        _deposit(carol, 100_000_000); // so that the deficit is below a tenth of a percent
        _fund(ALT, 20_000);
        assertEq(engine.collectIncome(ALT), 1_000e6);
        assertEq(engine.totalDeficit(), 0);
        assertEq(_take(bob, 1_030_000e6), 1_030_000e6);
        _assertWhole();
    }

    function test_Delisting_BucketAndProfitOfTheInventoryAreIncome() public {
        _fund(ETH, 700);
        _open(11_000, LOTS);
        _setPriceLongAgo(ETH, 1_900e8); // 1,000
        engine.takeover(alice, keeper);
        _settleAt(1_950e8); // + 5,000 for the pool
        assertEq(engine.collectIncome(ETH), 0);
        _warp(1 hours);
        engine.close(ETH, bob);
        assertEq(engine.accounts(ETH).markets, 0);
        uint256 inventory = uint256(5_995 * USD);
        uint256 bucket = uint256(700 * USD);
        vm.expectEmit(address(engine));
        emit IMarginEngine.IncomeCollected(ETH, inventory, bucket, 0, 0, 6_695e6);
        assertEq(engine.collectIncome(ETH), 6_695e6);
        assertEq(_cash(ETH), 0);
        assertEq(engine.markets(ETH).bucket, 0);
        assertEq(pool.income(), 6_695e6);
        _assertWhole();
    }
}
