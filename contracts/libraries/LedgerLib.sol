// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {LibBit} from "solady/src/utils/LibBit.sol";
import {IBackstopPool} from "../interfaces/IBackstopPool.sol";
import {
    Account,
    Health,
    IMarginEngine,
    Market,
    MarketParams,
    MarketRules,
    Position,
    Valuation
} from "../interfaces/IMarginEngine.sol";
import {MarginLib} from "./MarginLib.sol";
import {MathLib} from "./MathLib.sol";

/// @notice The whole state of the engine.
struct Ledger {
    mapping(uint256 account => Account) accounts;
    mapping(uint256 account => mapping(uint256 market => Position)) positions;
    Market[64] markets;
    MarketParams[64] params;
    MarketRules[64] rules;
    uint128 internalBalance; // {token}
    uint128 totalDeficit; // {u}
    // 32 bytes
    address exchange;
    uint64 deficitMarkets; // bit m is set while market m has a deficit
    // 28 bytes
    IBackstopPool pool;
    mapping(uint256 market => uint256) deficits; // {u}
    mapping(uint256 account => uint256) claims; // {u}
}

/// @notice A market that is at hand in memory while an account is valued.
struct Focus {
    uint8 m;
    Market market;
    MarketParams params;
}

/// @notice One side of a fill, before and after.
struct Change {
    uint256 id;
    Account account;
    Position position;
    int128 cashBefore;
    int64 lotsBefore;
    int128 quoteBefore;
}

