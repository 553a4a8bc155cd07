// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {BackstopAMM} from "../../../contracts/BackstopAMM.sol";
import {BackstopPool} from "../../../contracts/BackstopPool.sol";
import {Account, Market, Position} from "../../../contracts/interfaces/IMarginEngine.sol";
import {MarginEngine} from "../../../contracts/MarginEngine.sol";
import {EffectChecks} from "./EffectChecks.sol";
import {EngineHandler} from "./EngineHandler.sol";
import {RawLedger} from "./RawLedger.sol";
import {Tally} from "./Tally.sol";

/// @title LedgerChecks
/// @notice The equalities of docs/invariants.md over every account that exists.
abstract contract LedgerChecks is EffectChecks {
    uint256[71] private reached; // by {Tally}, in all sequences played

    struct Sums {
        MarginEngine engine;
        Sides[] sides;
        int256 cash; // {u}
        int256 quote; // {u}
        int256 equity; // {u}
        int256 reserves; // {u} buckets less deficits
        uint256 deficits; // {u}
        uint256 deficitMarkets; // bits; 64 is the engine itself
    }

    struct Sides {
        Market market;
        int256 sum; // {lot}
        uint256 longs; // {lot}
        uint256 shorts; // {lot}
    }

    /// @dev One action of a sequence that once failed.
    function _act(EngineHandler handler, bytes4 action, uint256 seed) internal {
        (bool ok, bytes memory result) = address(handler).call(abi.encodeWithSelector(action, seed));
        if (!ok) assertTrue(ok, vm.toString(result));
        _assertAll(handler);
    }

    /// @dev A fixed sequence of actions and choices drawn from `entropy`.
    function _play(EngineHandler handler, uint256 length, uint256 entropy) internal {
        bytes4[] memory actions = handler.actions();
        for (uint256 i; i < length; ++i) {
            entropy = uint256(keccak256(abi.encode(entropy)));
            (bool ok, bytes memory result) = address(handler).call(
                abi.encodeWithSelector(actions[entropy % actions.length], entropy)
            );
            if (!ok) assertTrue(ok, string.concat("call ", vm.toString(i), ": ", vm.toString(result)));
            if (i % 10 == 0) _assertAll(handler);
        }
        _assertAll(handler);
        for (uint256 k; k < reached.length; ++k) reached[k] += handler.tally(Tally(k));
    }

    /// @dev The message lists all counts in the order of {Tally}.
    function _assertReached(Tally kind) internal view {
        string memory counts;
        for (uint256 k; k < reached.length; ++k) counts = string.concat(counts, " ", vm.toString(reached[k]));
        assertGt(reached[uint256(kind)], 0, string.concat("never: ", vm.toString(uint256(kind)), " of", counts));
    }

    function _assertAll(EngineHandler handler) internal {
        vm.warp(handler.clock());
        _assertLedger(handler);
        _assertPool(handler, handler.pool());
        _assertEffects(handler);
        for (uint8 m; m < handler.marketCount(); ++m) _assertAmm(handler, m);
    }

    function _assertLedger(EngineHandler handler) private view {
        Sums memory sums;
        MarginEngine engine = handler.engine();
        sums.engine = engine;
        sums.sides = new Sides[](handler.marketCount());
        for (uint8 m; m < sums.sides.length; ++m) _readMarket(sums, handler, m);
        _readDeficit(sums, handler, 64);
        uint256 count = handler.accountCount();
        for (uint256 i; i < count; ++i) _addAccount(sums, handler.accounts(i));
        _assertSums(sums);
        _assertFlags(engine, sums.deficitMarkets);

        uint256 balance = engine.internalBalance();
        uint256 held = handler.token().balanceOf(address(engine));
        assertEq(int256(held), int256(balance) + handler.surplus(), "I4: tokens held are the balance and donations");
        assertGe(handler.surplus(), 0, "I4: the ledger promises no token that it has not got");
        assertEq(balance, handler.tokensIn() - handler.tokensOut(), "I4: the balance is what came less what went");
    }

    function _readMarket(Sums memory sums, EngineHandler handler, uint8 m) private view {
        Market memory market = sums.engine.markets(m);
        sums.sides[m].market = market;
        sums.reserves += int256(uint256(market.bucket));
        _readDeficit(sums, handler, m);
    }

    function _readDeficit(Sums memory sums, EngineHandler handler, uint8 m) private view {
        uint256 deficit = sums.engine.deficit(m);
        assertEq(deficit, handler.deficits(m), "EN-2: a deficit is what was raised less what was reduced");
        sums.reserves -= int256(deficit);
        sums.deficits += deficit;
        if (deficit != 0) sums.deficitMarkets |= 1 << m;
    }

    function _assertSums(Sums memory sums) private view {
        int256 sideTerm; // {u} SUM OI (F_S - F_L)
        for (uint256 m; m < sums.sides.length; ++m) {
            Sides memory side = sums.sides[m];
            Market memory market = side.market;
            assertEq(side.sum, 0, "I1: lots of a market sum to zero");
            assertEq(side.longs, market.openInterest, "I1: longs are the open interest");
            assertEq(side.shorts, market.openInterest, "I1: shorts are the open interest");
            int256 gap = int256(market.indexShort) - market.indexLong;
            sideTerm += int256(uint256(market.openInterest)) * gap;
        }
        int256 backed = int256(sums.engine.internalBalance() * sums.engine.tokenUnit());
        int256 ledger = sums.cash + sums.quote + sideTerm + sums.reserves;
        assertEq(ledger, backed, "I2: cash, quote and indices sum to the balance");
        assertEq(sums.equity + sums.reserves, backed, "I3: equity sums to the balance");
        assertEq(sums.engine.totalDeficit(), sums.deficits, "EN-2: the total is the sum of the deficits");
    }

    function _addAccount(Sums memory sums, uint256 id) private view {
        Account memory account = RawLedger.account(address(sums.engine), id);
        sums.cash += account.cash;
        sums.equity += account.cash;
        for (uint8 m; m < sums.sides.length; ++m) {
            Position memory position = RawLedger.position(address(sums.engine), id, m);
            assertEq((account.markets >> m) & 1 != 0, position.lots != 0, "EN-1: a bit for each position");
            if (position.lots == 0) assertEq(position.quote, 0, "EN-1: no quote without lots");
            else _addPosition(sums, sums.sides[m], position);
        }
        assertEq(account.markets >> sums.sides.length, 0, "EN-1: no bit of a market that is not listed");
        if (account.markets == 0 && id >> 96 != 0) assertGe(account.cash, 0, "EN-1: nobody owes without a position");
    }

    function _addPosition(Sums memory sums, Sides memory side, Position memory position) private pure {
        int256 lots = position.lots;
        sums.quote += position.quote;
        sums.equity += _value(side.market, position);
        side.sum += lots;
        if (lots > 0) side.longs += uint256(lots);
        else side.shorts += uint256(-lots);
    }

    /// @dev {u} Q + b (P - F)
    function _value(Market memory market, Position memory position) private pure returns (int256) {
        int256 lots = position.lots;
        int256 index = lots > 0 ? market.indexLong : market.indexShort;
        return position.quote + lots * (int256(uint256(market.price)) - index);
    }

    function _assertFlags(MarginEngine engine, uint256 deficitMarkets) private view {
        uint256 balances = RawLedger.load(address(engine), RawLedger.BALANCE_SLOT);
        assertEq(uint128(balances), engine.internalBalance(), "the engine's layout has changed");
        assertEq(balances >> 128, engine.totalDeficit(), "the engine's layout has changed");
        uint256 flags = RawLedger.load(address(engine), RawLedger.FLAGS_SLOT);
        assertEq(address(uint160(flags)), engine.exchange(), "the engine's layout has changed");
        assertEq((flags >> 224) & 0xff != 0, deficitMarkets != 0, "EN-2: a flag for any deficit");
        uint256 word = RawLedger.load(address(engine), RawLedger.POOL_SLOT);
        assertEq(address(uint160(word)), engine.stack(), "the engine's layout has changed");
        assertEq(uint72(word >> 160), deficitMarkets, "EN-2: a bit for each deficit");
    }

    function _assertPool(EngineHandler handler, BackstopPool pool) private view {
        uint256 rescalings = pool.rescalings(); // each rounds the shares of everybody and of every request down
        uint256 sum = pool.balanceOf(address(pool));
        assertApproxEqAbs(
            sum,
            handler.queued(),
            rescalings * 128,
            "BP-4: shares held by the pool are those of requests"
        );
        for (uint256 i; i < handler.STAKERS(); ++i) sum += pool.balanceOf(handler.stakers(i));
        assertApproxEqAbs(pool.totalSupply(), sum, rescalings * 5, "BP-3: the supply is the sum of the balances");
        assertGe(pool.totalSupply(), sum, "BP-3: the supply is the sum of the balances");
        assertEq(
            handler.token().balanceOf(address(pool)),
            pool.bookedAssets() + handler.poolDonations(),
            "BP-1: tokens held are tracked assets and donations"
        );
    }

    /// @dev The AMM holds nothing; shares are somebody's; the pool's position is what was moved to it.
    function _assertAmm(EngineHandler handler, uint8 m) private view {
        BackstopAMM amm = handler.amm();
        assertEq(handler.token().balanceOf(address(amm)), 0, "AM-6: the AMM holds no token");
        for (uint256 epoch; epoch <= amm.curves(m).epoch; ++epoch) {
            uint256 id = (epoch << 8) | m;
            uint256 sum = amm.balanceOf(address(1), id);
            for (uint256 i; i < handler.OWNERS(); ++i) sum += amm.balanceOf(_ownerAt(handler, 2 * i), id);
            assertEq(amm.totalSupply(id), sum, "AM-5: the supply of an epoch is the sum of its balances");
        }
        assertEq(
            RawLedger.position(address(handler.engine()), m, m).lots,
            handler.poolLots(m),
            "AM-6: the pool's position is what takeovers, bands, auction and settlements moved"
        );
    }

    function _ownerAt(EngineHandler handler, uint256 i) private view returns (address) {
        return address(uint160(handler.accounts(i) >> 96));
    }
}
