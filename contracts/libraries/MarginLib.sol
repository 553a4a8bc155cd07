// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Health, Market, MarketParams, Position, Valuation} from "../interfaces/IMarginEngine.sol";
import {PriceState} from "../interfaces/IOracle.sol";
import {LevelLib} from "./LevelLib.sol";
import {MathLib} from "./MathLib.sol";

/// @title MarginLib
/// @notice Margin of positions and sizes of liquidations: docs/mechanism.md, eq. (9) to (16). Rates are D18.
library MarginLib {
    uint256 internal constant ONE = 1e18;
    uint256 internal constant BPS = 1e4;
    uint256 internal constant BPS_TO_D18 = 1e14;
    uint256 internal constant CLOCK_TAKEOVER = 90 seconds; // discount and takeover: the clock has run its course

    /// @notice D18 initial margin rate of a position of `notional` {u}, without the open-interest factor. Rounded up.
    function initialRate(MarketParams memory params, uint256 notional) internal pure returns (uint256) {
        // D18 = {u} * 1e18 / (1e12 {u/USD} * {USD})
        uint256 growth = MathLib.mulDivUp(notional, 1e6, params.rampNotional);
        unchecked {
            return MathLib.min(ONE, params.initialBps * BPS_TO_D18 + growth); // growth < 2^139: notional < 2^119
        }
    }

    /// @notice D18 maintenance margin rate: grows with the position at 60 % of the slope of initial margin. Rounded up.
    function maintenanceRate(MarketParams memory params, uint256 notional) internal pure returns (uint256) {
        uint256 growth = MathLib.mulDivUp(notional, 6e5, params.rampNotional);
        unchecked {
            return MathLib.min(ONE, params.maintenanceBps * BPS_TO_D18 + growth); // growth < 2^139
        }
    }

    /// @notice D18 how far open interest has gone from 40 % of its cap (0) to the cap (1e18). Rounded down.
    function interestScale(uint256 openInterest, uint256 cap) internal pure returns (uint256) {
        if (cap == 0) return ONE;
        // openInterest and cap are below 2^57
        unchecked {
            uint256 above = MathLib.zeroFloorSub(10 * openInterest, 4 * cap);
            return MathLib.min(ONE, MathLib.mulDivDown(above, ONE, 6 * cap));
        }
    }

    /// @notice {lot} most open interest at the level in force. Rounded down.
    function capOf(Market memory market) internal pure returns (uint256) {
        return MathLib.mulDivDown(market.openInterestCap, LevelLib.capBps(market.level), BPS);
    }

    /// @notice {u/lot} the price that values `lots`; a favourable one is rounded toward the mark
    function valuationPrice(Market memory market, int256 lots, Valuation valuation) internal pure returns (uint256) {
        uint256 price = market.price;
        if (valuation == Valuation.MARK) return price;
        if (valuation == Valuation.UNFAVOURABLE) return lots > 0 ? market.low : market.high;
        return
            lots > 0
                ? MathLib.mulDivDown(price, BPS + market.edgeBps, BPS)
                : MathLib.mulDivUp(price, BPS - market.edgeBps, BPS);
    }

    /// @notice {u/lot} F of the side that `lots` is on
    function index(Market memory market, int256 lots) internal pure returns (int256) {
        return lots > 0 ? market.indexLong : market.indexShort;
    }

    /// @notice Adds one position to the figures of its account.
    /// @param scaled whether initial margin carries the factors of open interest and level, and half as much again while the price is WIDE
    function addPosition(
        Health memory health,
        Position memory position,
        Market memory market,
        MarketParams memory params,
        Valuation valuation,
        bool scaled
    ) internal pure {
        // |lots| < 2^56, prices and indices < 2^64, |quote| < 2^127, at most 64 positions: nothing here nears 2^255
        unchecked {
            int256 lots = position.lots;
            uint256 notional = MathLib.abs(lots) * market.price;
            int256 price = int256(valuationPrice(market, lots, valuation));
            int256 profit = position.quote + lots * (price - index(market, lots));

            uint256 rate = initialRate(params, notional);
            if (scaled) {
                uint256 scale = interestScale(market.openInterest, capOf(market));
                rate += MathLib.mulDivUp(ONE - rate, scale, ONE);
                rate = MathLib.mulDivUp(rate, LevelLib.initialBps(market.level), BPS);
                if (market.state == PriceState.WIDE) rate += rate / 2;
                rate = MathLib.min(ONE, rate);
            }
            uint256 initial = MathLib.mulDivUp(notional, rate, ONE);

            health.equity += profit;
            health.capped += MathLib.min(profit, int256(initial));
            health.initial += initial;
            health.maintenance += MathLib.mulDivUp(notional, maintenanceRate(params, notional), ONE);
            health.notional += notional;
        }
    }

    /// @notice {u} what the favourable edge adds to a position's value at the mark
    function favour(Position memory position, Market memory market) internal pure returns (int256) {
        int256 lots = position.lots;
        // below 2^57 times 2^64
        unchecked {
            return lots * (int256(valuationPrice(market, lots, Valuation.FAVOURABLE)) - int256(uint256(market.price)));
        }
    }

    /// @notice D18 liquidation discount: grows with the clock and with the shortfall of margin, at most half the maintenance
    /// rate and never above the account's own equity per notional, so a penalty cannot create insolvency. Rounded down.
    /// @param mark   figures at the mark; equity >= 0
    /// @param mmRate D18 maintenance rate of the position
    /// @param age    {s} of the liquidation clock
    function discount(
        MarketParams memory params,
        Health memory mark,
        uint256 mmRate,
        uint256 age
    ) internal pure returns (uint256) {
        uint256 half = mmRate / 2;
        uint256 equity = uint256(mark.equity);
        uint256 wanted =
            params.discountBps * BPS_TO_D18 +
                MathLib.mulDivDown(half, MathLib.min(age, CLOCK_TAKEOVER), CLOCK_TAKEOVER) +
                MathLib.mulDivDown(half, MathLib.zeroFloorSub(mark.maintenance, equity), mark.maintenance);
        return MathLib.min(MathLib.min(wanted, half), MathLib.mulDivDown(equity, ONE, mark.notional));
    }

    /// @notice {lot} how much to close so that health reaches 1.2 times maintenance. Rounded up; at most `size`.
    /// @dev Everything when closing cannot raise health that far or less than `params.minLots` would be left.
    /// @param size  {lot} |b|
    /// @param price {u/lot} mark
    function lotsToClose(
        MarketParams memory params,
        Health memory mark,
        uint256 size,
        uint256 price,
        uint256 mmRate,
        uint256 discountRate
    ) internal pure returns (uint256 lots) {
        uint256 target = MathLib.mulDivUp(mark.maintenance, 12, 10);
        uint256 gain = MathLib.zeroFloorSub(MathLib.mulDivDown(mmRate, 12, 10), discountRate);
        uint256 missing = MathLib.zeroFloorSub(target, uint256(mark.equity));
        if (gain == 0 || missing == 0) return size;
        lots = MathLib.min(size, MathLib.mulDivUp(missing, ONE, price * gain));
        if (size - lots < params.minLots) lots = size;
    }
}
