// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Curve, Taken} from "../../contracts/interfaces/IBackstopAMM.sol";
import {CurveLib, Step} from "../../contracts/libraries/CurveLib.sol";
import {BaseTest} from "../helpers/Base.t.sol";

contract CurveLibTest is BaseTest {
    uint256 private constant ENDLESS = type(uint64).max;

    /* THE CURVE */

    /// @dev The router's formulas of Uniswap v2 without their fee, written down independently.
    function _amountOut(uint256 amountIn, uint256 reserveIn, uint256 reserveOut) private pure returns (uint256) {
        return (amountIn * reserveOut) / (reserveIn + amountIn);
    }

    function _amountIn(uint256 amountOut, uint256 reserveIn, uint256 reserveOut) private pure returns (uint256) {
        return (reserveIn * amountOut) / (reserveOut - amountOut) + 1;
    }

    function testFuzz_Curve_PaysWhatUniswapV2Pays(uint256 base, uint256 quote, uint256 lots) public pure {
        Curve memory c = _curve(bound(base, 1, 1 << 57), bound(quote, 1, 1 << 119));
        lots = bound(lots, 1, (1 << 56) - 1);
        assertEq(CurveLib.proceeds(c, lots), _amountOut(lots, c.base, c.quote));
        lots = bound(lots, 1, c.base);
        if (lots == c.base) return;
        uint256 exact = _amountIn(lots, c.quote, c.base);
        if ((uint256(c.quote) * lots) % (c.base - lots) == 0) --exact; // v2 rounds a whole amount up too
        assertEq(CurveLib.cost(c, lots), exact);
    }

    function testFuzz_Curve_NoRoundTripPays(uint256 base, uint256 quote, uint256 lots, uint256 parts) public pure {
        Curve memory c = _curve(bound(base, 2, 1 << 57), bound(quote, 1, 1 << 119));
        lots = bound(lots, 1, (1 << 56) - 1);
        uint256 product = uint256(c.base) * c.quote;
        uint256 paid = CurveLib.proceeds(c, lots);
        CurveLib.move(c, false, lots, paid);
        assertGe(uint256(c.base) * c.quote, product);
        uint256 returned;
        for (parts = bound(parts, 1, 5); parts != 0; --parts) {
            uint256 part = parts == 1 ? lots : lots / parts;
            uint256 cost = CurveLib.cost(c, part);
            CurveLib.move(c, true, part, cost);
            (returned, lots) = (returned + cost, lots - part);
        }
        assertGe(returned, paid);
        assertGe(uint256(c.base) * c.quote, product);
    }

    /* HOW FAR */

    function testFuzz_LotsTo_StopsAtThePrice(uint256 base, uint256 quote, uint256 at, bool isBuy) public pure {
        base = bound(base, 1e6, 1 << 57);
        Curve memory c = _curve(base, bound(quote, base, base << 62));
        uint256 mid = c.quote / c.base;
        at = isBuy ? bound(at, mid, 4 * mid + 4) : bound(at, mid / 4 + 1, mid + 1);
        uint256 lots = CurveLib.lotsTo(c, isBuy, at);

        // against exact products, from the reserves that a curve without rounding would have
        uint256 product = uint256(c.base) * c.quote;
        uint256 after_ = isBuy ? c.base - lots : c.base + lots;
        if (lots != 0) isBuy ? assertGe(after_ ** 2 * at, product) : assertLe(after_ ** 2 * at, product);
        after_ = isBuy ? after_ - 1 : after_ + 1;
        isBuy ? assertLt(after_ ** 2 * at, product) : assertGt(after_ ** 2 * at, product);
    }

    function test_LotsTo_IsEndlessWithoutAPrice() public pure {
        Curve memory c = _curve(1000, 1e15);
        assertEq(CurveLib.lotsTo(c, false, 0), type(uint56).max);
        assertEq(CurveLib.lotsTo(c, true, ENDLESS), 999);
        assertEq(CurveLib.lotsTo(_curve(0, 0), false, 0), 0);
        assertEq(CurveLib.lotsTo(_curve(0, 0), true, ENDLESS), 0);
    }

    /* WITH STEPS */

    /// @dev Price 1e12 and two steps 1 % and 2 % below it: the curve takes what brings it to each.
    function test_Plan_LayersCurveAndSteps() public pure {
        Curve memory c = _curve(1_000_000, 1e18);
        Step[] memory steps = new Step[](3);
        (steps[0], steps[1], steps[2]) = (Step(0, 0), Step(0.99e12, 1000), Step(0.98e12, 1000));
        uint256 toFirst = 5037; // 1e6 / sqrt(0.99) = 1,005,037.8
        uint256 toSecond = 10152; // 1e6 / sqrt(0.98) = 1,010,152.5

        _assertPlan(c, steps, 5037, toFirst, 0);
        _assertPlan(c, steps, 5538, toFirst, 501);
        _assertPlan(c, steps, 6037, toFirst, 1000);
        _assertPlan(c, steps, 7000, 6000, 1000);
        _assertPlan(c, steps, 11152, toSecond, 1000);
        _assertPlan(c, steps, 11252, toSecond, 1100);
        _assertPlan(c, steps, 20000, 18000, 2000);
    }

    function _assertPlan(
        Curve memory c,
        Step[] memory steps,
        uint256 lots,
        uint256 byCurve,
        uint256 bySteps
    ) private pure {
        Taken memory t = CurveLib.plan(c, steps, false, lots, ENDLESS, 0);
        assertEq(t.curveLots, byCurve);
        assertEq(t.bandLots, bySteps);
        assertEq(t.curveQuote, CurveLib.proceeds(c, byCurve));
        uint256 first = bySteps < 1000 ? bySteps : 1000;
        assertEq(t.bandQuote, first * 0.99e12 + (bySteps - first) * 0.98e12);
    }

    function test_Plan_StopsAtItsStopAndAtTheCurvesRoom() public pure {
        Curve memory c = _curve(1_000_000, 1e18);
        Step[] memory steps = new Step[](1);
        steps[0] = Step(0.99e12, 1000);
        Taken memory t = CurveLib.plan(c, steps, false, 1e6, ENDLESS, 0.99e12);
        assertEq(t.curveLots, 5037); // to the step, whose price is still allowed
        assertEq(t.bandLots, 1000);
        t = CurveLib.plan(c, steps, false, 1e6, ENDLESS, 0.99e12 + 1);
        assertEq(t.curveLots, 5037);
        assertEq(t.bandLots, 0);
        t = CurveLib.plan(c, steps, false, 1e6, 100, 0);
        assertEq(t.curveLots, 100);
        assertEq(t.bandLots, 1000);
    }

    /// @dev A curve of a few lots, whose next lot may go from one side of every price to the other.
    function testFuzz_Plan_NoLotIsWorseThanTheStop(uint256 seed, bool isBuy) public pure {
        Curve memory c = _curve(bound(seed, 2, 60), bound(seed >> 8, 1e9, 1e15));
        uint256 mid = c.quote / c.base;
        Step[] memory steps = new Step[](2);
        for (uint256 i; i < 2; ++i) {
            uint256 off = (mid * (bound(seed >> (48 + 8 * i), 0, 10) + 10 * i)) / 100;
            steps[i] = Step(isBuy ? mid + off : mid - off, bound(seed >> (72 + 8 * i), 0, 20));
        }
        uint256 distance = (mid * bound(seed >> 96, 0, 40)) / 100;
        uint256 stop = isBuy ? mid + distance : mid - distance;
        Taken memory t = CurveLib.plan(c, steps, isBuy, bound(seed >> 128, 1, 50), ENDLESS, stop);
        uint256 worst = (uint256(t.curveLots) + t.bandLots) * stop;
        uint256 quote = uint256(t.curveQuote) + t.bandQuote;
        isBuy ? assertLe(quote, worst) : assertGe(quote, worst);
    }

    /// @dev Selling in two parts gets what selling at once gets, but for what each curve trade rounds.
    function testFuzz_Plan_SplittingGainsNothing(uint256 quote, uint256 lots, uint256 part, bool isBuy) public pure {
        Curve memory c = _curve(1e9, bound(quote, 1e18, 1e24));
        uint256 mid = c.quote / c.base;
        Step[] memory steps = new Step[](4);
        for (uint256 i; i < 4; ++i) {
            uint256 off = (mid * (i + 1)) / 50;
            steps[i] = Step(isBuy ? mid + off : mid - off, 1e6 * (i + 1));
        }
        lots = bound(lots, 2, 2e8);
        part = bound(part, 1, lots - 1);

        Taken memory whole = CurveLib.plan(c, steps, isBuy, lots, ENDLESS, isBuy ? ENDLESS : 0);
        Taken memory first = CurveLib.plan(c, steps, isBuy, part, ENDLESS, isBuy ? ENDLESS : 0);
        CurveLib.move(c, isBuy, first.curveLots, first.curveQuote);
        uint256 used = first.bandLots;
        for (uint256 i; i < 4; ++i) {
            uint256 gone = used < steps[i].lots ? used : steps[i].lots;
            (steps[i].lots, used) = (steps[i].lots - gone, used - gone);
        }
        Taken memory second = CurveLib.plan(c, steps, isBuy, lots - part, ENDLESS, isBuy ? ENDLESS : 0);
        uint256 atOnce = uint256(whole.curveQuote) + whole.bandQuote;
        uint256 split = uint256(first.curveQuote) + first.bandQuote + second.curveQuote + second.bandQuote;
        // a rounded trade leaves the curve a unit better: its marginal price may then be reached a lot later
        uint256 lot = 2 * mid;
        isBuy ? assertGe(split + lot / 1e8, atOnce) : assertLe(split, atOnce + lot / 1e8);
        assertApproxEqAbs(split, atOnce, lot);
    }

    function testFuzz_Plan_MoreLotsCostMoreEach(uint256 lots, uint256 more, bool isBuy) public pure {
        Curve memory c = _curve(1e9, 1e21);
        Step[] memory steps = new Step[](2);
        (steps[0], steps[1]) =
            isBuy ? (Step(1.01e12, 1e6), Step(1.02e12, 1e6)) : (Step(0.99e12, 1e6), Step(0.98e12, 1e6));
        lots = bound(lots, 1, 1e8);
        more = bound(more, lots, 2e8);
        Taken memory a = CurveLib.plan(c, steps, isBuy, lots, ENDLESS, isBuy ? ENDLESS : 0);
        Taken memory b = CurveLib.plan(c, steps, isBuy, more, ENDLESS, isBuy ? ENDLESS : 0);
        assertEq(uint256(a.curveLots) + a.bandLots, lots);
        assertEq(uint256(b.curveLots) + b.bandLots, more);
        (uint256 paidA, uint256 paidB) = (uint256(a.curveQuote) + a.bandQuote, uint256(b.curveQuote) + b.bandQuote);
        if (isBuy) assertGe((paidB + 1) * lots, paidA * more);
        else assertLe(paidB * lots, (paidA + 1) * more);
    }

    function _curve(uint256 base, uint256 quote) private pure returns (Curve memory) {
        return Curve(uint64(base), uint128(quote), 0, 0);
    }
}
