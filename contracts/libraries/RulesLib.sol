// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {
    Account,
    Fill,
    Health,
    IMarginEngine,
    Market,
    MarketParams,
    MarketStatus,
    Position,
    Valuation
} from "../interfaces/IMarginEngine.sol";
import {Change, Focus, Ledger, LedgerLib} from "./LedgerLib.sol";
import {LevelLib} from "./LevelLib.sol";
import {MarginLib} from "./MarginLib.sol";
import {MathLib} from "./MathLib.sol";
import {SyncLib} from "./SyncLib.sol";

/// @title RulesLib
/// @notice What an account must satisfy after a fill or a withdrawal: docs/mechanism.md, "Margin".
library RulesLib {
    using LedgerLib for Ledger;
    using SyncLib for Ledger;

    uint256 internal constant PPM = 1e6;

    /// @notice What every fill ends with for one of its sides: size, reduce-only, margin, and no clock for an account that meets
    /// initial margin.
    /// @return grows whether the position grew or turned round
    function settleSide(
        Ledger storage ledger,
        Focus memory at,
        Change memory c,
        bool reduceOnly
    ) internal returns (bool grows) {
        grows = increases(c);
        require(!grows || !reduceOnly, IMarginEngine.ReduceOnly(c.id, c.lotsBefore));
        requireSize(at, c);
        bool isMet = requireMargin(ledger, at, c, grows, true);
        if (isMet && c.account.unhealthySince != 0) ledger.setClock(c.id, 0);
    }

    function requireSize(Focus memory at, Change memory c) internal pure {
        uint256 size = MathLib.abs(c.position.lots);
        uint256 minLots = at.params.minLots;
        require(size == 0 || size >= minLots, IMarginEngine.PositionTooSmall(c.id, size, minLots));
    }

    /// @notice Whether a fill grew the position or turned it round.
    function increases(Change memory c) internal pure returns (bool) {
        int256 lots = c.position.lots;
        int256 before = c.lotsBefore;
        return lots > 0 ? lots > before : lots < 0 && lots < before;
    }

    /// @notice Initial margin at the unfavourable edge; a reduction may instead leave health no lower than it was.
    /// @dev Initial margin counts only while the price of every other market of the account is OK: a price that nobody can
    /// check is no margin for anything. The caller checks the fill's own.
    /// @param scaled whether initial margin carries the open-interest factor
    /// @return isMet whether initial margin is met
    function requireMargin(
        Ledger storage ledger,
        Focus memory at,
        Change memory c,
        bool grows,
        bool scaled
    ) internal view returns (bool isMet) {
        uint256 others = c.account.markets & ~(uint256(1) << at.m);
        if (grows) ledger.requirePricesOk(others);
        Health memory h = ledger.healthAfter(at, c, Valuation.UNFAVOURABLE, scaled);
        if (h.capped >= int256(h.initial) && (grows || ledger.arePricesOk(others))) return true;
        require(!grows, IMarginEngine.InitialMarginNotMet(c.id, h.capped, h.initial));

        // as it was: this position and cash before the fill, everything else the same
        Health memory before;
        Health memory after_;
        MarginLib.addPosition(
            before,
            Position(c.lotsBefore, c.quoteBefore),
            at.market,
            at.params,
            Valuation.UNFAVOURABLE,
            false
        );
        MarginLib.addPosition(after_, c.position, at.market, at.params, Valuation.UNFAVOURABLE, false);
        int256 equityBefore = h.equity + (c.cashBefore + before.equity) - (c.account.cash + after_.equity);
        uint256 maintenanceBefore = h.maintenance + before.maintenance - after_.maintenance;
        require(
            h.equity >= 0 && h.equity * int256(maintenanceBefore) >= equityBefore * int256(h.maintenance),
            IMarginEngine.ReduceLowersHealth(c.id, h.equity, h.maintenance)
        );
    }

    /// @notice Realised cash is not negative and initial margin, free of the open-interest factor, is met.
    function requireWithdrawable(Ledger storage ledger, uint256 id) internal view {
        Account memory account = ledger.accounts[id];
        require(account.cash >= 0, IMarginEngine.CashNegative(id, account.cash));
        if (account.markets == 0) return;
        ledger.requirePricesOk(account.markets);
        Health memory h = ledger.health(id, account, Valuation.UNFAVOURABLE, false);
        require(h.capped >= int256(h.initial), IMarginEngine.InitialMarginNotMet(id, h.capped, h.initial));
    }

    /// @notice {bps} around the mark within which a trade may be: less while nobody can check the mark.
    function bandBps(MarketParams memory params, bool priceOk) internal pure returns (uint16) {
        return priceOk ? params.bandBps : params.bandBps / 5;
    }

    /// @notice A fill moves at most the band's worth between two accounts, in every price state.
    function requireInBand(uint256 price, uint256 mark, uint256 within) internal pure {
        uint256 low = MathLib.mulDivUp(mark, MarginLib.BPS - within, MarginLib.BPS);
        uint256 high = MathLib.mulDivDown(mark, MarginLib.BPS + within, MarginLib.BPS);
        require(low <= price && price <= high, IMarginEngine.PriceOutsideBand(price, low, high));
    }

    function requireBelowCap(Market memory market) internal pure {
        uint256 cap = MarginLib.capOf(market);
        require(market.openInterest <= cap, IMarginEngine.OpenInterestAboveCap(market.openInterest, cap));
    }

    /// @notice What must hold, beside margin, before a market takes new risk.
    function requireOpen(
        Ledger storage ledger,
        Focus memory at,
        bool longGrows,
        bool shortGrows,
        bool priceOk,
        uint256 tokenUnit
    ) internal view {
        uint8 m = at.m;
        MarketStatus status = at.market.status;
        require(priceOk, IMarginEngine.PriceNotValid(m, at.market.state));
        require(status == MarketStatus.ACTIVE, IMarginEngine.MarketNotActive(m, status));
        uint8 level = at.market.level;
        require(level < LevelLib.REDUCE_ONLY, IMarginEngine.LevelTooHigh(m, level));
        if (longGrows) requireNotWinning(m, at.market, at.params, true);
        if (shortGrows) requireNotWinning(m, at.market, at.params, false);
        if (!ledger.hasDeficit) return;
        uint256 owed = ledger.deficits[m];
        require(owed == 0, IMarginEngine.DeficitOutstanding(m, owed));
        uint256 total = ledger.totalDeficit;
        uint256 balance = ledger.internalBalance * tokenUnit;
        require(total * 1000 <= balance, IMarginEngine.OpeningStopped(total, balance));
    }

    /// @notice Nobody joins the winning side while the price is further than maintenance margin from its slow average: who comes
    /// later has not won what a loss share takes.
    function requireNotWinning(uint8 m, Market memory market, MarketParams memory params, bool isLong) internal pure {
        (uint256 price, uint256 slow) = (market.price, market.slow);
        uint256 won = isLong ? MathLib.zeroFloorSub(price, slow) : MathLib.zeroFloorSub(slow, price);
        require(won * MarginLib.BPS <= slow * params.maintenanceBps, IMarginEngine.WinningSideClosed(m, price, slow));
    }

    /// @notice {u} what a taker pays of a notional, with what the level adds; up.
    function takerFee(MarketParams memory params, uint256 level, uint256 notional) internal pure returns (uint256) {
        return MathLib.mulDivUp(notional, params.takerFeePpm + LevelLib.takerFeePpm(level), PPM);
    }

    /// @notice {u} what a trade costs who buys or brings who sells, its fees included.
    function totalOf(bool isBuy, uint256 quote, uint256 allFees) internal pure returns (uint256) {
        if (isBuy) return quote + allFees;
        require(quote >= allFees, IMarginEngine.ProceedsBelowFees(quote, allFees)); // each fee is a unit at least
        return quote - allFees;
    }

    /// @notice {u} fees of buyer and seller; the maker's rebate is rounded down.
    function fees(Focus memory at, Fill calldata order) internal pure returns (int256, int256) {
        uint256 notional = uint256(order.lots) * order.price;
        int256 taker = int256(takerFee(at.params, at.market.level, notional));
        int256 maker = -int256(MathLib.mulDivDown(notional, at.params.makerRebatePpm, PPM));
        return order.buyerIsTaker ? (taker, maker) : (maker, taker);
    }
}
