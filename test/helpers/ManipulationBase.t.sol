// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {MockPyth} from "@pythnetwork/pyth-sdk-solidity/MockPyth.sol";
import {CapitalStack} from "../../contracts/CapitalStack.sol";
import {Exchange} from "../../contracts/Exchange.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {Match, Order} from "../../contracts/interfaces/IExchange.sol";
import {MarketParams, MarketRules, Valuation} from "../../contracts/interfaces/IMarginEngine.sol";
import {FeedConfig, SecondConfig} from "../../contracts/interfaces/IOracle.sol";
import {IRiskEngine, VolatilityLimits} from "../../contracts/interfaces/IRiskEngine.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {Deployer} from "./Deployer.sol";
import {RecoveryBase} from "./RecoveryBase.t.sol";

/// @notice The whole system with the figures it is deployed with: engine, both tranches, oracle with its second source, levels and signed
/// orders. 2 million of junior stake, 8 million of senior stake, a large market at $2,000 and a thin one at $100.
abstract contract ManipulationBase is RecoveryBase {
    uint256 internal constant JUNIOR = 2_000_000; // {USD}
    uint256 internal constant SENIOR = 8_000_000; // {USD}
    uint256 internal constant COINS = 1e4; // {lot} of one coin

    CapitalStack internal stack;
    IBackstopPool internal junior;
    IBackstopPool internal senior;
    Exchange internal exchange;
    IRiskEngine internal risk;
    MockPyth internal pyth;
    address internal reserve = makeAddr("reserve");
    address internal staker = makeAddr("staker");
    mapping(address owner => uint256 key) private keys;
    uint48 private sequence;

    uint256 internal mallory; // the attacker
    uint256[] internal subs; // {account} of the attacker
    int256 internal put; // {USD} what the attacker has put in and not taken out
    uint256 internal maker; // who takes the other side, with plenty of margin

    function setUp() public virtual override {
        vm.warp(2_900 * 7 days); // a window and a day begin
        (token, manager, oracle, engine) = Deployer.core(_decimals());
        stack = Deployer.stack(address(token), address(engine), address(manager));
        exchange = Deployer.exchange(address(engine));
        Deployer.wire(engine, address(stack), address(exchange), address(manager));
        risk = IRiskEngine(engine.risk());
        (junior, senior) = (stack.junior(), stack.senior());
        _stake(junior, reserve, JUNIOR);
        _stake(senior, staker, SENIOR);

        pyth = new MockPyth(60, 0);
        _listAs(ETH, ETH_PRICE, 25, 1_500, VolatilityLimits(11_000, 17_000, 27_000, 43_000, 8_000));
        _listAs(ALT, ALT_PRICE, 50, 3_000, VolatilityLimits(15_000, 24_000, 38_000, 60_000, 12_000));
        (alice, bob, carol) = (_trader("alice"), _trader("bob"), _trader("carol"));
        (maker, keeper, mallory) = (_trader("maker"), _trader("keeper"), _trader("mallory"));
        _deposit(maker, 100_000_000);
        _minutes(2); // volatility has begun
    }

    /* SETTINGS: AS IN deploy/markets.ts */

    function _params() internal pure override returns (MarketParams memory p) {
        p = super._params();
        (p.initialBps, p.maintenanceBps, p.rampNotional) = (500, 310, 50_000_000);
        (p.takerFeePpm, p.makerRebatePpm) = (500, 100);
    }

    function _rules() internal pure override returns (MarketRules memory r) {
        r = super._rules();
        (r.interestRate, r.skewFactor, r.premiumRate) = (100_000, 1_000_000, 25_000);
    }

    function _thinParams() internal pure returns (MarketParams memory p) {
        p = _params();
        (p.initialBps, p.maintenanceBps, p.rampNotional) = (1_000, 620, 5_000_000);
    }

    function _thinRules() internal pure returns (MarketRules memory r) {
        r = _rules();
        (r.shockBps, r.stakeShareBps) = (6_000, 2_000);
    }

    function _listAs(uint8 m, uint64 price, uint16 edge, uint16 jump, VolatilityLimits memory limits) private {
        MockAggregator feed = new MockAggregator(8, int256(uint256(price)));
        feeds.push(feed);
        FeedConfig memory config = _feed(feed);
        (config.edgeBps, config.jumpBps) = (edge, jump);
        oracle.configure(m, config);
        oracle.configureSecond(m, SecondConfig(address(pyth), bytes32(uint256(m) + 1)));
        risk.setVolatilityLimits(m, limits);
        engine.setMarket(m, m == ETH ? _params() : _thinParams(), m == ETH ? _rules() : _thinRules());
    }

    /* VERBS */

    function _trader(string memory name) internal returns (uint256 id) {
        (address who, uint256 key) = makeAddrAndKey(name);
        keys[who] = key;
        id = uint256(uint160(who)) << 96;
        known.push(id);
    }

    /// @dev The attacker's next account.
    function _sub(uint256 usd) internal returns (uint256 id) {
        id = mallory + subs.length + 1;
        known.push(id);
        subs.push(id);
        _put(id, usd);
    }

    function _put(uint256 id, uint256 usd) internal {
        put += int256(usd);
        _deposit(id, usd);
    }

    /// @dev Two signed orders, the buyer takes.
    function _pair(uint8 m, uint256 long, uint256 short, uint256 lots, uint64 price) internal returns (Match memory) {
        Order memory buy = _order(m, long, int64(int256(lots)), price);
        Order memory sell = _order(m, short, -int64(int256(lots)), price);
        return Match(sell, buy, uint56(lots), _signed(sell), _signed(buy));
    }

    function _order(uint8 m, uint256 id, int64 lots, uint64 price) private returns (Order memory) {
        return Order(id, m, lots, price, uint32(vm.getBlockTimestamp()), ++sequence, 0);
    }

    function _signed(Order memory order) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[_owner(order.account)], exchange.orderHash(order));
        return abi.encodePacked(r, s, v);
    }

    /// @dev At the mark.
    function _swap(uint8 m, uint256 long, uint256 short, uint256 lots) internal {
        exchange.settle(_pair(m, long, short, lots, engine.markets(m).price));
    }

    function _stake(IBackstopPool tranche, address who, uint256 usd) internal {
        token.mint(who, usd * 1e6);
        vm.startPrank(who);
        token.approve(address(tranche), usd * 1e6);
        tranche.deposit(usd * 1e6, who);
        vm.stopPrank();
    }

    function _requestAll(IBackstopPool tranche, address who) internal {
        uint256 shares = tranche.balanceOf(who);
        vm.prank(who);
        tranche.requestRedeem(shares, who, who);
    }

    /// @dev The feed's next answer, dated now; nobody has synced yet.
    function _answer(uint8 m, uint64 price) internal {
        feeds[m].setAnswer(int256(uint256(price)));
    }

    /// @dev Somebody brings what the second source says now.
    function _second(uint8 m, uint64 price) internal {
        bytes[] memory updates = new bytes[](1);
        uint64 time = uint64(vm.getBlockTimestamp());
        int64 mantissa = int64(price);
        bytes32 id = bytes32(uint256(m) + 1);
        updates[0] = pyth.createPriceFeedUpdateData(id, mantissa, 0, -8, mantissa, 0, time, time - 1);
        oracle.updateSecond(m, updates);
    }

    function _syncAll() internal {
        engine.sync(ETH);
        engine.sync(ALT);
    }

    /// @dev Whole minutes in which nothing happens but the keeper's syncs.
    function _minutes(uint256 n) internal {
        for (uint256 i; i < n; ++i) {
            _warp(60);
            _syncAll();
        }
    }

    /// @dev The attacker opens `lots` against himself, in pairs of accounts, and leaves the plain initial margin behind. What the open
    /// interest asks for on top he needs in the block of the fill alone, for one pair, and may be lent it.
    function _wash(uint8 m, uint256 lots, uint256 pairs) internal {
        for (uint256 i; i < pairs; ++i) {
            uint256 margin = (lots * engine.markets(m).price * 103) / (100 * pairs) / USD;
            (uint256 long, uint256 short) = (_sub(margin), _sub(margin));
            _swap(m, long, short, lots / pairs);
            _withdrawFree(long, m);
            _withdrawFree(short, m);
        }
    }

    /// @dev The attacker takes out what initial margin without the factors of open interest and level leaves.
    function _withdrawFree(uint256 id, uint8 m) internal {
        _withdrawTo(id, _plainInitial(id, m));
    }

    /// @dev The attacker takes out what is above `margin` {u}, as far as it is cash.
    function _withdrawTo(uint256 id, uint256 margin) internal {
        int256 most = engine.health(id, Valuation.UNFAVOURABLE).capped - int256(margin);
        int256 cash = engine.accounts(id).cash;
        if (cash < most) most = cash;
        if (most < int256(USD)) return;
        put -= most / int256(USD);
        vm.prank(_owner(id));
        engine.withdraw(id, (uint256(most) / USD) * 1e6, 0, _owner(id));
    }

    /// @dev {u} initial margin of a position in `m` alone: eq. (9)
    function _plainInitial(uint256 id, uint8 m) internal view returns (uint256) {
        int256 lots = engine.positions(id, m).lots;
        uint256 notional = uint256(lots < 0 ? -lots : lots) * engine.markets(m).price;
        MarketParams memory p = engine.marketParams(m);
        uint256 rate = uint256(p.initialBps) * 1e14 + (notional * 1e6) / p.rampNotional + 1;
        return (notional * rate) / 1e18 + 1;
    }

    /* FIGURES */

    function _level(uint8 m) internal view returns (uint256) {
        return engine.markets(m).level;
    }

    /// @dev {USD} what the attacker has won so far, rounded toward zero
    function _gain() internal view returns (int256) {
        int256 sum = _equity(mallory) - put * int256(USD);
        for (uint256 i; i < subs.length; ++i) sum += _equity(subs[i]);
        return _usd(sum);
    }

    /// @dev {USD} of {u}, rounded toward zero
    function _usd(int256 amount) internal pure returns (int256) {
        return amount / int256(USD);
    }

    /// @dev {token} on the books of both tranches
    function _booked() internal view returns (uint256) {
        return junior.bookedAssets() + senior.bookedAssets();
    }

    /// @dev {lot} most open interest at level 0
    function _capOf(uint8 m) internal view returns (uint256) {
        return engine.markets(m).openInterestCap;
    }

    /// @dev {u} with the factors of open interest and level: what new risk is held to
    function _initial(uint256 id) internal view returns (uint256) {
        return engine.health(id, Valuation.UNFAVOURABLE).initial;
    }
}
