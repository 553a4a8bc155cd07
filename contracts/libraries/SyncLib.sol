// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {LibBit} from "solady/src/utils/LibBit.sol";
import {IMarginEngine, Market, MarketStatus} from "../interfaces/IMarginEngine.sol";
import {PriceState} from "../interfaces/IOracle.sol";
import {Env, Ledger} from "./LedgerLib.sol";
import {MarketLib} from "./MarketLib.sol";

/// @title SyncLib
/// @notice When a market is brought up to now, and whether its price is good. docs/mechanism.md, "Sync".
library SyncLib {
    using MarketLib for Ledger;

    uint256 internal constant PERIOD = 60 seconds; // a fill uses a price synced less than this ago

    /// @notice Makes sure the stored price is the oracle's newest; cheap when it is already and less than PERIOD old.
    function refresh(Ledger storage ledger, Env memory env, uint8 m) internal {
        Market storage market = ledger.markets[m];
        if (market.status >= MarketStatus.SETTLING) return;
        // a state that is not OK is asked again even in its second: what made it so may have gone, and nobody is to hold it there
        bool isFresh = market.state == PriceState.OK && !isDue(market.syncedAt);
        if (isFresh && env.oracle.isCurrent(m, market.price, market.validUntil)) return;
        ledger.sync(env, m);
    }

    function refreshAll(Ledger storage ledger, Env memory env, uint256 bits) internal {
        for (; bits != 0; bits &= bits - 1) {
            refresh(ledger, env, uint8(LibBit.ffs(bits)));
        }
    }

    /// @notice Syncs what was last synced PERIOD ago or more.
    function syncDue(Ledger storage ledger, Env memory env, uint256 bits) internal {
        for (; bits != 0; bits &= bits - 1) {
            uint8 m = uint8(LibBit.ffs(bits));
            if (isDue(ledger.markets[m].syncedAt)) ledger.sync(env, m); // a settling market's is never due
        }
    }

    function isDue(uint256 syncedAt) internal view returns (bool) {
        return block.timestamp >= syncedAt + PERIOD;
    }

    function isPriceOk(Market memory market) internal view returns (bool) {
        return market.state <= PriceState.WIDE && block.timestamp <= market.validUntil;
    }

    function arePricesOk(Ledger storage ledger, uint256 bits) internal view returns (bool) {
        for (; bits != 0; bits &= bits - 1) {
            if (!isPriceOk(ledger.markets[LibBit.ffs(bits)])) return false;
        }
        return true;
    }

    function requirePricesOk(Ledger storage ledger, uint256 bits) internal view {
        for (; bits != 0; bits &= bits - 1) {
            uint8 m = uint8(LibBit.ffs(bits));
            Market memory market = ledger.markets[m];
            require(isPriceOk(market), IMarginEngine.PriceNotValid(m, market.state));
        }
    }
}
