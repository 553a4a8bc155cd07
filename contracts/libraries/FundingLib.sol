// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Market, MarketRules} from "../interfaces/IMarginEngine.sol";
import {PriceState} from "../interfaces/IOracle.sol";
import {MathLib} from "./MathLib.sol";

/// @title FundingLib
/// @notice Funding and premium of a market between two syncs: docs/mechanism.md, eq. (5), (6) and (8).
library FundingLib {
    uint256 internal constant DENOMINATOR = 1e9 * 8 hours; // rates are 1e-9 per 8 h; below 2^45
    uint256 internal constant REMAINDER_SCALE = 1 << 24;
    int256 internal constant MAX_INDEX = int256(1) << 62;

    /// @notice Moves the side indices of `market` (in memory) up to `timestamp` and carries the funding remainder.
    /// @dev Price and rate are those stored at the start of the interval: the caller chooses neither. Funding is rounded down
    /// once per market and the remainder carried; so is the premium, its remainder kept to 2^-24 u a lot. Time in which the price
    /// was not valid does not count. An index that would leave its range stops moving.
    /// @return premium {u} what both sides paid: 2 q OI
    function accrue(
        Market memory market,
        uint256 premiumRate,
        uint256 timestamp
    ) internal pure returns (uint256 premium) {
        uint256 elapsed =
            market.state <= PriceState.WIDE
                ? MathLib.zeroFloorSub(MathLib.min(timestamp, market.validUntil), market.syncedAt)
                : 0;
        if (elapsed == 0) return 0;

        uint256 weight = market.price * elapsed;
        int256 accrued = int256(uint256(market.fundingRemainder)) + int256(weight) * market.fundingRate;
        int256 funding = MathLib.floorDiv(accrued, int256(DENOMINATOR));
        // {2^-24 u/lot} DENOMINATOR, so that what is cut off at a sync is less than 2^-24 u a lot
        uint256 owed = market.premiumRemainder * DENOMINATOR + weight * premiumRate * REMAINDER_SCALE;
        uint256 charge = owed / (DENOMINATOR * REMAINDER_SCALE); // down, the rest carried
        int256 long = market.indexLong + funding + int256(charge);
        int256 short = market.indexShort + funding - int256(charge);
        if (!inRange(long) || !inRange(short)) return 0;

        market.indexLong = int64(long);
        market.indexShort = int64(short);
        market.fundingRemainder = uint48(uint256(accrued - funding * int256(DENOMINATOR))); // in [0, DENOMINATOR)
        market.premiumRemainder = uint24((owed % (DENOMINATOR * REMAINDER_SCALE)) / DENOMINATOR); // below REMAINDER_SCALE
        premium = 2 * charge * market.openInterest;
    }

    /// @notice {1e-9 per 8 h} the rate for the next interval: interest and premium, less what the pool's inventory leans to one side.
    /// @param premium       {1e-9} by which the AMM's curve stands above the index, on average
    /// @param inventoryLots {lot} the pool's position; long makes shorts pay, so that takers of the long side are found
    function rate(
        MarketRules memory rules,
        int256 premium,
        int256 inventoryLots,
        uint256 openInterest
    ) internal pure returns (int32) {
        int256 skew =
            openInterest == 0 ? int256(0) : (int256(uint256(rules.skewFactor)) * inventoryLots) / int256(openInterest); // toward zero
        int256 cap = int256(uint256(rules.fundingCap));
        return int32(MathLib.clamp(rules.interestRate + premium - skew, -cap, cap)); // fundingCap < 2^31 by the engine's bounds
    }

    /// @notice Whether a side index may take this value.
    function inRange(int256 x) internal pure returns (bool) {
        return -MAX_INDEX < x && x < MAX_INDEX;
    }
}
