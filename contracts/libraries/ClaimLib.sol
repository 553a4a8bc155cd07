// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {Ledger, LedgerLib} from "./LedgerLib.sol";
import {Owed, Survival, SurvivalLib} from "./SurvivalLib.sol";

/// @title ClaimLib
/// @notice What haircuts withheld, and its repayment to all pro rata in O(1). docs/mechanism.md, "Deficit, haircut, claims".
library ClaimLib {
    using LedgerLib for Ledger;
    using SurvivalLib for Owed;
    using SurvivalLib for Survival;

    /// @notice Pays `amount` {u} of somebody's cash to all claims in proportion. The caller takes it from there.
    /// @param amount at least 1, at most all claims
    function payAll(Ledger storage ledger, uint256 amount) internal {
        uint256 total = ledger.totalClaims;
        ledger.claimSurvival = ledger.claimSurvival.reduce(ledger.claimEnds, amount, total, 0);
        ledger.totalClaims = total - amount;
        ledger.pay(LedgerLib.CLAIMS, int256(amount));
        emit IMarginEngine.ClaimsPaid(amount, total - amount);
    }

    /// @notice Credits an account with what its claim has been paid since. Rounded down.
    function collect(Ledger storage ledger, uint256 id) internal returns (uint256 amount) {
        uint256 size = ledger.claims[id];
        Owed memory owed = _owed(ledger, id);
        amount = owed.lotsDown(size);
        if (amount == 0) return 0;

        uint256 left = size - amount;
        ledger.claims[id] = left;
        if (left != 0) ledger.claimCheckpoints[id] = ledger.claimSurvival.checkpoint(owed, size, amount, left);
        ledger.pay(LedgerLib.CLAIMS, -int256(amount));
        ledger.pay(id, int256(amount));
        emit IMarginEngine.ClaimCollected(id, amount, left);
    }

    /// @notice Adds to the claim of an account, which is collected first.
    function add(Ledger storage ledger, uint256 id, uint256 amount) internal {
        collect(ledger, id);
        uint256 size = ledger.claims[id];
        Survival memory survival = ledger.claimSurvival;
        ledger.claimCheckpoints[id] =
            size == 0 ? survival : survival.checkpoint(_owed(ledger, id), size, 0, size + amount);
        ledger.claims[id] = size + amount;
        ledger.totalClaims += amount;
    }

    /// @notice {u} what an account is still owed
    function outstanding(Ledger storage ledger, uint256 id) internal view returns (uint256) {
        uint256 size = ledger.claims[id];
        return size - _owed(ledger, id).lotsDown(size);
    }

    function _owed(Ledger storage ledger, uint256 id) private view returns (Owed memory) {
        return ledger.claimSurvival.owed(ledger.claimEnds, ledger.claimCheckpoints[id]);
    }
}
