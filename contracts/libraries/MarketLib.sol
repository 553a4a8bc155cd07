// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Sample} from "../interfaces/IBackstopAMM.sol";
import {
    IMarginEngine,
    InventoryCap,
    Market,
    MarketParams,
    MarketRules,
    MarketStatus
} from "../interfaces/IMarginEngine.sol";
import {PriceState, Quote} from "../interfaces/IOracle.sol";
import {Exposure} from "../interfaces/IRiskEngine.sol";
import {FundingLib} from "./FundingLib.sol";
import {Env, Ledger, LedgerLib} from "./LedgerLib.sol";
import {MarginLib} from "./MarginLib.sol";
import {MathLib} from "./MathLib.sol";
import {ParamsLib} from "./ParamsLib.sol";
import {PendingLib} from "./PendingLib.sol";
import {PremiumLib} from "./PremiumLib.sol";

/// @title MarketLib
/// @notice Lists a market, changes its terms and brings it up to now: docs/mechanism.md, "Sync". Linked into the engine, whose
/// NatSpec documents the calls.
library MarketLib {
    using LedgerLib for Ledger;
    using PendingLib for Ledger;

    uint256 internal constant MAX_CAP = 1 << 47; // {lot}
    uint256 internal constant MINUTE = 60; // {s}

    /// @notice Accrues funding and premium at the old price and terms, then stores the quote and the funding rate; the cap and the level
    /// once in each aligned minute.
    function sync(Ledger storage ledger, Env memory env, uint8 m) external {
        Market memory market = ledger.listed(m);
        require(market.status < MarketStatus.SETTLING, IMarginEngine.MarketNotActive(m, market.status));
        _sync(ledger, env, m, market, env.oracle.sync(m));
    }

    function set(
        Ledger storage ledger,
        Env memory env,
        uint8 m,
        MarketParams calldata params,
        MarketRules calldata rules
    ) external {
        require(address(ledger.stack) != address(0), IMarginEngine.NotConnected());
        require(m < 64, IMarginEngine.UnknownMarket(m));
        ParamsLib.requireValid(params, rules);
        Market memory market = ledger.markets[m];
        require(market.status < MarketStatus.SETTLING, IMarginEngine.MarketNotActive(m, market.status));
        Quote memory quote = env.oracle.sync(m);
        require(quote.state == PriceState.OK, IMarginEngine.PriceNotValid(m, quote.state));

        MarketParams memory next = params;
        MarketRules memory nextRules = rules;
        if (market.syncedAt == 0) {
            (market.status, market.price, market.syncedAt) = (
                MarketStatus.ACTIVE,
                quote.price,
                uint32(block.timestamp)
            );
        } else {
            _sync(ledger, env, m, market, quote); // up to now at the old terms
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
        market.openInterestCap = 0;
        _sync(ledger, env, m, market, quote);
    }

    function setStatus(Ledger storage ledger, uint8 m, MarketStatus status) external {
        MarketStatus current = ledger.listed(m).status;
        // a wind-down, once begun, is not taken back
        bool isOpen = current <= MarketStatus.REDUCE_ONLY;
        require(isOpen, IMarginEngine.MarketNotActive(m, current));
        bool isChoice = status == MarketStatus.ACTIVE || status == MarketStatus.REDUCE_ONLY;
        require(isChoice, IMarginEngine.MarketNotActive(m, status));
        ledger.markets[m].status = status;
        emit IMarginEngine.StatusSet(m, status);
    }

    function setInventoryCap(Ledger storage ledger, uint8 m, InventoryCap calldata cap) external {
        ledger.listed(m);
        ParamsLib.requireValid(cap);
        ledger.inventoryCaps[m] = cap;
        emit IMarginEngine.InventoryCapSet(m, cap);
    }

    /// @notice Tells the stack what is pending in a market, at the stored price: where something changes that no sync may follow.
    function report(Ledger storage ledger, Env memory env, uint8 m) external {
        _report(ledger, env, m, ledger.markets[m], ledger.rules[m], ledger.params[m].maintenanceBps);
    }

    function _report(
        Ledger storage ledger,
        Env memory env,
        uint8 m,
        Market memory market,
        MarketRules memory rules,
        uint256 maintenanceBps
    ) private {
        (uint256 gain, uint256 loss) = ledger.edges(m, market);
        uint256 atRisk = ledger.atRisk(m, market, rules, maintenanceBps);
        bool isPending = (gain | loss | atRisk) != 0;
        bool wasPending = LedgerLib.has(ledger.reported, m);
        if (!isPending && !wasPending) return;
        if (isPending != wasPending) ledger.reported ^= uint64(1) << m;
        ledger.stack.report(
            m,
            MathLib.mulDivUp(gain, 1, env.tokenUnit),
            MathLib.mulDivUp(loss, 1, env.tokenUnit),
            MathLib.mulDivUp(atRisk, 1, env.tokenUnit)
        );
    }

    /// @param market the market as stored; brought up to date here and in storage
    function _sync(Ledger storage ledger, Env memory env, uint8 m, Market memory market, Quote memory quote) private {
        MarketRules memory rules = ledger.rules[m];
        uint256 used = PremiumLib.utilisation(market.openInterest, market.openInterestCap);
        uint256 premium = FundingLib.accrue(
            market,
            PremiumLib.rate(rules.premiumRate, used, market.level),
            block.timestamp
        );
        if (premium != 0) ledger.pay(LedgerLib.FEES, int256(premium));

        uint256 maintenanceBps = ParamsLib.maintenanceAt(rules, block.timestamp);
        if (maintenanceBps != ledger.params[m].maintenanceBps) {
            ledger.params[m].maintenanceBps = uint16(maintenanceBps); // at most the target
        }
        // once in each aligned minute, and as long as there is no cap at all
        bool isWhole = market.syncedAt / MINUTE != block.timestamp / MINUTE || market.openInterestCap == 0;
        bool isMoved = market.price != quote.price;
        market.price = quote.price;
        market.validUntil = quote.validUntil;
        market.syncedAt = uint32(block.timestamp);
        uint256 interest = ledger.effectiveInterest(m, market.openInterest);
        int256 held = ledger.inventoryLots(m); // below 2^56
        Sample memory seen = ledger.amm.sample(m, quote.price, market.level, int64(held), uint56(interest));
        market.fundingRate = FundingLib.rate(rules, seen.premium, held, interest);
        market.low = quote.low;
        market.high = quote.high;
        market.slow = quote.slow;
        // a quarter of maintenance at most: below zero at the mark is then below BETA at the favourable edge
        market.edgeBps = uint16(MathLib.min(quote.edgeBps, maintenanceBps / 4));
        market.state = quote.state;

        _report(ledger, env, m, market, rules, maintenanceBps);
        if (isWhole) {
            uint256 stake = ledger.stack.freeStake() * env.tokenUnit;
            uint256 gap = rules.shockBps - maintenanceBps; // {bps}
            uint256 capValue = MathLib.mulDivDown(stake, rules.stakeShareBps, gap); // {u}
            market.openInterestCap = uint48(MathLib.min(MAX_CAP, capValue / quote.price));
            market.level = ledger.risk.update(
                m,
                Exposure({
                    price: quote.price,
                    state: quote.state,
                    openInterest: interest,
                    capacity: market.openInterestCap,
                    longs: ledger.othersLots(m, market.openInterest, true),
                    shorts: ledger.othersLots(m, market.openInterest, false),
                    fundingRate: market.fundingRate,
                    divergence: seen.divergence,
                    depletion: seen.depletion,
                    beyondMargin: MathLib.mulDivUp(interest * quote.price, gap, MarginLib.BPS),
                    freeStake: stake
                })
            );
        } else if (isMoved) {
            market.level = ledger.risk.see(m, quote.price, quote.state);
        }
        ledger.markets[m] = market;
        if (quote.state >= PriceState.BOUND) ledger.recovery[m].badAt = uint32(block.timestamp);
        emit IMarginEngine.Synced(m, market, premium);
    }
}
