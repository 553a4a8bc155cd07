// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {LevelLib} from "./LevelLib.sol";
import {MathLib} from "./MathLib.sol";

/// @title PremiumLib
/// @notice What the stakers' capital costs a market: docs/mechanism.md, eq. (24) and (25).
library PremiumLib {
    uint256 internal constant ONE = 1e6; // {1e-6}
    uint256 internal constant KINK = 800_000; // {1e-6} of utilisation
    uint256 internal constant SLOPE = 1; // per unit of utilisation below the kink
    uint256 internal constant SLOPE_ABOVE = 10; // from the kink to full use

    /// @notice {1e-6} potential liabilities of a market over the stake it may lean on: open interest over its cap.
    /// @dev Up, at most ONE. The cap is the stake divided by what the pool can lose on a lot, so the price cancels.
    /// @param openInterest    {lot} now, the pool's own included
    /// @param openInterestCap {lot} of the last sync
    function utilisation(uint256 openInterest, uint256 openInterestCap) internal pure returns (uint256) {
        if (openInterest >= openInterestCap) return openInterest == 0 ? 0 : ONE;
        return MathLib.mulDivUp(openInterest, ONE, openInterestCap);
    }

    /// @notice {1e-9 per 8 h} premium at a utilisation: base * (1 + u) to the kink, from there up to 11.8 * base. Rounded up.
    /// @param base  {1e-9 per 8 h} at no use
    /// @param level of intervention: up to twice as much
    function rate(uint256 base, uint256 used, uint256 level) internal pure returns (uint256) {
        uint256 above = MathLib.zeroFloorSub(used, KINK);
        uint256 factor = ONE + SLOPE * (used - above) + (SLOPE_ABOVE * above * ONE) / (ONE - KINK);
        return MathLib.mulDivUp(base * factor, LevelLib.premiumBps(level), ONE * LevelLib.BPS);
    }
}
