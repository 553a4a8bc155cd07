// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Market, MarketParams, Position} from "../interfaces/IMarginEngine.sol";
import {MarginLib} from "./MarginLib.sol";
import {MathLib} from "./MathLib.sol";

/// @title WaterfallLib
/// @notice How a shortfall is split over the markets of an account: docs/mechanism.md, eq. (17) to (20).
library WaterfallLib {
    uint256 internal constant BY_MARGIN = 2; // the last of the rules: takes all that is left

    /// @notice {u} weight of one market in the split of a shortfall, and by rules 0 and 1 the most of it that it explains
    /// @param rule 0: adverse move since the slow EMA beyond maintenance; 1: adverse move within it; 2: maintenance margin
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

        uint256 adverse = adverseMove(market, position.lots > 0);
        uint256 borne = MathLib.mulDivUp(mmRate, market.slow, MarginLib.ONE);
        return size * (rule == 0 ? MathLib.zeroFloorSub(adverse, borne) : MathLib.min(adverse, borne));
    }

    /// @notice {u/lot} by how much the price has moved against one side since the slow EMA
    function adverseMove(Market memory market, bool isLong) internal pure returns (uint256) {
        return
            isLong ? MathLib.zeroFloorSub(market.slow, market.price) : MathLib.zeroFloorSub(market.price, market.slow);
    }

    /// @notice {u/lot} what one lot of the winners may be charged within one half-life of the slow EMA: the move against the
    /// losers beyond maintenance margin of a small position. Rounded down.
    function shareLimit(
        Market memory market,
        uint256 maintenanceBps,
        bool losersAreLong
    ) internal pure returns (uint256) {
        uint256 borne = MathLib.mulDivUp(market.slow, maintenanceBps, MarginLib.BPS);
        return MathLib.zeroFloorSub(adverseMove(market, losersAreLong), borne);
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
