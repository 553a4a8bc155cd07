// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IMarginEngine, Inventory, InventoryCap, MarketStatus} from "../../../contracts/interfaces/IMarginEngine.sol";
import {KeeperActions} from "./KeeperActions.sol";
import {RawLedger} from "./RawLedger.sol";
import {Tally} from "./Tally.sol";

/// @title DeleverageActions
/// @notice Inventory caps, deleveraging and its settlement, claims, and tokens that the engine loses.
abstract contract DeleverageActions is KeeperActions {
    struct Before {
        bool isLong; // the side that is closed
        uint256 others; // {lot} of it
        int256 mark; // {u/lot} shifted
        int256 equity; // {u} of the inventory
        uint256[] lots; // {lot} of each user on that side
        int256[] equities; // {u} of each user
    }

    struct Range {
        bool isSet;
        int256 low; // {u/lot}
        int256 high; // {u/lot}
    }

    uint8 private constant DEAREST = 1; // the market with the dearest lot: there a small pool's cap is no lot at all

    mapping(uint8 market => mapping(bool isLong => Range)) private ranges; // of all records

    /* DELEVERAGING */

    function setCap(uint256 seed) external act(seed) {
        _setCap(_pickMarket(), _pickLog(1, 1e12));
    }

    function deleverage(uint256 seed) external act(seed) {
        _redateAll();
        _deleverage(_inventoryMarket());
    }

    /// @notice Lowers the cap below what the pool holds, sometimes to a lot or less, and closes the rest.
    function squeeze(uint256 seed) external act(seed) {
        _redateAll();
        uint8 m = _inventoryMarket();
        uint256 held = _abs(engine.inventory(m).lots);
        if (held < 2) return;
        _setCap(m, _pick(0, 1) == 0 ? 1 : _pick(1, held - 1));
        _deleverage(m);
    }

    /// @notice Those on the side of the inventory lose all; then the price comes back, and the others are closed below zero.
    function whiplash(uint256 seed) external act(seed) {
        _redateAll();
        uint8 m = _pick(0, 2) == 0 || _isStopped(DEAREST) ? _busyMarket() : DEAREST;
        if (_isStopped(m)) return;
        int256 held = engine.inventory(m).lots;
        bool up = held == 0 ? _pick(0, 1) == 0 : held < 0;
        _move(m, up ? 40_000 : 2_000);
        _redateAll();
        _takeOverShort(holders);
        _move(m, up ? 1_500 : 75_000);
        _setCap(m, 1);
        _deleverage(m);
        uint256 from = _pick(0, USERS - 1);
        for (uint256 i; i < holders; ++i) _settleOne(_holderAt(from, i));
    }

    function settle(uint256 seed) external act(seed) {
        uint256 from = _pick(0, USERS - 1);
        uint256 id = accounts[from];
        for (uint256 i; i < holders; ++i) {
            if (!_owes(_holderAt(from, i))) continue;
            id = _holderAt(from, i);
            break;
        }
        _settleOne(id);
    }

    function _setCap(uint8 m, uint256 lots) private {
        engine.setInventoryCap(m, InventoryCap(uint56(lots), lots == 1 ? 500 : uint16(_pick(500, 5000))));
        _count(Tally.CAP_SET);
    }

    function _deleverage(uint8 m) private {
        _sync(m);
        Inventory memory held = engine.inventory(m);
        Before memory before = _before(m, held);
        _flush();
        try engine.deleverage(m) returns (uint256 lots) {
            _noteRange(m, before);
            Inventory memory left = engine.inventory(m);
            uint256 above = _abs(held.lots) - held.cap;
            assertEq(lots, above < before.others ? above : before.others, "DL-1: what is above the cap is closed");
            assertEq(_abs(left.lots), _abs(held.lots) - lots, "DL-1: the inventory falls by what is closed");
            assertEq(left.equity, held.equity, "DL-1: at the mark: the inventory's equity stays");
            for (uint256 i; i < holders; ++i) _assertClosed(m, accounts[i], before, lots, i);
        } catch (bytes memory reason) {
            _refuse(reason);
        }
    }

    function _before(uint8 m, Inventory memory held) private returns (Before memory b) {
        b.isLong = held.lots < 0;
        b.others = _othersLots(m, b.isLong);
        b.mark = int256(uint256(engine.markets(m).price));
        b.mark -= b.isLong ? engine.markets(m).indexLong : engine.markets(m).indexShort;
        b.lots = new uint256[](holders);
        b.equities = new int256[](holders);
        for (uint256 i; i < holders; ++i) {
            int256 lots = engine.positions(accounts[i], m).lots;
            b.equities[i] = _equity(accounts[i]);
            if (lots == 0 || lots > 0 != b.isLong) continue;
            b.lots[i] = _abs(lots);
            _touch(accounts[i]);
        }
    }

    function _noteRange(uint8 m, Before memory before) private {
        Range storage range = ranges[m][before.isLong];
        if (!range.isSet || before.mark < range.low) range.low = before.mark;
        if (!range.isSet || before.mark > range.high) range.high = before.mark;
        range.isSet = true;
    }

    /// @dev Every position falls by the same fraction, to less than a lot, and is worth what it was, to less than what a lot moved.
    function _assertClosed(uint8 m, uint256 id, Before memory before, uint256 lots, uint256 i) private view {
        uint256 size = before.lots[i];
        uint256 left = _abs(engine.positions(id, m).lots);
        int256 change = _equity(id) - before.equities[i];
        if (size == 0) {
            assertEq(change, 0, "DL-2: nobody else is closed");
            return;
        }
        uint256 slack = before.others + ((size * before.others) >> 44) + 1; // {lot} * others: a part of a lot, and what K rounds
        uint256 fair = size * (before.others - lots); // {lot} * others
        assertLe(left, size, "DL-2: closing raises no position");
        assertLe(left * before.others, fair + slack, "DL-2: every position by the same fraction");
        assertGe(left * before.others + slack, fair, "DL-2: no position by more than that fraction");

        if (engine.accounts(id).markets == 0) return; // what it may owe is a shortfall by then
        Range memory range = ranges[m][before.isLong];
        uint256 stored = _abs(RawLedger.position(address(engine), id, m).lots); // at most a unit a lot of mean price
        uint256 bound = 2 * (1 + (size >> 44)) * uint256(range.high - range.low) + 2 * stored;
        assertLe(_abs(change), bound, "DL-2: at the mark: equity stays but for a part of a lot");
    }

    function _owes(uint256 id) private view returns (bool) {
        for (uint8 m; m < marketCount; ++m) {
            if (RawLedger.position(address(engine), id, m).lots != engine.positions(id, m).lots) return true;
        }
        return false;
    }

    function _abs(int256 x) private pure returns (uint256) {
        return uint256(x < 0 ? -x : x);
    }

    /* CLAIMS */

    function collectClaim(uint256 seed) external act(seed) {
        uint256 from = _pick(0, USERS - 1);
        uint256 id = accounts[from];
        for (uint256 i; i < USERS && RawLedger.claim(address(engine), id) == 0; ++i) {
            id = accounts[(from + i) % USERS];
        }
        uint256 left = engine.claims(id);
        uint256 due = RawLedger.claim(address(engine), id) - left;
        if (due == 0) {
            vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NoClaim.selector, id));
            engine.collectClaim(id);
            return;
        }
        int256 cash = engine.accounts(id).cash;
        _touch(id);

        uint256 amount = engine.collectClaim(id);

        assertEq(amount, due, "CL-2: a claim pays what the view says is not owed any more");
        assertEq(engine.accounts(id).cash, cash + int256(amount), "CL-2: a claim pays exactly");
        assertEq(RawLedger.claim(address(engine), id), left, "CL-2: collecting changes nothing that is owed");
        assertEq(engine.claims(id), left, "CL-2: nothing is collected twice");
        _count(Tally.CLAIM_COLLECTED);
    }

    /* THE ENGINE'S OWN LOSS */

    /// @notice The engine loses tokens, whatever the cause; the pool pays a part, the rest is everybody's.
    function breakEngine(uint256 seed) external act(seed) {
        uint256 balance = engine.internalBalance();
        if (balance < 100) return;
        uint256 shortfall = _pick(0, 1) == 0 ? _pickLog(1, balance / 50) : _pick(balance / 50, balance / 5);
        uint256 lost = shortfall + uint256(surplus);
        surplus -= int256(lost);
        vm.prank(address(engine));
        IERC20(token).transfer(address(0xdead), lost);
        _flush();
        if (_pick(0, 3) == 0) _assertDepositRefused(balance - shortfall, balance);
        uint256 stake = _capital();
        uint256 deficit = engine.totalDeficit();

        engine.coverEngine();

        uint256 paid = stake - _capital();
        _digest();
        uint256 left = shortfall - paid;
        assertEq(engine.internalBalance(), balance - left, "DF-1: what is missing leaves the balance");
        assertEq(engine.totalDeficit(), deficit + left * unit, "DF-1: and becomes the engine's deficit");
        assertEq(surplus, 0, "DF-1: the ledger books what it holds");
        _count(Tally.ENGINE_COVERED);
        if (left != 0) _count(Tally.ENGINE_DEFICIT_RAISED);
    }

    /// @notice Some or all of what the engine lost comes back. What nobody has booked repays deficits and claims.
    function repayEngine(uint256 seed) external act(seed) {
        uint256 missing = (engine.totalClaims() + engine.totalDeficit()) / unit;
        if (missing != 0 && _pick(0, 3) != 0) _giveBack(_pick(0, 1) == 0 ? missing : _pick(1, missing));
        _repayEngine();
    }

    /// @notice A better day: everything owed comes back, stakers return, prices are calm. Another crisis may follow.
    function recover(uint256 seed) external act(seed) {
        _wait(_maxWait());
        _redateAll();
        uint256 missing = (engine.totalClaims() + engine.totalDeficit()) / unit;
        if (missing != 0) {
            _giveBack(missing + 1);
            _repayEngine();
        }
        address staker = stakers[_pick(0, STAKERS - 1)];
        if (pool.totalAssets() < stakeEach && pool.maxDeposit(staker) > stakeEach) _stake(staker, stakeEach);
        for (uint8 m; m < marketCount; ++m) {
            if (engine.markets(m).status == MarketStatus.REDUCE_ONLY) engine.setStatus(m, MarketStatus.ACTIVE);
            _sync(m);
        }
    }

    function _giveBack(uint256 amount) private {
        token.mint(address(engine), amount);
        surplus += int256(amount);
    }

    function _repayEngine() private {
        (uint256 balance, uint256 spare) = (engine.internalBalance(), uint256(surplus));
        uint256 claims = engine.totalClaims();
        uint256 owed = claims + engine.totalDeficit();
        uint256 repaid = spare < owed / unit ? spare : owed / unit;
        uint256 returned = spare - repaid < stack.unrepaid() ? spare - repaid : stack.unrepaid();
        if (repaid + returned == 0) {
            vm.expectRevert(abi.encodeWithSelector(IMarginEngine.EngineBacked.selector, balance + spare, balance));
            engine.coverEngine();
            return;
        }
        _flush();
        engine.coverEngine();
        Layers memory sum = _digest();
        assertEq(engine.internalBalance(), balance + repaid, "DF-1: tokens beyond the balance join it");
        assertEq(uint256(surplus), spare - repaid - returned, "DF-1: and no more than is owed, to stakers at last");
        if (repaid == 0) return;
        assertEq(sum.toClaims, Math.mulDiv(repaid * unit, claims, owed), "CL-3: they are split in proportion");
        assertEq(sum.toClaims + sum.reduced, repaid * unit, "CL-3: and repay as much to the unit");
        _count(Tally.ENGINE_DEFICIT_REPAID);
    }

    function _assertDepositRefused(uint256 held, uint256 balance) private {
        uint256 id = accounts[0];
        if (engine.accounts(id).unhealthySince != 0) return; // the deposit would look at it first
        token.mint(address(this), 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.TokenShort.selector, held + 1, balance + 1));
        engine.deposit(id, 1);
        vm.getRecordedLogs(); // what it logged never happened
    }
}
