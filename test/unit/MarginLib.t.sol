// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Health, Market, MarketParams, Position, Valuation} from "../../contracts/interfaces/IMarginEngine.sol";
import {MarginLib} from "../../contracts/libraries/MarginLib.sol";
import {BaseTest} from "../helpers/Base.t.sol";

contract MarginLibTest is BaseTest {
    uint256 internal constant ONE = 1e18;
    uint256 internal constant USD = 1e12;
    uint256 internal constant MAX_NOTIONAL = 1e30; // a million billion USD

    /* RATES */

    function test_InitialRate_KnownValues() public pure {
        MarketParams memory p = _params(500, 300, 50_000_000);
        assertEq(MarginLib.initialRate(p, 0), 0.05e18);
        assertEq(MarginLib.initialRate(p, 1), 0.05e18 + 1); // rounded up
        assertEq(MarginLib.initialRate(p, 50_000_000 * USD), ONE); // 5 % + 100 %, at most 1
        assertEq(MarginLib.initialRate(p, 5_000_000 * USD), 0.15e18);
    }

    function test_MaintenanceRate_KnownValues() public pure {
        MarketParams memory p = _params(500, 300, 50_000_000);
        assertEq(MarginLib.maintenanceRate(p, 0), 0.03e18);
        assertEq(MarginLib.maintenanceRate(p, 1), 0.03e18 + 1);
        assertEq(MarginLib.maintenanceRate(p, 5_000_000 * USD), 0.09e18);
        assertEq(MarginLib.maintenanceRate(p, 100_000_000 * USD), ONE);
    }

    function testFuzz_Rates_GrowWithNotionalAndMaintenanceIsLower(uint256 n, uint256 more, uint256 ramp) public pure {
        n = bound(n, 0, MAX_NOTIONAL);
        more = bound(more, 0, MAX_NOTIONAL);
        MarketParams memory p = _params(500, 400, bound(ramp, 1e5, type(uint40).max));
        assertLe(MarginLib.initialRate(p, n), MarginLib.initialRate(p, n + more));
        assertLe(MarginLib.maintenanceRate(p, n), MarginLib.maintenanceRate(p, n + more));
        assertLe(MarginLib.maintenanceRate(p, n), MarginLib.initialRate(p, n));
        assertLe(MarginLib.initialRate(p, n), ONE);
    }

    function test_InterestScale_RunsFromFortyPercentOfTheCapToTheCap() public pure {
        assertEq(MarginLib.interestScale(0, 1000), 0);
        assertEq(MarginLib.interestScale(400, 1000), 0);
        assertEq(MarginLib.interestScale(700, 1000), 0.5e18);
        assertEq(MarginLib.interestScale(401, 1000), ONE / 600); // rounded down
        assertEq(MarginLib.interestScale(1000, 1000), ONE);
        assertEq(MarginLib.interestScale(5000, 1000), ONE);
        assertEq(MarginLib.interestScale(0, 0), ONE); // no capital, no leverage
    }

    function testFuzz_InterestScale_GrowsWithInterestAndFallsWithTheCap(uint256 oi, uint256 cap) public pure {
        oi = bound(oi, 0, 1 << 56);
        cap = bound(cap, 0, 1 << 55);
        uint256 s = MarginLib.interestScale(oi, cap);
        assertLe(s, ONE);
        assertLe(s, MarginLib.interestScale(oi + 1, cap));
        assertGe(s, MarginLib.interestScale(oi, cap + 1));
    }

    /* PRICES */

    function test_ValuationPrice_TakesTheSideOfItsName() public pure {
        Market memory m = _market(10_001);
        (m.low, m.high, m.edgeBps) = (9_000, 11_000, 25);
        assertEq(MarginLib.valuationPrice(m, 1, Valuation.MARK), 10_001);
        assertEq(MarginLib.valuationPrice(m, -1, Valuation.MARK), 10_001);
        assertEq(MarginLib.valuationPrice(m, 1, Valuation.UNFAVOURABLE), 9_000);
        assertEq(MarginLib.valuationPrice(m, -1, Valuation.UNFAVOURABLE), 11_000);
        assertEq(MarginLib.valuationPrice(m, 1, Valuation.FAVOURABLE), 10_026); // floor(10026.0025)
        assertEq(MarginLib.valuationPrice(m, -1, Valuation.FAVOURABLE), 9_976); // ceil(9975.9975)
    }

    function testFuzz_ValuationPrice_FavourableIsNoWorseThanMark(uint64 price, uint16 edge, bool long) public pure {
        Market memory m = _market(uint64(bound(price, 1, (1 << 62) - 1)));
        m.edgeBps = uint16(bound(edge, 0, 500));
        int256 lots = long ? int256(1) : -int256(1);
        int256 gain =
            lots * (int256(MarginLib.valuationPrice(m, lots, Valuation.FAVOURABLE)) - int256(uint256(m.price)));
        assertGe(gain, 0);
        assertLe(uint256(gain) * 1e4, uint256(m.price) * m.edgeBps);
    }

    function test_AddPosition_KnownValues() public pure {
        MarketParams memory p = _params(500, 300, 1e9);
        Market memory m = _market(2e11);
        (m.low, m.high, m.edgeBps) = (1.9e11, 2.1e11, 25);
        (m.indexLong, m.indexShort, m.openInterestCap) = (10, -20, 1 << 40);
        Health memory h;
        MarginLib.addPosition(h, Position(1000, -1.9e14), m, p, Valuation.MARK, true);
        assertEq(h.equity, -1.9e14 + 1000 * (2e11 - 10));
        assertEq(h.notional, 2e14);
        assertEq(h.initial, 0.05 * 2e14 + 4e7); // 5 % and 2e14 * 1e6 / 1e9 = 2e11 D18, of 2e14
        assertEq(h.maintenance, 0.03 * 2e14 + 2.4e7);
        assertEq(h.capped, h.equity);

        Health memory short;
        MarginLib.addPosition(short, Position(-1000, 1.9e14), m, p, Valuation.UNFAVOURABLE, true);
        assertEq(short.equity, 1.9e14 - 1000 * (2.1e11 + 20));
        assertEq(short.capped, short.equity); // a loss counts in full
    }

    function test_AddPosition_ProfitCountsUpToItsInitialMargin() public pure {
        Market memory m = _market(2e11);
        m.openInterestCap = 1 << 40;
        Health memory h;
        h.equity = 5;
        h.capped = 5;
        MarginLib.addPosition(h, Position(1000, 0), m, _params(500, 300, 1e9), Valuation.MARK, true);
        assertEq(h.equity, 5 + 2e14);
        assertEq(h.capped, 5 + int256(h.initial));
    }

    function test_AddPosition_OpenInterestRaisesInitialMarginOnly() public pure {
        Market memory m = _market(2e11);
        (m.openInterest, m.openInterestCap) = (700, 1000);
        Health memory free;
        Health memory scaled;
        MarginLib.addPosition(free, Position(100, 0), m, _params(500, 300, type(uint40).max), Valuation.MARK, false);
        MarginLib.addPosition(scaled, Position(100, 0), m, _params(500, 300, type(uint40).max), Valuation.MARK, true);
        assertApproxEqAbs(free.initial, 1e12, 1e6);
        assertApproxEqAbs(scaled.initial, 10.5e12, 1e6); // 5 % + half of 95 %
        assertEq(scaled.maintenance, free.maintenance);
    }

    /* DISCOUNT */

    function test_Discount_GrowsWithTheClockAndTheShortfallToHalfOfMaintenance() public pure {
        MarketParams memory p = _params(500, 300, 1e9);
        Health memory h = _health(3e14, 3e14, 1e16); // E = MM
        assertEq(MarginLib.discount(p, h, 0.03e18, 0), 0.005e18);
        assertEq(MarginLib.discount(p, h, 0.03e18, 45), 0.0125e18);
        assertEq(MarginLib.discount(p, h, 0.03e18, 90), 0.015e18); // 0.5 % + 1.5 %, at most 1.5 %
        h.equity = 2.4e14;
        assertEq(MarginLib.discount(p, h, 0.03e18, 0), 0.008e18); // + a fifth of 1.5 %
        h.equity = 1e14;
        assertEq(MarginLib.discount(p, h, 0.03e18, 0), 0.01e18); // equity share
        h.equity = 0;
        assertEq(MarginLib.discount(p, h, 0.03e18, 90), 0);
    }

    function testFuzz_Discount_StaysBelowEquityShareAndHalfOfMaintenance(
        uint256 e,
        uint256 mm,
        uint256 n,
        uint256 rate,
        uint256 age
    ) public pure {
        n = bound(n, 1, MAX_NOTIONAL);
        mm = bound(mm, 1, n);
        e = bound(e, 0, mm);
        rate = bound(rate, 0.005e18, ONE);
        Health memory h = _health(int256(e), mm, n);
        uint256 d = MarginLib.discount(_params(500, 300, 1e9), h, rate, bound(age, 0, 600));
        assertLe(d, rate / 2);
        assertLe(d * n, e * ONE);
        assertLe(d, MarginLib.discount(_params(500, 300, 1e9), h, rate, 600));
    }

    /* LOTS TO CLOSE */

    function test_LotsToClose_KnownValue() public pure {
        // 1000 lots at 2e11, E = 2.5 %, mm 3 %, d 0.5 %: k = ceil((3.6 - 2.5) / (3.6 - 0.5) 1000) = 355
        Health memory h = _health(0.025 * 2e14, 0.03 * 2e14, 2e14);
        assertEq(MarginLib.lotsToClose(_params(500, 300, 1e9), h, 1000, 2e11, 0.03e18, 0.005e18), 355);
    }

    function test_LotsToClose_TakesAllWhenClosingCannotHelp() public pure {
        Health memory h = _health(0.025 * 2e14, 0.03 * 2e14, 2e14);
        assertEq(MarginLib.lotsToClose(_params(500, 300, 1e9), h, 1000, 2e11, 0.03e18, 0.036e18), 1000);
        assertEq(MarginLib.lotsToClose(_params(500, 300, 1e9), h, 1000, 2e11, 0.03e18, 0.05e18), 1000);
        h.equity = int256(0.036 * 2e14); // nothing is missing
        assertEq(MarginLib.lotsToClose(_params(500, 300, 1e9), h, 1000, 2e11, 0.03e18, 0.005e18), 1000);
    }

    function test_LotsToClose_LeavesNoDust() public pure {
        Health memory h = _health(0.025 * 2e14, 0.03 * 2e14, 2e14);
        MarketParams memory p = _params(500, 300, 1e9);
        p.minLots = 645;
        assertEq(MarginLib.lotsToClose(p, h, 1000, 2e11, 0.03e18, 0.005e18), 355);
        p.minLots = 646;
        assertEq(MarginLib.lotsToClose(p, h, 1000, 2e11, 0.03e18, 0.005e18), 1000);
    }

    /// @dev k lots bring health to 1.2 at a flat rate, k - 1 do not: exact, in D18 u.
    function testFuzz_LotsToClose_IsTheLeastThatReachesTheTarget(
        uint256 size,
        uint256 price,
        uint256 e,
        uint256 mm,
        uint256 d
    ) public pure {
        size = bound(size, 200, 1e12);
        price = bound(price, 1e6, 1e15);
        uint256 rate = bound(mm, 0.005e18, 0.2e18);
        d = bound(d, 0, rate / 2);
        uint256 maintenance = (size * price * rate + ONE - 1) / ONE;
        e = bound(e, 0, maintenance - 1);
        Health memory h = _health(int256(e), maintenance, size * price);
        MarketParams memory p = _params(500, 300, 1e9);
        p.minLots = 1;
        uint256 k = MarginLib.lotsToClose(p, h, size, price, rate, d);

        assertGe(k, 1);
        assertLe(k, size);
        uint256 target = ((maintenance * 12 + 9) / 10) * ONE;
        if (k < size) assertGe(e * ONE + k * price * ((rate * 12) / 10), target + k * price * d);
        assertLt(e * ONE + (k - 1) * price * ((rate * 12) / 10), target + (k - 1) * price * d);
    }

    function _params(
        uint16 initialBps,
        uint16 maintenanceBps,
        uint256 ramp
    ) internal pure returns (MarketParams memory p) {
        p.initialBps = initialBps;
        p.maintenanceBps = maintenanceBps;
        p.rampNotional = uint40(ramp);
        p.minLots = 100;
        p.discountBps = 50;
    }

    function _market(uint64 price) internal pure returns (Market memory m) {
        m.price = price;
    }

    function _health(int256 equity, uint256 maintenance, uint256 notional) internal pure returns (Health memory h) {
        h.equity = equity;
        h.maintenance = maintenance;
        h.notional = notional;
    }
}
