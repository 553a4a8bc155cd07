// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Market, MarketRules, MarketStatus, Position} from "../interfaces/IMarginEngine.sol";
import {PriceState} from "../interfaces/IOracle.sol";
import {Ledger, LedgerLib} from "./LedgerLib.sol";
import {MarginLib} from "./MarginLib.sol";
import {MathLib} from "./MathLib.sol";

/// @title PendingLib
/// @notice What the pool's positions and accounts nobody has taken over may still bring or cost the stakers: docs/mechanism.md,
/// "What is pending".
library PendingLib {
    using LedgerLib for Ledger;

    uint256 internal constant SETTLED_TIME = 3 days; // {s} for which a settled market is at risk

    /// @notice {u} equity of the inventory at the mark: what has been closed and not settled counts at the price it was closed at.
    /// @param market market `m` as it is to be valued
    function inventoryEquity(
        Ledger storage ledger,
        uint8 m,
        Market memory market
    ) internal view returns (int256 equity) {
        Position memory p = ledger.positions[m][m];
        int256 price = int256(uint256(market.price));
        equity = ledger.accounts[m].cash + p.quote + p.lots * (price - MarginLib.index(market, p.lots));
        (uint256 longs, int256 longQuote) = ledger.pending(m, market.openInterest, true);
        (uint256 shorts, int256 shortQuote) = ledger.pending(m, market.openInterest, false);
        equity += int256(longs) * (price - market.indexLong) - longQuote;
        equity -= int256(shorts) * (price - market.indexShort) - shortQuote;
    }

    /// @notice {u} what the inventory has gained at the favourable edge and lost at the unfavourable one, at most one of them large.
    function edges(
        Ledger storage ledger,
        uint8 m,
        Market memory market
    ) internal view returns (uint256 gain, uint256 loss) {
        int256 equity = inventoryEquity(ledger, m, market);
        int256 lots = ledger.inventoryLots(m);
        uint256 size = MathLib.abs(lots);
        uint256 worse = lots > 0 ? market.price - market.low : market.high - market.price;
        gain = MathLib.positive(equity + int256(MathLib.mulDivUp(size * market.price, market.edgeBps, MarginLib.BPS)));
        loss = MathLib.positive(int256(size * worse) - equity);
    }

    /// @notice {u} what accounts may have lost beyond their margin and nobody has taken over: by how far the price has left the short EMA
    /// beyond maintenance margin, for every lot of the losing side that is not the pool's. While the price is not good, all
    /// that the market may cost. A settled market is measured from the slow EMA, for SETTLED_TIME.
    function atRisk(
        Ledger storage ledger,
        uint8 m,
        Market memory market,
        MarketRules memory rules,
        uint256 maintenanceBps
    ) internal view returns (uint256) {
        uint256 price = market.price;
        if (market.state > PriceState.WIDE) {
            uint256 notional = ledger.effectiveInterest(m, market.openInterest) * price;
            return MathLib.mulDivUp(notional, rules.shockBps - maintenanceBps, MarginLib.BPS);
        }
        int256 move;
        if (market.status == MarketStatus.SETTLED) {
            if (block.timestamp >= ledger.recovery[m].since + SETTLED_TIME) return 0;
            move = int256(uint256(market.slow)) - int256(price);
        } else {
            // one edge is the oracle's from the price, the other the same from the EMA: their difference is how far that is
            move = int256(uint256(market.high)) + int256(uint256(market.low)) - 2 * int256(price);
        }
        uint256 borne = MathLib.mulDivDown(price, maintenanceBps, MarginLib.BPS);
        uint256 moved = MathLib.abs(move);
        if (moved <= borne) return 0;
        return ledger.othersLots(m, market.openInterest, move > 0) * (moved - borne);
    }
}
