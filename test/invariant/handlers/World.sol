// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {TestBase} from "forge-std/Base.sol";
import {StdAssertions} from "forge-std/StdAssertions.sol";
import {BackstopPool} from "../../../contracts/BackstopPool.sol";
import {Account, Health, IMarginEngine, Position, Valuation} from "../../../contracts/interfaces/IMarginEngine.sol";
import {LedgerLib} from "../../../contracts/libraries/LedgerLib.sol";
import {MarginEngine} from "../../../contracts/MarginEngine.sol";
import {MockAggregator} from "../../../contracts/mocks/MockAggregator.sol";
import {MockToken} from "../../../contracts/mocks/MockToken.sol";
import {System} from "./System.sol";

/// @notice What a handler did, by kind.
enum Tally {
    DEPOSITED,
    WITHDRAWN,
    WITHDRAWN_WITH_HAIRCUT,
    TRANSFERRED,
    OPENED,
    REDUCED,
    FLIPPED,
    PRICE_MOVED,
    JUMPED,
    WAITED,
    SYNCED,
    FLAGGED,
    UNFLAGGED,
    LIQUIDATED,
    TAKEN_OVER_SOLVENT,
    TAKEN_OVER_SHORT,
    INVENTORY_COVERED,
    BUCKET_PAID,
    POOL_PAID,
    DEFICIT_RAISED,
    DEFICIT_REPAID,
    INCOME_PAID,
    STAKED,
    EXIT_REQUESTED,
    EXIT_CANCELLED,
    EXIT_CLAIMED,
    DONATED,
    PAUSED,
    GOVERNED
}

