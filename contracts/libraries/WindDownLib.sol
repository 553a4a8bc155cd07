// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IMarginEngine, Market, MarketStatus} from "../interfaces/IMarginEngine.sol";
import {PriceState} from "../interfaces/IOracle.sol";
import {Env, Ledger, LedgerLib} from "./LedgerLib.sol";
import {MarketLib} from "./MarketLib.sol";
import {SyncLib} from "./SyncLib.sol";

/// @title WindDownLib
/// @notice The end of a market, at a price that nobody chooses: docs/mechanism.md, "Wind-down". Linked into the engine, whose NatSpec
/// documents the calls.
library WindDownLib {
    using LedgerLib for Ledger;
    using MarketLib for Ledger;
    using SyncLib for Ledger;

    uint256 internal constant NOTICE = 1 days; // reduce-only, before the price is fixed
    uint32 internal constant SETTLEMENT_WINDOW = 30 minutes; // of the average
    uint256 internal constant DEAD_TIME = 7 days; // without a valid price anybody may begin
    uint256 internal constant CHALLENGE_TIME = 1 days;
    uint256 internal constant FEED_TIME = 14 days; // a feed must have stood this long to settle a market

    function start(Ledger storage ledger, uint8 m) external {
        _start(ledger, m);
    }

    function startDead(Ledger storage ledger, Env memory env, uint8 m) external {
        ledger.listed(m);
        ledger.refresh(env, m);
        uint256 validUntil = ledger.markets[m].validUntil;
        require(block.timestamp > validUntil + DEAD_TIME, IMarginEngine.PriceAlive(m, validUntil));
        _start(ledger, m);
    }

    function fixPrice(Ledger storage ledger, Env memory env, uint8 m) external {
        MarketStatus status = ledger.listed(m).status;
        uint256 since = ledger.recovery[m].since;
        if (status == MarketStatus.SETTLING) {
            _requireFrom(since + CHALLENGE_TIME);
            _settle(ledger, env, m, ledger.markets[m].price, true);
            return;
        }

        require(status == MarketStatus.WINDING_DOWN, IMarginEngine.MarketNotActive(m, status));
        _requireFrom(since + NOTICE);
        _requireFrom(env.oracle.feedSince(m) + FEED_TIME); // no feed of the moment
        ledger.refresh(env, m);
        Market memory market = ledger.markets[m];
        if (SyncLib.isPriceOk(market)) {
            (uint64 price, ) = env.oracle.twap(m, SETTLEMENT_WINDOW);
            _settle(ledger, env, m, price, true);
        } else {
            _requireFrom(market.validUntil + NOTICE); // a feed that is late is not dead
            _settle(ledger, env, m, env.oracle.lastTwap(m, SETTLEMENT_WINDOW), false);
        }
    }

    function challenge(Ledger storage ledger, Env memory env, uint8 m) external {
        MarketStatus status = ledger.listed(m).status;
        require(status == MarketStatus.SETTLING, IMarginEngine.MarketNotActive(m, status));
        uint32 since = ledger.recovery[m].since;
        uint256 latest = since + CHALLENGE_TIME - 1;
        require(block.timestamp <= latest, IMarginEngine.TooLate(block.timestamp, latest));
        uint64 price = env.oracle.secondPrice(m, since);
        require(price != 0, IMarginEngine.NoSecondPrice(m, since));
        _settle(ledger, env, m, price, true);
    }

    function _start(Ledger storage ledger, uint8 m) private {
        MarketStatus status = ledger.listed(m).status;
        bool isOpen = status == MarketStatus.ACTIVE || status == MarketStatus.REDUCE_ONLY;
        require(isOpen, IMarginEngine.MarketNotActive(m, status));
        _setStatus(ledger, m, MarketStatus.WINDING_DOWN);
    }

    /// @dev The market stops at `price`. It is never due for a sync again, and its price is good for ever once it is final.
    function _settle(Ledger storage ledger, Env memory env, uint8 m, uint64 price, bool isFinal) private {
        Market memory market = ledger.markets[m];
        (market.price, market.low, market.high) = (price, price, price);
        (market.edgeBps, market.fundingRate) = (0, 0);
        (market.syncedAt, market.validUntil) = (type(uint32).max, type(uint32).max);
        market.state = isFinal ? PriceState.OK : PriceState.STALE;
        ledger.markets[m] = market;
        emit IMarginEngine.Synced(m, market, 0);
        emit IMarginEngine.SettlementPriceSet(m, price, isFinal);
        _setStatus(ledger, m, isFinal ? MarketStatus.SETTLED : MarketStatus.SETTLING);
        ledger.report(env, m);
        ledger.risk.close(m);
    }

    function _setStatus(Ledger storage ledger, uint8 m, MarketStatus status) private {
        ledger.markets[m].status = status;
        ledger.recovery[m].since = uint32(block.timestamp);
        emit IMarginEngine.StatusSet(m, status);
    }

    function _requireFrom(uint256 earliest) private view {
        require(block.timestamp >= earliest, IMarginEngine.TooEarly(block.timestamp, earliest));
    }
}
