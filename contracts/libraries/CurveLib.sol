// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {Curve, Taken} from "../interfaces/IBackstopAMM.sol";
import {MarketParams} from "../interfaces/IMarginEngine.sol";
import {MarginLib} from "./MarginLib.sol";
import {MathLib} from "./MathLib.sol";

/// @notice Lots of the pool at one price.
struct Step {
    uint256 price; // {u/lot}
    uint256 lots; // {lot}
}

/// @title CurveLib
/// @notice The constant-product curve and its layering with the pool's bands: docs/mechanism.md, eq. (41) to (44).
/// @dev base < 2^64, quote < 2^128, prices < 2^64: products fit 2^192.
library CurveLib {
    using FixedPointMathLib for uint256;
    using SafeCast for uint256;

    uint256 internal constant MAX_EXPOSURE = 3; // position over equity
    uint256 internal constant MAX_DISCOUNT = 400; // {bps} from the mark at which the pool deals to its disadvantage

    /// @notice {u} for lots sold to the curve, down; the output of a constant product without fee.
    function proceeds(Curve memory c, uint256 lots) internal pure returns (uint256) {
        return lots == 0 ? 0 : MathLib.mulDivDown(lots, c.quote, c.base + lots);
    }

    /// @notice {u} for lots bought of the curve, up.
    /// @param lots below `base`
    function cost(Curve memory c, uint256 lots) internal pure returns (uint256) {
        return lots == 0 ? 0 : MathLib.mulDivUp(lots, c.quote, c.base - lots);
    }

    /// @notice {lot} that bring the marginal price to `price`, down to the last at which it has not been passed; 0 when it is there.
    function lotsTo(Curve memory c, bool isBuy, uint256 price) internal pure returns (uint256) {
        if (c.base == 0) return 0;
        if (price == 0) return isBuy ? 0 : type(uint56).max;
        uint256 product = uint256(c.base) * c.quote;
        uint256 base = (product / price).sqrt(); // down
        if (!isBuy) return MathLib.zeroFloorSub(base, c.base);
        if (base * base * price < product) ++base; // less of it is a worse price for who buys
        return MathLib.zeroFloorSub(c.base, MathLib.max(base, 1));
    }

    /// @notice What of `lots` the curve takes and what the pool: the curve up to the price of a step, then the step.
    /// @param steps best first
    /// @param room  {lot} the curve may take in all
    /// @param stop  {u/lot} no lot at a worse marginal price
    function plan(
        Curve memory c,
        Step[] memory steps,
        bool isBuy,
        uint256 lots,
        uint256 room,
        uint256 stop
    ) internal pure returns (Taken memory t) {
        uint256 byCurve;
        uint256 byPool;
        uint256 poolQuote;
        for (uint256 i; i < steps.length && byCurve + byPool < lots; ++i) {
            Step memory step = steps[i];
            if (step.lots == 0) continue;
            if (isBuy ? step.price > stop : step.price < stop) break;
            byCurve = MathLib.min(MathLib.min(room, lots - byPool), lotsTo(c, isBuy, step.price));
            uint256 part = MathLib.min(step.lots, lots - byCurve - byPool);
            byPool += part;
            poolQuote += part * step.price;
        }
        if (byCurve + byPool < lots) {
            byCurve = MathLib.min(MathLib.min(room, lots - byPool), lotsTo(c, isBuy, stop));
        }
        // at most `lots` < 2^56, quotes below 2^128
        (t.curveLots, t.bandLots) = (uint56(byCurve), uint56(byPool));
        t.curveQuote = uint128(isBuy ? cost(c, byCurve) : proceeds(c, byCurve));
        t.bandQuote = uint128(poolQuote);
    }

    /// @notice {lot} of a position that a curve's account may carry: MAX_EXPOSURE times what it is worth, half of what its margin would
    /// allow when that is less. Profit that is not realised does not count. Down.
    /// @param cash   {u}
    /// @param equity {u} at the unfavourable edge
    function mostOf(
        MarketParams memory params,
        int256 cash,
        int256 equity,
        uint256 price
    ) internal pure returns (uint56) {
        uint256 worth = MathLib.positive(MathLib.min(cash, equity));
        uint256 notional = MAX_EXPOSURE * worth;
        uint256 rate = MarginLib.initialRate(params, notional);
        notional = MathLib.min(notional, MathLib.mulDivDown(worth, MarginLib.ONE, 2 * rate));
        return uint56(MathLib.min(notional / price, type(uint56).max));
    }

    /// @notice Moves the reserves by what was traded, in memory.
    function move(Curve memory c, bool isBuy, uint256 lots, uint256 quoted) internal pure {
        if (isBuy) {
            c.base = uint64(c.base - lots); // less than it was
            c.quote = (c.quote + quoted).toUint128();
        } else {
            c.base = (c.base + lots).toUint64();
            c.quote = uint128(c.quote - quoted); // less than it was
        }
    }
}
