// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Account as LedgerAccount, IMarginEngine, Market, Position} from "../../contracts/interfaces/IMarginEngine.sol";
import {LedgerLib} from "../../contracts/libraries/LedgerLib.sol";
import {BaseTest} from "../helpers/Base.t.sol";

contract LedgerLibTest is BaseTest {
    int256 internal constant MAX_LOTS = int256(1) << 56;
    int256 internal constant MAX_PRICE = (int256(1) << 62) - 1;

    Market internal zero;

    /* KNOWN VALUES */

    function test_ApplyFill_OpensAtShiftedPriceOfItsSide() public pure {
        Market memory market = _market(7, -3);
        (LedgerAccount memory a, Position memory p) = _state(1000, 0, 0);
        assertEq(LedgerLib.applyFill(a, p, market, 10, 100, 0), 10);
        _assertState(a, p, 1000, 10, -930); // -10 * (100 - 7)

        (a, p) = _state(1000, 0, 0);
        assertEq(LedgerLib.applyFill(a, p, market, -10, 100, 0), 0);
        _assertState(a, p, 1000, -10, 1030); // +10 * (100 + 3)
    }

    function test_ApplyFill_ClosesWithTheIndexOfTheSideItLeaves() public pure {
        Market memory market = _market(7, -3);
        (LedgerAccount memory a, Position memory p) = _state(0, 10, -930);
        assertEq(LedgerLib.applyFill(a, p, market, -4, 110, 0), -4);
        _assertState(a, p, -372 + 4 * 103, 6, -558);

        (a, p) = _state(0, -10, 1030);
        assertEq(LedgerLib.applyFill(a, p, market, 4, 90, 0), 0);
        _assertState(a, p, 412 - 4 * 93, -6, 618);
    }

    function test_ApplyFill_MovesQuoteTowardMinusInfinity() public view {
        (LedgerAccount memory a, Position memory p) = _state(0, 3, -10);
        LedgerLib.applyFill(a, p, zero, -1, 0, 0);
        _assertState(a, p, -4, 2, -6); // floor(-10 / 3) = -4

        (a, p) = _state(0, -3, 10);
        LedgerLib.applyFill(a, p, zero, 1, 0, 0);
        _assertState(a, p, 3, -2, 7); // floor(10 / 3) = 3
    }

    function test_ApplyFill_FlipMovesAllQuoteOfTheClosedPart() public pure {
        Market memory market = _market(7, -3);
        (LedgerAccount memory a, Position memory p) = _state(5, 10, -931);
        assertEq(LedgerLib.applyFill(a, p, market, -25, 100, 2), -10);
        // closes 10 at 100 - 7, opens 15 short at 100 + 3
        _assertState(a, p, 5 - 931 + 930 - 2, -15, 15 * 103);

        (a, p) = _state(5, -10, 1031);
        assertEq(LedgerLib.applyFill(a, p, market, 25, 100, 2), 15);
        _assertState(a, p, 5 + 1031 - 1030 - 2, 15, -15 * 93);
    }

    function test_ApplyFill_FeeFallsOnQuoteWhenOpeningAndOnCashWhenClosing() public view {
        (LedgerAccount memory a, Position memory p) = _state(100, 10, -50);
        LedgerLib.applyFill(a, p, zero, 5, 10, 3);
        _assertState(a, p, 100, 15, -103);

        (a, p) = _state(100, 10, -50);
        LedgerLib.applyFill(a, p, zero, -10, 10, 3);
        _assertState(a, p, 100 - 50 + 100 - 3, 0, 0);

        (a, p) = _state(100, 10, -50);
        LedgerLib.applyFill(a, p, zero, 5, 10, -3);
        _assertState(a, p, 100, 15, -97);
    }

    /* PROPERTIES */

    /// @dev Whatever a fill does, equity at its price changes by the fee and by nothing else.
    function testFuzz_ApplyFill_EquityAtItsPriceFallsByTheFee(
        int256 cash,
        int256 lots,
        int256 quote,
        int256 delta,
        int256 price,
        int256[3] memory rest
    ) public pure {
        (LedgerAccount memory a, Position memory p, Market memory market) = _bounded(cash, lots, quote, rest);
        delta = _boundDelta(delta, p.lots);
        price = bound(price, 0, MAX_PRICE);
        int256 fee = bound(rest[2], -1e30, 1e30);

        int256 before = _equity(a, p, market, price);
        LedgerLib.applyFill(a, p, market, delta, price, fee);
        assertEq(_equity(a, p, market, price), before - fee);
    }

    function testFuzz_ApplyFill_ReportsTheChangeOfLongs(int256 lots, int256 delta, int256 price) public view {
        (LedgerAccount memory a, Position memory p) = _state(0, bound(lots, -MAX_LOTS / 2, MAX_LOTS / 2), 0);
        delta = _boundDelta(delta, p.lots);
        int256 before = p.lots;
        int256 longsDelta = LedgerLib.applyFill(a, p, zero, delta, bound(price, 0, MAX_PRICE), 0);
        assertEq(p.lots, before + delta);
        assertEq(longsDelta, _positive(p.lots) - _positive(before));
    }

    /// @dev Two sides of one fill: longs and shorts grow alike, quote and cash sum to zero at equal indices.
    function testFuzz_ApplyFill_TwoSidesSumToZero(
        int256[2] memory lots,
        int256[2] memory quotes,
        int256 n,
        int256 price
    ) public view {
        (LedgerAccount memory a, Position memory p) = _state(
            0,
            bound(lots[0], -1e9, 1e9),
            bound(quotes[0], -1e30, 1e30)
        );
        (LedgerAccount memory b, Position memory q) = _state(
            0,
            bound(lots[1], -1e9, 1e9),
            bound(quotes[1], -1e30, 1e30)
        );
        int256 sum = int256(p.quote) + q.quote;
        n = bound(n, 1, 2e9);
        price = bound(price, 0, MAX_PRICE);
        LedgerLib.applyFill(a, p, zero, n, price, 11);
        LedgerLib.applyFill(b, q, zero, -n, price, -4);
        assertEq(int256(a.cash) + b.cash + p.quote + q.quote, sum - 7);
    }

    /// @dev Closing lot by lot gives the same equity at every price as closing at once; labels differ by under 1 u a step.
    function testFuzz_ApplyFill_ClosingLotByLotIsTheSame(
        int256 lots,
        int256 quote,
        int256 price,
        int256 later
    ) public pure {
        lots = bound(lots, -40, 40);
        if (lots == 0) lots = 7;
        quote = bound(quote, -1e30, 1e30);
        price = bound(price, 0, MAX_PRICE);
        later = bound(later, 0, MAX_PRICE);
        Market memory market = _market(123, -456);
        int256 step = lots > 0 ? -int256(1) : int256(1);
        int256 half = lots / 2;
        (LedgerAccount memory a, Position memory p) = _state(0, lots, quote);
        (LedgerAccount memory b, Position memory q) = _state(0, lots, quote);

        for (int256 i = 0; i != half; i -= step) {
            LedgerLib.applyFill(a, p, market, step, price, 0);
        }
        if (half != 0) LedgerLib.applyFill(b, q, market, -half, price, 0);
        assertEq(p.lots, q.lots);
        assertEq(_equity(a, p, market, later), _equity(b, q, market, later));
        int256 gap = int256(a.cash) - b.cash;
        assertLe(gap < 0 ? -gap : gap, half < 0 ? -half : half);

        int256 left = p.lots;
        for (int256 i = 0; i != left; i -= step) {
            LedgerLib.applyFill(a, p, market, step, price, 0);
        }
        LedgerLib.applyFill(b, q, market, -left, price, 0);
        assertEq(p.lots, 0);
        assertEq(p.quote, 0);
        assertEq(a.cash, b.cash);
    }

    function testFuzz_ApplyFill_ClosedPositionKeepsNoQuote(int256 lots, int256 quote, int256 price) public pure {
        lots = bound(lots, 1 - MAX_LOTS, MAX_LOTS - 1);
        if (lots == 0) lots = 1;
        (LedgerAccount memory a, Position memory p) = _state(0, lots, bound(quote, -1e35, 1e35));
        Market memory market = _market(MAX_PRICE, -MAX_PRICE);
        LedgerLib.applyFill(a, p, market, -lots, bound(price, 0, MAX_PRICE), 0);
        assertEq(p.lots, 0);
        assertEq(p.quote, 0);
    }

    /* EXTREMES */

    function test_ApplyFill_LargestPositionAtLargestPriceFits() public pure {
        Market memory market = _market(-MAX_PRICE, MAX_PRICE);
        (LedgerAccount memory a, Position memory p) = _state(0, 0, 0);
        LedgerLib.applyFill(a, p, market, MAX_LOTS - 1, MAX_PRICE, 0);
        assertEq(p.quote, -(MAX_LOTS - 1) * 2 * MAX_PRICE);
        LedgerLib.applyFill(a, p, market, 2 - 2 * MAX_LOTS, 0, 0); // all the way to the largest short
        assertEq(p.lots, 1 - MAX_LOTS);
        assertEq(p.quote, -(MAX_LOTS - 1) * MAX_PRICE);
        assertEq(a.cash, -(MAX_LOTS - 1) * MAX_PRICE);
    }

    function test_RevertWhen_PositionLeavesItsRange() public {
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PositionOutOfRange.selector, MAX_LOTS));
        this.apply_(0, MAX_LOTS);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PositionOutOfRange.selector, -MAX_LOTS));
        this.apply_(0, -MAX_LOTS);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PositionOutOfRange.selector, MAX_LOTS));
        this.apply_(MAX_LOTS - 1, 1);
    }

    function test_RequireUser_RefusesOwnerZeroOnly() public {
        LedgerLib.requireUser(1 << 96);
        vm.expectRevert(abi.encodeWithSignature("SystemAccount(uint256)", (1 << 96) - 1));
        this.requireUser((1 << 96) - 1);
    }

    function apply_(int256 lots, int256 delta) external view {
        (LedgerAccount memory a, Position memory p) = _state(0, lots, 0);
        LedgerLib.applyFill(a, p, zero, delta, 1, 0);
    }

    function requireUser(uint256 id) external pure {
        LedgerLib.requireUser(id);
    }

    /* SHAPES */

    function _bounded(
        int256 cash,
        int256 lots,
        int256 quote,
        int256[3] memory rest
    ) internal pure returns (LedgerAccount memory a, Position memory p, Market memory market) {
        lots = bound(lots, 1 - MAX_LOTS, MAX_LOTS - 1);
        (a, p) = _state(bound(cash, -1e30, 1e30), lots, lots == 0 ? int256(0) : bound(quote, -1e35, 1e35));
        market = _market(bound(rest[0], -MAX_PRICE, MAX_PRICE), bound(rest[1], -MAX_PRICE, MAX_PRICE));
    }

    function _boundDelta(int256 delta, int256 lots) internal pure returns (int256) {
        delta = bound(delta, 1 - MAX_LOTS - lots, MAX_LOTS - 1 - lots);
        if (delta != 0) return delta;
        return lots > 0 ? -int256(1) : int256(1);
    }

    function _state(
        int256 cash,
        int256 lots,
        int256 quote
    ) internal pure returns (LedgerAccount memory, Position memory) {
        return (LedgerAccount(int128(cash), 0, 0), Position(int64(lots), int128(quote)));
    }

    function _market(int256 indexLong, int256 indexShort) internal pure returns (Market memory market) {
        market.indexLong = int64(indexLong);
        market.indexShort = int64(indexShort);
    }

    function _equity(
        LedgerAccount memory a,
        Position memory p,
        Market memory market,
        int256 price
    ) internal pure returns (int256) {
        return a.cash + p.quote + p.lots * (price - (p.lots > 0 ? market.indexLong : market.indexShort));
    }

    function _positive(int256 x) internal pure returns (int256) {
        return x > 0 ? x : int256(0);
    }

    function _assertState(
        LedgerAccount memory a,
        Position memory p,
        int256 cash,
        int256 lots,
        int256 quote
    ) internal pure {
        assertEq(a.cash, cash, "cash");
        assertEq(p.lots, lots, "lots");
        assertEq(p.quote, quote, "quote");
    }
}
