// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {
    Account,
    Health,
    Inventory,
    Market,
    MarketParams,
    MarketRules,
    MarketStatus,
    Valuation
} from "../../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../../contracts/interfaces/IOracle.sol";
import {LedgerLib} from "../../../contracts/libraries/LedgerLib.sol";
import {RawLedger} from "./RawLedger.sol";
import {Tally} from "./Tally.sol";
import {World} from "./World.sol";

/// @title KeeperActions
/// @notice Prices, time, the liquidation clock, liquidation, takeover, waterfall, income, and what governance may do.
/// @dev What must work always (sync, takeover, coverInventory, collectIncome) is called plainly: a revert fails the campaign.
abstract contract KeeperActions is World {
    uint256 private constant STEP = 9; // times the price: more than any feed here is believed at once

    /* PRICES AND TIME */

    function movePrice(uint256 seed) external act(seed) {
        _move(_pickMarket(), _pick(9_700, 10_300));
        _count(Tally.PRICE_MOVED);
    }

    function jump(uint256 seed) external act(seed) {
        uint256 size = _pick(1_000, 4_000);
        _move(_busyMarket(), _pick(0, 1) == 0 ? BPS + size : BPS - size);
        _count(Tally.JUMPED);
    }

    /// @notice One print far above the price: held until the feed is back. Meanwhile nobody trades or is liquidated at either.
    function hold(uint256 seed) external act(seed) {
        uint8 m = _busyMarket();
        if (_isStopped(m)) return;
        (, int256 answer, , , ) = feeds[m].latestRoundData();
        (, uint256 high) = _answerRange(m);
        if (uint256(answer) * STEP > high) return;
        _redateAll();
        engine.sync(m);
        uint64 price = engine.markets(m).price;

        _wait(_pick(1, 120));
        feeds[m].setAnswer(answer * int256(STEP));
        engine.sync(m);
        Market memory market = engine.markets(m);
        assertEq(market.price, price, "a step is held, the price in force stays");
        assertEq(uint8(market.state), uint8(PriceState.JUMP), "a step is no valid price");
        uint256 id = _pickUser();
        if ((engine.accounts(id).markets >> m) & 1 != 0) {
            _flush();
            (bool ok, ) = address(engine).call(abi.encodeCall(engine.takeover, (id, accounts[0])));
            assertFalse(ok, "nobody is taken over at a price that is not valid");
            vm.getRecordedLogs(); // of what was taken back
        }

        _wait(_pick(1, 300));
        feeds[m].setAnswer(answer);
        engine.sync(m);
        assertEq(uint8(engine.markets(m).state), uint8(PriceState.OK), "a feed that is back is believed");
        _count(Tally.STEP_HELD);
    }

    function wait_(uint256 seed) external act(seed) {
        _wait(_pickLog(1, _maxWait()));
        if (_pick(0, 3) != 0) _redateAll();
        _count(Tally.WAITED);
    }

    function sync(uint256 seed) external act(seed) {
        uint8 m = _pickMarket();
        if (_isStopped(m)) return;
        engine.sync(m);
        assertEq(engine.markets(m).syncedAt, clock, "EN-7: a sync brings the market up to now");
        _count(Tally.SYNCED);
    }

    /* CLOCK */

    function flag(uint256 seed) external act(seed) {
        _redateAll();
        _flag();
    }

    function _flag() private {
        (uint256 id, bool found) = _endangered(false, 4_000, 7_000);
        if (!found) return;
        _flush();
        try engine.flag(id) {
            _touch(id);
            assertEq(engine.accounts(id).unhealthySince, clock, "EN-8: the clock starts now");
            _count(Tally.FLAGGED);
        } catch (bytes memory reason) {
            _refuse(reason);
        }
    }

    /// @notice Stops a clock, mostly after the price has come back.
    function unflag(uint256 seed) external act(seed) {
        _redateAll();
        if (_pick(0, 3) != 0) _flag();
        uint256 from = _pick(0, USERS - 1);
        for (uint256 i; i < holders; ++i) {
            uint256 id = _holderAt(from, i);
            if (engine.accounts(id).unhealthySince == 0) continue;
            uint8 m = _heldMarket(id); // none when it was closed in full
            if (engine.accounts(id).markets != 0 && !_isStopped(m) && _pick(0, 7) != 0) _press(id, m, 15_000);
            _flush();
            try engine.unflag(id) {
                _touch(id);
                assertEq(engine.accounts(id).unhealthySince, 0, "EN-8: the clock stops");
                assertFalse(_isUnhealthy(id), "EN-8: only a healthy account loses its clock");
                _count(Tally.UNFLAGGED);
            } catch (bytes memory reason) {
                _refuse(reason);
            }
            return;
        }
    }

    /* LIQUIDATION */

    function liquidate(uint256 seed) external act(seed) {
        _redateAll();
        (uint256 id, bool found) = _endangered(true, 1_000, 7_000);
        if (!found) return;
        uint8 m = _heldMarket(id);
        uint256 into = _pickOther(id);
        if (_pick(0, 7) != 0) _deposit(into, _marginOf(id));
        _liquidate(id, m, into, _pick(0, 3) == 0 ? uint56(_pickLog(1, 1e9)) : type(uint56).max);
    }

    /// @dev {token} enough to carry what somebody else carries badly
    function _marginOf(uint256 id) private view returns (uint256 amount) {
        amount = cashEach / 4 + (2 * _health(id, Valuation.MARK).maintenance) / unit;
        if (amount > _maxDeposit()) amount = _maxDeposit();
    }

    function _liquidate(uint256 id, uint8 m, uint256 into, uint56 maxLots) internal {
        _syncAccount(into); // as the call does
        int256 before = _equity(id);
        int256 intoBefore = _equity(into);
        _flush();
        vm.prank(_owner(into));
        try engine.liquidate(id, m, into, maxLots, 0) returns (uint56 lots, uint256 penalty) {
            _touch(id);
            _touch(into);
            MarketParams memory params = engine.marketParams(m);
            uint256 reward = (penalty * params.liquidatorShareBps) / BPS;
            assertGt(lots, 0, "EN-9: a liquidation closes something");
            assertLe(lots, maxLots, "EN-9: not more lots than allowed");
            assertEq(_equity(id), before - int256(penalty), "I3: a liquidation costs the penalty exactly");
            assertGe(_equity(id), 0, "EN-9: a penalty creates no insolvency");
            assertEq(_equity(into), intoBefore + int256(reward), "I3: the liquidator gains its share exactly");
            _count(id == _curveOf(m) ? Tally.CURVE_LIQUIDATED : Tally.LIQUIDATED);
        } catch (bytes memory reason) {
            _refuse(reason);
        }
    }

    /* TAKEOVER AND WATERFALL */

    function takeover(uint256 seed) external act(seed) {
        _redateAll();
        (uint256 id, bool found) = _endangered(false, -3_000, 6_000);
        if (!found) return;
        if (!_isTakeoverable(id)) {
            // starts or restarts the clock, and lets it run its course
            if (clock > engine.accounts(id).unhealthySince + 600) engine.flag(id);
            _touch(id);
            _wait(90);
            _redateAll();
            _syncAccount(id);
            if (!_isTakeoverable(id)) return; // healthy again, or the clock ran out
        }
        _takeOver(id, _pickOther(id));
    }

    /// @dev Only accounts that are short: what the waterfall is for.
    function rescue(uint256 seed) external act(seed) {
        _redateAll();
        _takeOverShort(1);
    }

    /// @notice A price breaks away, often against those who trade with the pool's inventory, and whoever is short by that is taken
    /// over: at once, or when the averages have caught up and winners have nothing to share any more.
    function crash(uint256 seed) external act(seed) {
        _redateAll();
        uint8 m = _busyMarket();
        int256 held = engine.inventory(m).lots;
        bool up = held == 0 || _pick(0, 1) == 0 ? _pick(0, 1) == 0 : held > 0;
        uint256 size = _pick(1_500, 5_000);
        _move(m, up ? BPS + size : BPS - size);
        if (_pick(0, 3) == 0) _wait(_maxWait());
        _redateAll();
        _takeOverShort(holders);
        _count(Tally.JUMPED);
        if (_isStopped(m) || _pick(0, 2) != 0) return;
        _move(m, up ? BPS + size : BPS - size); // on and on: now the pool holds it
        _redateAll();
        _sync(m);
        _cover(m);
    }

    function _takeOverShort(uint256 most) internal {
        uint256 from = _pick(0, USERS - 1);
        for (uint256 i; i < holders && most != 0; ++i) {
            uint256 id = _holderAt(from, i);
            _bury(id);
            if (engine.accounts(id).markets == 0 || _isSettling(id)) continue;
            _syncAccount(id);
            if (_equity(id) >= 0 || !_isTakeoverable(id)) continue;
            _takeOver(id, _pickOther(id));
            --most;
        }
    }

    /// @notice Covers what the inventory lacks, mostly after a price has gone against it.
    function coverInventory(uint256 seed) external act(seed) {
        uint8 m = _pick(0, 3) == 0 ? _pickMarket() : _inventoryMarket();
        _redateAll();
        _sync(m);
        Inventory memory held = engine.inventory(m);
        if (held.lots != 0 && held.equity >= 0 && !_isStopped(m) && _pick(0, 3) != 0) {
            _moveBy(m, held.lots, -(held.equity * int256(_pick(11, 20))) / 10 - 1);
        }
        _cover(m);
    }

    function _cover(uint8 m) private {
        if (engine.markets(m).status == MarketStatus.SETTLING) return;
        int256 equity = engine.inventory(m).equity;
        (uint256 deficit, uint256 balance) = (engine.totalDeficit(), engine.internalBalance());
        uint256 bucket = engine.markets(m).bucket;
        _touch(m);
        _flush();
        uint256 shortfall = engine.coverInventory(m);

        Layers memory layers = _digest();
        assertEq(shortfall, equity < 0 ? uint256(-equity) : 0, "EN-3: the inventory's shortfall is what it lacks");
        assertEq(layers.shortfall, shortfall, "EN-3: events cover the shortfall");
        assertEq(
            engine.inventory(m).equity,
            (equity < 0 ? int256(0) : equity) - int256(_chargeOfPool(m, layers)),
            "EN-3: the inventory is whole but for its own part of a loss share"
        );
        assertEq(
            engine.markets(m).bucket,
            bucket - layers.byBucket + layers.excess,
            "EN-3: the bucket pays what the event says"
        );
        _assertLayers(layers, deficit, balance);
        if (shortfall != 0) _count(Tally.INVENTORY_COVERED);
    }

    function collectIncome(uint256 seed) external act(seed) {
        _collectIncome(_pickMarket());
    }

    /// @return whether the pool may book it
    function _collectIncome(uint8 m) internal returns (bool) {
        (uint256 balance, uint256 deficit) = (engine.internalBalance(), engine.totalDeficit());
        uint256 claims = engine.totalClaims();
        uint256 held = _capital();
        if (!_isBookable(m)) return false;
        _touch(m);
        _flush();
        uint256 paid = engine.collectIncome(m);

        Layers memory sum = _digest();
        uint256 recovered = sum.toClaims + sum.reduced;
        uint256 owed = claims + deficit;
        assertEq(engine.internalBalance(), balance - paid, "I4: income leaves the ledger");
        assertEq(_capital(), held + paid, "BP-1: income reaches the tranches");
        if (engine.totalDeficit() + engine.totalClaims() != 0) {
            assertEq(paid, 0, "EN-4: no income while there is a deficit or a claim");
        }
        if (owed != 0) {
            assertEq(sum.toClaims, Math.mulDiv(recovered, claims, owed), "CL-3: income is split in proportion");
        }
        if (paid != 0) _count(Tally.INCOME_PAID);
        if (sum.reduced != 0) _count(Tally.DEFICIT_REPAID);
        return true;
    }

    /// @dev Income beyond what the pool may book waits.
    function _isBookable(uint8 m) private view returns (bool) {
        int256 cash = engine.accounts(LedgerLib.FEES).cash;
        int256 inventory = engine.accounts(m).cash;
        uint256 most = (cash > 0 ? uint256(cash) : 0) + (inventory > 0 ? uint256(inventory) : 0);
        most = (most + engine.markets(m).bucket) / unit;
        return most <= pool.MAX_ASSETS() - pool.bookedAssets();
    }

    function _takeOver(uint256 id, uint256 rewardId) internal {
        int256 before = _equity(id);
        int256 rewardBefore = _equity(rewardId);
        (uint256 deficit, uint256 balance) = (engine.totalDeficit(), engine.internalBalance());
        for (uint256 m; m < marketCount; ++m) _touch(m);
        _touch(id);
        _touch(rewardId);
        _flush();
        int256 equity = engine.takeover(id, rewardId);

        Layers memory layers = _digest();
        Account memory account = engine.accounts(id);
        assertEq(equity, before, "I3: a takeover moves exactly the equity");
        assertEq(account.cash, 0, "EN-1: nothing is left of the account");
        assertEq(account.markets, 0, "EN-1: nothing is left of the account");
        assertEq(account.unhealthySince, 0, "EN-8: an empty account has no clock");
        assertEq(layers.shortfall, equity < 0 ? uint256(-equity) : 0, "EN-3: events cover the shortfall");
        assertGe(
            _equity(rewardId) + int256(_chargeOf(rewardId, layers)),
            rewardBefore,
            "EN-6: the reward account loses nothing but its loss share"
        );
        _assertLayers(layers, deficit, balance);
        _count(equity < 0 ? Tally.TAKEN_OVER_SHORT : Tally.TAKEN_OVER_SOLVENT);
        if (_owner(id) == address(amm)) _count(Tally.CURVE_TAKEN_OVER);
    }

    function _settleOne(uint256 id) internal {
        Account memory account = engine.accounts(id);
        int256 equity = _equity(id);
        _touch(id);
        for (uint256 m; m < marketCount; ++m) _touch(m);
        _flush();

        engine.settle(id);

        assertEq(_equity(id), equity, "DL-3: settling moves nobody's equity");
        assertEq(
            RawLedger.account(address(engine), id).cash,
            account.cash,
            "DL-3: settling stores what the view showed"
        );
        if (_digest().shortfall == 0) return;
        assertEq(account.markets, 0, "DL-4: only an emptied account is a shortfall");
        assertEq(account.cash, 0, "DL-4: an emptied account that owes is a shortfall, and whole");
        _count(Tally.SETTLED_SHORT);
    }

    function _assertLayers(Layers memory layers, uint256 deficit, uint256 balance) internal view {
        assertEq(engine.totalDeficit(), deficit + layers.toDeficit, "EN-2: the deficit is what no layer paid");
        assertEq(engine.internalBalance(), balance + layers.drawn, "I4: a draw is booked");
        if (layers.drawn != 0) {
            assertGe(pool.bookedAssets(), pool.MIN_ASSETS(), "BP-5: a draw leaves the floor");
        }
    }

    /// @dev {u} what loss shares took from an account: of every lot that is its own in effect.
    function _chargeOf(uint256 id, Layers memory layers) private view returns (uint256 charge) {
        for (uint256 i; i < layers.shares.length; ++i) {
            Share memory share = layers.shares[i];
            if (share.perLot == 0) break;
            int256 lots = engine.positions(id, share.market).lots;
            if (lots != 0 && lots > 0 == share.isLong) charge += share.perLot * uint256(lots < 0 ? -lots : lots);
        }
    }

    /// @dev {u} what loss shares took from the inventory in effect: of every lot of the side that is not somebody else's.
    function _chargeOfPool(uint8 m, Layers memory layers) private view returns (uint256 charge) {
        for (uint256 i; i < layers.shares.length; ++i) {
            Share memory share = layers.shares[i];
            if (share.perLot == 0) break;
            if (share.market != m) continue;
            charge += share.perLot * (engine.markets(m).openInterest - _othersLots(m, share.isLong));
        }
    }

    /* GOVERNANCE */

    function pause(uint256 seed) external act(seed) {
        uint8 m = _pickMarket();
        if (engine.markets(m).status > MarketStatus.REDUCE_ONLY) return;
        if (_pick(0, 2) == 0) {
            engine.pauseMarket(m);
            _count(Tally.PAUSED);
        } else {
            engine.setStatus(m, MarketStatus.ACTIVE);
        }
    }

    /// @notice A new maintenance margin, premium and interest rate. Nobody becomes unhealthy by it at once.
    function govern(uint256 seed) external act(seed) {
        uint8 m = _pickMarket();
        if (_isStopped(m)) return;
        _redateAll();
        engine.sync(m);
        uint256 id = _pickUser();
        uint256 maintenance = _health(id, Valuation.MARK).maintenance;
        MarketParams memory params = engine.marketParams(m);
        MarketRules memory rules = engine.marketRules(m);
        params.maintenanceBps = uint16(
            _pick((uint256(params.initialBps) * 5) / 10, (uint256(params.initialBps) * 8) / 10)
        );
        if (params.discountBps > params.maintenanceBps / 2) params.discountBps = params.maintenanceBps / 2;
        _govern(params, rules);
        engine.setMarket(m, params, rules);
        assertLe(_health(id, Valuation.MARK).maintenance, maintenance, "EN-10: governance raises no margin at once");
        _count(Tally.GOVERNED);
    }

    function _govern(MarketParams memory, MarketRules memory rules) internal virtual {
        rules.premiumRate = uint24(_pick(0, 100_000));
        rules.interestRate = int32(int256(_pick(0, 2_000_000))) - 1_000_000;
    }

    /* WHOM */

    /// @dev The market in which the pool holds something, or any.
    function _inventoryMarket() internal returns (uint8 m) {
        uint256 from = _pick(0, marketCount - 1);
        for (uint256 i; i < marketCount; ++i) {
            m = uint8((from + i) % marketCount);
            int256 lots = engine.inventory(m).lots;
            if (!_isStopped(m) && (lots > 1 || lots < -1)) return m;
        }
        return uint8(from);
    }

    /// @dev A user below maintenance at fresh prices; with `solvent` one with equity left.
    function _unhealthy(bool solvent) private returns (uint256, bool) {
        uint256 from = _pick(0, USERS - 1);
        for (uint256 i; i < holders; ++i) {
            uint256 id = _holderAt(from, i);
            if (engine.accounts(id).markets == 0 || _isSettling(id)) continue;
            _syncAccount(id);
            if (_isUnhealthy(id) && (!solvent || _equity(id) >= 0)) return (id, true);
        }
        return (0, false);
    }

    /// @dev The same; if there is none, a price goes to where the nearest has between `low` and `high` bps of its maintenance.
    function _endangered(bool solvent, int256 low, int256 high) internal returns (uint256 id, bool found) {
        (id, found) = _unhealthy(solvent);
        if (found) return (id, found);
        (id, found) = _nearest();
        if (!found) return (id, found);
        uint8 m = _heldMarket(id);
        if (_isStopped(m)) return (id, false);
        _press(id, m, low + int256(_pick(0, uint256(high - low))));
        _redateAll();
        _syncAccount(id);
        return (id, _isUnhealthy(id) && (!solvent || _equity(id) >= 0));
    }

    /// @dev The solvent user with the least equity for its maintenance margin.
    function _nearest() private view returns (uint256 id, bool found) {
        uint256 most; // {bps}
        for (uint256 i; i < holders; ++i) {
            Health memory h = _health(accounts[i], Valuation.MARK);
            if (h.maintenance == 0 || h.equity <= 0 || _isSettling(accounts[i])) continue;
            uint256 used = (h.maintenance * BPS) / uint256(h.equity);
            if (found && used <= most) continue;
            (id, found, most) = (accounts[i], true, used);
        }
    }

    /// @dev One in which the account holds something, or any.
    function _heldMarket(uint256 id) internal returns (uint8 m) {
        uint64 bits = engine.accounts(id).markets;
        m = _pickMarket();
        for (uint256 i; i < marketCount && (bits >> m) & 1 == 0; ++i) m = uint8((m + 1) % marketCount);
    }

    /// @dev The rule of docs/mechanism.md, "Takeover and waterfall", without its dust clause.
    function _isTakeoverable(uint256 id) private view returns (bool) {
        Health memory h = _health(id, Valuation.FAVOURABLE);
        uint256 since = engine.accounts(id).unhealthySince;
        if (h.equity >= int256(h.maintenance)) return false;
        return 10 * h.equity < 4 * int256(h.maintenance) || (since + 90 <= clock && clock <= since + 600);
    }
}
