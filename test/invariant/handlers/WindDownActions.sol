// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Market, MarketStatus} from "../../../contracts/interfaces/IMarginEngine.sol";
import {KeeperActions} from "./KeeperActions.sol";
import {RawLedger} from "./RawLedger.sol";
import {Tally} from "./Tally.sol";
import {TraderActions} from "./TraderActions.sol";

/// @title WindDownActions
/// @notice The end of markets: one always goes on. Each call of `windDown` takes one further step, or more.
abstract contract WindDownActions is TraderActions, KeeperActions {
    uint256 private constant FIRST_END = 40; // {call} markets live that long
    uint256 private constant NOTICE = 1 days;
    uint256 private constant DEAD_TIME = 7 days;
    uint256 private constant CHALLENGE_TIME = 1 days;
    uint256 private constant CLOSE_DELAY = 1 hours;
    uint32 private constant WINDOW = 30 minutes;

    function windDown(uint256 seed) external act(seed) {
        uint8 m = _endingMarket();
        do {
            _step(m);
        } while (_isEnding(m) && _pick(0, 4) != 0);
    }

    function _step(uint8 m) private {
        MarketStatus status = engine.markets(m).status;
        if (status <= MarketStatus.REDUCE_ONLY) {
            if (calls >= FIRST_END && _openMarkets() > 1) _start(m);
        } else if (status == MarketStatus.WINDING_DOWN) {
            _fix(m);
        } else if (status == MarketStatus.SETTLING) {
            _finish(m);
        } else {
            _closeAll(m);
        }
    }

    /// @dev One that is on its way, or any.
    function _endingMarket() private returns (uint8 m) {
        uint256 from = _pick(0, marketCount - 1);
        for (uint256 i; i < marketCount; ++i) {
            m = uint8((from + i) % marketCount);
            if (_isEnding(m)) return m;
        }
        return _isStopped(uint8(from)) ? uint8(from) : _busyMarket();
    }

    function _isEnding(uint8 m) private view returns (bool) {
        MarketStatus status = engine.markets(m).status;
        if (status == MarketStatus.SETTLED) return engine.markets(m).openInterest != 0;
        return status > MarketStatus.REDUCE_ONLY;
    }

    /// @notice Closes one position in a settled market.
    function close(uint256 seed) external act(seed) {
        uint256 from = _pick(0, USERS * marketCount - 1);
        for (uint256 i; i < (USERS + 1) * marketCount; ++i) {
            uint256 k = i < USERS * marketCount ? (from + i) % (USERS * marketCount) : i;
            (uint8 m, uint256 id) = (uint8(k / USERS), accounts[k % USERS]);
            if (i >= USERS * marketCount) (m, id) = (uint8(i % marketCount), _curveOf(uint8(i % marketCount)));
            if (engine.markets(m).status != MarketStatus.SETTLED) continue;
            if (!_holds(id, m)) continue;
            _waitUntil(engine.recovery(m).since + CLOSE_DELAY);
            _closeOne(m, id);
            return;
        }
    }

    /// @dev Some come just before the end.
    function _start(uint8 m) private {
        for (uint256 i; i < 2; ++i) _trade(Trade.OPEN, m);
        if (_pick(0, 1) == 0) {
            engine.windDown(m);
            _count(Tally.WIND_DOWN_STARTED);
        } else {
            _sync(m);
            _waitUntil(engine.markets(m).validUntil + DEAD_TIME + 1);
            engine.windDownDead(m);
            _count(Tally.DEAD_WIND_DOWN_STARTED);
        }
        assertEq(engine.recovery(m).since, clock, "WD-1: the notice starts now");
    }

    /// @dev The average while the feed is alive, its last one when it is dead.
    function _fix(uint8 m) private {
        if (_pick(0, 3) == 0) {
            _waitUntil(engine.recovery(m).since + NOTICE);
            _redateAll();
            _breakAway(m);
            (uint64 price, ) = engine.oracle().twap(m, WINDOW);
            engine.fixSettlementPrice(m);
            // an answer on record since earlier is in force until it is replaced: both averages hold the same prices
            assertEq(engine.markets(m).price, price, "WD-1: the price is the oracle's average");
            assertTrue(engine.markets(m).status == MarketStatus.SETTLED, "WD-1: a valid price is final");
            _count(Tally.PRICE_FIXED);
            return;
        }
        _breakAway(m);
        uint256 since = engine.recovery(m).since + NOTICE;
        uint256 dead = engine.markets(m).validUntil + NOTICE;
        _waitUntil(since > dead ? since : dead);
        uint64 last = engine.oracle().lastTwap(m, WINDOW);
        engine.fixSettlementPrice(m);
        assertEq(engine.markets(m).price, last, "WD-1: the price of a dead feed is its last average");
        assertTrue(engine.markets(m).status == MarketStatus.SETTLING, "WD-1: it may be challenged");
        _count(Tally.PRICE_PROPOSED);
    }

    /// @dev A move that leaves somebody who holds nothing else below zero, mostly.
    function _breakAway(uint8 m) private {
        uint256 from = _pick(0, USERS - 1);
        for (uint256 i; i < holders; ++i) {
            uint256 id = _holderAt(from, i);
            if (engine.accounts(id).markets != 1 << m) continue;
            _press(id, m, int256(_pick(0, 15_000)) - 12_000);
            break;
        }
        _wait(WINDOW);
        _redateAll();
        _sync(m);
    }

    function _finish(uint8 m) private {
        uint256 since = engine.recovery(m).since;
        uint64 price = engine.markets(m).price;
        if (_pick(0, 3) != 0 && clock < since + CHALLENGE_TIME) {
            price = uint64(_pick(price - price / 4, uint256(price) + price / 4));
            if (price == 0 || price >= 1 << 62) return;
            bytes memory call_ = abi.encodeWithSignature("secondPrice(uint8,uint32)", m, uint32(since));
            vm.mockCall(address(engine.oracle()), call_, abi.encode(price)); // as if its signature had been checked
            engine.challengeSettlementPrice(m);
            vm.clearMockedCalls();
            _count(Tally.PRICE_CHALLENGED);
        } else {
            _waitUntil(since + CHALLENGE_TIME);
            engine.fixSettlementPrice(m);
            _count(Tally.PRICE_FIXED);
        }
        assertEq(engine.markets(m).price, price, "WD-1: the price is the one proposed or the one that was signed");
        assertTrue(engine.markets(m).status == MarketStatus.SETTLED, "WD-1: final after one challenge");
    }

    /// @dev Everybody, in any order; then nothing is left of the market but its deficit.
    function _closeAll(uint8 m) private {
        _waitUntil(engine.recovery(m).since + CLOSE_DELAY);
        uint256 from = _pick(0, USERS - 1);
        for (uint256 i; i < holders; ++i) {
            uint256 id = _holderAt(from, i);
            if (_holds(id, m)) _closeOne(m, id);
        }
        Market memory market = engine.markets(m);
        assertEq(market.openInterest, 0, "WD-3: nobody holds anything any more");
        assertEq(RawLedger.position(address(engine), m, m).lots, 0, "WD-3: the inventory is flat");
        assertEq(engine.inventory(m).lots, 0, "WD-3: nothing is pending");
        _touch(m);
        _flush();
        engine.coverInventory(m);
        assertEq(_digest().byShare, 0, "WD-2: no winner of a market that is being closed shares a loss");
        if (!_collectIncome(m)) return;
        assertEq(engine.markets(m).bucket, 0, "WD-3: what the bucket holds is income");
        assertEq(engine.inventory(m).equity, 0, "WD-3: what the inventory holds is income");
        _count(Tally.MARKET_EMPTIED);
    }

    function _closeOne(uint8 m, uint256 id) private {
        _redateAll();
        _syncAccount(id);
        _settleOne(id);
        if (!_holds(id, m)) return;
        int256 equity = _equity(id);
        if (equity < 0 && _isSettling(id)) return; // what it is worth is not known yet
        (uint256 deficit, uint256 balance) = (engine.totalDeficit(), engine.internalBalance());
        _touch(id);
        _touch(m);
        _flush();

        engine.close(m, id);

        Layers memory sum = _digest();
        uint256 short = sum.shortfall;
        int256 cash = RawLedger.account(address(engine), id).cash;
        assertFalse(_holds(id, m), "WD-2: the position is gone");
        assertEq(_equity(id), equity + int256(short), "WD-2: a close moves no equity but by a shortfall");
        if (equity >= 0) assertEq(short, 0, "WD-2: only who is worth less than nothing is short");
        else if (short == 0) assertGe(cash, 0, "WD-2: what the cash lacks is a shortfall");
        else assertEq(cash > _equity(id) ? cash : _equity(id), 0, "WD-2: covered up to the equity or the cash");
        assertEq(sum.byShare, 0, "WD-2: no winner of a market that is being closed shares a loss");
        _assertLayers(sum, deficit, balance);
        _count(short != 0 ? Tally.CLOSED_SHORT : Tally.CLOSED);
    }

    function _holds(uint256 id, uint8 m) private view returns (bool) {
        return RawLedger.position(address(engine), id, m).lots != 0;
    }

    /// @dev Markets that are not being wound down.
    function _openMarkets() private view returns (uint256 count) {
        for (uint8 m; m < marketCount; ++m) {
            if (engine.markets(m).status <= MarketStatus.REDUCE_ONLY) ++count;
        }
    }

    function _waitUntil(uint256 time) private {
        if (clock < time) _wait(time - clock);
    }
}
