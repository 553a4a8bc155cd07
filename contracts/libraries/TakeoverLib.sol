// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {LibBit} from "solady/src/utils/LibBit.sol";
import {DrawReason} from "../interfaces/ICapitalStack.sol";
import {Account, Health, IMarginEngine, Market, MarketStatus} from "../interfaces/IMarginEngine.sol";
import {Env, Ledger, LedgerLib} from "./LedgerLib.sol";
import {LiquidationLib} from "./LiquidationLib.sol";
import {MarginLib} from "./MarginLib.sol";
import {MarketLib} from "./MarketLib.sol";
import {MathLib} from "./MathLib.sol";
import {PendingLib} from "./PendingLib.sol";
import {SettleLib} from "./SettleLib.sol";
import {Loss, ShortfallLib} from "./ShortfallLib.sol";
import {SyncLib} from "./SyncLib.sol";
import {WaterfallLib} from "./WaterfallLib.sol";

/// @title TakeoverLib
/// @notice What ends with the pool's inventory: takeover, its own losses, closing in a settled market. Linked into the engine, whose
/// NatSpec documents the calls.
library TakeoverLib {
    using LedgerLib for Ledger;
    using MarketLib for Ledger;
    using PendingLib for Ledger;
    using SettleLib for Ledger;
    using ShortfallLib for Ledger;
    using SyncLib for Ledger;

    function takeover(
        Ledger storage ledger,
        Env memory env,
        uint256 id,
        uint256 rewardId
    ) external returns (int256 equity) {
        LedgerLib.requireUser(id);
        LedgerLib.requireUser(rewardId);
        require(id != rewardId, IMarginEngine.SameAccount(id));
        bool wasOpen = ledger.accounts[id].markets != 0;
        ledger.settleAll(env, id);
        ledger.settleAll(env, rewardId);
        Account memory account = ledger.accounts[id];
        if (wasOpen && account.markets == 0) return 0; // deleveraging has closed it already
        ledger.refreshAll(env, account.markets);
        ledger.requirePricesOk(account.markets);
        Health memory mark = _requireTakeoverable(ledger, id, account);
        equity = mark.equity;
        uint256 first = LibBit.ffs(account.markets);
        uint256 reward = ledger.params[first].takeoverReward;
        if (equity >= 0) reward = MathLib.min(reward, uint256(equity) / 4); // the rest stays with the positions
        uint256[] memory parts =
            equity < 0
                ? _split(ledger, id, account.markets, 0, uint256(-equity))
                : _split(ledger, id, account.markets, WaterfallLib.BY_MARGIN, uint256(equity) - reward);

        uint256 longs = _moveToInventory(ledger, id, account.markets); // its cash is now its equity, exactly
        ledger.pay(id, -equity);
        if (account.unhealthySince != 0) ledger.setClock(id, 0);

        if (equity < 0) {
            // before the bucket pays: whoever brings the shortfall must earn something when it is largest
            uint256 bucket = ledger.markets[first].bucket;
            reward = MathLib.min(MathLib.min(reward, mark.maintenance / 2), bucket);
            ledger.markets[first].bucket = uint72(bucket - reward); // less than it was
            _coverParts(ledger, env, id, account.markets, longs, parts);
        } else {
            _moveParts(ledger, env, id, account.markets, parts);
        }
        if (reward != 0) ledger.pay(rewardId, int256(reward));
        emit IMarginEngine.TakenOver(id, rewardId, equity, reward);
    }

    function coverInventory(Ledger storage ledger, Env memory env, uint8 m) external returns (uint256 shortfall) {
        ledger.listed(m);
        ledger.refresh(env, m);
        ledger.requirePricesOk(uint256(1) << m);
        int256 equity = ledger.inventoryEquity(m, ledger.markets[m]);
        if (equity >= 0) {
            ledger.report(env, m); // a settled market is never synced
            return 0;
        }

        shortfall = uint256(-equity);
        ledger.pay(m, int256(shortfall)); // its account id
        int256 lots = ledger.inventoryLots(m);
        bool canShare = lots != 0 && ledger.canShare(m);
        ledger.cover(env, Loss(m, m, lots > 0, canShare, DrawReason.INVENTORY, shortfall));
        ledger.report(env, m); // it is on the books now
    }

    function close(Ledger storage ledger, Env memory env, uint8 m, uint256 id) external {
        LedgerLib.requireUser(id);
        Market memory market = ledger.listed(m);
        require(market.status == MarketStatus.SETTLED, IMarginEngine.MarketNotActive(m, market.status));
        uint256 earliest = ledger.recovery[m].since + ShortfallLib.CLOSE_DELAY;
        require(block.timestamp >= earliest, IMarginEngine.TooEarly(block.timestamp, earliest));
        require(LedgerLib.has(ledger.accounts[id].markets, m), IMarginEngine.NoPosition(id, m));
        ledger.settleAll(env, id);
        if (!LedgerLib.has(ledger.accounts[id].markets, m)) return; // deleveraging has closed it already

        _close(ledger, env, m, id);
        ledger.report(env, m); // fewer are left who may have lost
    }

    function _close(Ledger storage ledger, Env memory env, uint8 m, uint256 id) private {
        bool isLong = _moveToInventory(ledger, id, uint256(1) << m) != 0;
        Account memory account = ledger.accounts[id];
        if (account.markets == 0 && account.unhealthySince != 0) ledger.setClock(id, 0);
        if (account.cash >= 0) return;
        uint256 shortfall = uint256(-int256(account.cash));
        if (account.markets != 0) {
            // its other positions carry what they are worth; the rest is lost here, not where the next takeover would put it
            ledger.refreshAll(env, account.markets);
            (Health memory mark, ) = ledger.healthForLiquidation(id, account);
            if (mark.equity >= 0) return;
            ledger.requirePricesOk(account.markets);
            shortfall = MathLib.min(shortfall, uint256(-mark.equity));
        }
        ledger.pay(id, int256(shortfall));
        ledger.cover(env, Loss(m, id, isLong, false, DrawReason.ORACLE_FAILURE, shortfall));
    }

    /// @dev Figures at the mark of an account that liquidation cannot save.
    function _requireTakeoverable(
        Ledger storage ledger,
        uint256 id,
        Account memory account
    ) private view returns (Health memory mark) {
        int256 favourable;
        (mark, favourable) = ledger.healthForLiquidation(id, account);
        int256 maintenance = int256(mark.maintenance);
        require(
            favourable < 0 ||
                (favourable < maintenance &&
                    (10 * favourable < 4 * maintenance ||
                        LiquidationLib.age(account) >= MarginLib.CLOCK_TAKEOVER ||
                        _isDust(ledger, id, account.markets))),
            IMarginEngine.NotTakeoverable(id, favourable, mark.maintenance)
        );
    }

    /// @dev No position is large enough to be liquidated in part.
    function _isDust(Ledger storage ledger, uint256 id, uint256 bits) private view returns (bool) {
        for (; bits != 0; bits &= bits - 1) {
            uint256 m = LibBit.ffs(bits);
            if (MathLib.abs(ledger.positions[id][m].lots) > ledger.params[m].minLots) return false;
        }
        return true;
    }

    /// @dev Every position in `bits` goes to its market's inventory at the mark. Returns the bits of those that were long.
    function _moveToInventory(Ledger storage ledger, uint256 id, uint256 bits) private returns (uint256 longs) {
        for (; bits != 0; bits &= bits - 1) {
            uint8 m = uint8(LibBit.ffs(bits));
            Market memory market = ledger.markets[m];
            int256 lots = ledger.positions[id][m].lots;
            if (lots > 0) longs |= uint256(1) << m;
            uint256 inventory = m; // its account id
            (uint256 buyer, uint256 seller) = lots > 0 ? (inventory, id) : (id, inventory);
            ledger.fill(m, market, buyer, seller, MathLib.abs(lots), market.price, 0, 0);
        }
    }

    /// @dev {u} what falls on each market, lowest first: of rules 0 and 1 at most what it explains, the rest by maintenance margin.
    function _split(
        Ledger storage ledger,
        uint256 id,
        uint256 bits,
        uint256 rule,
        uint256 amount
    ) private view returns (uint256[] memory parts) {
        parts = new uint256[](LibBit.popCount(bits));
        uint256[] memory weights = new uint256[](parts.length);
        for (; amount != 0; ++rule) {
            uint256 total;
            uint256 left = bits;
            for (uint256 i; left != 0; ++i) {
                uint256 m = LibBit.ffs(left);
                weights[i] = WaterfallLib.weight(ledger.positions[id][m], ledger.markets[m], ledger.params[m], rule);
                total += weights[i];
                left &= left - 1;
            }

            uint256 given = rule == WaterfallLib.BY_MARGIN ? amount : MathLib.min(amount, total);
            amount -= given;
            for (uint256 i; i < parts.length; ++i) {
                uint256 part;
                (part, given, total) = WaterfallLib.part(given, weights[i], total);
                parts[i] += part;
            }
        }
    }

    function _moveParts(
        Ledger storage ledger,
        Env memory env,
        uint256 id,
        uint256 bits,
        uint256[] memory parts
    ) private {
        for (uint256 i; bits != 0; ++i) {
            uint8 inventory = uint8(LibBit.ffs(bits));
            bits &= bits - 1;
            if (parts[i] == 0) continue;
            ledger.pay(inventory, int256(parts[i]));
            emit IMarginEngine.Transferred(id, inventory, parts[i]);
            ledger.report(env, inventory); // nobody joins cheaply between this gain and the next sync
        }
    }

    function _coverParts(
        Ledger storage ledger,
        Env memory env,
        uint256 id,
        uint256 bits,
        uint256 longs,
        uint256[] memory parts
    ) private {
        for (uint256 i; bits != 0; ++i) {
            uint8 m = uint8(LibBit.ffs(bits));
            bits &= bits - 1;
            if (parts[i] == 0) continue;
            bool isLong = LedgerLib.has(longs, m);
            ledger.cover(env, Loss(m, id, isLong, ledger.canShare(m), ledger.reasonOf(m), parts[i]));
        }
    }
}
