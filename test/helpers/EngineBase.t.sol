// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {DrawReason} from "../../contracts/interfaces/ICapitalStack.sol";
import {
    Fill,
    IMarginEngine,
    Market,
    MarketParams,
    MarketRules,
    Position,
    Valuation
} from "../../contracts/interfaces/IMarginEngine.sol";
import {FeedConfig} from "../../contracts/interfaces/IOracle.sol";
import {MarginEngine} from "../../contracts/MarginEngine.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {MockToken} from "../../contracts/mocks/MockToken.sol";
import {Oracle} from "../../contracts/Oracle.sol";
import {BaseTest} from "./Base.t.sol";
import {Deployer} from "./Deployer.sol";

/// @notice What the engine sees of the capital stack: free stake as told, pays shortfalls up to a limit, or fails as told.
contract PoolDouble {
    enum Mode {
        PAYS,
        REVERTS,
        BURNS // all the gas it gets
    }

    struct Report {
        uint256 gain; // {token}
        uint256 loss;
        uint256 atRisk;
    }

    error PoolBroken();

    IERC20 public immutable asset;
    address public immutable engine;
    uint256 public freeStake; // {token}
    uint256 public limit; // {token} what `absorb` may still pay
    uint256 public income; // {token}
    uint256 public recovered; // {token}
    uint256 public unrepaid; // {token}
    uint8 public lastMarket;
    uint256 public lastRequested;
    DrawReason public lastReason;
    uint256 public draws;
    mapping(uint8 market => uint256) public counted; // {token}
    Mode public mode;
    mapping(uint8 market => Report) private reports;

    constructor(address asset_, address engine_) {
        (asset, engine) = (IERC20(asset_), engine_);
    }

    function setStake(uint256 freeStake_, uint256 limit_) external {
        (freeStake, limit) = (freeStake_, limit_);
    }

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    function absorb(uint8 market, uint256 requested, DrawReason reason) external returns (uint256 paid) {
        require(mode != Mode.REVERTS, PoolBroken());
        while (mode == Mode.BURNS) {}
        paid = requested < limit ? requested : limit;
        limit -= paid;
        ++draws;
        (lastMarket, lastRequested, lastReason) = (market, requested, reason);
        asset.transfer(msg.sender, paid);
    }

    function countLoss(uint8 market, uint256 assets) external {
        counted[market] += assets;
    }

    function drawn(uint8 market) external view returns (uint256 today, uint256 inWindow) {
        return (counted[market], counted[market]);
    }

    function totalAssets() external view returns (uint256) {
        return freeStake;
    }

    function receiveIncome(uint256 assets, uint256 recovered_) external {
        income += assets;
        recovered += recovered_;
    }

    function setUnrepaid(uint256 unrepaid_) external {
        unrepaid = unrepaid_;
    }

    function repay(uint256 assets) external returns (uint256) {
        unrepaid -= assets;
        asset.transferFrom(msg.sender, address(this), assets);
        return assets;
    }

    function report(uint8 market, uint256 gain, uint256 loss, uint256 atRisk) external {
        reports[market] = Report(gain, loss, atRisk);
    }

    function reported(uint8 market) external view returns (uint256 gain, uint256 loss, uint256 atRisk) {
        Report memory r = reports[market];
        return (r.gain, r.loss, r.atRisk);
    }
}