/// @title World
/// @notice The actors, the clock and the ghost sums that all handlers share. Every account that can ever exist is in `accounts`.
/// @dev An action draws its choices from one seed. Around each action: one random bystander of the ledger must be left as
/// it was, and the pool's share price may only move the way the action allows.
abstract contract World is TestBase, StdAssertions {
    uint256 public constant OWNERS = 6;
    uint256 public constant STAKERS = 4;
    uint256 public constant USERS = 2 * OWNERS; // two sub-accounts each
    uint256 internal constant BPS = 1e4;

    MockToken public token;
    MarginEngine public engine;
    BackstopPool public pool;
    MockAggregator[] public feeds;
    uint256 public marketCount;
    uint256 public unit; // {u/token}

    uint256[] public accounts; // users first, then the inventories, then FEES
    address[] public stakers;
    uint256 public clock; // {s}

    uint256 public tokensIn; // {token} deposits and draws that the ledger booked
    uint256 public tokensOut; // {token} withdrawals and income that left the ledger
    uint256 public engineDonations; // {token}
    uint256 public poolDonations; // {token}
    uint256 public claimed; // {u} withheld from withdrawals
    uint256 public calls;
    uint256[29] internal tallies;
    mapping(bytes4 selector => uint256) public refusals;
    mapping(bytes4 selector => bool) internal isRule;

    uint256 private entropy;
    uint256 private watched; // index in `accounts`
    bytes32 private watchedRecord;
    bool private watchedTouched;
    uint256 private poolAssets;
    uint256 private poolSupply;
    bool internal absorbed; // the pool lost something in this action
    bool internal mayRise; // time passed, or a staker came or went

    modifier act(uint256 seed) {
        vm.warp(clock);
        entropy = seed;
        _open();
        _;
        _close();
        ++calls;
    }

    /// @notice Takes the system over and gives every account and staker something to start with.
    function start(System memory system, uint256 stakeEach, uint256 cashEach) external {
        (token, engine, pool, feeds) = (system.token, system.engine, system.pool, system.feeds);
        marketCount = feeds.length;
        unit = engine.tokenUnit();
        clock = block.timestamp;
        token.approve(address(engine), type(uint256).max);
        token.approve(address(pool), type(uint256).max);
        for (uint256 i; i < USERS; ++i) {
            accounts.push((uint256(uint160(0xA11CE00 + i / 2)) << 96) | (i % 2));
            if (cashEach != 0) _deposit(accounts[i], cashEach);
        }
        for (uint256 m; m < marketCount; ++m) accounts.push(m);
        accounts.push(LedgerLib.FEES);
        for (uint256 i; i < STAKERS; ++i) {
            stakers.push(address(uint160(0x57A0E00 + i)));
            _stake(stakers[i], stakeEach);
        }
        _addRules();
        for (uint8 m; m < marketCount; ++m) engine.sync(m); // the cap of the stake that has just come
    }

    function tally(Tally kind) external view returns (uint256) {
        return tallies[uint256(kind)];
    }

    function accountCount() external view returns (uint256) {
        return accounts.length;
    }

    /* AROUND EVERY ACTION */

    function _open() private {
        watched = _pick(0, accounts.length - 2); // not FEES: every sync may pay it
        watchedRecord = _record(accounts[watched]);
        watchedTouched = false;
        (poolAssets, poolSupply) = (pool.totalAssets(), pool.totalSupply());
        (absorbed, mayRise) = (false, false);
    }

    function _close() private view {
        if (!watchedTouched) {
            assertEq(
                _record(accounts[watched]),
                watchedRecord,
                "EN-6: a call changed an account that has no part in it"
            );
        }
        // price = (assets + 1) / (supply + virtual shares), compared by cross-multiplication
        uint256 now_ = (pool.totalAssets() + 1) * (poolSupply + 1e6);
        uint256 before = (poolAssets + 1) * (pool.totalSupply() + 1e6);
        if (!absorbed) assertGe(now_, before, "BP-2: the share price fell without a loss");
        if (!mayRise) assertLe(now_, before, "BP-2: the share price rose without income vesting");
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
        return keccak256(abi.encode(account, positions, engine.claims(id)));
    }

    function _count(Tally kind) internal {
        ++tallies[uint256(kind)];
    }

    /// @dev A call of the engine that must not succeed always may be refused, but by a rule only: never by arithmetic.
    function _refuse(bytes memory reason) internal {
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

    function _pickMarket() internal returns (uint8) {
        return uint8(_pick(0, marketCount - 1));
    }

    function _pickUser() internal returns (uint256) {
        return accounts[_pick(0, USERS - 1)];
    }

    function _pickOther(uint256 id) internal returns (uint256 other) {
        uint256 i = _pick(0, USERS - 1);
        other = accounts[i] == id ? accounts[(i + 1) % USERS] : accounts[i];
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

    function _isUnhealthy(uint256 id) internal view returns (bool) {
        Health memory h = engine.health(id, Valuation.FAVOURABLE);
        return h.equity < int256(h.maintenance);
    }

    /* TIME AND PRICES */

    function _wait(uint256 duration) internal {
        clock += duration;
        vm.warp(clock);
        mayRise = true;
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

    function _syncAccount(uint256 id) internal {
        uint64 bits = engine.accounts(id).markets;
        for (uint8 m; m < marketCount; ++m) {
            if ((bits >> m) & 1 != 0) engine.sync(m);
        }
    }

    /* MONEY */

    /// @dev {token} of one deposit
    function _maxDeposit() internal view virtual returns (uint256) {
        return 20_000e12 / unit;
    }

    function _deposit(uint256 id, uint256 amount) internal {
        token.mint(address(this), amount);
        engine.deposit(id, amount);
        tokensIn += amount;
        _touch(id);
    }

    function _stake(address staker, uint256 amount) internal returns (uint256 shares) {
        token.mint(address(this), amount);
        shares = pool.deposit(amount, staker);
        mayRise = true;
    }

    function _addRules() internal virtual {
        isRule[IMarginEngine.InitialMarginNotMet.selector] = true;
        isRule[IMarginEngine.ReduceLowersHealth.selector] = true;
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
    }
}
