// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IMarginEngine, InventoryCap, MarketParams, MarketRules} from "../interfaces/IMarginEngine.sol";
import {MathLib} from "./MathLib.sol";

/// @title ParamsLib
/// @notice Bounds of a market's parameters, and the ramp of maintenance margin.
library ParamsLib {
    uint256 internal constant MAINTENANCE_STEP = 6 minutes; // a rise of maintenance margin takes this per bps

    /// @notice Reverts with the first parameter that is out of its bounds.
    /// @dev The bounds keep every division defined and no rule empty: maintenance <= 80 % of initial < shock, rebate <= fee.
    function requireValid(MarketParams calldata p, MarketRules calldata r) internal pure {
        _within("initialBps", p.initialBps, 100, 10_000);
        _within("maintenanceBps", p.maintenanceBps, 50, (uint256(p.initialBps) * 8) / 10);
        _within("rampNotional", p.rampNotional, 1e5, type(uint40).max);
        _within("bandBps", p.bandBps, 50, 1000);
        _within("minLots", p.minLots, 1, type(uint32).max);
        _within("takerFeePpm", p.takerFeePpm, 0, 10_000); // 1 %
        _within("makerRebatePpm", p.makerRebatePpm, 0, p.takerFeePpm);
        _within("discountBps", p.discountBps, 0, p.maintenanceBps / 2);
        _within("liquidatorShareBps", p.liquidatorShareBps, 0, 10_000);
        _within("takeoverReward", p.takeoverReward, 0, 100e12); // 100 USD
        _within("shockBps", r.shockBps, uint256(p.maintenanceBps) + 100, 9000);
        _within("stakeShareBps", r.stakeShareBps, 0, 10_000);
        _within("interestRate", MathLib.abs(r.interestRate), 0, 1e7); // 1 % per 8 h
        _within("skewFactor", r.skewFactor, 0, 1e8);
        _within("fundingCap", r.fundingCap, 0, 4e7); // 0.5 % per hour
        _within("premiumRate", r.premiumRate, 0, 1e7); // 1 % per 8 h, 11.8 times that at full use
    }

    /// @dev The least share keeps deleveraging for what the pool cannot carry, the most keeps a pool from becoming a trader.
    function requireValid(InventoryCap calldata cap) internal pure {
        _within("lots", cap.lots, 1, type(uint56).max);
        _within("bps", cap.bps, 500, 5000);
    }

    /// @notice {bps} maintenance margin in force at `timestamp`: rises by 1 bps per step, falls at once. Rounded down.
    function maintenanceAt(MarketRules memory r, uint256 timestamp) internal pure returns (uint256) {
        uint256 risen = r.maintenanceFromBps + (timestamp - r.rampStartedAt) / MAINTENANCE_STEP;
        return MathLib.min(r.maintenanceTargetBps, risen);
    }

    function _within(bytes32 name, uint256 value, uint256 min, uint256 max) private pure {
        require(min <= value && value <= max, IMarginEngine.ParameterOutOfRange(name, value, min, max));
    }
}
