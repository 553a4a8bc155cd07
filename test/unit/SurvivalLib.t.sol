// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Owed, Survival, SurvivalLib} from "../../contracts/libraries/SurvivalLib.sol";
import {BaseTest} from "../helpers/Base.t.sol";

/// @notice The library against a model that reduces every holding one by one, in 2^-96 lots.
contract SurvivalLibTest is BaseTest {
    using SurvivalLib for Owed;
    using SurvivalLib for Survival;

    struct Holding {
        uint256 size; // {lot} as stored
        Survival at;
        uint256 exact; // {2^-96 lot} what is left in truth
    }

    uint256 private constant ONE = 1 << 96;
    uint256 private constant TOLERANCE = 1 << 70; // {2^-96 lot} rounding of K and of the model: 2^-26 of a lot
    uint256 private constant START = 1 << 77;

    Survival private s;
    mapping(uint256 epoch => int256) private ends;
    Holding[] private holdings;
    uint256 private total; // {lot} what is not reduced

    function _open(uint256 size) private {
        holdings.push(Holding(size, s, size * ONE));
        total += size;
    }

    function _record(uint256 part, int256 price) private {
        s = s.reduce(ends, part, total, price);
        for (uint256 i; i < holdings.length; ++i) {
            holdings[i].exact = (holdings[i].exact * (total - part)) / total;
        }
        total -= part;
    }

    function _left(uint256 i) private view returns (uint256) {
        Holding memory h = holdings[i];
        return h.size - s.owed(ends, h.at).lotsDown(h.size);
    }

    function _settle(uint256 i) private {
        Holding memory h = holdings[i];
        Owed memory o = s.owed(ends, h.at);
        uint256 closed = o.lotsDown(h.size);
        if (closed == 0) return;
        if (closed == h.size)
            (holdings[i].at, holdings[i].exact) = (s, 0); // of less than a lot nobody is told
        else holdings[i].at = s.checkpoint(o, h.size, closed, h.size - closed);
        holdings[i].size = h.size - closed;
        _forgive(i);
    }

    /// @dev Of a last lot that is owed by more than half, a checkpoint can hold the half only.
    function _forgive(uint256 i) private {
        Holding memory h = holdings[i];
        if (h.at.product != 1 << 78) return;
        assertEq(h.size, 1);
        holdings[i].exact = (ONE * s.product) >> 78;
    }

    /// @dev Settles and then grows or shrinks to `size`.
    function _trade(uint256 i, uint256 size) private {
        _settle(i);
        Holding memory h = holdings[i];
        Owed memory o = s.owed(ends, h.at);
        holdings[i].at = h.size == 0 ? s : s.checkpoint(o, h.size, 0, size);
        holdings[i].size = size;
        if (h.size == 0) h.exact = 0; // what was owed of nothing
        holdings[i].exact = h.exact + size * ONE - h.size * ONE;
        total = total + size - h.size;
    }

    /// @dev Less than a lot is left with each that should not be, none of them has lost more than its part, and all together no
    /// more than was recorded.
    function _assertRight() private view {
        uint256 sum;
        uint256 early;
        for (uint256 i; i < holdings.length; ++i) {
            uint256 left = _left(i);
            sum += left;
            early += _closedEarly(i);
            assertLe(holdings[i].exact, left * ONE + TOLERANCE + _closedEarly(i), "more taken than recorded");
            assertLt(left * ONE, holdings[i].exact + ONE + TOLERANCE, "a lot escaped");
        }
        assertGe(sum * ONE + early, total * ONE);
        assertLe(sum, total + holdings.length);
    }

    /// @dev {2^-96 lot} what a holding three epochs old may lose by being closed in full
    function _closedEarly(uint256 i) private view returns (uint256) {
        Holding memory h = holdings[i];
        uint256 epoch = h.at.epoch == 0 ? 1 : h.at.epoch;
        return s.epoch > epoch + 2 ? (h.size * ONE) >> 64 : 0;
    }

    /* AGAINST THE MODEL */

    /// forge-config: default.fuzz.runs = 128
    function testFuzz_Model_RandomLife(uint256 seed) public {
        for (uint256 i; i < 5; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _open(100 + (seed % 1e9));
        }
        for (uint256 step; step < 60; ++step) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 i = (seed >> 8) % 5;
            uint256 kind = seed % 8;
            uint256 any = seed >> 128;
            if (kind < 2 && total > 1) _record(1 + (any % _min(total - 1, 3)), int256(any % 1e12));
            else if (kind < 4 && total > 1) _record(1 + (any % (total - 1)), int256(any % 1e12) - 5e11);
            else if (kind < 6) _settle(i);
            else if (kind == 6) _trade(i, 100 + (any % 1e9));
            else if (any % 8 == 0 && total != 0) _record(total, 1e10);
            _assertRight();
        }
    }

    function _min(uint256 x, uint256 y) private pure returns (uint256) {
        return x < y ? x : y;
    }

    function test_Model_ThousandsOfSmallRecords() public {
        _open(1_000_000);
        _open(333_333);
        _open(100);
        for (uint256 i; i < 4_000; ++i) {
            _record(1 + (i % 3), 1e10);
            if (i % 5 == 0) _settle(1); // often, mostly in vain
            if (i % 97 == 0) _assertRight();
        }
        _assertRight();
        assertEq(s.epoch, 1);
    }

    function testFuzz_Model_TradesBetweenRecordsEscapeNothing(uint256 seed, uint256 part) public {
        _open(1_000_000);
        _open(1_000_000);
        part = bound(part, 1, 20_000);
        for (uint256 i; i < 40; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _record(part, 1e10);
            uint256 now_ = _left(1);
            _trade(1, 100 + (seed % 3_000_000));
            _trade(1, _left(1) + now_ - holdings[1].size); // back to what it was
            assertApproxEqAbs(_left(0), _left(1), 2);
        }
        _assertRight();
    }

    /* SETTLING */

    function testFuzz_Settle_LeavesNothingWhole(uint256 size, uint256 rest, uint256 part) public {
        size = bound(size, 1, 1e12);
        _open(size);
        _open(bound(rest, 1, 1e12));
        _record(bound(part, 1, total), 1e10);
        _settle(0);
        uint256 after_ = holdings[0].size;
        assertEq(_left(0), after_, "a settled holding owes less than a lot");
        _settle(0);
        assertEq(holdings[0].size, after_);
        _assertRight();
    }

    function testFuzz_Settle_AfterOneRecordOrAThousandIsTheSame(uint256 a, uint256 b, uint256 part) public {
        a = bound(a, 1_000, 1e10);
        b = bound(b, 1_000, 1e10);
        part = bound(part, 1_000, a + b - 1);
        _open(a);
        _open(b);
        uint256 snapshot = vm.snapshotState();
        _record(part, 7e9);
        uint256 once = _left(0);
        vm.revertToState(snapshot);
        uint256 step = part / 1_000;
        for (uint256 i; i < 999; ++i) {
            _record(step, 7e9);
        }
        _record(part - 999 * step, 7e9);
        assertApproxEqAbs(_left(0), once, 1);
        assertEq(s.owed(ends, holdings[0].at).priceFloor(), 7e9);
        _assertRight();
    }

    function testFuzz_Split_GainsAtMostALotEach(uint256 rest, uint256 part) public {
        rest = bound(rest, 1, 1e9);
        uint256 count = 50;
        _open(rest);
        for (uint256 i; i < count; ++i) {
            _open(100);
        }
        _open(count * 100);
        _record(bound(part, 1, total), 1e10);
        uint256 whole = _left(count + 1);
        uint256 split;
        for (uint256 i = 1; i <= count; ++i) {
            split += _left(i);
        }
        assertGe(split, whole == 0 ? 0 : whole - 1);
        assertLe(split, whole + count);
        _assertRight();
    }

    /* EPOCHS */

    /// @dev Each round leaves one of 2^20 lots and fills up again: an epoch ends with the second, fourth ...
    function test_Epochs_RescaleKeepsWhatIsLeft() public {
        _open(1 << 40);
        for (uint256 i; i < 6; ++i) {
            _record(total - (total >> 20) - 1, int256(1e10 * (i + 1)));
            _assertRight();
            _open(1 << 40);
            _assertRight();
        }
        assertGe(s.epoch, 3);
        assertEq(_left(0), 0);
        assertEq(_left(6), 1 << 40);
        for (uint256 i; i < 6; ++i) {
            _settle(i);
        }
        _assertRight();
    }

    /// @dev All but one of 2^63, three times: K had fallen to 1, and two small records then closed a new holding in full.
    function test_Epochs_ARecordOfNearlyEverythingEndsAsManyAsItTakes() public {
        uint256 size = 1 << 63;
        for (uint256 i; i < 3; ++i) {
            s = s.reduce(ends, size - 1, size, 1e10);
            assertGe(s.product, 1 << 45);
        }
        Survival memory at = s;
        s = s.reduce(ends, size / 10, size, 2e10);
        s = s.reduce(ends, size / 10, size - size / 10, 4e10);
        Owed memory o = s.owed(ends, at);
        assertApproxEqAbs(o.lotsDown(size), 2 * (size / 10), 1 << 20); // of 2^60
        assertLe(o.lotsDown(size), 2 * (size / 10));
        assertApproxEqAbs(o.priceFloor(), 3e10, 1e5);
    }

    function test_Epochs_WipeClosesEverythingInFull() public {
        _open(999);
        _record(500, 1e10);
        _open(1_000);
        _record(total, 3e10);
        assertEq(s.product, START);
        assertEq(s.value, 0);
        assertEq(s.epoch, 4);
        assertEq(_left(0), 0);
        assertEq(_left(1), 0);
        assertEq(s.owed(ends, holdings[1].at).priceFloor(), 3e10);
        // 500 at 1, 499 at 3
        int256 mean = (int256(500) * 1e10 + int256(499) * 3e10) / 999;
        assertApproxEqAbs(s.owed(ends, holdings[0].at).priceFloor(), mean, 1);
        _open(70);
        assertEq(_left(2), 70);
        _record(70, 4e10);
        assertEq(s.epoch, 7);
        assertEq(_left(0), 0);
        assertEq(_left(2), 0);
        assertEq(s.owed(ends, holdings[2].at).priceFloor(), 4e10);
    }

    function test_Epochs_ARescaleAndAWipeApart() public {
        _open(1 << 40);
        _record((1 << 40) - 1, 1e10);
        _open((1 << 20) - 1);
        _record((1 << 20) - 1, 2e10); // 2^77 to 2^37: rescaled
        assertEq(s.epoch, 2);
        _assertRight();
        assertApproxEqAbs(s.owed(ends, holdings[0].at).priceFloor(), 1e10, 1);
        assertApproxEqAbs(s.owed(ends, holdings[1].at).priceFloor(), 2e10, 20_000); // a 2^-20th more of the weight
        _record(total, 3e10);
        assertEq(s.epoch, 5);
        assertEq(_left(0), 0);
        assertEq(_left(1), 0);
        assertEq(total, 0);
    }

    /* PRICE */

    /// @dev The holding is the whole side, so what it closes are the records themselves.
    function testFuzz_Price_IsTheMeanByQuantity(uint256 seed) public {
        _open(1e6);
        int256 value;
        uint256 lots;
        int256 low = type(int256).max;
        int256 high = type(int256).min;
        for (uint256 i; i < 8; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 part = 1 + (seed % (total / 4));
            int256 price = int256((seed >> 64) % 1e12) - 3e11; // after large charges below zero
            _record(part, price);
            value += int256(part) * price;
            lots += part;
            if (price < low) low = price;
            if (price > high) high = price;
        }
        Owed memory o = s.owed(ends, holdings[0].at);
        int256 mean = value / int256(lots);
        assertApproxEqAbs(o.priceFloor(), mean, 2); // a unit of rounding on both sides
        assertGe(o.priceFloor(), low);
        assertLe(o.priceFloor(), high);
        assertApproxEqAbs(o.lotsDown(1e6), lots, 1);
    }

    function test_Checkpoint_CarriesWhatIsOwedAtItsPrice() public {
        _open(3);
        _open(1_000_003);
        _record(500_000, 1e10); // 1.49 of the first
        _settle(0);
        assertEq(holdings[0].size, 2);
        Owed memory o = s.owed(ends, holdings[0].at);
        assertEq(o.lotsDown(2), 0);
        assertApproxEqAbs(o.priceFloor(), 1e10, 1);
        _record(250_000, 2e10); // another 0.75: 0.49 at 1 and 0.75 at 2
        o = s.owed(ends, holdings[0].at);
        assertEq(o.lotsDown(2), 1);
        int256 mean = (int256(499_993) * 1e10 + int256(749_990) * 2e10) / 1_249_983;
        assertApproxEqAbs(o.priceFloor(), mean, 1e6);
    }
}
