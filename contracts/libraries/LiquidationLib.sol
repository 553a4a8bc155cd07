// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Account, Health, IMarginEngine, MarketParams, MarketStatus, Valuation} from "../interfaces/IMarginEngine.sol";
import {Change, Env, Focus, Ledger, LedgerLib} from "./LedgerLib.sol";
import {MarginLib} from "./MarginLib.sol";
import {MathLib} from "./MathLib.sol";
import {RulesLib} from "./RulesLib.sol";
import {SettleLib} from "./SettleLib.sol";
import {SyncLib} from "./SyncLib.sol";

/// @title LiquidationLib
/// @notice The liquidation clock and partial liquidation. Linked into the engine, whose NatSpec documents the calls.
library LiquidationLib {
    using LedgerLib for Ledger;
    using RulesLib for Ledger;
    using SettleLib for Ledger;
    using SyncLib for Ledger;

    uint256 internal constant CLOCK_MAX = 600 seconds; // an older clock restarts

    function flag(Ledger storage ledger, Env memory env, uint256 id) external {
        LedgerLib.requireUser(id);
        ledger.settleAll(env, id);
        Account memory account = ledger.accounts[id];
        ledger.refreshAll(env, account.markets);
        ledger.requirePricesOk(account.markets);
        requireUnhealthy(ledger, id, account);
        require(clock(account) == 0, IMarginEngine.ClockRunning(id, account.unhealthySince));
        ledger.setClock(id, block.timestamp);
    }

    function unflag(Ledger storage ledger, Env memory env, uint256 id) external {
        ledger.settleAll(env, id);
        Account memory account = ledger.accounts[id];
        require(account.unhealthySince != 0, IMarginEngine.ClockNotRunning(id));
        ledger.refreshAll(env, account.markets);
        (Health memory mark, int256 favourable) = ledger.healthForLiquidation(id, account);
        require(favourable >= int256(mark.maintenance), IMarginEngine.Unhealthy(id, favourable, mark.maintenance));
        ledger.setClock(id, 0);
    }

    /// @dev After money came in: stops the clock of an account that it made healthy. Never reverts for the account's sake.
    function unflagIfHealthy(Ledger storage ledger, Env memory env, uint256 id) external {
        ledger.settleAll(env, id);
        Account memory account = ledger.accounts[id];
        ledger.refreshAll(env, account.markets);
        (Health memory mark, int256 favourable) = ledger.healthForLiquidation(id, account);
        if (favourable >= int256(mark.maintenance)) ledger.setClock(id, 0);
    }

    function liquidate(
        Ledger storage ledger,
        Env memory env,
        uint256 id,
        uint8 m,
        uint256 into,
        uint56 maxLots,
        uint256 minDiscount
    ) external returns (uint56 lots, uint256 penalty) {
        LedgerLib.requireUser(into);
        require(id != into, IMarginEngine.SameAccount(id));
        ledger.settleAll(env, into);
        (Focus memory at, Health memory mark, Account memory account) = begin(ledger, env, id, m, maxLots);
        ledger.syncDue(env, ledger.accounts[into].markets);

        int256 held = ledger.positions[id][m].lots;
        {
            (uint256 k, uint256 rate) = size(at, mark, MathLib.abs(held), age(account), maxLots, minDiscount);
            lots = uint56(k); // at most the position
            penalty = penaltyOf(mark, k * at.market.price, rate);
        }
        Change memory closed;
        Change memory taken;
        {
            int256 fee = int256(penalty);
            int256 reward = -int256(MathLib.mulDivDown(penalty, at.params.liquidatorShareBps, MarginLib.BPS));
            uint256 price = at.market.price;
            if (held > 0) (taken, closed) = ledger.fill(m, at.market, into, id, lots, price, reward, fee);
            else (closed, taken) = ledger.fill(m, at.market, id, into, lots, price, fee, reward);
            ledger.rebaseBoth(m, closed, taken);
        }

        // open interest does not rise: no factor of it, which would stop liquidators when the pool is drained
        RulesLib.requireSize(at, taken);
        bool grows = RulesLib.increases(taken);
        if (grows) RulesLib.requireNotWinning(m, at.market, at.params, held > 0);
        ledger.requireMargin(at, taken, grows, false);
        end(ledger, at, closed, mark, account);
        emit IMarginEngine.Liquidated(id, m, into, lots, penalty);
    }

    /// @notice What every liquidation begins with: the account and its markets brought up to now, and that it may be liquidated.
    /// @return at      the market
    /// @return mark    figures at the mark
    /// @return account as it is
    function begin(
        Ledger storage ledger,
        Env memory env,
        uint256 id,
        uint8 m,
        uint256 maxLots
    ) internal returns (Focus memory at, Health memory mark, Account memory account) {
        LedgerLib.requireUser(id);
        require(maxLots != 0, IMarginEngine.ZeroAmount());
        ledger.settleAll(env, id);
        account = ledger.accounts[id];
        require(LedgerLib.has(account.markets, m), IMarginEngine.NoPosition(id, m));
        ledger.refreshAll(env, account.markets);
        at = Focus(m, ledger.markets[m], ledger.params[m]);
        require(SyncLib.isPriceOk(at.market), IMarginEngine.PriceNotValid(m, at.market.state));
        MarketStatus status = at.market.status; // a settled market is closed, not liquidated
        require(status < MarketStatus.SETTLING, IMarginEngine.MarketNotActive(m, status));
        mark = requireUnhealthy(ledger, id, account);
        require(mark.equity >= 0, IMarginEngine.Insolvent(id, mark.equity));
    }

    /// @notice What every liquidation ends with: health has not fallen; the clock goes on or stops.
    /// @param closed  the account after it
    /// @param mark    its figures before
    /// @param account as it was before
    function end(
        Ledger storage ledger,
        Focus memory at,
        Change memory closed,
        Health memory mark,
        Account memory account
    ) internal {
        Health memory left = ledger.healthAfter(at, closed, Valuation.MARK, false);
        // the penalty and the maintenance left are each rounded up by less than a unit
        require(
            (left.equity + 2) * int256(mark.maintenance) >= mark.equity * int256(left.maintenance),
            IMarginEngine.HealthFalls(closed.id, left.equity, left.maintenance)
        );
        // a healthy account starts over; an unhealthy one keeps its clock
        if (left.equity >= int256(left.maintenance)) {
            if (account.unhealthySince != 0) ledger.setClock(closed.id, 0);
        } else if (clock(account) == 0) {
            ledger.setClock(closed.id, block.timestamp);
        }
    }

    /// @notice How much is closed and at which discount: docs/mechanism.md, eq. (14) to (16).
    /// @param held {lot} |b|
    /// @return lots     {lot}
    /// @return discount D18
    function size(
        Focus memory at,
        Health memory mark,
        uint256 held,
        uint256 age_,
        uint256 maxLots,
        uint256 minDiscount
    ) internal pure returns (uint256 lots, uint256 discount) {
        MarketParams memory params = at.params;
        uint256 price = at.market.price;
        uint256 mmRate = MarginLib.maintenanceRate(params, held * price);
        discount = MarginLib.discount(params, mark, mmRate, age_);
        require(discount >= minDiscount, IMarginEngine.DiscountBelowLimit(discount, minDiscount));
        lots = MarginLib.lotsToClose(params, mark, held, price, mmRate, discount);
        if (lots > maxLots) {
            require(held - maxLots >= params.minLots, IMarginEngine.LotsAboveLimit(lots, maxLots));
            lots = maxLots;
        }
    }

    /// @notice {u} what closing costs the account, up; never more than its equity
    /// @param notional {u} closed
    function penaltyOf(Health memory mark, uint256 notional, uint256 discount) internal pure returns (uint256) {
        return MathLib.min(uint256(mark.equity), MathLib.mulDivUp(notional, discount, MarginLib.ONE));
    }

    /// @notice Figures at the mark of an account below maintenance margin at the favourable edge.
    function requireUnhealthy(
        Ledger storage ledger,
        uint256 id,
        Account memory account
    ) internal view returns (Health memory mark) {
        int256 favourable;
        (mark, favourable) = ledger.healthForLiquidation(id, account);
        require(favourable < int256(mark.maintenance), IMarginEngine.Healthy(id, favourable, mark.maintenance));
    }

    /// @notice {s} start of the clock; 0 when there is none or it is too old to count
    function clock(Account memory account) internal view returns (uint256) {
        uint256 since = account.unhealthySince;
        return block.timestamp <= since + CLOCK_MAX ? since : 0;
    }

    /// @notice {s} of the clock; 0 when it is not running
    function age(Account memory account) internal view returns (uint256) {
        uint256 since = clock(account);
        return since == 0 ? 0 : block.timestamp - since;
    }
}
