// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {DrawReason} from "../interfaces/ICapitalStack.sol";
import {IMarginEngine, Market, MarketStatus, Recovery} from "../interfaces/IMarginEngine.sol";
import {DeficitLib} from "./DeficitLib.sol";
import {FundingLib} from "./FundingLib.sol";
import {Env, Ledger, LedgerLib} from "./LedgerLib.sol";
import {MathLib} from "./MathLib.sol";
import {WaterfallLib} from "./WaterfallLib.sol";

/// @notice A shortfall of one market.
struct Loss {
    uint8 market;
    uint256 account; // whose equity was below zero
    bool isLong; // the side it was on
    bool canShare; // whether winners may be asked
    DrawReason reason;
    uint256 amount; // {u}
}

/// @title ShortfallLib
/// @notice Who pays a shortfall: bucket, pool, winners, deficit. docs/mechanism.md, "Takeover and waterfall".
library ShortfallLib {
    using DeficitLib for Ledger;
    using LedgerLib for Ledger;
    using SafeCast for uint256;

    uint256 internal constant DRAW_GAS = 300_000; // more than `absorb` of both tranches with a plain ERC-20 needs
    uint256 internal constant HALF_LIFE = 1 hours; // of the slow EMA
    uint256 internal constant FAILURE_TIME = 10 minutes; // a shortfall this close to a bad price is the oracle's
    uint256 internal constant CLOSE_DELAY = 1 hours; // after settlement, for losses to be recognised before anybody is closed

    /// @notice Pays `loss.amount`. The account was made whole by the caller.
    function cover(Ledger storage ledger, Env memory env, Loss memory loss) internal {
        uint8 m = loss.market;
        uint256 bucket = ledger.markets[m].bucket;
        uint256 byBucket = MathLib.min(loss.amount, bucket);
        uint256 rest = loss.amount - byBucket;

        uint256 drawn; // {u}
        if (rest != 0) drawn = draw(ledger, m, MathLib.mulDivUp(rest, 1, env.tokenUnit), loss.reason) * env.tokenUnit;
        ledger.internalBalance += (drawn / env.tokenUnit).toUint128();
        uint256 byPool = MathLib.min(rest, drawn);
        rest -= byPool;

        uint256 collected; // {u}
        if (rest != 0 && loss.canShare) collected = _share(ledger, env, m, !loss.isLong, rest);
        uint256 byShare = MathLib.min(rest, collected);
        rest -= byShare;

        uint256 excess = drawn - byPool + collected - byShare; // less than a token unit, or than a unit a lot of an emptied bucket
        ledger.markets[m].bucket = (bucket - byBucket + excess).toUint72();
        if (rest != 0) ledger.raise(m, rest);
        emit IMarginEngine.ShortfallCovered(
            m,
            loss.account,
            loss.reason,
            loss.amount,
            byBucket,
            byPool,
            byShare,
            rest,
            excess
        );
    }

    /// @dev {token} what the pool paid; the caller books it. A pool or token that fails pays nothing; the caller cannot
    /// make it fail by starving it of gas.
    function draw(
        Ledger storage ledger,
        uint8 m,
        uint256 requested,
        DrawReason reason
    ) internal returns (uint256 paid) {
        _requireGas();
        try ledger.stack.absorb(m, requested, reason) returns (uint256 assets) {
            paid = assets;
        } catch (bytes memory reason_) {
            // inside a call to the pool nobody can tell whether it could have paid
            bool isLocked = bytes4(reason_) == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
            require(!isLocked, ReentrancyGuardTransient.ReentrancyGuardReentrantCall());
        }
    }

    /// @notice Why an account of this market fell below zero.
    function reasonOf(Ledger storage ledger, uint8 m) internal view returns (DrawReason) {
        uint256 badAt = ledger.recovery[m].badAt;
        bool isOracle = ledger.markets[m].status == MarketStatus.SETTLED || block.timestamp < badAt + FAILURE_TIME;
        return isOracle ? DrawReason.ORACLE_FAILURE : DrawReason.LIQUIDATION;
    }

    /// @notice Winners share losses until they may leave at the settlement price: whoever left first would pay nothing.
    function canShare(Ledger storage ledger, uint8 m) internal view returns (bool) {
        if (ledger.markets[m].status != MarketStatus.SETTLED) return true;
        return block.timestamp < ledger.recovery[m].since + CLOSE_DELAY;
    }

    /// @dev {u} collected from the winning side through its index: the same for every lot, at least `needed` unless the limit binds.
    function _share(
        Ledger storage ledger,
        Env memory env,
        uint8 m,
        bool isLong,
        uint256 needed
    ) private returns (uint256 collected) {
        Market memory market = ledger.markets[m];
        uint256 lots = market.openInterest;
        uint256 others = ledger.othersLots(m, lots, isLong);
        if (others == 0) return 0; // the pool alone has won

        Recovery memory r = _recoveryNow(ledger, m);
        uint256 limit = WaterfallLib.shareLimit(market, ledger.params[m].maintenanceBps, !isLong);
        uint256 room = MathLib.zeroFloorSub(limit, uint256(r.shared) + r.sharedBefore);
        uint256 perLot = MathLib.min(MathLib.mulDivUp(needed, 1, lots), room);
        int256 index = isLong ? market.indexLong + int256(perLot) : market.indexShort - int256(perLot);
        if (perLot == 0 || !FundingLib.inRange(index)) return 0;

        if (isLong) ledger.markets[m].indexLong = int64(index);
        else ledger.markets[m].indexShort = int64(index);
        r.shared += uint64(perLot); // at most the limit, below 2^62
        ledger.recovery[m] = r;
        collected = perLot * lots;
        emit IMarginEngine.LossShared(m, isLong, perLot, collected);

        // what falls on the pool's own lots is a loss of its budgets too
        uint256 own = MathLib.mulDivUp(perLot * (lots - others), 1, env.tokenUnit); // {token}
        if (own != 0) {
            _requireGas();
            try ledger.stack.countLoss(m, own) {} catch {}
        }
    }

    /// @dev Charges of this hour and the last: together at least those of any half-life up to now.
    function _recoveryNow(Ledger storage ledger, uint8 m) private view returns (Recovery memory r) {
        r = ledger.recovery[m];
        uint32 hour = uint32(block.timestamp / HALF_LIFE);
        if (hour == r.hour) return r;
        r.sharedBefore = hour == uint256(r.hour) + 1 ? r.shared : 0;
        r.shared = 0;
        r.hour = hour;
    }

    function _requireGas() private view {
        uint256 gas = gasleft();
        require(gas >= DRAW_GAS, IMarginEngine.InsufficientGas(gas, DRAW_GAS));
    }
}
