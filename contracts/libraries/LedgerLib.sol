// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {LibBit} from "solady/src/utils/LibBit.sol";
import {IBackstopAMM} from "../interfaces/IBackstopAMM.sol";
import {ICapitalStack} from "../interfaces/ICapitalStack.sol";
import {
    Account,
    Health,
    IMarginEngine,
    InventoryCap,
    Market,
    MarketParams,
    MarketRules,
    Position,
    Recovery,
    Side,
    Valuation
} from "../interfaces/IMarginEngine.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {IRiskEngine} from "../interfaces/IRiskEngine.sol";
import {MarginLib} from "./MarginLib.sol";
import {MathLib} from "./MathLib.sol";
import {Survival} from "./SurvivalLib.sol";

/// @notice What the engine was deployed with; the linked libraries cannot read its immutables.
struct Env {
    IOracle oracle;
    uint256 tokenUnit; // {u/token}
}

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
    uint64 deleveraged; // bit m is set once a side of market m has been deleveraged
    bool hasDeficit;
    // 29 bytes
    ICapitalStack stack;
    uint72 deficitMarkets; // bit m is set while market m, or the engine itself, has a deficit
    // 29 bytes
    mapping(uint256 market => uint256) deficits; // {u}
    mapping(uint256 market => Recovery) recovery;
    mapping(uint256 market => InventoryCap) inventoryCaps;
    mapping(uint256 market => mapping(bool isLong => Side)) sides;
    mapping(uint256 market => mapping(bool isLong => mapping(uint256 epoch => int256))) sideEnds;
    mapping(uint256 account => mapping(uint256 market => Survival)) checkpoints;
    mapping(uint256 account => uint256) claims; // {u} at the account's checkpoint
    mapping(uint256 account => Survival) claimCheckpoints;
    Survival claimSurvival;
    mapping(uint256 epoch => int256) claimEnds;
    uint256 totalClaims; // {u}
    IRiskEngine risk;
    IBackstopAMM amm;
    uint64 reported; // bit m is set while something of market m is pending with the stack
    // 28 bytes
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

    /// @dev Accounts with owner zero: 0 to 63 hold the pool's inventory of that market, FEES the premiums for the pool, CLAIMS what
    /// income has paid on claims.
    uint256 internal constant FEES = 64;
    uint256 internal constant CLAIMS = 65;
    /// @dev Where a deficit of the engine itself is booked, beside those of the markets.
    uint8 internal constant ENGINE = 64;

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
        (bought, sold) = _move(ledger, m, market, buyer, seller, lots, int256(price), buyerFee, sellerFee);
        emit IMarginEngine.Filled(m, buyer, seller, uint56(lots), uint64(price), int128(buyerFee), int128(sellerFee));
    }

    /// @notice `lots` of an account close against the inventory at a price that deleveraging recorded earlier.
    /// @param price {u/lot} may be negative after large charges of the side
    function fillSettled(
        Ledger storage ledger,
        uint8 m,
        Market memory market,
        uint256 id,
        bool isLong,
        uint256 lots,
        int256 price
    ) internal {
        if (isLong) _move(ledger, m, market, m, id, lots, price, 0, 0);
        else _move(ledger, m, market, id, m, lots, price, 0, 0);
        emit IMarginEngine.PositionSettled(m, id, isLong, lots, price);
    }

    function _move(
        Ledger storage ledger,
        uint8 m,
        Market memory market,
        uint256 buyer,
        uint256 seller,
        uint256 lots,
        int256 price,
        int256 buyerFee,
        int256 sellerFee
    ) private returns (Change memory bought, Change memory sold) {
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
            Market memory market = ledger.markets[m];
            if (scaled) market.openInterest = effectiveInterest(ledger, m, market.openInterest);
            MarginLib.addPosition(h, ledger.positions[id][m], market, ledger.params[m], valuation, scaled);
        }
    }

    /// @notice What deleveraging has closed of one side and nobody has settled yet: at most what others hold there.
    /// @param stored {lot} open interest of the market
    /// @return lots  {lot}
    /// @return quote {u} SUM of lots times shifted price
    function pending(
        Ledger storage ledger,
        uint256 m,
        uint256 stored,
        bool isLong
    ) internal view returns (uint256 lots, int256 quote) {
        if (!has(ledger.deleveraged, m)) return (0, 0);
        Side storage side = ledger.sides[m][isLong];
        (lots, quote) = (side.pending, side.pendingQuote);
        uint256 held = heldByOthers(ledger, m, stored, isLong);
        if (lots > held) (lots, quote) = (held, (quote * int256(held)) / int256(lots)); // parts of lots that nobody owes any more
    }

    /// @notice {lot} of the pool's inventory in effect: with what is pending
    function inventoryLots(Ledger storage ledger, uint256 m) internal view returns (int256) {
        uint256 stored = ledger.markets[m].openInterest;
        (uint256 longs, ) = pending(ledger, m, stored, true);
        (uint256 shorts, ) = pending(ledger, m, stored, false);
        return ledger.positions[m][m].lots + int256(longs) - int256(shorts);
    }

    /// @notice {lot} open interest in effect: without what is pending
    /// @param stored {lot} the market's
    function effectiveInterest(Ledger storage ledger, uint256 m, uint56 stored) internal view returns (uint56) {
        if (!has(ledger.deleveraged, m)) return stored;
        // at most 2^56: each part is at most the stored one, and longs are shorts
        return uint56(othersLots(ledger, m, stored, true) + MathLib.positive(inventoryLots(ledger, m)));
    }

    /// @notice {lot} of one side that are not the pool's in effect
    function othersLots(Ledger storage ledger, uint256 m, uint256 stored, bool isLong) internal view returns (uint256) {
        (uint256 lots, ) = pending(ledger, m, stored, isLong);
        return heldByOthers(ledger, m, stored, isLong) - lots;
    }

    /// @notice {lot} of one side that are stored with others than the pool
    function heldByOthers(
        Ledger storage ledger,
        uint256 m,
        uint256 stored,
        bool isLong
    ) internal view returns (uint256) {
        int256 own = ledger.positions[m][m].lots;
        return stored - MathLib.positive(isLong ? own : -own); // the inventory's are part of open interest
    }

    function has(uint256 bits, uint256 m) internal pure returns (bool) {
        return (bits >> m) & 1 != 0;
    }

    /// @notice The market as stored; reverts when it was never listed.
    function listed(Ledger storage ledger, uint8 m) internal view returns (Market memory market) {
        require(m < 64, IMarginEngine.UnknownMarket(m));
        market = ledger.markets[m];
        require(market.syncedAt != 0, IMarginEngine.UnknownMarket(m));
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
        int256 price,
        int256 fee
    ) private returns (int256 longsDelta) {
        uint256 id = c.id;
        Account memory account = ledger.accounts[id];
        Position memory position = ledger.positions[id][m];
        (c.account, c.position) = (account, position);
        (c.cashBefore, c.lotsBefore, c.quoteBefore) = (account.cash, position.lots, position.quote);
        longsDelta = applyFill(account, position, market, delta, price, fee);

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
