// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {ClaimLib} from "./ClaimLib.sol";
import {DeficitLib} from "./DeficitLib.sol";
import {Env, Ledger, LedgerLib} from "./LedgerLib.sol";
import {MathLib} from "./MathLib.sol";
import {RulesLib} from "./RulesLib.sol";
import {SettleLib} from "./SettleLib.sol";
import {SyncLib} from "./SyncLib.sol";

/// @title CashLib
/// @notice Cash that leaves an account: withdrawal with the haircut of a deficit, transfer. Linked into the engine, whose
/// NatSpec documents the calls.
library CashLib {
    using ClaimLib for Ledger;
    using DeficitLib for Ledger;
    using LedgerLib for Ledger;
    using RulesLib for Ledger;
    using SettleLib for Ledger;
    using SyncLib for Ledger;

    /// @param amount   {token} below 2^64
    /// @return paid    {token} h of the amount, rounded down; the engine sends it
    /// @return claimed {u} withheld, now the account's claim
    function withdraw(
        Ledger storage ledger,
        Env memory env,
        uint256 id,
        uint256 amount
    ) external returns (uint256 paid, uint256 claimed) {
        ledger.settleAll(env, id);
        ledger.refreshAll(env, ledger.accounts[id].markets);
        uint256 owed = amount * env.tokenUnit; // {u}
        uint256 deficits = ledger.totalDeficit;
        paid = amount;
        if (deficits != 0) {
            uint256 balance = ledger.internalBalance * env.tokenUnit;
            paid = MathLib.mulDivDown(amount, balance, balance + deficits);
            claimed = MathLib.min(owed - paid * env.tokenUnit, deficits);
            owed = paid * env.tokenUnit + claimed; // what is less than a token unit may stay in cash
        }

        ledger.pay(id, -int256(owed));
        ledger.requireWithdrawable(id);
        // more can be owed than is held only while somebody's equity below zero is not recognised yet
        uint256 held = ledger.internalBalance;
        require(paid <= held, IMarginEngine.AmountTooLarge(paid, held));
        ledger.internalBalance = uint128(held - paid);
        if (claimed != 0) {
            ledger.add(id, claimed);
            ledger.lowerAll(claimed);
        }
    }

    /// @param amount {u}
    function transfer(Ledger storage ledger, Env memory env, uint256 from, uint256 to, uint128 amount) external {
        ledger.settleAll(env, from);
        ledger.settleAll(env, to);
        ledger.refreshAll(env, ledger.accounts[from].markets);
        ledger.pay(from, -int256(uint256(amount)));
        ledger.pay(to, int256(uint256(amount)));
        ledger.requireWithdrawable(from);
    }
}
