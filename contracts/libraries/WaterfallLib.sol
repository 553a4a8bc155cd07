// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Market, MarketParams, Position} from "../interfaces/IMarginEngine.sol";
import {MarginLib} from "./MarginLib.sol";
import {MathLib} from "./MathLib.sol";

/// @title WaterfallLib
/// @notice How a shortfall is split over the markets of an account: docs/mechanism.md, eq. (17).
library WaterfallLib {
    uint256 internal constant BY_MARGIN = 2; // the last of the rules for weights

    /// @notice {u} weight of one market in the split of a shortfall
    /// @param rule 0: adverse move since the slow EMA beyond maintenance; 1: adverse move; 2: maintenance margin
    function weight(
        Position memory position,
        Market memory market,
        MarketParams memory params,
        uint256 rule
    ) internal pure returns (uint256) {
        uint256 size = MathLib.abs(position.lots);
        uint256 notional = size * market.price;
        uint256 mmRate = MarginLib.maintenanceRate(params, notional);
        if (rule == BY_MARGIN) return MathLib.mulDivUp(notional, mmRate, MarginLib.ONE);

        uint256 adverse =
            position.lots > 0
                ? MathLib.zeroFloorSub(market.slow, market.price)
                : MathLib.zeroFloorSub(market.price, market.slow);
        uint256 borne = rule == 0 ? MathLib.mulDivUp(mmRate, market.slow, MarginLib.ONE) : 0;
        return size * MathLib.zeroFloorSub(adverse, borne);
    }

    /// @notice One market's part of `amount`; the last market with a weight gets all that is left. Rounded down.
    function part(
        uint256 amount,
        uint256 weight_,
        uint256 totalWeight
    ) internal pure returns (uint256 taken, uint256 amountLeft, uint256 weightLeft) {
        taken = weight_ == 0 ? 0 : MathLib.mulDivDown(amount, weight_, totalWeight);
        amountLeft = amount - taken;
        weightLeft = totalWeight - weight_;
    }
}
