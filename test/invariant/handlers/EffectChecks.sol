// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {TestBase} from "forge-std/Base.sol";
import {StdAssertions} from "forge-std/StdAssertions.sol";
import {
    Account,
    Health,
    Inventory,
    Market,
    Position,
    Side,
    Valuation
} from "../../../contracts/interfaces/IMarginEngine.sol";
import {MarginEngine} from "../../../contracts/MarginEngine.sol";
import {EngineHandler} from "./EngineHandler.sol";
import {LedgerLib} from "../../../contracts/libraries/LedgerLib.sol";
import {RawLedger} from "./RawLedger.sol";

/// @title EffectChecks
/// @notice What has been recorded and not been settled or collected yet: pending lots, claims, and the views that show them.
abstract contract EffectChecks is TestBase, StdAssertions {
    struct Owed {
        uint256 lots; // {lot} that settling would close
        uint256 held; // {lot} stored with users
        uint256 holders;
    }

    function _assertEffects(EngineHandler handler) internal {
        MarginEngine engine = handler.engine();
        for (uint8 m; m < handler.marketCount(); ++m) {
            _assertPending(handler, engine, m, true);
            _assertPending(handler, engine, m, false);
        }
        _assertClaims(handler, engine);

        uint256 snapshot = vm.snapshotState();
        uint256 users = handler.holders();
        uint256 calls = handler.calls();
        _assertSettled(handler, engine, handler.accounts(calls % users));
        if (calls % 16 == 0) {
            for (uint256 i; i < users; ++i) _assertSettled(handler, engine, handler.accounts(i));
        }
        assertTrue(vm.revertToStateAndDelete(snapshot));
    }

    /// @dev SUM of what accounts owe <= pending < that SUM + a lot an account + what closed positions dropped.
    function _assertPending(EngineHandler handler, MarginEngine engine, uint8 m, bool isLong) private view {
        Side memory side = engine.sides(m, isLong);
        Owed memory owed;
        for (uint256 i; i < handler.holders(); ++i) _addOwed(owed, engine, handler.accounts(i), m, isLong);
        Market memory market = engine.markets(m);
        int256 own = RawLedger.position(address(engine), m, m).lots;
        if (!isLong) own = -own;
        assertEq(owed.held + (own > 0 ? uint256(own) : 0), market.openInterest, "I1: the side is open interest");
        assertLe(owed.lots, side.pending, "DL-5: nobody owes more than what is pending");
        uint256 rounded = (handler.acts(m, isLong) * market.openInterest) >> 44; // {lot} K up, checkpoints down
        assertLe(
            side.pending,
            owed.lots + owed.holders + handler.dropped(m, isLong) + rounded,
            "DL-5: what is pending is owed, but for less than a lot an account"
        );
        if (side.pending == 0) assertEq(side.pendingQuote, 0, "DL-5: no quote without pending lots");
    }

    function _addOwed(Owed memory owed, MarginEngine engine, uint256 id, uint8 m, bool isLong) private view {
        int256 lots = RawLedger.position(address(engine), id, m).lots;
        if (lots == 0 || lots > 0 != isLong) return;
        int256 shown = engine.positions(id, m).lots;
        assertTrue(shown == 0 || shown > 0 == isLong, "DL-5: settling turns nobody round");
        (lots, shown) = isLong ? (lots, shown) : (-lots, -shown);
        assertLe(shown, lots, "DL-5: settling raises no position");
        owed.lots += uint256(lots - shown);
        owed.held += uint256(lots);
        ++owed.holders;
    }

    /// @dev Stored claims are what is owed and what is paid and not collected.
    function _assertClaims(EngineHandler handler, MarginEngine engine) private view {
        uint256 stored;
        uint256 owed;
        for (uint256 i; i < handler.holders(); ++i) {
            uint256 id = handler.accounts(i);
            uint256 claim = RawLedger.claim(address(engine), id);
            uint256 left = engine.claims(id);
            assertLe(left, claim, "CL-1: nothing adds to a claim but a haircut");
            stored += claim;
            owed += left;
        }
        int256 cash = RawLedger.account(address(engine), LedgerLib.CLAIMS).cash;
        assertEq(engine.totalClaims(), handler.claimsLeft(), "CL-1: claims are what was withheld less what was paid");
        assertEq(cash, handler.claimsCash(), "CL-1: CLAIMS holds what was paid and not collected");
        assertEq(
            int256(stored),
            int256(handler.claimsLeft()) + handler.claimsCash(),
            "CL-1: a claim is owed or paid, never both"
        );
        // but for the 2^-64 of a claim that a claim three epochs old is given
        assertGe(owed + (stored >> 64), handler.claimsLeft(), "CL-1: CLAIMS holds what can be collected");
    }

    /// @dev Views, then the same after `settle`.
    function _assertSettled(EngineHandler handler, MarginEngine engine, uint256 id) private {
        Account memory account = engine.accounts(id);
        Health[] memory healths = new Health[](3);
        for (uint256 v; v < 3; ++v) healths[v] = engine.health(id, Valuation(v));
        uint256 count = handler.marketCount();
        Position[] memory positions = new Position[](count);
        Inventory[] memory inventories = new Inventory[](count);
        for (uint8 m; m < count; ++m) {
            positions[m] = engine.positions(id, m);
            inventories[m] = engine.inventory(m);
        }
        bool[] memory isExact = _isExact(engine, id, count);

        engine.settle(id);

        for (uint8 m; m < count; ++m) {
            Position memory stored = RawLedger.position(address(engine), id, m);
            assertEq(abi.encode(stored), abi.encode(positions[m]), "DL-3: a position's view is what settling stores");
            if (!isExact[m]) continue;
            assertEq(engine.inventory(m).lots, inventories[m].lots, "DL-3: settling moves no lot of the pool");
            assertEq(engine.inventory(m).equity, inventories[m].equity, "DL-3: settling moves no equity of the pool");
        }
        bytes memory now_ = abi.encode(RawLedger.account(address(engine), id));
        assertEq(now_, abi.encode(account), "DL-3: an account's view is what settling stores");
        for (uint256 v; v < 3; ++v) {
            assertEq(
                engine.health(id, Valuation(v)).equity,
                healths[v].equity,
                "DL-3: equity is the same before and after settling"
            );
        }
    }

    /// @dev Whether what is pending of a market is owed to the last lot: else parts of lots that nobody owes go when it is settled.
    function _isExact(MarginEngine engine, uint256 id, uint256 count) private view returns (bool[] memory isExact) {
        isExact = new bool[](count);
        // an emptied account may be a shortfall, and a loss share falls on the inventory too
        if (engine.accounts(id).markets == 0) return isExact;
        for (uint8 m; m < count; ++m) {
            int256 stored = RawLedger.position(address(engine), id, m).lots;
            int256 left = engine.positions(id, m).lots;
            bool isLong = stored > 0;
            int256 own = RawLedger.position(address(engine), m, m).lots;
            if (!isLong) (own, stored, left) = (-own, -stored, -left);
            // {lot} with others once this account is settled: the rest of what is pending must fit into it
            int256 held = int256(uint256(engine.markets(m).openInterest)) - (own > 0 ? own : int256(0));
            int256 pending = int256(uint256(engine.sides(m, isLong).pending));
            // the last to settle ends what the mean prices of the others have rounded off
            bool isLast = pending != 0 && pending <= stored - left;
            isExact[m] = held >= pending && held != stored - left && !isLast;
        }
    }
}
