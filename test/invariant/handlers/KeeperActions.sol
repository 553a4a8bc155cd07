// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Vm} from "forge-std/Vm.sol";
import {IBackstopPool} from "../../../contracts/interfaces/IBackstopPool.sol";
import {
    Account,
    Health,
    IMarginEngine,
    MarketParams,
    MarketRules,
    MarketStatus,
    Valuation
} from "../../../contracts/interfaces/IMarginEngine.sol";
import {LedgerLib} from "../../../contracts/libraries/LedgerLib.sol";
import {Tally, World} from "./World.sol";

/// @title KeeperActions
/// @notice Prices, time, the liquidation clock, liquidation, takeover, waterfall, income, and what governance may do.
/// @dev What must work always (sync, takeover, coverInventory, collectIncome) is called plainly: a revert fails the campaign.
abstract contract KeeperActions is World {
    /// @dev What the events of a waterfall say, summed. All in {u} but `drawn`.
    struct Layers {
        uint256 shortfall;
        uint256 byBucket;
        uint256 byPool;
        uint256 toDeficit;
        uint256 excess;
        uint256 drawn; // {token}
    }

    /* PRICES AND TIME */

    function movePrice(uint256 seed) external act(seed) {
        _move(_pickMarket(), _pick(9_700, 10_300));
        _count(Tally.PRICE_MOVED);
    }

    function jump(uint256 seed) external act(seed) {
        uint256 size = _pick(1_000, 4_000);
        _move(_pickMarket(), _pick(0, 1) == 0 ? BPS + size : BPS - size);
        _count(Tally.JUMPED);
    }

    function wait_(uint256 seed) external act(seed) {
        _wait(_pickLog(1, _maxWait()));
        if (_pick(0, 3) != 0) _redateAll();
        _count(Tally.WAITED);
    }

    function sync(uint256 seed) external act(seed) {
        uint8 m = _pickMarket();
        engine.sync(m);
        assertEq(engine.markets(m).syncedAt, clock, "EN-7: a sync brings the market up to now");
        _count(Tally.SYNCED);
    }

    function _move(uint8 m, uint256 factorBps) internal virtual {
        _wait(_pick(1, 30));
        (, int256 answer, , , ) = feeds[m].latestRoundData();
        uint256 next = (uint256(answer) * factorBps) / BPS;
        (uint256 low, uint256 high) = _answerRange(m);
        feeds[m].setAnswer(
            int256(
                next < low
                    ? low
                    : next > high
                        ? high
                        : next
            )
        );
        if (_pick(0, 3) != 0) engine.sync(m);
    }

    /// @dev {s} of one wait
    function _maxWait() internal view virtual returns (uint256) {
        return 12 hours;
    }

    /// @dev {answer}
    function _answerRange(uint256 m) internal view virtual returns (uint256 low, uint256 high);

    /* CLOCK */

    function flag(uint256 seed) external act(seed) {
        (uint256 id, bool found) = _unhealthy(false);
        if (!found) return;
        try engine.flag(id) {
            _touch(id);
            assertEq(engine.accounts(id).unhealthySince, clock, "EN-8: the clock starts now");
            _count(Tally.FLAGGED);
        } catch (bytes memory reason) {
            _refuse(reason);
        }
    }

    function unflag(uint256 seed) external act(seed) {
        uint256 from = _pick(0, USERS - 1);
        for (uint256 i; i < USERS; ++i) {
            uint256 id = accounts[(from + i) % USERS];
            if (engine.accounts(id).unhealthySince == 0) continue;
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
        (uint256 id, bool found) = _unhealthy(true);
        if (!found) return;
        uint8 m = _heldMarket(id);
        uint256 into = _pickOther(id);
        if (_pick(0, 1) == 0) _deposit(into, _maxDeposit());
        _liquidate(id, m, into, _pick(0, 3) == 0 ? uint56(_pickLog(1, 1e9)) : type(uint56).max);
    }

    function _liquidate(uint256 id, uint8 m, uint256 into, uint56 maxLots) internal {
        int256 before = _equity(id);
        int256 intoBefore = _equity(into);
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
            _count(Tally.LIQUIDATED);
        } catch (bytes memory reason) {
            _refuse(reason);
        }
    }

    /* TAKEOVER AND WATERFALL */

    function takeover(uint256 seed) external act(seed) {
        _redateAll();
        (uint256 id, bool found) = _unhealthy(false);
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
        uint256 from = _pick(0, USERS - 1);
        for (uint256 i; i < USERS; ++i) {
            uint256 id = accounts[(from + i) % USERS];
            if (engine.accounts(id).markets == 0) continue;
            _syncAccount(id);
            if (_equity(id) >= 0 || !_isTakeoverable(id)) continue;
            _takeOver(id, _pickOther(id));
            return;
        }
    }

    function coverInventory(uint256 seed) external act(seed) {
        uint8 m = _pickMarket();
        _redateAll();
        engine.sync(m);
        int256 equity = _equity(m);
        (uint256 deficits, uint256 balance) = (engine.totalDeficit(), engine.internalBalance());
        uint256 bucket = engine.markets(m).bucket;
        _touch(m);
        vm.recordLogs();
        uint256 shortfall = engine.coverInventory(m);

        Layers memory layers = _layers();
        assertEq(shortfall, equity < 0 ? uint256(-equity) : 0, "EN-3: the inventory's shortfall is what it lacks");
        assertEq(layers.shortfall, shortfall, "EN-3: events cover the shortfall");
        assertEq(_equity(m), equity < 0 ? int256(0) : equity, "EN-3: the inventory is whole");
        assertEq(
            engine.markets(m).bucket,
            bucket - layers.byBucket + layers.excess,
            "EN-3: the bucket pays what the event says"
        );
        _assertLayers(layers, deficits, balance);
        if (shortfall != 0) _count(Tally.INVENTORY_COVERED);
    }

    function collectIncome(uint256 seed) external act(seed) {
        uint8 m = _pickMarket();
        uint256 balance = engine.internalBalance();
        uint256 deficits = engine.totalDeficit();
        uint256 held = token.balanceOf(address(pool));
        if (!_isPayable(m, balance)) return;
        uint256 paid = engine.collectIncome(m);

        tokensOut += paid;
        assertEq(engine.internalBalance(), balance - paid, "I4: income leaves the ledger");
        assertEq(token.balanceOf(address(pool)), held + paid, "BP-1: income reaches the pool");
        if (engine.totalDeficit() != 0) assertEq(paid, 0, "EN-4: no income while there is a deficit");
        if (paid != 0) _count(Tally.INCOME_PAID);
        if (engine.totalDeficit() < deficits) _count(Tally.DEFICIT_REPAID);
    }

    /// @dev Premiums are charged before they are earned: accounts that owe them may be short, so that FEES holds more than
    /// the ledger has tokens, or than the pool may book. Such income waits.
    function _isPayable(uint8 m, uint256 balance) private view returns (bool) {
        int256 fees = engine.accounts(LedgerLib.FEES).cash;
        uint256 most = ((fees > 0 ? uint256(fees) : 0) + engine.markets(m).bucket) / unit;
        return most <= balance && most <= pool.MAX_ASSETS() - pool.totalAssets() - pool.unvestedIncome();
    }

    function _takeOver(uint256 id, uint256 rewardId) internal {
        int256 before = _equity(id);
        int256 rewardBefore = _equity(rewardId);
        (uint256 deficits, uint256 balance) = (engine.totalDeficit(), engine.internalBalance());
        for (uint256 m; m < marketCount; ++m) _touch(m);
        _touch(id);
        _touch(rewardId);
        vm.recordLogs();
        int256 equity = engine.takeover(id, rewardId);

        Layers memory layers = _layers();
        Account memory account = engine.accounts(id);
        assertEq(equity, before, "I3: a takeover moves exactly the equity");
        assertEq(account.cash, 0, "EN-1: nothing is left of the account");
        assertEq(account.markets, 0, "EN-1: nothing is left of the account");
        assertEq(account.unhealthySince, 0, "EN-8: an empty account has no clock");
        assertEq(layers.shortfall, equity < 0 ? uint256(-equity) : 0, "EN-3: events cover the shortfall");
        assertGe(_equity(rewardId), rewardBefore, "EN-6: the reward account does not lose");
        _assertLayers(layers, deficits, balance);
        _count(equity < 0 ? Tally.TAKEN_OVER_SHORT : Tally.TAKEN_OVER_SOLVENT);
    }

    /// @dev Sums ShortfallCovered of the recorded logs; each must add up by itself.
    function _layers() private returns (Layers memory sum) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IBackstopPool.LossAbsorbed.selector) {
                (, uint256 paid) = abi.decode(logs[i].data, (uint256, uint256));
                sum.drawn += paid;
                if (paid != 0) absorbed = true;
            }
            if (logs[i].topics[0] != IMarginEngine.ShortfallCovered.selector) continue;
            (uint256 shortfall, uint256 byBucket, uint256 byPool, uint256 toDeficit, uint256 excess) = abi.decode(
                logs[i].data,
                (uint256, uint256, uint256, uint256, uint256)
            );
            assertEq(byBucket + byPool + toDeficit, shortfall, "EN-3: the layers sum to the shortfall");
            assertLt(excess, unit, "EN-3: a draw brings less than a token unit too much");
            sum.shortfall += shortfall;
            sum.byBucket += byBucket;
            sum.byPool += byPool;
            sum.toDeficit += toDeficit;
            sum.excess += excess;
        }
    }

    function _assertLayers(Layers memory layers, uint256 deficits, uint256 balance) private {
        tokensIn += layers.drawn;
        assertEq(engine.totalDeficit(), deficits + layers.toDeficit, "EN-2: the deficit is what no layer paid");
        assertEq(engine.internalBalance(), balance + layers.drawn, "I4: a draw is booked");
        assertEq(layers.drawn * unit, layers.byPool + layers.excess, "BP-5: a draw is at most the shortfall");
        if (layers.drawn != 0) {
            assertGe(pool.totalAssets() + pool.unvestedIncome(), pool.MIN_ASSETS(), "BP-5: a draw leaves the floor");
        }
        if (layers.byBucket != 0) _count(Tally.BUCKET_PAID);
        if (layers.byPool != 0) _count(Tally.POOL_PAID);
        if (layers.toDeficit != 0) _count(Tally.DEFICIT_RAISED);
    }

    /* GOVERNANCE */

    function pause(uint256 seed) external act(seed) {
        uint8 m = _pickMarket();
        if (_pick(0, 3) == 0) {
            engine.pauseMarket(m);
            _count(Tally.PAUSED);
        } else {
            engine.setStatus(m, MarketStatus.ACTIVE);
        }
    }

    /// @notice A new maintenance margin, premium and interest rate. Nobody becomes unhealthy by it at once.
    function govern(uint256 seed) external act(seed) {
        uint8 m = _pickMarket();
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

    /// @dev A user below maintenance at fresh prices; with `solvent` one with equity left.
    function _unhealthy(bool solvent) private returns (uint256, bool) {
        uint256 from = _pick(0, USERS - 1);
        for (uint256 i; i < USERS; ++i) {
            uint256 id = accounts[(from + i) % USERS];
            if (engine.accounts(id).markets == 0) continue;
            _syncAccount(id);
            if (_isUnhealthy(id) && (!solvent || _equity(id) >= 0)) return (id, true);
        }
        return (0, false);
    }

    function _heldMarket(uint256 id) private returns (uint8 m) {
        uint64 bits = engine.accounts(id).markets;
        m = _pickMarket();
        while ((bits >> m) & 1 == 0) m = uint8((m + 1) % marketCount);
    }

    /// @dev The rule of docs/mechanism.md, "Takeover and waterfall", without its dust clause.
    function _isTakeoverable(uint256 id) private view returns (bool) {
        Health memory h = _health(id, Valuation.FAVOURABLE);
        uint256 since = engine.accounts(id).unhealthySince;
        if (h.equity >= int256(h.maintenance)) return false;
        return 10 * h.equity < 4 * int256(h.maintenance) || (since + 90 <= clock && clock <= since + 600);
    }
}