/// @notice An engine with two markets at $2,000 and $100 a coin, 1e-4 coin a lot, and verbs with defaults. The test contract is
/// administrator and exchange. Fees, funding and premium are zero unless a test sets them, so amounts can be read off.
abstract contract EngineBase is BaseTest {
    uint256 internal constant USD = 1e12; // {u}
    uint64 internal constant CENT = 1e10; // {u}
    uint8 internal constant ETH = 0;
    uint8 internal constant ALT = 1;
    uint64 internal constant ETH_PRICE = 2_000e8; // {u/lot}
    uint64 internal constant ALT_PRICE = 100e8; // {u/lot}
    uint256 internal constant FEES = 64;
    uint256 internal constant STAKE = 10_000_000; // {USD}
    uint64 internal constant GOVERNANCE = 1;
    uint64 internal constant GUARDIAN = 2;

    MockToken internal token;
    AccessManager internal manager;
    Oracle internal oracle;
    MarginEngine public engine; // as an exchange has to tell
    PoolDouble internal pool;
    MockAggregator[] internal feeds;

    address internal governor = makeAddr("governor");
    address internal guardian = makeAddr("guardian");
    uint256[] internal known; // {account} every account a test made

    uint256 internal alice;
    uint256 internal bob;
    uint256 internal carol;
    uint256 internal keeper;

    function setUp() public virtual {
        vm.warp(1_700_000_000);
        (token, manager, oracle, engine) = Deployer.core(_decimals());
        pool = new PoolDouble(address(token), address(engine));
        _assignRoles();
        Deployer.wire(engine, address(pool), address(this), address(manager));
        _setStake(STAKE, STAKE);
        _list(ETH, 2_000e8);
        _list(ALT, 100e8);

        alice = _account("alice");
        bob = _account("bob");
        carol = _account("carol");
        keeper = _account("keeper");
    }

    /* SETTINGS */

    function _decimals() internal pure virtual returns (uint8) {
        return 6;
    }

    function _params() internal pure virtual returns (MarketParams memory) {
        return
            MarketParams({
                initialBps: 500,
                maintenanceBps: 300,
                rampNotional: 1e9,
                bandBps: 500,
                minLots: 100,
                takerFeePpm: 0,
                makerRebatePpm: 0,
                discountBps: 50,
                liquidatorShareBps: 5000,
                takeoverReward: uint64(5 * USD)
            });
    }

    function _rules() internal pure virtual returns (MarketRules memory) {
        return
            MarketRules({
                shockBps: 3000,
                stakeShareBps: 10_000,
                interestRate: 0,
                skewFactor: 0,
                fundingCap: 4e6,
                premiumRate: 0,
                bucketTarget: 1e6,
                maintenanceTargetBps: 0,
                maintenanceFromBps: 0,
                rampStartedAt: 0
            });
    }

    function _feed(MockAggregator feed) internal pure virtual returns (FeedConfig memory) {
        return FeedConfig(address(feed), 3600, 25, type(uint16).max, 4, 1, type(uint128).max, address(0));
    }

    function _assignRoles() private {
        bytes4[] memory selectors = new bytes4[](5);
        selectors[0] = IMarginEngine.wire.selector;
        selectors[1] = IMarginEngine.setMarket.selector;
        selectors[2] = IMarginEngine.setStatus.selector;
        selectors[3] = IMarginEngine.setInventoryCap.selector;
        selectors[4] = IMarginEngine.windDown.selector;
        manager.setTargetFunctionRole(address(engine), selectors, GOVERNANCE);
        bytes4[] memory pause = new bytes4[](1);
        pause[0] = IMarginEngine.pauseMarket.selector;
        manager.setTargetFunctionRole(address(engine), pause, GUARDIAN);
        manager.grantRole(GOVERNANCE, governor, 0);
        manager.grantRole(GOVERNANCE, address(this), 0);
        manager.grantRole(GUARDIAN, guardian, 0);
    }

    function _list(uint8 market, int256 answer) internal {
        MockAggregator feed = new MockAggregator(8, answer);
        feeds.push(feed);
        oracle.configure(market, _feed(feed));
        engine.setMarket(market, _params(), _rules());
    }

    /// @param freeStake {USD} coverage
    /// @param limit     {USD} what the pool pays in all from now on
    function _setStake(uint256 freeStake, uint256 limit) internal {
        uint256 unit = 10 ** _decimals();
        token.mint(address(pool), limit * unit);
        pool.setStake(freeStake * unit, limit * unit);
    }

    /* VERBS */

    function _account(string memory name) internal returns (uint256 id) {
        id = uint256(uint160(makeAddr(name))) << 96;
        known.push(id);
    }

    function _owner(uint256 id) internal pure returns (address) {
        return address(uint160(id >> 96));
    }

    function _deposit(uint256 id, uint256 usd) internal {
        _depositTokens(id, usd * 10 ** _decimals());
    }

    function _depositTokens(uint256 id, uint256 amount) internal {
        address from = _owner(id);
        token.mint(from, amount);
        vm.startPrank(from);
        token.approve(address(engine), amount);
        engine.deposit(id, amount);
        vm.stopPrank();
    }

    function _fill(
        uint8 m,
        uint256 long,
        uint256 short,
        uint56 lots,
        uint64 price
    ) internal pure returns (Fill memory) {
        return Fill(m, long, short, lots, price, true, false, false);
    }

    function _trade(uint256 long, uint256 short, uint56 lots) internal {
        _trade(ETH, long, short, lots);
    }

    function _trade(uint8 m, uint256 long, uint256 short, uint56 lots) internal {
        engine.fill(_fill(m, long, short, lots, engine.markets(m).price));
    }

    /// @param price {u/lot} = {1e-8 USD/coin} at 1e-4 coin a lot
    /// A second passes first: of two answers with the same date the oracle keeps the first.
    function _setPrice(uint8 m, uint64 price) internal {
        _warp(1);
        vm.warp(vm.getBlockTimestamp() + 1);
        feeds[m].setAnswer(int256(uint256(price)));
        engine.sync(m);
    }

    /// @dev Moves on in time and repeats the answers, so that prices stay fresh.
    function _warp(uint256 delay) internal {
        vm.warp(vm.getBlockTimestamp() + delay);
        for (uint256 m; m < feeds.length; ++m) {
            (, int256 answer, , , ) = feeds[m].latestRoundData();
            feeds[m].setAnswer(answer);
        }
    }

    /// @dev The same, eight hours ago: the slow average has followed, so nobody has won and no loss is shared.
    function _setPriceLongAgo(uint8 m, uint64 price) internal {
        _setPrice(m, price);
        _warp(8 hours);
        engine.sync(m);
    }

    /// @dev Alice long `lots` of ETH against bob; alice has `aliceUsd`, bob plenty.
    function _open(uint256 aliceUsd, uint56 lots) internal {
        _deposit(alice, aliceUsd);
        _deposit(bob, 1_000_000);
        _deposit(keeper, 1_000_000);
        _trade(alice, bob, lots);
    }

    function _liquidate(uint256 id, uint8 m) internal returns (uint56 lots, uint256 penalty) {
        vm.prank(_owner(keeper));
        return engine.liquidate(id, m, keeper, type(uint56).max, 0);
    }

    /* FIGURES */

    function _equity(uint256 id) internal view returns (int256) {
        return engine.health(id, Valuation.MARK).equity;
    }

    function _mm(uint256 id) internal view returns (uint256) {
        return engine.health(id, Valuation.MARK).maintenance;
    }

    function _cash(uint256 id) internal view returns (int256) {
        return engine.accounts(id).cash;
    }

    function _lots(uint256 id, uint8 m) internal view returns (int256) {
        return engine.positions(id, m).lots;
    }

    function _since(uint256 id) internal view returns (uint256) {
        return engine.accounts(id).unhealthySince;
    }

    /* INVARIANTS */

    /// @dev I1 to I4 over every account of `known`, the inventories and FEES, as equalities.
    function _assertConserved() internal view {
        int256 equities = _cash(FEES);
        int256 cashes = equities;
        int256 quotes;
        for (uint8 m; m < feeds.length; ++m) {
            Market memory market = engine.markets(m);
            int256 longs;
            int256 shorts;
            for (uint256 i; i < known.length + 64; ++i) {
                Position memory p = engine.positions(i < 64 ? i : known[i - 64], m);
                p.lots > 0 ? longs += p.lots : shorts -= p.lots;
                quotes += p.quote;
            }
            assertEq(longs, shorts, "I1: lots sum to zero");
            assertEq(longs, int256(uint256(market.openInterest)), "I1: longs are the open interest");
            quotes += longs * (int256(market.indexShort) - market.indexLong);
            int256 layers = int256(uint256(market.bucket)) - int256(engine.deficit(m));
            cashes += layers;
            equities += layers;
        }
        for (uint256 i; i < known.length + 64; ++i) {
            uint256 id = i < 64 ? i : known[i - 64];
            cashes += _cash(id);
            equities += _equity(id);
        }
        int256 held = int256(engine.internalBalance() * engine.tokenUnit());
        assertEq(cashes + quotes, held, "I2: cash and quote sum to the balance");
        assertEq(equities, held, "I3: equities sum to the balance");
        assertGe(token.balanceOf(address(engine)), engine.internalBalance(), "I4: tokens cover the balance");
    }
}
