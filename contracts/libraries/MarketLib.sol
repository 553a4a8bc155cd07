// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IMarginEngine, Market, MarketParams, MarketRules, MarketStatus} from "../interfaces/IMarginEngine.sol";
import {PriceState, Quote} from "../interfaces/IOracle.sol";
import {Ledger} from "./LedgerLib.sol";
import {MathLib} from "./MathLib.sol";
import {ParamsLib} from "./ParamsLib.sol";
import {Env, SyncLib} from "./SyncLib.sol";

/// @title MarketLib
/// @notice Lists a market or changes its terms. Linked into the engine, whose NatSpec documents the call.
library MarketLib {
    using SyncLib for Ledger;

    function set(
        Ledger storage ledger,
        Env memory env,
        uint8 m,
        MarketParams calldata params,
        MarketRules calldata rules
    ) external {
        require(address(ledger.pool) != address(0), IMarginEngine.NotConnected());
        require(m < 64, IMarginEngine.UnknownMarket(m));
        ParamsLib.requireValid(params, rules);
        Quote memory quote = env.oracle.sync(m);
        require(quote.state == PriceState.OK, IMarginEngine.PriceNotValid(m, quote.state));
        Market memory market = ledger.markets[m];

        MarketParams memory next = params;
        MarketRules memory nextRules = rules;
        if (market.syncedAt == 0) {
            market.status = MarketStatus.ACTIVE;
            market.syncedAt = uint32(block.timestamp);
        } else {
            ledger.sync(env, m, market, quote); // up to now at the old terms
            // what keeps an account healthy gets no worse at once
            MarketParams memory current = ledger.params[m];
            require(
                params.rampNotional >= current.rampNotional,
                IMarginEngine.RampTightened(params.rampNotional, current.rampNotional)
            );
            next.maintenanceBps = uint16(MathLib.min(params.maintenanceBps, current.maintenanceBps));
        }
        nextRules.maintenanceTargetBps = params.maintenanceBps;
        nextRules.maintenanceFromBps = next.maintenanceBps;
        nextRules.rampStartedAt = uint32(block.timestamp);
        ledger.params[m] = next;
        ledger.rules[m] = nextRules;
        emit IMarginEngine.MarketSet(m, next, nextRules);
        ledger.sync(env, m, market, quote);
    }
}
