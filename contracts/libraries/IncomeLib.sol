// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {DrawReason} from "../interfaces/ICapitalStack.sol";
import {IMarginEngine, Market, MarketStatus} from "../interfaces/IMarginEngine.sol";
import {ClaimLib} from "./ClaimLib.sol";
import {DeficitLib} from "./DeficitLib.sol";
import {Env, Ledger, LedgerLib} from "./LedgerLib.sol";
import {MarketLib} from "./MarketLib.sol";
import {MathLib} from "./MathLib.sol";
import {ShortfallLib} from "./ShortfallLib.sol";

/// @title IncomeLib
/// @notice Where income goes: deficits, claims, the pool; and what the engine itself has lost. docs/mechanism.md, "Deficit, haircut,
/// claims". Linked into the engine, whose NatSpec documents the calls.
library IncomeLib {
    using ClaimLib for Ledger;
    using DeficitLib for Ledger;
    using LedgerLib for Ledger;
    using MarketLib for Ledger;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;
    using ShortfallLib for Ledger;

    uint256 internal constant UNITS_PER_USD = 1e12;

    /// @dev The engine sends `paid` to the stack; `recovered` {token} of it the market's inventory has earned.
    function collectIncome(
        Ledger storage ledger,
        Env memory env,
        uint8 m
    ) external returns (uint256 paid, uint256 recovered) {
        Market memory market = ledger.listed(m);
        uint256 fromInventory = _isFlat(ledger, m, market) ? MathLib.positive(ledger.accounts[m].cash) : 0; // earned then
        bool isEmpty = market.status == MarketStatus.SETTLED && market.openInterest == 0;
        uint256 target = isEmpty ? 0 : ledger.rules[m].bucketTarget * UNITS_PER_USD;
        uint256 fromBucket = MathLib.zeroFloorSub(market.bucket, target);
        uint256 income = MathLib.positive(ledger.accounts[LedgerLib.FEES].cash) + fromInventory + fromBucket;
        uint256 owed = ledger.totalClaims + ledger.totalDeficit;
        if (ledger.deficits[m] != 0) {
            // below its target too, but only what repays
            uint256 more = MathLib.min(market.bucket - fromBucket, MathLib.zeroFloorSub(owed, income));
            (fromBucket, income) = (fromBucket + more, income + more);
        }

        uint256 repaid = MathLib.min(income, owed);
        if (repaid == owed) paid = MathLib.min((income - repaid) / env.tokenUnit, ledger.internalBalance);
        recovered = MathLib.min(fromInventory / env.tokenUnit, paid);

        ledger.markets[m].bucket -= uint72(fromBucket);
        ledger.pay(m, -int256(fromInventory));
        ledger.pay(LedgerLib.FEES, int256(fromInventory + fromBucket) - int256(repaid + paid * env.tokenUnit));
        ledger.internalBalance -= paid.toUint128();
        (uint256 toClaims, uint256 toDeficits) = _recover(ledger, m, repaid);
        if (fromInventory != 0) ledger.report(env, m); // before it is on the tranches' books: it counts once
        emit IMarginEngine.IncomeCollected(m, fromInventory, fromBucket, toClaims, toDeficits, paid);
    }

    function collectClaim(Ledger storage ledger, uint256 id) external returns (uint256 amount) {
        amount = ledger.collect(id);
        require(amount != 0, IMarginEngine.NoClaim(id));
    }

    function coverEngine(Ledger storage ledger, Env memory env, IERC20 token) external {
        uint256 balance = ledger.internalBalance;
        uint256 held = token.balanceOf(address(this));
        if (held < balance) {
            uint256 paid = ledger.draw(LedgerLib.ENGINE, balance - held, DrawReason.ENGINE_DEFICIT);
            uint256 left = MathLib.zeroFloorSub(balance, token.balanceOf(address(this))); // measured, whatever the token did
            ledger.internalBalance = (balance - left).toUint128();
            if (left != 0) ledger.raise(LedgerLib.ENGINE, left * env.tokenUnit);
            emit IMarginEngine.EngineDeficitCovered(balance - held, paid, left);
        } else {
            uint256 owed = ledger.totalClaims + ledger.totalDeficit;
            uint256 amount = MathLib.min(held - balance, owed / env.tokenUnit);
            uint256 returned = MathLib.min(held - balance - amount, ledger.stack.unrepaid()); // to those who paid for it
            require(amount + returned != 0, IMarginEngine.EngineBacked(held, balance));
            ledger.internalBalance = (balance + amount).toUint128();
            _recover(ledger, LedgerLib.ENGINE, amount * env.tokenUnit);
            if (amount != 0) emit IMarginEngine.EngineDeficitRepaid(amount);
            if (returned != 0) {
                token.forceApprove(address(ledger.stack), returned);
                ledger.stack.repay(returned);
            }
        }
    }

    /// @dev Splits `amount` {u}, at most what is owed, between claims and deficits in proportion; deficits of `m` first.
    function _recover(
        Ledger storage ledger,
        uint8 m,
        uint256 amount
    ) private returns (uint256 toClaims, uint256 toDeficits) {
        if (amount == 0) return (0, 0);
        uint256 claims = ledger.totalClaims;
        toClaims = MathLib.mulDivDown(amount, claims, claims + ledger.totalDeficit);
        toDeficits = amount - toClaims;
        if (toClaims != 0) ledger.payAll(toClaims);
        uint256 ownPart = MathLib.min(toDeficits, ledger.deficits[m]);
        if (ownPart != 0) ledger.lower(m, ownPart);
        ledger.lowerAll(toDeficits - ownPart);
    }

    /// @dev Neither holds the inventory anything nor is anything pending.
    function _isFlat(Ledger storage ledger, uint8 m, Market memory market) private view returns (bool) {
        (uint256 longs, ) = ledger.pending(m, market.openInterest, true);
        (uint256 shorts, ) = ledger.pending(m, market.openInterest, false);
        return ledger.accounts[m].markets == 0 && longs == 0 && shorts == 0;
    }

    function claimOf(Ledger storage ledger, uint256 id) external view returns (uint256) {
        return ledger.outstanding(id);
    }
}
