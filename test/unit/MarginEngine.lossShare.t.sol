// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {DrawReason} from "../../contracts/interfaces/ICapitalStack.sol";
import {IMarginEngine, Market, MarketStatus, Recovery} from "../../contracts/interfaces/IMarginEngine.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

contract MarginEngineLossShareTest is RecoveryBase {
    uint256 private constant LOTS = 1_000_000; // {lot} $200,000
    uint256 private constant MM_BPS = 300;

    uint256 private dave;

    function setUp() public override {
        super.setUp();
        dave = _account("dave");
        pool.setStake(STAKE * 1e6, 0);
    }

    /// @dev {u/lot} eq. (19) without what was charged before
    function _limit(uint8 m) private view returns (uint256) {
        Market memory market = engine.markets(m);
        uint256 adverse = market.slow > market.price ? market.slow - market.price : market.price - market.slow;
        uint256 borne = (uint256(market.slow) * MM_BPS + 9_999) / 10_000;
        return adverse > borne ? adverse - borne : 0;
    }

    function _ceil(uint256 x, uint256 y) private pure returns (uint256) {
        return (x + y - 1) / y;
    }

    /* LAYERS */

    /// @dev Bucket 95 after the reward, pool 500, winners up to the limit, deficit: in this order and to the unit.
    function testFuzz_Layers_PayInOrder(uint256 price, uint256 late) public {
        _fund(ETH, 100);
        _open(11_000, uint56(LOTS));
        pool.setStake(STAKE * 1e6, 500e6);
        _setPrice(ETH, uint64(bound(price, 900e8, 1_870e8)));
        _warp(bound(late, 0, 3 hours));
        engine.sync(ETH);
        Market memory m = engine.markets(ETH);

        uint256 d = uint256(-_equity(alice));
        uint256 rest = d - 95 * USD - 500 * USD;
        uint256 c = _ceil(rest, LOTS);
        uint256 limit = _limit(ETH);
        bool binds = c > limit;
        if (binds) c = limit;
        uint256 byShare = binds ? c * LOTS : rest;
        uint256 excess = binds ? 0 : c * LOTS - rest;
        int256 before = _equity(bob);
        if (c != 0) {
            vm.expectEmit(address(engine));
            emit IMarginEngine.LossShared(ETH, false, c, c * LOTS);
        }
        vm.expectEmit(address(engine));
        emit IMarginEngine.ShortfallCovered(
            ETH,
            alice,
            DrawReason.LIQUIDATION,
            d,
            95 * USD,
            500 * USD,
            byShare,
            rest - byShare,
            excess
        );
        engine.takeover(alice, keeper);

        assertEq(engine.deficit(ETH), rest - byShare);
        assertEq(engine.markets(ETH).bucket, excess);
        assertEq(before - _equity(bob), int256(c * LOTS));
        assertEq(int256(engine.markets(ETH).indexShort), int256(m.indexShort) - int256(c));
        assertEq(engine.markets(ETH).indexLong, m.indexLong);
        Recovery memory r = engine.recovery(ETH);
        if (c != 0) assertEq(r.shared, c);
        _assertWhole();
    }

    function test_LossShare_LongsPayAfterARise() public {
        _deposit(alice, 11_000);
        _deposit(bob, 1_000_000);
        _trade(bob, alice, uint56(LOTS));
        _setPrice(ETH, 2_300e8);
        uint256 c = 19_000e12 / LOTS;
        vm.expectEmit(address(engine));
        emit IMarginEngine.LossShared(ETH, true, c, 19_000e12);
        engine.takeover(alice, keeper);
        assertEq(int256(engine.markets(ETH).indexLong), int256(c));
        assertEq(engine.markets(ETH).indexShort, 0);
        assertEq(_equity(bob), int256((1_030_000 - 19_000) * USD)); // 30,000 won
        assertEq(engine.totalDeficit(), 0);
        _assertWhole();
    }

    function test_LossShare_IsProportionalToSize() public {
        _deposit(alice, 11_000);
        _deposit(bob, 1_000_000);
        _deposit(carol, 1_000_000);
        _trade(alice, bob, 700_001);
        _trade(alice, carol, 299_999);
        _setPrice(ETH, 1_777.77777777e8);
        int256[2] memory before = [_equity(bob), _equity(carol)];
        uint256 d = uint256(-_equity(alice));
        engine.takeover(alice, keeper);
        uint256 c = _ceil(d, LOTS);
        assertEq(before[0] - _equity(bob), int256(700_001 * c));
        assertEq(before[1] - _equity(carol), int256(299_999 * c));
        assertEq(engine.markets(ETH).bucket, c * LOTS - d); // less than a unit a lot
        _assertWhole();
    }

    /// @dev Half of the winning side is the pool's own: it pays too, and that counts against its budgets.
    function test_LossShare_CountsWhatFallsOnThePool() public {
        _deposit(bob, 1_000_000);
        _deposit(carol, 11_000);
        _trade(bob, carol, uint56(LOTS)); // carol short
        _setPriceLongAgo(ETH, 2_100e8);
        engine.takeover(carol, keeper);
        assertEq(_lots(ETH, ETH), -int256(LOTS));
        _deposit(alice, 5_800);
        _deposit(dave, 1_000_000);
        _trade(alice, dave, uint56(LOTS / 2));
        pool.setStake(STAKE * 1e6, 0);
        _setPrice(ETH, 1_800e8);
        uint256 d = uint256(-_equity(alice));
        uint256 c = _ceil(d, LOTS); // alice's lots meet half of the inventory's
        assertLe(c, _limit(ETH));
        int256 own = engine.inventory(ETH).equity;
        int256 before = _equity(dave);
        engine.takeover(alice, keeper);
        assertEq(pool.counted(ETH), _ceil((c * LOTS) / 2, 1e6));
        assertEq(before - _equity(dave), int256((c * LOTS) / 2));
        assertEq(own - engine.inventory(ETH).equity, int256((c * LOTS) / 2));
        assertEq(engine.totalDeficit(), 0);
        _assertWhole();
    }

    function test_LossShare_NobodyPaysWhenThePoolAloneHasWon() public {
        for (uint56 rest; rest <= 100_000; rest += 100_000) {
            uint256 snapshot = vm.snapshotState();
            _deposit(alice, 11_000);
            _deposit(bob, 1_000_000);
            _deposit(carol, 11_000);
            _trade(alice, carol, uint56(LOTS) - rest);
            if (rest != 0) _trade(bob, carol, rest);
            _setPriceLongAgo(ETH, 2_100e8);
            engine.takeover(carol, keeper); // the inventory is all shorts
            _setPrice(ETH, 1_700e8);
            uint256 d = uint256(-_equity(alice));
            vm.expectEmit(address(engine));
            emit IMarginEngine.ShortfallCovered(ETH, alice, DrawReason.LIQUIDATION, d, 0, 0, 0, d, 0);
            engine.takeover(alice, keeper);
            assertEq(engine.markets(ETH).openInterest, rest); // none without the rest: nothing to divide by
            assertEq(engine.markets(ETH).indexShort, 0);
            _assertWhole();
            vm.revertToState(snapshot);
        }
    }

    /* LIMIT */

    /// @dev Ten long accounts fall one after another while the average follows. Every share is what eq. (19) says, and those of one
    /// half-life stay within the limit of the moment.
    function testFuzz_Limit_HoldsOverTwoAlignedHours(uint256 price, uint256[10] memory waits) public {
        _deposit(bob, 10_000_000);
        uint256[10] memory losers;
        for (uint256 i; i < 10; ++i) {
            losers[i] = _account(string(abi.encodePacked("loser", bytes1(uint8(48 + i)))));
            _deposit(losers[i], 1_100);
            _trade(losers[i], bob, 100_000);
        }
        _setPrice(ETH, uint64(bound(price, 400e8, 1_500e8)));
        uint256[10] memory charges;
        uint256[10] memory times;
        for (uint256 i; i < 10; ++i) {
            _warp(bound(waits[i], 1, 30 minutes));
            engine.sync(ETH);
            uint256 limit = _limit(ETH);
            uint256 hour = vm.getBlockTimestamp() / 1 hours;
            uint256 aligned;
            uint256 halfLife;
            for (uint256 j; j < i; ++j) {
                if (times[j] / 1 hours + 1 >= hour) aligned += charges[j];
                if (times[j] + 1 hours >= vm.getBlockTimestamp()) halfLife += charges[j];
            }
            uint256 c = _ceil(uint256(-_equity(losers[i])) - _byBucket(losers[i]), LOTS);
            uint256 room = limit > aligned ? limit - aligned : 0;
            if (c > room) c = room;
            int256 index = engine.markets(ETH).indexShort;
            engine.takeover(losers[i], keeper);
            assertEq(int256(engine.markets(ETH).indexShort), index - int256(c));
            if (c != 0) assertLe(halfLife + c, limit);
            (charges[i], times[i]) = (c, vm.getBlockTimestamp());
        }
        _assertWhole();
    }

    /// @dev {u} what the excess of earlier shares pays, after the reward
    function _byBucket(uint256 id) private view returns (uint256) {
        uint256 bucket = engine.markets(ETH).bucket;
        uint256 reward = _params().takeoverReward;
        if (reward > _mm(id) / 2) reward = _mm(id) / 2;
        if (reward > bucket) reward = bucket;
        uint256 d = uint256(-_equity(id));
        return d < bucket - reward ? d : bucket - reward;
    }

    function test_Limit_IsNewAfterTwoHours() public {
        _deposit(bob, 10_000_000);
        _deposit(alice, 1_100);
        _deposit(carol, 1_100);
        _trade(alice, bob, 100_000);
        _trade(carol, bob, 100_000);
        _deposit(dave, 1_000_000);
        _trade(dave, bob, 400_000);
        vm.warp((vm.getBlockTimestamp() / 1 hours + 1) * 1 hours);
        _setPrice(ETH, 1_000e8);
        _warp(20 minutes);
        engine.takeover(alice, keeper);
        Recovery memory r = engine.recovery(ETH);
        assertEq(r.hour, vm.getBlockTimestamp() / 1 hours);
        uint256 first = r.shared;
        assertGt(first, 0);
        uint256 snapshot = vm.snapshotState();
        _warp(1 hours);
        _takeCarol();
        r = engine.recovery(ETH);
        assertEq(r.sharedBefore, first);
        vm.revertToState(snapshot);
        _warp(2 hours);
        _takeCarol();
        assertEq(engine.recovery(ETH).sharedBefore, 0);
    }

    function _takeCarol() private {
        engine.takeover(carol, keeper);
        assertEq(engine.recovery(ETH).hour, vm.getBlockTimestamp() / 1 hours);
        _assertWhole();
    }

    /* WINNING SIDE CLOSED */

    function test_RevertWhen_BuyerJoinsAfterARise() public {
        _open(100_000, uint56(LOTS));
        _setPrice(ETH, 2_060e8); // 3 % exactly: open
        assertEq(engine.markets(ETH).slow, 2_000e8);
        _trade(alice, bob, 100);
        _setPrice(ETH, 2_061e8);
        uint64 slow = engine.markets(ETH).slow;
        _deposit(dave, 100_000);
        bytes memory refusal = abi.encodeWithSelector(IMarginEngine.WinningSideClosed.selector, ETH, 2_061e8, slow);
        vm.expectRevert(refusal);
        engine.fill(_fill(ETH, alice, bob, 100, 2_061e8));
        vm.expectRevert(refusal);
        engine.fill(_fill(ETH, dave, alice, 100, 2_061e8)); // whoever sells
        _trade(bob, alice, 100); // closing on both sides
        _deposit(carol, 100_000);
        _trade(bob, dave, 1000); // dave joins the losers, bob closes
        assertEq(_lots(dave, ETH), -1000);
        vm.expectRevert(refusal); // turning round joins
        engine.fill(_fill(ETH, dave, alice, 1100, 2_061e8));
    }

    function test_RevertWhen_SellerJoinsAfterAFall() public {
        _open(100_000, uint56(LOTS));
        _setPrice(ETH, 1_940e8);
        _trade(alice, bob, 100);
        _setPrice(ETH, 1_939e8);
        uint64 slow = engine.markets(ETH).slow;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.WinningSideClosed.selector, ETH, 1_939e8, slow));
        engine.fill(_fill(ETH, alice, bob, 100, 1_939e8));
        _trade(bob, alice, 100);
        _deposit(dave, 100_000);
        _trade(dave, alice, 1000); // buys from one who closes
        assertEq(_lots(dave, ETH), 1000);
        _warp(8 hours); // the average has followed
        _trade(dave, bob, 1000);
    }

    function test_RevertWhen_LiquidatorTakesTheWinningSide() public {
        _deposit(alice, 15_500);
        _deposit(bob, 1_000_000);
        _deposit(keeper, 1_000_000);
        _trade(ETH, alice, bob, 100_000); // $20,000
        _trade(ALT, alice, bob, 20_000_000); // $200,000
        _setPrice(ETH, 2_100e8); // + 1,000
        _setPrice(ALT, 94e8); // - 12,000: 4,500 of 6,200
        engine.sync(ETH);
        uint64 slow = engine.markets(ETH).slow;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.WinningSideClosed.selector, ETH, 2_100e8, slow));
        vm.prank(_owner(keeper));
        engine.liquidate(alice, ETH, keeper, type(uint56).max, 0);
        uint256 snapshot = vm.snapshotState();
        _liquidate(alice, ALT); // longs have lost there
        vm.revertToState(snapshot);
        _trade(ETH, bob, keeper, 100_000); // a short may take it over: it closes
        vm.prank(_owner(keeper));
        (uint56 lots, ) = engine.liquidate(alice, ETH, keeper, type(uint56).max, 0);
        assertEq(lots, 100_000);
        assertEq(_lots(keeper, ETH), 0);
        _assertWhole();
    }

    /* SETTLED */

    function test_LossShare_NoneOnceClosingHasBegun() public {
        _open(11_000, uint56(LOTS));
        engine.windDown(ETH);
        _warp(1 days);
        _setPrice(ETH, 1_700e8);
        _warp(31 minutes);
        engine.fixSettlementPrice(ETH);
        assertEq(uint8(engine.markets(ETH).status), uint8(MarketStatus.SETTLED));
        assertEq(engine.markets(ETH).price, 1_700e8);
        uint256 d = uint256(-_equity(alice));
        assertGt(_limit(ETH), 0);
        uint256 snapshot = vm.snapshotState();
        _warp(1 hours - 1);
        engine.takeover(alice, keeper);
        assertLt(engine.deficit(ETH), d);
        _assertWhole();
        vm.revertToState(snapshot);
        _warp(1 hours);
        int256 before = _equity(bob);
        vm.expectEmit(address(engine));
        emit IMarginEngine.ShortfallCovered(ETH, alice, DrawReason.ORACLE_FAILURE, d, 0, 0, 0, d, 0);
        engine.takeover(alice, keeper);
        assertEq(_equity(bob), before);
        assertEq(engine.deficit(ETH), d);
        _assertWhole();
    }
}
