// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {LibBit} from "solady/src/utils/LibBit.sol";
import {IMarginEngine, Market, MarketRules} from "../interfaces/IMarginEngine.sol";
import {IOracle, PriceState, Quote} from "../interfaces/IOracle.sol";
import {FundingLib} from "./FundingLib.sol";
import {Ledger, LedgerLib} from "./LedgerLib.sol";
import {MathLib} from "./MathLib.sol";
import {ParamsLib} from "./ParamsLib.sol";

/// @notice What the engine was deployed with; the linked libraries cannot read its immutables.
struct Env {
    IOracle oracle;
    uint256 tokenUnit; // {u/token}
}

/// @title SyncLib
/// @notice Brings a market up to now: price, funding, premium, cap. docs/mechanism.md, "Sync".
library SyncLib {
    using LedgerLib for Ledger;

    uint256 internal constant PERIOD = 60 seconds; // a fill uses a price synced less than this ago
    uint256 internal constant MAX_CAP = 1 << 47; // {lot}

    /// @notice Accrues funding and premium at the old price and terms, then stores the quote, the cap and the funding rate.
    /// @param market the market as stored; brought up to date here and in storage
    function sync(Ledger storage ledger, Env memory env, uint8 m, Market memory market, Quote memory quote) internal {
        MarketRules memory rules = ledger.rules[m];
        uint256 premium = FundingLib.accrue(market, rules.premiumRate, block.timestamp);
        if (premium != 0) ledger.pay(LedgerLib.FEES, int256(premium));

        uint256 maintenanceBps = ParamsLib.maintenanceAt(rules, block.timestamp);
        if (maintenanceBps != ledger.params[m].maintenanceBps) {
            ledger.params[m].maintenanceBps = uint16(maintenanceBps); // at most the target
        }
        uint256 stake = ledger.pool.freeStake() * env.tokenUnit;
        uint256 capValue = MathLib.mulDivDown(stake, rules.stakeShareBps, rules.shockBps - maintenanceBps); // {u}

        market.price = quote.price;
        market.validUntil = quote.validUntil;
        market.syncedAt = uint32(block.timestamp);
        market.openInterestCap = uint48(MathLib.min(MAX_CAP, capValue / quote.price));
        market.fundingRate = FundingLib.rate(rules, ledger.positions[m][m].lots, market.openInterest);
        market.low = quote.low;
        market.high = quote.high;
        market.slow = quote.slow;
        // a quarter of maintenance at most: below zero at the mark is then below BETA at the favourable edge
        market.edgeBps = uint16(MathLib.min(quote.edgeBps, maintenanceBps / 4));
        market.state = quote.state;
        ledger.markets[m] = market;
        emit IMarginEngine.Synced(
            m,
            market.price,
            market.indexLong,
            market.indexShort,
            market.fundingRate,
            market.state,
            premium
        );
    }

    /// @notice Makes sure the stored price is the oracle's newest; cheap when it is already and less than PERIOD old.
    function refresh(Ledger storage ledger, Env memory env, uint8 m) internal {
        Market memory market = ledger.markets[m];
        if (block.timestamp == market.syncedAt) return;
        bool isFresh = market.state == PriceState.OK && !isDue(market.syncedAt);
        if (isFresh && env.oracle.isCurrent(m, market.validUntil)) return;
        sync(ledger, env, m, market, env.oracle.sync(m));
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
            if (isDue(ledger.markets[m].syncedAt)) sync(ledger, env, m, ledger.markets[m], env.oracle.sync(m));
        }
    }

    function isDue(uint256 syncedAt) internal view returns (bool) {
        return block.timestamp >= syncedAt + PERIOD;
    }

    function isPriceOk(Market memory market) internal view returns (bool) {
        return market.state == PriceState.OK && block.timestamp <= market.validUntil;
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

    /// @notice The market as stored; reverts when it was never listed.
    function listed(Ledger storage ledger, uint8 m) internal view returns (Market memory market) {
        require(m < 64, IMarginEngine.UnknownMarket(m));
        market = ledger.markets[m];
        require(market.syncedAt != 0, IMarginEngine.UnknownMarket(m));
    }
}
