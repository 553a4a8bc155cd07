// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {DeleverageLib} from "./DeleverageLib.sol";
import {Change, Env, Ledger, LedgerLib} from "./LedgerLib.sol";

/// @title SettleLib
/// @notice Keeps accounts up to date with deleveraging; cheap where there has been none.
library SettleLib {
    using DeleverageLib for Ledger;

    /// @notice Closes what deleveraging has recorded against an account. Comes before everything that looks at it.
    function settleAll(Ledger storage ledger, Env memory env, uint256 id) internal {
        uint256 markets = ledger.accounts[id].markets;
        if (markets == 0) return; // one slot less for who only holds cash
        markets &= ledger.deleveraged;
        if (markets != 0) ledger.settle(env, id, markets);
    }

    /// @notice Dates the two positions that a fill has changed.
    function rebaseBoth(Ledger storage ledger, uint8 m, Change memory bought, Change memory sold) internal {
        if (!LedgerLib.has(ledger.deleveraged, m)) return;
        ledger.rebase(m, bought);
        ledger.rebase(m, sold);
    }
}