/// @title LedgerLib
/// @notice The two primitives, `fill` and `pay`: nothing else writes cash, lots or quote. docs/mechanism.md, "Ledger".
library LedgerLib {
    using SafeCast for int256;
    using SafeCast for uint256;

    int256 internal constant MAX_LOTS = int256(1) << 56;
    uint256 internal constant MAX_MARKETS_PER_ACCOUNT = 16;

    /// @dev Accounts with owner zero: 0 to 63 hold the pool's inventory of that market, FEES the premiums for the pool.
    uint256 internal constant FEES = 64;

    /// @notice `lots` of market `m` go from `seller` to `buyer` at `price`; the sum of the fees goes to the bucket. Exact.
    /// @param market    market `m` as stored; open interest and bucket are brought up to date here and in storage
    /// @param buyerFee  {u} positive is paid, negative received
    function fill(
        Ledger storage ledger,
        uint8 m,
        Market memory market,
        uint256 buyer,
        uint256 seller,
        uint256 lots,
        uint256 price,
        int256 buyerFee,
        int256 sellerFee
    ) internal returns (Change memory bought, Change memory sold) {
        int256 openInterest = int256(uint256(market.openInterest));
        int256 delta = int256(lots); // at most 2^56
        bought.id = buyer;
        openInterest += _apply(ledger, m, market, bought, delta, price, buyerFee);
        sold.id = seller;
        openInterest += _apply(ledger, m, market, sold, -delta, price, sellerFee);
        market.openInterest = uint256(openInterest).toUint56();
        market.bucket = uint256(int256(uint256(market.bucket)) + buyerFee + sellerFee).toUint72();
        ledger.markets[m].openInterest = market.openInterest;
        ledger.markets[m].bucket = market.bucket;
        emit IMarginEngine.Filled(m, buyer, seller, uint56(lots), uint64(price), int128(buyerFee), int128(sellerFee));
    }

    /// @notice Adds {u} to an account's cash. The caller takes the same amount from somewhere else.
    function pay(Ledger storage ledger, uint256 id, int256 amount) internal {
        Account storage account = ledger.accounts[id];
        account.cash = (account.cash + amount).toInt128();
    }

    /// @notice Starts the liquidation clock, or stops it with `since` zero.
    function setClock(Ledger storage ledger, uint256 id, uint256 since) internal {
        ledger.accounts[id].unhealthySince = uint64(since);
        emit IMarginEngine.ClockSet(id, uint64(since));
    }

    /// @notice Margin figures of an account at the stored prices.
    /// @param scaled whether initial margin carries the open-interest factor
    function health(
        Ledger storage ledger,
        uint256 id,
        Account memory account,
        Valuation valuation,
        bool scaled
    ) internal view returns (Health memory h) {
        h.equity = account.cash;
        h.capped = account.cash;
        _addPositions(ledger, h, id, account.markets, valuation, scaled);
    }

    /// @notice The same for one side of a fill, whose market and position are at hand.
    function healthAfter(
        Ledger storage ledger,
        Focus memory at,
        Change memory c,
        Valuation valuation,
        bool scaled
    ) internal view returns (Health memory h) {
        h.equity = c.account.cash;
        h.capped = c.account.cash;
        if (c.position.lots != 0) MarginLib.addPosition(h, c.position, at.market, at.params, valuation, scaled);
        _addPositions(ledger, h, c.id, c.account.markets & ~(uint256(1) << at.m), valuation, scaled);
    }

    /// @notice Figures at the mark, and equity at the favourable edge.
    function healthForLiquidation(
        Ledger storage ledger,
        uint256 id,
        Account memory account
    ) internal view returns (Health memory mark, int256 favourable) {
        mark.equity = account.cash;
        for (uint256 bits = account.markets; bits != 0; bits &= bits - 1) {
            uint256 m = LibBit.ffs(bits);
            favourable += _addAtMark(mark, ledger.positions[id][m], ledger.markets[m], ledger.params[m]);
        }
        favourable += mark.equity;
    }

    /// @dev Adds a position at the mark; returns what the favourable edge adds to its value.
    function _addAtMark(
        Health memory mark,
        Position memory position,
        Market memory market,
        MarketParams memory params
    ) private pure returns (int256) {
        MarginLib.addPosition(mark, position, market, params, Valuation.MARK, false);
        return MarginLib.favour(position, market);
    }

    function _addPositions(
        Ledger storage ledger,
        Health memory h,
        uint256 id,
        uint256 bits,
        Valuation valuation,
        bool scaled
    ) private view {
        for (; bits != 0; bits &= bits - 1) {
            uint256 m = LibBit.ffs(bits);
            MarginLib.addPosition(h, ledger.positions[id][m], ledger.markets[m], ledger.params[m], valuation, scaled);
        }
    }

    function has(uint256 bits, uint256 m) internal pure returns (bool) {
        return (bits >> m) & 1 != 0;
    }

    function requireUser(uint256 id) internal pure {
        require(id >> 96 != 0, IMarginEngine.SystemAccount(id));
    }

    /// @dev One side of a fill, `c.id` given. Returns the change of max(lots, 0).
    function _apply(
        Ledger storage ledger,
        uint8 m,
        Market memory market,
        Change memory c,
        int256 delta,
        uint256 price,
        int256 fee
    ) private returns (int256 longsDelta) {
        uint256 id = c.id;
        Account memory account = ledger.accounts[id];
        Position memory position = ledger.positions[id][m];
        (c.account, c.position) = (account, position);
        (c.cashBefore, c.lotsBefore, c.quoteBefore) = (account.cash, position.lots, position.quote);
        longsDelta = applyFill(account, position, market, delta, int256(price), fee);

        uint64 bit = uint64(1) << m;
        if (position.lots == 0) {
            account.markets &= ~bit;
        } else if (account.markets & bit == 0) {
            account.markets |= bit;
            uint256 count = LibBit.popCount(account.markets);
            require(count <= MAX_MARKETS_PER_ACCOUNT, IMarginEngine.TooManyMarkets(id, MAX_MARKETS_PER_ACCOUNT));
        }
        ledger.accounts[id] = account;
        ledger.positions[id][m] = position;
    }

    /// @notice Applies `delta` lots at `price` and a fee to an account and its position, both in memory: eq. (1) to (3).
    /// @dev Closing moves the closed lots' part of `quote` and the proceeds to cash: a label inside one account, rounded
    /// toward minus infinity, so no unit is made or lost. The fee goes to cash when lots were closed, else to
    /// quote, so that opening leaves the account's slot unwritten.
    /// @param delta {lot} not zero; positive buys
    /// @param price {u/lot}
    /// @param fee   {u} positive is paid
    /// @return longsDelta {lot} change of max(lots, 0)
    function applyFill(
        Account memory account,
        Position memory position,
        Market memory market,
        int256 delta,
        int256 price,
        int256 fee
    ) internal pure returns (int256 longsDelta) {
        int256 lots = position.lots;
        int256 quote = position.quote;
        int256 cash = account.cash;
        // |lots|, |delta| < 2^57, prices and indices < 2^64, quote and cash < 2^127: no product nears 2^255
        unchecked {
            longsDelta = lots > 0 ? -lots : int256(0);

            if (lots != 0 && (lots > 0) != (delta > 0)) {
                int256 size = int256(MathLib.abs(lots));
                int256 closed = int256(MathLib.abs(delta)) < size ? -delta : lots; // {lot} signed like the position
                int256 moved = closed == lots ? quote : MathLib.floorDiv(quote * int256(MathLib.abs(closed)), size);
                cash += moved + closed * (price - MarginLib.index(market, lots)) - fee;
                quote -= moved;
                lots -= closed;
                delta += closed;
            } else {
                quote -= fee;
            }
            if (delta != 0) {
                quote -= delta * (price - MarginLib.index(market, delta));
                lots += delta;
            }
        }

        require(-MAX_LOTS < lots && lots < MAX_LOTS, IMarginEngine.PositionOutOfRange(lots));
        if (lots > 0) longsDelta += lots;
        position.lots = int64(lots); // bounded by MAX_LOTS
        position.quote = quote.toInt128();
        account.cash = cash.toInt128();
    }
}
