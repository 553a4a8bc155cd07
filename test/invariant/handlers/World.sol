// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {BackstopAMM} from "../../../contracts/BackstopAMM.sol";
import {BackstopPool} from "../../../contracts/BackstopPool.sol";
import {IBackstopAMM} from "../../../contracts/interfaces/IBackstopAMM.sol";
import {
    Account,
    Health,
    IMarginEngine,
    Market,
    MarketStatus,
    Position,
    Valuation
} from "../../../contracts/interfaces/IMarginEngine.sol";
import {IOracle, PriceState} from "../../../contracts/interfaces/IOracle.sol";
import {LedgerLib} from "../../../contracts/libraries/LedgerLib.sol";
import {MockAggregator} from "../../../contracts/mocks/MockAggregator.sol";
import {Journal} from "./Journal.sol";
import {RawLedger} from "./RawLedger.sol";
import {System} from "./System.sol";
import {Tally} from "./Tally.sol";

/// @title World
/// @notice The actors, the clock and the ghost sums that all handlers share. Every account that can ever exist is in `accounts`.
/// @dev An action draws its choices from one seed. Around each action: one random bystander of the ledger must be left as
/// it was, and the pool's share price may only move the way the action allows.
abstract contract World is Journal {
    /// @dev A tranche when an action began.
    struct Tranche {
        uint256 assets; // {token}
        uint256 supply; // {share}
        uint256 rescalings;
    }

    uint256 public constant OWNERS = 6;
    uint256 public constant STAKERS = 4;
    uint256 public constant USERS = 2 * OWNERS; // two sub-accounts each
    uint256 internal constant BPS = 1e4;
    uint256 internal constant NEVER = type(uint32).max; // {s} `joinsFrom` while a loss is pending

    MockAggregator[] public feeds;
    uint256[] public accounts; // users first, then the curves, the inventories, FEES and CLAIMS
    uint256 public holders; // users and curves: who may hold positions and be liquidated, taken over, deleveraged
    address[] public stakers;
    uint256 public clock; // {s}

    mapping(BackstopPool tranche => uint256) public stoodStill; // {s} that its time did, by the ends known meanwhile
    mapping(BackstopPool tranche => uint256) internal pausedUntil; // {s} as the guardian has said
    uint256 public poolDonations; // {token}
    uint256 public calls;
    uint256 internal cashEach; // {token} what an account starts with
    uint256 internal stakeEach; // {token}
    mapping(bytes4 selector => uint256) public refusals;
    mapping(bytes4 selector => bool) internal isRule;

    uint256 private entropy;
    uint256 private watched; // index in `accounts`
    bytes32 private watchedRecord;
    bool private watchedTouched;
    mapping(BackstopPool tranche => Tranche) private befores;
    bool internal mayRise; // time passed, or a staker came or went
    mapping(uint256 id => mapping(uint256 market => int64)) private lotsBefore; // {lot} stored

    modifier act(uint256 seed) {
        vm.warp(clock);
        entropy = seed;
        _open();
        _;
        _close();
        ++calls;
    }

    /// @notice Takes the system over and gives every account and staker something to start with.
    function start(System memory system, uint256 stakeEach_, uint256 cashEach_) external {
        (stakeEach, cashEach) = (stakeEach_, cashEach_);
        (token, engine, stack, feeds) = (system.token, system.engine, system.stack, system.feeds);
        (junior, pool) = (BackstopPool(address(stack.junior())), BackstopPool(address(stack.senior())));
        amm = BackstopAMM(engine.amm());
        marketCount = feeds.length;
        holders = USERS + marketCount;
        unit = engine.tokenUnit();
        clock = block.timestamp;
        vm.recordLogs();
        _wait(15 days); // a feed must have stood 14 days before a market is settled at its price
        _redateAll();
        token.approve(address(engine), type(uint256).max);
        token.approve(address(pool), type(uint256).max);
        token.approve(address(junior), type(uint256).max);
        for (uint256 i; i < USERS; ++i) {
            accounts.push((uint256(uint160(0xA11CE00 + i / 2)) << 96) | (i % 2));
            _deposit(accounts[i], cashEach);
        }
        for (uint8 m; m < marketCount; ++m) accounts.push(amm.accountOf(m));
        for (uint256 m; m < marketCount; ++m) accounts.push(m);
        accounts.push(LedgerLib.FEES);
        accounts.push(LedgerLib.CLAIMS);
        for (uint256 i; i < STAKERS; ++i) {
            stakers.push(address(uint160(0x57A0E00 + i)));
            _stake(stakers[i], stakeEach);
        }
        token.mint(address(this), stakeEach / 2);
        junior.deposit(stakeEach / 2, stakers[0]); // pays first
        _addRules();
        for (uint8 m; m < marketCount; ++m) engine.sync(m); // the cap of the stake that has just come
        _digest();
    }

    function accountCount() external view returns (uint256) {
        return accounts.length;
    }

    /* AROUND EVERY ACTION */

    function _open() private {
        vm.recordLogs();
        watched = _pick(0, accounts.length - 3); // not FEES and CLAIMS: every sync, every haircut may pay them
        watchedRecord = _record(accounts[watched]);
        // settling anybody moves what was pending into the inventory
        watchedTouched = watched >= holders && (RawLedger.deleveraged(address(engine)) >> (watched - holders)) & 1 != 0;
        (befores[junior], befores[pool]) = (_before(junior), _before(pool));
        (absorbed, mayRise) = (false, false);
    }

    function _close() private {
        _digest();
        _noteClosed();
        if (!watchedTouched) {
            assertEq(
                _record(accounts[watched]),
                watchedRecord,
                "EN-6: a call changed an account that has no part in it"
            );
        }
        _assertPrice(junior, befores[junior]);
        _assertPrice(pool, befores[pool]);
        _assertTime(junior);
        _assertTime(pool);
        assertEq(junior.gateEnd(), pool.gateEnd(), "BP-7: the gate is one for both tranches");
    }

    function _before(BackstopPool tranche) private view returns (Tranche memory) {
        return Tranche(tranche.totalAssets(), tranche.totalSupply(), tranche.rescalings());
    }

    /// @dev price = (assets + 1) / (supply + virtual shares), compared by cross-multiplication
    function _assertPrice(BackstopPool tranche, Tranche memory b) private view {
        uint256 now_ = (tranche.totalAssets() + 1) * (b.supply + 1e6);
        uint256 supply = (tranche.totalSupply() + 1e6) << (24 * (tranche.rescalings() - b.rescalings));
        uint256 before = (b.assets + 1) * supply;
        if (!absorbed) assertGe(now_, before, "BP-2: the share price fell without a loss");
        if (!mayRise) assertLe(now_, before, "BP-2: the share price rose without income vesting");
    }

    /// @dev The pool's time, and who may join, by what the guardian has said and the gate's end.
    function _assertTime(BackstopPool tranche) internal view {
        assertEq(tranche.poolTime(), clock - stoodStill[tranche], "BP-7: the pool's time stands still, and only then");
        assertEq(tranche.pausedUntil(), pausedUntil[tranche], "BP-7: only the guardian pauses");
        (uint256 from, uint256 on) = (tranche.joinsFrom(), clock + _stillFor(tranche));
        if (from == NEVER) on = NEVER;
        if (from > clock || on > clock) assertEq(from, on, "BP-7: joins go on with the pool's time");
        if (on > clock) assertEq(tranche.maxDeposit(address(this)), 0, "BP-7: nobody joins while time stands still");
    }

    /// @dev {s} that the pool's time will stand still from now on
    function _stillFor(BackstopPool tranche) internal view returns (uint256) {
        uint256 on = tranche.gateEnd();
        if (on < pausedUntil[tranche]) on = pausedUntil[tranche];
        return on > clock ? on - clock : 0;
    }

    /// @dev The account takes part in this action.
    function _touch(uint256 id) internal {
        if (accounts[watched] == id) watchedTouched = true;
    }

    function _record(uint256 id) internal view returns (bytes32) {
        Account memory account = engine.accounts(id);
        Position[] memory positions = new Position[](marketCount);
        for (uint8 m; m < marketCount; ++m) {
            if ((account.markets >> m) & 1 != 0) positions[m] = engine.positions(id, m);
        }
        return keccak256(abi.encode(account, positions, RawLedger.claim(address(engine), id)));
    }

    /// @dev A position that left its side takes along the part of a lot that it owed: at most one lot of what is pending.
    function _noteClosed() private {
        uint64 bits = RawLedger.deleveraged(address(engine));
        if (bits == 0) return;
        for (uint8 m; m < marketCount; ++m) {
            if ((bits >> m) & 1 == 0) continue;
            for (uint256 i; i < holders; ++i) {
                int64 before = lotsBefore[accounts[i]][m];
                int64 lots = RawLedger.position(address(engine), accounts[i], m).lots;
                if (before > 0 && lots <= 0) ++dropped[m][true];
                if (before < 0 && lots >= 0) ++dropped[m][false];
                if (before != lots) lotsBefore[accounts[i]][m] = lots;
            }
            for (uint256 side; side < 2; ++side) {
                bool isLong = side == 0;
                if (engine.sides(m, isLong).pending != 0) continue;
                (acts[m][isLong], dropped[m][isLong]) = (0, 0);
            }
        }
    }

    /// @dev Before a call that may be refused: what a refused call logged never happened.
    function _flush() internal {
        _digest();
    }

    /// @dev A call of the engine that must not succeed always may be refused, but by a rule only: never by arithmetic.
    function _refuse(bytes memory reason) internal {
        vm.getRecordedLogs();
        bytes4 selector = bytes4(reason);
        ++refusals[selector];
        assertTrue(isRule[selector], string.concat("refused by no rule: ", vm.toString(reason)));
    }

    /* CHOICES */

    /// @dev Uniform enough in [min, max].
    function _pick(uint256 min, uint256 max) internal returns (uint256) {
        entropy = uint256(keccak256(abi.encode(entropy)));
        return min + (entropy % (max - min + 1));
    }

    /// @dev In [min, max] with every order of magnitude as likely as any other.
    function _pickLog(uint256 min, uint256 max) internal returns (uint256) {
        uint256 top = max;
        for (uint256 i = _pick(0, 20); i != 0 && top / 2 > min; --i) top /= 2;
        return _pick(min, top < min ? min : top);
    }

    /// @dev Any; one whose trading is over seldom.
    function _pickMarket() internal returns (uint8 m) {
        m = uint8(_pick(0, marketCount - 1));
        for (uint256 i; i < 3 && _isStopped(m); ++i) m = uint8(_pick(0, marketCount - 1));
    }

    /// @dev One in which somebody holds something, or any.
    function _busyMarket() internal returns (uint8 m) {
        m = _pickMarket();
        for (uint256 i; i < marketCount && (_isStopped(m) || engine.markets(m).openInterest == 0); ++i) {
            m = uint8((m + 1) % marketCount);
        }
    }

    /// @dev Users from `from` on, then the curves.
    function _holderAt(uint256 from, uint256 i) internal view returns (uint256) {
        return accounts[i < USERS ? (from + i) % USERS : i];
    }

    function _curveOf(uint8 m) internal view returns (uint256) {
        return accounts[USERS + m];
    }

    function _pickUser() internal returns (uint256 id) {
        id = accounts[_pick(0, USERS - 1)];
        _bury(id);
    }

    function _pickOther(uint256 id) internal returns (uint256 other) {
        uint256 i = _pick(0, USERS - 1);
        other = accounts[i] == id ? accounts[(i + 1) % USERS] : accounts[i];
        _bury(other);
    }

    /// @dev An account that deleveraging has emptied is settled before an action looks at it: if it owed something, that is a
    /// shortfall by then, and no doing of the action.
    function _bury(uint256 id) internal {
        Account memory account = engine.accounts(id);
        if (account.markets != 0 || RawLedger.account(address(engine), id).markets == 0) return;
        _digest();
        engine.settle(id);
        _touch(id);
        assertEq(
            RawLedger.account(address(engine), id).cash,
            account.cash,
            "DL-3: settling stores what the view showed"
        );
        if (_digest().shortfall == 0) return;
        assertEq(account.cash, 0, "DL-4: an emptied account that owes is a shortfall, and whole");
        _count(Tally.SETTLED_SHORT);
    }

    /* READS */

    function _owner(uint256 id) internal pure returns (address) {
        return address(uint160(id >> 96));
    }

    function _equity(uint256 id) internal view returns (int256) {
        return engine.health(id, Valuation.MARK).equity;
    }

    function _health(uint256 id, Valuation valuation) internal view returns (Health memory) {
        return engine.health(id, valuation);
    }

    /// @dev {lot} of one side that are not the pool's in effect
    function _othersLots(uint8 m, bool isLong) internal view returns (uint256 held) {
        int256 own = RawLedger.position(address(engine), m, m).lots;
        if (!isLong) own = -own;
        held = engine.markets(m).openInterest - (own > 0 ? uint256(own) : 0);
        uint256 pending = engine.sides(m, isLong).pending;
        held -= pending < held ? pending : held;
    }

    function _isStopped(uint8 m) internal view returns (bool) {
        return engine.markets(m).status >= MarketStatus.SETTLING;
    }

    /// @dev Whether a price of the account is still under challenge.
    function _isSettling(uint256 id) internal view returns (bool) {
        uint64 bits = engine.accounts(id).markets;
        for (uint8 m; m < marketCount; ++m) {
            if ((bits >> m) & 1 != 0 && engine.markets(m).status == MarketStatus.SETTLING) return true;
        }
        return false;
    }

    function _isUnhealthy(uint256 id) internal view returns (bool) {
        Health memory h = engine.health(id, Valuation.FAVOURABLE);
        return h.equity < int256(h.maintenance);
    }

    /* TIME AND PRICES */

    function _wait(uint256 duration) internal {
        _stand(junior, duration);
        _stand(pool, duration);
        clock += duration;
        vm.warp(clock);
        mayRise = true;
    }

    /// @dev Nothing can move an end while time passes.
    function _stand(BackstopPool tranche, uint256 duration) private {
        uint256 left = _stillFor(tranche);
        stoodStill[tranche] += left < duration ? left : duration;
    }

    /// @dev The same answer, dated now. A second passes, so that it is newer.
    function _redate(uint256 m) internal {
        (, int256 answer, , , ) = feeds[m].latestRoundData();
        feeds[m].setAnswer(answer);
    }

    function _redateAll() internal {
        _wait(1);
        for (uint256 m; m < marketCount; ++m) _redate(m);
    }

    /// @dev A market with a settlement price is never synced again.
    function _sync(uint8 m) internal {
        if (!_isStopped(m)) engine.sync(m);
    }

    function _syncAccount(uint256 id) internal {
        uint64 bits = engine.accounts(id).markets;
        for (uint8 m; m < marketCount; ++m) {
            if ((bits >> m) & 1 != 0) _sync(m);
        }
    }

    /// @dev The answer that is given instead of the one meant.
    function _stray(uint256, uint256 next) internal virtual returns (uint256) {
        return next;
    }

    function _move(uint8 m, uint256 factorBps) internal {
        _wait(_pick(1, 30));
        (, int256 answer, , , ) = feeds[m].latestRoundData();
        uint256 next = _stray(m, (uint256(answer) * factorBps) / BPS);
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
        _confirm(m);
        if (_pick(0, 3) != 0) _sync(m);
    }

    /// @dev A step is believed at once, as if the second source had said the same.
    function _confirm(uint8 m) private {
        IOracle oracle = engine.oracle();
        if (oracle.quote(m).state == PriceState.JUMP) oracle.configure(m, oracle.feed(m));
    }

    /// @dev Moves the price until the account's equity is about `targetBps` of its maintenance margin.
    function _press(uint256 id, uint8 m, int256 targetBps) internal {
        _syncAccount(id);
        Health memory h = _health(id, Valuation.MARK);
        int256 target = (int256(h.maintenance) * targetBps) / int256(BPS);
        _moveBy(m, engine.positions(id, m).lots, target - h.equity);
    }

    /// @dev Moves the price until `lots` have gained as much {u}, as far as one move may go.
    function _moveBy(uint8 m, int256 lots, int256 gain) internal {
        int256 change = (gain * int256(BPS)) / (lots * int256(uint256(engine.markets(m).price))); // {bps}
        change =
            change < -6_000
                ? -6_000
                : change > 15_000
                    ? int256(15_000)
                    : change;
        _move(m, uint256(int256(BPS) + change));
        _sync(m);
    }

    /// @dev Lets the averages catch up with the price, so that both sides may grow again.
    function _calm(uint8 m) internal {
        Market memory market = engine.markets(m);
        uint256 gap = market.price > market.slow ? market.price - market.slow : market.slow - market.price;
        if (gap * BPS <= uint256(market.slow) * engine.marketParams(m).maintenanceBps) return;
        _wait(_maxWait());
        _redateAll();
        _sync(m);
    }

    /// @dev {s} of one wait
    function _maxWait() internal view virtual returns (uint256) {
        return 12 hours;
    }

    /// @dev {answer}
    function _answerRange(uint256 m) internal view virtual returns (uint256 low, uint256 high);

    /* MONEY */

    /// @dev {token} of one deposit
    function _maxDeposit() internal view virtual returns (uint256) {
        return 20_000e12 / unit;
    }

    function _deposit(uint256 id, uint256 amount) internal {
        token.mint(address(this), amount);
        engine.deposit(id, amount);
        _touch(id);
    }

    /// @dev What is needed to carry something, when that is missing.
    function _fund(uint256 id) internal {
        Health memory h = _health(id, Valuation.UNFAVOURABLE);
        if (h.capped - int256(h.initial) < int256((cashEach * unit) / 4)) _deposit(id, cashEach);
    }

    function _stake(address staker, uint256 amount) internal returns (uint256 shares) {
        token.mint(address(this), amount);
        shares = pool.deposit(amount, staker);
        mayRise = true;
    }

    /// @dev {token} held by both tranches
    function _capital() internal view returns (uint256) {
        return token.balanceOf(address(junior)) + token.balanceOf(address(pool));
    }

    function _addRules() internal virtual {
        isRule[IMarginEngine.InitialMarginNotMet.selector] = true;
        isRule[IMarginEngine.ReduceLowersHealth.selector] = true;
        isRule[IMarginEngine.WinningSideClosed.selector] = true;
        isRule[IMarginEngine.OpenInterestAboveCap.selector] = true;
        isRule[IMarginEngine.PositionTooSmall.selector] = true;
        isRule[IMarginEngine.MarketNotActive.selector] = true;
        isRule[IMarginEngine.PriceNotValid.selector] = true;
        isRule[IMarginEngine.DeficitOutstanding.selector] = true;
        isRule[IMarginEngine.OpeningStopped.selector] = true;
        isRule[IMarginEngine.HealthFalls.selector] = true;
        isRule[IMarginEngine.LotsAboveLimit.selector] = true;
        isRule[IMarginEngine.CashNegative.selector] = true;
        isRule[IMarginEngine.ClockRunning.selector] = true;
        isRule[IMarginEngine.Unhealthy.selector] = true;
        isRule[IMarginEngine.ReduceOnly.selector] = true;
        isRule[IMarginEngine.LevelTooHigh.selector] = true;
        isRule[IMarginEngine.InventoryWithinCap.selector] = true;
        isRule[IMarginEngine.AmountTooLarge.selector] = true;
        isRule[IMarginEngine.DepthTooSmall.selector] = true;
        isRule[IMarginEngine.PriceOutsideBand.selector] = true;
        isRule[IBackstopAMM.PriceNotValid.selector] = true;
        isRule[IBackstopAMM.TooLittleCash.selector] = true;
        isRule[IBackstopAMM.TooFewShares.selector] = true;
        isRule[IBackstopAMM.CurveOverexposed.selector] = true;
        isRule[IBackstopAMM.CurveWorthless.selector] = true;
        isRule[IBackstopAMM.CurveOffIndex.selector] = true;
    }
}
