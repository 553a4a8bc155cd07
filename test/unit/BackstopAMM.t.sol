// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Curve, IBackstopAMM, Taken} from "../../contracts/interfaces/IBackstopAMM.sol";
import {AmmOrder, IMarginEngine, MarketParams, Valuation} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {RulesLib} from "../../contracts/libraries/RulesLib.sol";
import {AmmBase} from "../helpers/AmmBase.t.sol";

/// @notice The curve: trades and providers.
contract BackstopAMMTest is AmmBase {
    uint128 private constant QUOTE = uint128(4 * PROVIDED * USD);
    uint64 private constant BASE = uint64(QUOTE / ETH_PRICE);

    /* THE FIRST PROVIDER */

    function test_AddLiquidity_TheFirstSetsTheCurveAtTheIndex() public view {
        Curve memory c = amm.curves(ETH);
        assertEq(c.quote, QUOTE);
        assertEq(c.base, BASE);
        assertEq(c.feePpm, amm.DEFAULT_FEE());
        assertEq(_share(provider), PROVIDED * USD - amm.LOCKED());
        assertEq(_equity(curve), int256(PROVIDED * USD));
        assertEq(_equity(provider), 0);
        _assertConserved();
    }

    function test_AddLiquidity_WantsAtLeastAThousand() public {
        _deposit(alice, 1_000);
        uint128 cash = uint128(1_000 * USD - 1);
        vm.prank(_owner(alice));
        vm.expectRevert(abi.encodeWithSelector(IBackstopAMM.TooLittleCash.selector, cash, 1_000 * USD));
        amm.addLiquidity(ALT, alice, cash, 0);
    }

    function test_AddLiquidity_OnlyFromOnesOwnAccount() public {
        vm.expectRevert(abi.encodeWithSelector(IBackstopAMM.NotAuthorized.selector, address(this), alice));
        amm.addLiquidity(ETH, alice, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IBackstopAMM.NotAuthorized.selector, address(this), alice));
        amm.removeLiquidity(ETH, alice, 1, true, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotAmm.selector, address(this)));
        engine.moveLiquidity(ETH, alice, 0, -1);
    }

    function test_AddLiquidity_TakesNoCashThatIsMargin() public {
        _trade(alice, bob, 400_000); // 80,000 USD
        uint128 cash = uint128(uint256(_equity(alice)));
        vm.prank(_owner(alice));
        vm.expectPartialRevert(IMarginEngine.InitialMarginNotMet.selector);
        amm.addLiquidity(ETH, alice, cash, 0);
    }

    function test_AddLiquidity_LaterSharesCostWhatTheyAreWorth() public {
        _swap(alice, 100_000); // fees and a loss of the curve at the mark
        _setPrice(ETH, 2_010e8);
        int256 before = engine.health(curve, Valuation.FAVOURABLE).equity;
        uint256 supply = amm.totalSupply(amm.shareId(ETH));
        Curve memory c = amm.curves(ETH);

        uint256 shares = _provide(carol, 500_000);

        assertEq(shares, (500_000 * USD * supply) / uint256(before));
        Curve memory d = amm.curves(ETH);
        uint256 most = 4 * (uint256(before) + 500_000 * USD); // less than in proportion: the curve has lost
        uint256 quote = c.quote + (c.quote * shares) / supply;
        assertGt(quote, most);
        assertEq(d.quote, most);
        assertEq(d.base, ((c.base + (c.base * shares) / supply) * most) / quote);
        _assertConserved();
    }

    function test_AddLiquidity_MintsAtLeastWhatWasAskedFor() public {
        _deposit(carol, 1_000);
        vm.prank(_owner(carol));
        vm.expectRevert(abi.encodeWithSelector(IBackstopAMM.TooFewShares.selector, 1_000 * USD, 1_000 * USD + 1));
        amm.addLiquidity(ETH, carol, uint128(1_000 * USD), 1_000 * USD + 1);
    }

    function test_AddLiquidity_NotWhileTheCurveIsOffTheIndex() public {
        _setPrice(ETH, 2_021e8);
        _deposit(carol, 1_000);
        vm.prank(_owner(carol));
        vm.expectRevert(abi.encodeWithSelector(IBackstopAMM.CurveOffIndex.selector, 103, 100));
        amm.addLiquidity(ETH, carol, uint128(1_000 * USD), 0);
    }

    function test_AddLiquidity_WaitsForAPrice() public {
        vm.warp(block.timestamp + 2 hours);
        _deposit(carol, 1_000);
        vm.prank(_owner(carol));
        vm.expectRevert(abi.encodeWithSelector(IBackstopAMM.PriceNotValid.selector, ETH));
        amm.addLiquidity(ETH, carol, uint128(1_000 * USD), 0);
    }

    /// @dev Nobody can arbitrage a curve of a dollar, so it may be anywhere: it is set anew.
    function test_AddLiquidity_SetsWhatIsLeftOfACurveAnewAtTheIndex() public {
        uint256 shares = _share(provider);
        vm.prank(_owner(provider));
        amm.removeLiquidity(ETH, provider, shares, false, 0);
        _setPrice(ETH, 1_500e8);
        _provide(carol, 50_000);
        Curve memory c = amm.curves(ETH);
        assertEq(c.quote, 4 * (50_000 * USD + amm.LOCKED()));
        assertEq(c.base, c.quote / 1_500e8);
        assertEq(_share(carol), 50_000 * USD);
    }

    /// @dev Depth is at most four times what is there, however much the curve has lost.
    function test_AddLiquidity_RestoresTheLeverageOfACurveThatHasLost() public {
        _swap(alice, 800_000);
        _setPriceLongAgo(ETH, 2_165e8); // where the curve is
        int256 equity = engine.health(curve, Valuation.FAVOURABLE).equity;
        assertLt(equity, int256(PROVIDED * USD));
        _provide(carol, 1_000_000);
        assertEq(amm.curves(ETH).quote, 4 * (uint256(equity) + 1_000_000 * USD));
    }

    /* LEAVING */

    function test_RemoveLiquidity_OfAFlatCurveIsCash() public {
        uint256 shares = _share(provider);
        vm.prank(_owner(provider));
        (int256 lots, uint256 cash) = amm.removeLiquidity(ETH, provider, shares, false, 0);
        assertEq(lots, 0);
        assertEq(cash, PROVIDED * USD - amm.LOCKED());
        assertEq(_cash(provider), int256(cash));
        assertEq(_equity(curve), int256(amm.LOCKED()));
        _assertConserved();
    }

    function test_RemoveLiquidity_InKindIsThePartOfEverything() public {
        _swap(alice, 300_000);
        int256 lots = _lots(curve, ETH);
        int256 equity = _equity(curve);
        uint256 supply = amm.totalSupply(amm.shareId(ETH));
        uint256 shares = supply / 2;

        vm.prank(_owner(provider));
        (int256 got, uint256 cash) = amm.removeLiquidity(ETH, provider, shares, true, 0);

        assertEq(got, lots / 2);
        assertEq(cash, uint256(equity) / 2);
        assertEq(_lots(provider, ETH), got);
        assertEq(_equity(provider), int256(cash));
        assertEq(_equity(curve), equity - int256(cash));
        _assertConserved();
    }

    /// @dev At any price that comes later, who left and who stayed have what they would have had.
    function testFuzz_RemoveLiquidity_InKindIsTheSameAtAnyPrice(int64 lots, uint256 part, uint64 price) public {
        lots = int64(bound(lots, -900_000, 900_000));
        price = uint64(bound(price, 1_500e8, 2_500e8));
        uint256 supply = amm.totalSupply(amm.shareId(ETH));
        part = bound(part, supply / 10, (supply * 9) / 10);
        if (_abs(lots) < 2_000) return; // a part of it is a position of its own
        _swap(alice, lots);
        _deposit(provider, 1_000_000); // margin for what he takes with him
        uint256 snapshot = vm.snapshotState();
        _setPrice(ETH, price);
        int256 whole = _equity(curve);
        vm.revertToState(snapshot);

        vm.prank(_owner(provider));
        amm.removeLiquidity(ETH, provider, part, true, 0);
        _setPrice(ETH, price);

        int256 left = _equity(curve);
        int256 lot = int256(uint256(price)); // the part of a lot that nobody can take stays
        assertApproxEqAbs(left, (whole * int256(supply - part)) / int256(supply), uint256(lot));
        _assertConserved();
    }

    function test_RemoveLiquidity_CashIsPaidAtTheWorseEdge() public {
        _swap(alice, 900_000);
        int256 worse = engine.health(curve, Valuation.UNFAVOURABLE).equity;
        assertLt(worse, _equity(curve));
        uint256 supply = amm.totalSupply(amm.shareId(ETH));
        vm.prank(_owner(provider));
        (int256 lots, uint256 cash) = amm.removeLiquidity(ETH, provider, supply / 4, false, 0);
        assertEq(lots, 0);
        assertEq(cash, uint256(worse) / 4);
        _assertConserved();
    }

    function test_RemoveLiquidity_PaysNoProfitThatIsNotRealised() public {
        _swap(alice, 900_000);
        _setPriceLongAgo(ETH, 1_300e8);
        uint256 shares = (_share(provider) * 95) / 100;
        vm.prank(_owner(provider));
        vm.expectPartialRevert(IMarginEngine.CashNegative.selector); // what the curve has won is not cash yet
        amm.removeLiquidity(ETH, provider, shares, false, 0);
    }

    /// @dev In cash nobody leaves more of the position to the others than a trade could have brought.
    function test_RemoveLiquidity_InCashLeavesTheCurveItsExposure() public {
        _swap(alice, 900_000);
        uint256 supply = amm.totalSupply(amm.shareId(ETH));
        vm.prank(_owner(provider));
        vm.expectPartialRevert(IBackstopAMM.CurveOverexposed.selector);
        amm.removeLiquidity(ETH, provider, (supply * 96) / 100, false, 0);
        vm.prank(_owner(provider));
        amm.removeLiquidity(ETH, provider, (supply * 93) / 100, false, 0);
    }

    function test_RemoveLiquidity_PaysAtLeastWhatWasAskedFor() public {
        vm.prank(_owner(provider));
        vm.expectRevert(abi.encodeWithSelector(IBackstopAMM.TooLittlePaid.selector, 1_000 * USD, 1_000 * USD + 1));
        amm.removeLiquidity(ETH, provider, 1_000 * USD, false, 1_000 * USD + 1);
    }

    /* TRADES */

    function test_Trade_IsTheQuoteToTheUnit() public {
        (Taken memory t, uint256 quoted) = amm.quote(ETH, 123_457);
        assertEq(t.curveLots, 123_457);
        assertEq(t.bandLots, 0);
        uint256 exact = (uint256(123_457) * QUOTE + BASE - 123_457 - 1) / (BASE - 123_457);
        assertEq(t.curveQuote, exact);
        assertEq(t.fee, (exact * 500 + 999_999) / 1e6);

        int256 before = _equity(alice);
        assertEq(_swap(alice, 123_457), quoted);

        assertEq(quoted, exact + t.fee);
        assertEq(_equity(alice), before + int256(123_457) * int64(ETH_PRICE) - int256(quoted));
        assertEq(_equity(curve), int256(PROVIDED * USD + quoted) - int256(123_457) * int64(ETH_PRICE));
        Curve memory c = amm.curves(ETH);
        assertEq(c.base, BASE - 123_457);
        assertEq(c.quote, QUOTE + exact);
        _assertConserved();
    }

    function testFuzz_Trade_IsTheQuoteToTheUnit(int64[6] memory sizes, uint64[6] memory prices) public {
        for (uint256 i; i < 6; ++i) {
            _setPrice(ETH, uint64(bound(prices[i], 1_990e8, 2_010e8)));
            int64 lots = int64(bound(sizes[i], -70_000, 70_000));
            if (lots == 0 || _abs(_lots(alice, ETH) + lots) < 100) continue;
            (, uint256 quoted) = amm.quote(ETH, lots);
            int256 sum = _equity(alice) + _equity(curve);
            int256 before = _equity(alice);
            assertEq(_swap(alice, lots), quoted);
            int256 gain = _equity(alice) - before;
            int256 mark = int256(uint256(engine.markets(ETH).price));
            assertEq(gain, lots > 0 ? lots * mark - int256(quoted) : lots * mark + int256(quoted));
            assertEq(_equity(alice) + _equity(curve), sum);
        }
        _assertConserved();
    }

    function test_Trade_TakerFeesGoToTheBucket() public {
        vm.prank(governor);
        engine.setMarket(ETH, _withFees(), _rules());
        (Taken memory t, uint256 quoted) = amm.quote(ETH, -50_000);
        uint256 fee = (uint256(t.curveQuote) * 400 + 999_999) / 1e6;
        assertEq(quoted, t.curveQuote - t.fee - fee);
        uint256 bucket = engine.markets(ETH).bucket;
        assertEq(_swap(alice, -50_000), quoted);
        assertEq(engine.markets(ETH).bucket, bucket + fee);
        _assertConserved();
    }

    function test_Trade_KeepsToItsLimitAndItsDeadline() public {
        (, uint256 quoted) = amm.quote(ETH, 1_000);
        AmmOrder memory order = _order(alice, 1_000);
        order.limit = uint128(quoted - 1);
        vm.startPrank(_owner(alice));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.QuoteBeyondLimit.selector, quoted, quoted - 1));
        engine.trade(order);
        order.limit = uint128(quoted);
        order.deadline = uint32(block.timestamp - 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.TooLate.selector, block.timestamp, block.timestamp - 1));
        engine.trade(order);
        order.deadline = uint32(block.timestamp);
        assertEq(engine.trade(order), quoted);

        (, quoted) = amm.quote(ETH, -1_000);
        order = _order(alice, -1_000);
        order.limit = uint128(quoted + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.QuoteBeyondLimit.selector, quoted, quoted + 1));
        engine.trade(order);
    }

    function test_Trade_RefusesBadInput() public {
        AmmOrder memory order = _order(alice, 1_000);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotAuthorized.selector, address(this), alice));
        engine.trade(order);
        vm.startPrank(_owner(alice));
        order.lots = 0;
        vm.expectRevert(IMarginEngine.ZeroAmount.selector);
        engine.trade(order);
        order.lots = type(int64).min;
        vm.expectPartialRevert(IMarginEngine.DepthTooSmall.selector);
        engine.trade(order);
        (order.lots, order.market) = (1_000, 7);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 7));
        engine.trade(order);
        order.market = 64;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 64));
        engine.trade(order);
        order.market = ALT; // nobody provides there
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.DepthTooSmall.selector, 1_000, 0));
        engine.trade(order);
        (order.market, order.lots) = (ETH, 99);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PositionTooSmall.selector, alice, 99, 100));
        engine.trade(order);
    }

    function test_Trade_HoldsTheAccountToItsMargin() public {
        uint256 poor = _account("poor");
        _deposit(poor, 100);
        AmmOrder memory order = _order(poor, 20_000);
        vm.prank(_owner(poor));
        vm.expectPartialRevert(IMarginEngine.InitialMarginNotMet.selector);
        engine.trade(order);
    }

    /// @dev The index is 8 % above the curve, at a price of which 95 % is no whole unit.
    function test_Trade_ACurveBeyondTheBandDealsAtItsEnd() public {
        _setPriceLongAgo(ETH, 2_160e8 + 1);
        uint256 atEnd = (10_000 * uint256(2_160e8 + 1) * 95) / 100;
        (Taken memory t, ) = amm.quote(ETH, 10_000);
        assertEq(t.curveQuote, atEnd);
        uint256 paid = _swap(alice, 10_000);
        assertEq(paid, atEnd + t.fee + (atEnd * _params().takerFeePpm + 1e6 - 1) / 1e6);
    }

    /// @dev Each fee is a unit at least, and a lot may be worth no more.
    function test_RevertWhen_ASaleBringsLessThanItsFees() public {
        assertEq(this.totalOf(false, 3, 2), 1);
        assertEq(this.totalOf(false, 2, 2), 0);
        assertEq(this.totalOf(true, 1, 2), 3);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.ProceedsBelowFees.selector, 1, 2));
        this.totalOf(false, 1, 2);
    }

    function totalOf(bool isBuy, uint256 quoted, uint256 fees) external pure returns (uint256) {
        return RulesLib.totalOf(isBuy, quoted, fees);
    }

    function test_Trade_StaysInTheBandOfFills() public {
        _deposit(alice, 10_000_000);
        AmmOrder memory order = _order(alice, 1_000_000); // 5 % of the base: 5.3 % above on average
        vm.prank(_owner(alice));
        vm.expectPartialRevert(IMarginEngine.PriceOutsideBand.selector);
        engine.trade(order);
    }

    function test_Trade_AtAnInvalidPriceOnlyReduces() public {
        _swap(alice, 10_000);
        vm.warp(block.timestamp + 2 hours);
        AmmOrder memory order = _order(alice, 1_000);
        vm.prank(_owner(alice));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.STALE));
        engine.trade(order);
        _swap(alice, -10_000); // the curve closes too
        assertEq(_lots(curve, ETH), 0);
    }

    /// @dev Its position may be worth three times its equity, whatever its margin allows.
    function test_Trade_TheCurveKeepsItsExposure() public {
        vm.prank(governor);
        engine.setMarket(ETH, _wideBand(), _rules());
        uint256 supply = amm.totalSupply(amm.shareId(ETH));
        _swap(alice, 1_800_000);
        vm.prank(_owner(provider));
        amm.removeLiquidity(ETH, provider, (supply * 8) / 10, false, 0); // less equity, the same position
        int256 worth = engine.accounts(curve).cash; // less than its equity: it has won
        assertLt(worth, engine.health(curve, Valuation.UNFAVOURABLE).equity);
        uint256 room = (uint256(worth) * 3) / ETH_PRICE - 1_800_000;
        assertGt(room, 0);
        vm.expectRevert(abi.encodeWithSelector(IBackstopAMM.TooManyLots.selector, room + 1, room));
        amm.quote(ETH, int64(uint64(room + 1)));
        (Taken memory t, ) = amm.quote(ETH, int64(uint64(room)));
        assertEq(t.curveLots, room);
        (t, ) = amm.quote(ETH, -1_800_000); // closing is free
        assertEq(t.curveLots, 1_800_000);
    }

    /* WHAT IT TELLS THE ENGINE */

    function test_Premium_IsAnAverageOverTime() public {
        _swap(alice, 80_000); // 0.4 % of the base: 0.8 % on the price
        engine.sync(ETH);
        assertEq(engine.markets(ETH).fundingRate, 0); // a price that has just come weighs nothing
        _warp(1 hours);
        engine.sync(ETH);
        // half of the largest sample, 0.5 %
        assertApproxEqAbs(engine.markets(ETH).fundingRate, 2_500_000, 1);
        _swap(alice, -80_000);
        _warp(1 hours);
        engine.sync(ETH);
        assertApproxEqAbs(engine.markets(ETH).fundingRate, 1_250_000, 2_000); // the fees' bit of premium is left
    }

    function test_Premium_APushWithinABlockIsNotSeen() public {
        _warp(1 hours);
        _swap(alice, 90_000);
        _swap(alice, -90_000);
        engine.sync(ETH);
        _warp(1);
        engine.sync(ETH);
        assertApproxEqAbs(engine.markets(ETH).fundingRate, 0, 1);
    }

    /// @dev Half as deep as the market is large: half of its premium.
    function test_Premium_OfASmallCurveCountsLess() public {
        _deposit(alice, 10_000_000);
        _deposit(bob, 10_000_000);
        _trade(alice, bob, uint56((2 * QUOTE) / ETH_PRICE));
        _swap(alice, 80_000);
        _warp(1 hours);
        engine.sync(ETH);
        uint256 notional = engine.markets(ETH).openInterest * ETH_PRICE;
        uint256 expected = (2_500_000 * uint256(amm.curves(ETH).quote)) / notional;
        assertApproxEqAbs(engine.markets(ETH).fundingRate, int256(expected), 2);
    }

    /// @dev What the engine is told of the curve's distance was so a second ago too, and comes from a curve worth the name.
    function test_Divergence_APushWithinABlockIsNotSeen() public {
        _warp(60);
        _swap(alice, 600_000); // 6 %
        vm.prank(address(engine));
        assertEq(amm.sample(ETH, ETH_PRICE, 0, 0, 1).divergence, 0);
        vm.warp(block.timestamp + 1);
        vm.prank(address(engine));
        uint256 seen = amm.sample(ETH, ETH_PRICE, 0, 0, 1).divergence;
        assertApproxEqAbs(seen, 628, 2); // (1 / 0.97)^2
        vm.prank(address(engine));
        assertEq(amm.sample(ETH, ETH_PRICE, 0, 0, uint56((11 * uint256(QUOTE)) / ETH_PRICE)).divergence, 0); // small for the market
    }

    function test_Depletion_IsWhatHasGoneOfAWeeksDepth() public {
        _warp(1 hours);
        engine.sync(ETH);
        for (uint256 i; i < 14; ++i) {
            _warp(1 days);
            engine.sync(ETH);
        }
        vm.prank(_owner(provider));
        amm.removeLiquidity(ETH, provider, (PROVIDED * USD * 3) / 4, false, 0);
        vm.prank(address(engine));
        assertApproxEqAbs(amm.sample(ETH, ETH_PRICE, 0, 0, 0).depletion, 6_667, 10); // the average is at three quarters
    }

    function test_Jump_WhoKnowsItFirstPaysTheProviders() public {
        assertEq(amm.jumpFeeOf(ETH), 0);
        _setPrice(ETH, 2_100e8); // 5 %
        uint256 fee = 1e6 - (uint256(2_000) ** 3 * 1e6) / uint256(2_100) ** 3;
        assertEq(amm.jumpFeeOf(ETH), fee);
        (Taken memory t, ) = amm.quote(ETH, 10_000);
        assertEq(t.fee, (uint256(t.curveQuote) * (fee + 500) + 999_999) / 1e6);
        _warp(60);
        assertEq(amm.jumpFeeOf(ETH), (fee + 1) / 2);
        _warp(60);
        assertEq(amm.jumpFeeOf(ETH), 0);
        _setPrice(ETH, 2_120e8); // within 1 %
        assertEq(amm.jumpFeeOf(ETH), 0);
    }

    function test_Sample_OnlyTheEngine() public {
        vm.expectRevert(abi.encodeWithSelector(IBackstopAMM.NotEngine.selector, address(this)));
        amm.sample(ETH, 1, 0, 0, 0);
    }

    /* GOVERNANCE */

    function test_SetFee_OnlyGovernanceAndBounded() public {
        vm.prank(_owner(alice));
        vm.expectRevert();
        amm.setFee(ETH, 1);
        vm.expectRevert(abi.encodeWithSelector(IBackstopAMM.FeeOutOfRange.selector, 10_001, 1, 10_000));
        amm.setFee(ETH, 10_001);
        vm.expectRevert(abi.encodeWithSelector(IBackstopAMM.FeeOutOfRange.selector, 0, 1, 10_000));
        amm.setFee(ETH, 0);
        vm.expectEmit(address(amm));
        emit IBackstopAMM.FeeSet(ETH, 10_000);
        amm.setFee(ETH, 10_000);
        assertEq(amm.curves(ETH).feePpm, 10_000);
    }

    /* HELPERS */

    function _withFees() private pure returns (MarketParams memory p) {
        p = _params();
        p.takerFeePpm = 400;
    }

    function _wideBand() private pure returns (MarketParams memory p) {
        p = _params();
        p.bandBps = 1_000;
    }

    function _abs(int256 x) private pure returns (uint256) {
        return uint256(x < 0 ? -x : x);
    }
}
