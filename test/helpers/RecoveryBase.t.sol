// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {InventoryCap, Market, MarketParams, Position} from "../../contracts/interfaces/IMarginEngine.sol";
import {EngineBase} from "./EngineBase.t.sol";

/// @notice What tests of losses, deleveraging, claims and wind-down share: sums over every account there is, with everybody settled.
abstract contract RecoveryBase is EngineBase {
    uint256 internal constant CLAIMS = 65;
    uint8 internal constant ENGINE = 64;

    address internal friend = makeAddr("friend");

    /// @dev The feeds have stood long enough for a market to be wound down.
    function setUp() public virtual override {
        super.setUp();
        _warp(15 days);
        for (uint8 m; m < feeds.length; ++m) {
            engine.sync(m);
        }
    }

    function _settleEverybody() internal {
        for (uint256 i; i < known.length; ++i) {
            engine.settle(known[i]);
        }
    }

    /// @dev I1 to I4 as equalities once everybody is settled, which leaves no trace.
    function _assertWhole() internal {
        uint256 snapshot = vm.snapshotState();
        _settleEverybody();
        _assertSums();
        vm.revertToState(snapshot);
    }

    /// @dev I1 to I4 with claims and the deficit of the engine itself; stored and shown positions are the same here.
    function _assertSums() private view {
        int256 equities = _cash(FEES) + _cash(CLAIMS) - int256(engine.deficit(ENGINE));
        int256 rest = equities;
        for (uint8 m; m < feeds.length; ++m) {
            Market memory market = engine.markets(m);
            int256 layers = int256(uint256(market.bucket)) - int256(engine.deficit(m));
            equities += layers + _equity(m);
            rest += layers + _cash(m) + _sideSums(m, market);
        }
        for (uint256 i; i < known.length; ++i) {
            equities += _equity(known[i]);
            rest += _cash(known[i]);
        }
        int256 held = int256(engine.internalBalance() * engine.tokenUnit());
        assertEq(rest, held, "I2: cash and quote sum to the balance");
        assertEq(equities, held, "I3: equities sum to the balance");
        assertGe(token.balanceOf(address(engine)), engine.internalBalance(), "I4: tokens cover the balance");
    }

    /// @dev {u} of the quotes of one market and what its indices are worth
    function _sideSums(uint8 m, Market memory market) private view returns (int256 quotes) {
        int256 longs;
        int256 shorts;
        for (uint256 i; i <= known.length; ++i) {
            Position memory p = engine.positions(i == 0 ? m : known[i - 1], m);
            p.lots > 0 ? longs += p.lots : shorts -= p.lots;
            quotes += p.quote;
        }
        assertEq(longs, shorts, "I1: lots sum to zero");
        assertEq(longs, int256(uint256(market.openInterest)), "I1: longs are the open interest");
        quotes += longs * (int256(market.indexShort) - market.indexLong);
    }

    /// @dev Puts `usd` into the market's bucket by a trade at a fee of 1 %, and closes it again.
    function _fund(uint8 m, uint256 usd) internal {
        MarketParams memory p = _params();
        p.takerFeePpm = 10_000;
        uint256 payer = _account("payer");
        uint256 maker = _account("maker");
        _deposit(payer, 10_000_000);
        _deposit(maker, 10_000_000);
        engine.setMarket(m, p, engine.marketRules(m));
        uint256 before = engine.markets(m).bucket;
        uint56 lots = uint56((usd * 100 * USD) / engine.markets(m).price);
        _trade(m, payer, maker, lots);
        engine.setMarket(m, _params(), engine.marketRules(m));
        _trade(m, maker, payer, lots);
        assertEq(engine.markets(m).bucket, before + usd * USD);
    }

    function _cap(uint8 m, uint56 lots) internal {
        engine.setInventoryCap(m, InventoryCap(lots, 5000));
    }

    function _take(uint256 id, uint256 amount) internal returns (uint256) {
        vm.prank(_owner(id));
        return engine.withdraw(id, amount, 0, friend);
    }

    /// @dev Of two accounts one long and one short, whose margin does not matter.
    function _pair(uint8 m, string memory longName, string memory shortName, uint56 lots) internal {
        uint256 long = _account(longName);
        uint256 short = _account(shortName);
        _deposit(long, 1_000_000);
        _deposit(short, 1_000_000);
        _trade(m, long, short, lots);
    }
}
