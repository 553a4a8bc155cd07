// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {LibBit} from "solady/src/utils/LibBit.sol";
import {
    Account,
    Health,
    IMarginEngine,
    Inventory,
    InventoryCap,
    Market,
    MarketStatus,
    Position,
    Side,
    Valuation
} from "../interfaces/IMarginEngine.sol";
import {Change, Env, Ledger, LedgerLib} from "./LedgerLib.sol";
import {MarginLib} from "./MarginLib.sol";
import {MathLib} from "./MathLib.sol";
import {PendingLib} from "./PendingLib.sol";
import {RulesLib} from "./RulesLib.sol";
import {Owed, Survival, SurvivalLib} from "./SurvivalLib.sol";
import {Loss, ShortfallLib} from "./ShortfallLib.sol";
import {SyncLib} from "./SyncLib.sol";

/// @title DeleverageLib
/// @notice Closes winners pro rata against the inventory of the pool, in O(1): docs/mechanism.md, "Deleveraging". Linked into the engine,
/// whose NatSpec documents the calls.
library DeleverageLib {
    using LedgerLib for Ledger;
    using PendingLib for Ledger;
    using ShortfallLib for Ledger;
    using SurvivalLib for Owed;
    using SurvivalLib for Survival;
    using SyncLib for Ledger;

    uint256 internal constant DEFAULT_CAP_BPS = 3500;
    uint256 internal constant DRAINED = 10; // times its assets: what a pool holds that cannot carry a loss on it any more

    function deleverage(Ledger storage ledger, Env memory env, uint8 m) external returns (uint256 lots) {
        ledger.listed(m);
        ledger.refresh(env, m);
        Market memory market = ledger.markets[m];
        require(market.status < MarketStatus.SETTLING, IMarginEngine.MarketNotActive(m, market.status));
        ledger.requirePricesOk(uint256(1) << m);
        int256 held = ledger.inventoryLots(m);
        uint256 assets = ledger.stack.totalAssets() * env.tokenUnit; // {u}
        uint256 cap = inventoryCap(ledger, m, assets, market.price);
        require(MathLib.abs(held) > cap, IMarginEngine.InventoryWithinCap(m, MathLib.abs(held), cap));

        bool isLong = held < 0; // the other side
        // what the inventory of a drained pool loses is the winners' to share: none of them is let out while he may be asked
        if (MathLib.abs(held) * market.price > DRAINED * assets) {
            RulesLib.requireNotWinning(m, market, ledger.params[m], isLong);
        }
        uint256 total = ledger.othersLots(m, market.openInterest, isLong);
        lots = MathLib.abs(held) - cap; // longs are shorts: the others hold at least `held` more on that side
        Side memory side = ledger.sides[m][isLong];
        int256 price = int256(uint256(market.price)) - (isLong ? market.indexLong : market.indexShort); // shifted
        side.survival = side.survival.reduce(ledger.sideEnds[m][isLong], lots, total, price);
        side.pending += uint56(lots); // at most open interest
        side.pendingQuote += int128(int256(lots) * price); // below 2^119
        ledger.sides[m][isLong] = side;
        ledger.deleveraged |= uint64(1) << m;
        emit IMarginEngine.Deleveraged(m, isLong, lots, market.price, side.survival);
    }

    /// @notice Settles the positions of an account in `markets`, a bitmap of markets that have been deleveraged.
    /// @dev An account that is then without positions and below zero is a shortfall of the market it was last in.
    function settle(Ledger storage ledger, Env memory env, uint256 id, uint256 markets) external {
        uint8 m;
        bool isLong;
        for (; markets != 0; markets &= markets - 1) {
            m = uint8(LibBit.ffs(markets));
            int256 held = ledger.positions[id][m].lots;
            isLong = held > 0;
            Owed memory owed = _owed(ledger, id, m, isLong);
            uint256 size = MathLib.abs(held);
            uint256 lots = owed.lotsDown(size);
            if (lots == 0) continue; // the checkpoint stays, so that nothing is lost to rounding

            Market memory market = ledger.markets[m];
            int256 price = owed.priceFloor();
            ledger.fillSettled(m, market, id, isLong, lots, price + MarginLib.index(market, held));
            Side storage side = ledger.sides[m][isLong];
            uint256 pending = MathLib.zeroFloorSub(side.pending, lots);
            if (ledger.heldByOthers(m, market.openInterest, isLong) == 0) pending = 0;
            side.pending = uint56(pending);
            side.pendingQuote = pending == 0 ? int128(0) : int128(side.pendingQuote - int256(lots) * price);
            if (lots != size) {
                ledger.checkpoints[id][m] = side.survival.checkpoint(owed, size, lots, size - lots);
            }
        }

        Account memory a = ledger.accounts[id];
        if (a.markets == 0 && a.cash < 0) {
            uint256 shortfall = uint256(-int256(a.cash));
            ledger.pay(id, int256(shortfall));
            ledger.cover(env, Loss(m, id, isLong, ledger.canShare(m), ledger.reasonOf(m), shortfall));
        }
    }

    /// @notice Dates the position that a fill has changed, in a market that has been deleveraged. It was settled before.
    function rebase(Ledger storage ledger, uint8 m, Change memory c) external {
        int256 lots = c.position.lots;
        if (lots == 0) return;
        bool isLong = lots > 0;
        Survival memory survival = ledger.sides[m][isLong].survival;
        bool isSameSide = isLong ? c.lotsBefore > 0 : c.lotsBefore < 0;
        ledger.checkpoints[c.id][m] =
            isSameSide
                ? survival.checkpoint(_owed(ledger, c.id, m, isLong), MathLib.abs(c.lotsBefore), 0, MathLib.abs(lots))
                : survival;
    }

    /* VIEWS */

    /// @notice The account with what `settle` would move to its cash.
    function account(Ledger storage ledger, uint256 id) public view returns (Account memory a) {
        a = ledger.accounts[id];
        bool wasOpen = a.markets != 0;
        for (uint256 bits = a.markets & ledger.deleveraged; bits != 0; bits &= bits - 1) {
            _preview(ledger, id, uint8(LibBit.ffs(bits)), a);
        }
        if (wasOpen && a.markets == 0 && a.cash < 0) a.cash = 0; // a shortfall by then
    }

    /// @notice The position as `settle` would leave it.
    function position(Ledger storage ledger, uint256 id, uint8 m) public view returns (Position memory p) {
        Account memory a; // what reaches its cash is not asked for
        return _preview(ledger, id, m, a);
    }

    /// @notice Margin figures of an account as `settle` would leave it.
    function healthOf(Ledger storage ledger, uint256 id, Valuation valuation) external view returns (Health memory h) {
        Account memory a = account(ledger, id);
        (h.equity, h.capped) = (a.cash, a.cash);
        for (uint256 bits = a.markets; bits != 0; bits &= bits - 1) {
            uint8 m = uint8(LibBit.ffs(bits));
            Market memory market = ledger.markets[m];
            market.openInterest = ledger.effectiveInterest(m, market.openInterest);
            MarginLib.addPosition(h, position(ledger, id, m), market, ledger.params[m], valuation, true);
        }
    }

    function inventory(Ledger storage ledger, Env memory env, uint8 m) external view returns (Inventory memory) {
        return
            Inventory(
                ledger.inventoryLots(m),
                ledger.inventoryEquity(m, ledger.markets[m]),
                inventoryCap(ledger, m, ledger.stack.totalAssets() * env.tokenUnit, ledger.markets[m].price)
            );
    }

    /// @notice {lot} what the inventory may hold: its lots and its share of the pool's assets, the smaller
    /// @param assets {u} of the pool
    function inventoryCap(
        Ledger storage ledger,
        uint8 m,
        uint256 assets,
        uint256 price
    ) internal view returns (uint256) {
        InventoryCap memory cap = ledger.inventoryCaps[m];
        if (cap.bps == 0) (cap.lots, cap.bps) = (type(uint56).max, uint16(DEFAULT_CAP_BPS));
        return MathLib.min(cap.lots, MathLib.mulDivDown(assets, cap.bps, MarginLib.BPS) / price);
    }

    function _owed(Ledger storage ledger, uint256 id, uint8 m, bool isLong) private view returns (Owed memory) {
        return ledger.sides[m][isLong].survival.owed(ledger.sideEnds[m][isLong], ledger.checkpoints[id][m]);
    }

    /// @dev The position after `settle`, and `a` with what it moves there.
    function _preview(
        Ledger storage ledger,
        uint256 id,
        uint8 m,
        Account memory a
    ) private view returns (Position memory p) {
        p = ledger.positions[id][m];
        bool isUser = id >> 96 != 0;
        if (!isUser || p.lots == 0 || !LedgerLib.has(ledger.deleveraged, m)) return p;
        bool isLong = p.lots > 0;
        Owed memory owed = _owed(ledger, id, m, isLong);
        int256 lots = int256(owed.lotsDown(MathLib.abs(p.lots)));
        if (lots == 0) return p;
        Market memory market = ledger.markets[m];
        int256 price = owed.priceFloor() + MarginLib.index(market, p.lots);
        LedgerLib.applyFill(a, p, market, isLong ? -lots : lots, price, 0);
        if (p.lots == 0) a.markets &= ~(uint64(1) << m);
    }
}
