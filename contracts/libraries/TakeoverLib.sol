// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {LibBit} from "solady/src/utils/LibBit.sol";
import {DrawReason} from "../interfaces/IBackstopPool.sol";
import {Account, Health, IMarginEngine, Market, Valuation} from "../interfaces/IMarginEngine.sol";
import {DeficitLib} from "./DeficitLib.sol";
import {Ledger, LedgerLib} from "./LedgerLib.sol";
import {LiquidationLib} from "./LiquidationLib.sol";
import {MarginLib} from "./MarginLib.sol";
import {MathLib} from "./MathLib.sol";
import {Env, SyncLib} from "./SyncLib.sol";
import {WaterfallLib} from "./WaterfallLib.sol";

/// @title TakeoverLib
/// @notice Takeover by the pool's inventory and the waterfall of a shortfall. Linked into the engine, whose NatSpec documents
/// the calls.
library TakeoverLib {
    using DeficitLib for Ledger;
    using LedgerLib for Ledger;
    using SafeCast for uint256;
    using SyncLib for Ledger;

    uint256 internal constant UNITS_PER_USD = 1e12;
    uint256 internal constant DRAW_GAS = 150_000; // more than `absorb` with a plain ERC-20 needs

    function takeover(
        Ledger storage ledger,
        Env memory env,
        uint256 id,
        uint256 rewardId
    ) external returns (int256 equity) {
        LedgerLib.requireUser(id);
        LedgerLib.requireUser(rewardId);
        require(id != rewardId, IMarginEngine.SameAccount(id));
        Account memory account = ledger.accounts[id];
        ledger.refreshAll(env, account.markets);
        ledger.requirePricesOk(account.markets);
        Health memory mark = _requireTakeoverable(ledger, id, account);
        equity = mark.equity;
        uint256 rule = equity < 0 ? 0 : WaterfallLib.BY_MARGIN;
        (uint256[] memory weights, uint256 total) = _weights(ledger, id, account.markets, rule);

        _moveToInventory(ledger, id, account.markets); // its cash is now its equity, exactly
        ledger.pay(id, -equity);
        if (account.unhealthySince != 0) ledger.setClock(id, 0);

        uint256 first = LibBit.ffs(account.markets);
        uint256 reward = ledger.params[first].takeoverReward;
        if (equity < 0) {
            // before the bucket pays: whoever brings the shortfall must earn something when it is largest
            uint256 bucket = ledger.markets[first].bucket;
            reward = MathLib.min(MathLib.min(reward, mark.maintenance / 2), bucket);
            ledger.markets[first].bucket = uint72(bucket - reward); // less than it was
            _splitShortfall(ledger, env, id, account.markets, weights, total, uint256(-equity));
        } else {
            reward = MathLib.min(reward, uint256(equity) / 4); // the rest stays with the positions
            _splitToInventory(ledger, id, account.markets, weights, total, uint256(equity) - reward);
        }
        if (reward != 0) ledger.pay(rewardId, int256(reward));
        emit IMarginEngine.TakenOver(id, rewardId, equity, reward);
    }

    function coverInventory(Ledger storage ledger, Env memory env, uint8 m) external returns (uint256 shortfall) {
        ledger.listed(m);
        ledger.refresh(env, m);
        ledger.requirePricesOk(uint256(1) << m);
        uint256 inventory = m; // its account id
        Health memory mark = ledger.health(inventory, ledger.accounts[inventory], Valuation.MARK, false);
        if (mark.equity >= 0) return 0;

        shortfall = uint256(-mark.equity);
        ledger.pay(inventory, int256(shortfall));
        _cover(ledger, env, m, inventory, shortfall, DrawReason.INVENTORY);
    }

    /// @dev The engine sends `paid` to the pool.
    function collectIncome(Ledger storage ledger, Env memory env, uint8 m) external returns (uint256 paid) {
        uint256 bucket = ledger.listed(m).bucket;
        Account memory inventory = ledger.accounts[m];
        uint256 fromInventory = inventory.markets == 0 ? MathLib.positive(inventory.cash) : 0; // earned once it is flat
        uint256 fees = MathLib.positive(ledger.accounts[LedgerLib.FEES].cash) + fromInventory;

        uint256 owed = ledger.deficits[m];
        uint256 fromBucket = MathLib.min(bucket, owed);
        uint256 fromFees = MathLib.min(fees, owed - fromBucket);
        uint256 target = ledger.rules[m].bucketTarget * UNITS_PER_USD;
        uint256 skimmed = MathLib.zeroFloorSub(bucket - fromBucket, target);
        fees = fees - fromFees + skimmed;
        if (fromBucket + fromFees != 0) ledger.lower(m, fromBucket + fromFees);
        if (ledger.totalDeficit == 0) paid = MathLib.min(fees / env.tokenUnit, ledger.internalBalance);

        ledger.markets[m].bucket = uint72(bucket - fromBucket - skimmed); // at most what it was
        ledger.pay(m, -int256(fromInventory));
        ledger.pay(LedgerLib.FEES, int256(fromInventory + skimmed) - int256(fromFees + paid * env.tokenUnit));
        ledger.internalBalance -= paid.toUint128();
        emit IMarginEngine.IncomeCollected(m, fromInventory, fromBucket, fromFees, skimmed, paid);
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

    /// @dev Every position goes to its market's inventory at the mark.
    function _moveToInventory(Ledger storage ledger, uint256 id, uint256 bits) private {
        for (; bits != 0; bits &= bits - 1) {
            uint8 m = uint8(LibBit.ffs(bits));
            Market memory market = ledger.markets[m];
            int256 lots = ledger.positions[id][m].lots;
            if (lots > 0) ledger.fill(m, market, m, id, uint256(lots), market.price, 0, 0);
            else ledger.fill(m, market, id, m, uint256(-lots), market.price, 0, 0);
        }
    }

    /// @dev Weights of the markets, lowest first, by the first rule from `rule` on that does not give all zeros.
    function _weights(
        Ledger storage ledger,
        uint256 id,
        uint256 bits,
        uint256 rule
    ) private view returns (uint256[] memory weights, uint256 total) {
        weights = new uint256[](LibBit.popCount(bits));
        for (; total == 0 && rule <= WaterfallLib.BY_MARGIN; ++rule) {
            uint256 left = bits;
            for (uint256 i; left != 0; ++i) {
                uint256 m = LibBit.ffs(left);
                weights[i] = WaterfallLib.weight(ledger.positions[id][m], ledger.markets[m], ledger.params[m], rule);
                total += weights[i];
                left &= left - 1;
            }
        }
    }

    function _splitToInventory(
        Ledger storage ledger,
        uint256 id,
        uint256 bits,
        uint256[] memory weights,
        uint256 total,
        uint256 amount
    ) private {
        for (uint256 i; bits != 0; ++i) {
            uint256 part;
            (part, amount, total) = WaterfallLib.part(amount, weights[i], total);
            if (part != 0) {
                uint256 inventory = LibBit.ffs(bits);
                ledger.pay(inventory, int256(part));
                emit IMarginEngine.Transferred(id, inventory, part);
            }
            bits &= bits - 1;
        }
    }

    function _splitShortfall(
        Ledger storage ledger,
        Env memory env,
        uint256 id,
        uint256 bits,
        uint256[] memory weights,
        uint256 total,
        uint256 amount
    ) private {
        for (uint256 i; bits != 0; ++i) {
            uint256 part;
            (part, amount, total) = WaterfallLib.part(amount, weights[i], total);
            if (part != 0) _cover(ledger, env, uint8(LibBit.ffs(bits)), id, part, DrawReason.LIQUIDATION);
            bits &= bits - 1;
        }
    }

    /// @dev Bucket, pool, deficit: the three sum to `shortfall`. The account was made whole by the caller.
    function _cover(
        Ledger storage ledger,
        Env memory env,
        uint8 m,
        uint256 id,
        uint256 shortfall,
        DrawReason reason
    ) private {
        uint256 bucket = ledger.markets[m].bucket;
        uint256 byBucket = MathLib.min(shortfall, bucket);
        uint256 rest = shortfall - byBucket;
        uint256 drawn; // {u}
        if (rest != 0) {
            drawn = _draw(ledger, m, MathLib.mulDivUp(rest, 1, env.tokenUnit), reason) * env.tokenUnit;
        }
        uint256 byPool = MathLib.min(rest, drawn);
        uint256 excess = drawn - byPool; // less than a token unit
        ledger.markets[m].bucket = (bucket - byBucket + excess).toUint72();
        if (rest != byPool) ledger.raise(m, rest - byPool);
        emit IMarginEngine.ShortfallCovered(m, id, reason, shortfall, byBucket, byPool, rest - byPool, excess);
    }

    /// @dev {token} what the pool paid. A pool or token that fails pays nothing; the caller cannot make it fail by
    /// starving it of gas.
    function _draw(
        Ledger storage ledger,
        uint8 m,
        uint256 requested,
        DrawReason reason
    ) private returns (uint256 paid) {
        uint256 gas = gasleft();
        require(gas >= DRAW_GAS, IMarginEngine.InsufficientGas(gas, DRAW_GAS));
        try ledger.pool.absorb(m, requested, reason) returns (uint256 assets) {
            paid = assets;
            ledger.internalBalance += paid.toUint128();
        } catch (bytes memory reason_) {
            // inside a call to the pool nobody can tell whether it could have paid
            bool isLocked = bytes4(reason_) == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
            require(!isLocked, ReentrancyGuardTransient.ReentrancyGuardReentrantCall());
        }
    }
}
