// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {MathLib} from "./MathLib.sol";

/// @notice What of one lot is left after all reductions so far, and at what price the rest went. One slot.
struct Survival {
    uint80 product; // {2^-77} K
    int144 value; // {2^-77 u/lot} V, SUM of (fall of K) * price since the start of the epoch
    uint32 epoch; // 0: never reduced
    // 32 bytes
}

/// @notice What a holding owes: `lost` of every `base` of it, for `value` in all.
struct Owed {
    uint256 lost; // {2^-77}
    uint256 base; // {2^-77} more than zero
    int256 value; // {2^-77 u/lot}
}

/// @title SurvivalLib
/// @notice Reduces any number of holdings pro rata in O(1): docs/mechanism.md, "Deleveraging".
/// @dev A holding of `size` that was last settled at a checkpoint is in truth size * K / K0. Every function here takes the survival
/// as it is now and the {Owed} of one holding, so that a holding may be settled after any number of reductions.
/// @dev EPOCHS. While K would fall below MIN it is multiplied by 2^32 and an epoch ends; when all is reduced to nothing three end.
/// `ends[e]` is V of epoch e as if all of it had been reduced at the last price, and 0 for an epoch that one record began and ended.
/// A holding three epochs old has less than 2^-64 of itself left and is closed in full.
/// @dev RANGES. K <= START = 2^77, |price| < 2^63, so |V| < 2^142; sizes are below 2^104.
library SurvivalLib {
    uint256 internal constant START = 1 << 77;
    uint256 internal constant MIN = 1 << 45;
    uint256 internal constant SCALE_BITS = 32;
    uint256 internal constant EXACT_EPOCHS = 2; // that a holding may be old and still be reduced in part
    uint256 internal constant MAX_CHECKPOINT = 1 << 78; // of K0: a remainder that would need more is forgiven

    /// @notice Records that `part` of `total` is reduced at `price`. K is rounded up, so that never more is taken than recorded.
    /// @param part  at least 1, at most total
    /// @param total below 2^104
    /// @param price {u/lot} shifted
    function reduce(
        Survival memory s,
        mapping(uint256 epoch => int256) storage ends,
        uint256 part,
        uint256 total,
        int256 price
    ) internal returns (Survival memory) {
        uint256 epoch = s.epoch;
        uint256 k = epoch == 0 ? START : s.product;
        int256 value = s.value;
        if (epoch == 0) epoch = 1;

        uint256 left = MathLib.mulDivUp(k, total - part, total);
        if (left >= MIN) {
            value += int256(k - left) * price;
        } else {
            ends[epoch] = value + int256(k) * price;
            if (part == total) {
                (left, value) = (START, 0);
                epoch += EXACT_EPOCHS + 1;
            } else {
                for (; left < MIN; ++epoch) {
                    k <<= SCALE_BITS;
                    left = MathLib.mulDivUp(k, total - part, total);
                }
                value = -int256(left) * price; // what is left had been counted as reduced
            }
        }
        // left <= START, |value| < 2^143; at most four epochs a record, so 2^32 of them take 2^30 blocks
        return Survival(uint80(left), int144(value), uint32(epoch));
    }

    /// @notice What a holding with checkpoint `at` owes now. A zero checkpoint is that of one older than the first reduction.
    function owed(
        Survival memory s,
        mapping(uint256 epoch => int256) storage ends,
        Survival memory at
    ) internal view returns (Owed memory o) {
        if (s.epoch == 0) return Owed(0, START, 0);
        if (at.epoch == 0) at = Survival(uint80(START), 0, 1);
        (o.base, o.value) = (at.product, -int256(at.value));
        uint256 epoch = at.epoch;
        for (; epoch < s.epoch && epoch < uint256(at.epoch) + EXACT_EPOCHS; ++epoch) {
            o.base <<= SCALE_BITS;
            o.value = (o.value + ends[epoch]) << SCALE_BITS;
        }
        bool isNow = epoch == s.epoch;
        o.lost = isNow ? o.base - s.product : o.base;
        o.value += isNow ? int256(s.value) : ends[epoch];
    }

    /// @notice How much of `size` is to be closed, rounded down: less than one stays open that should not.
    function lotsDown(Owed memory o, uint256 size) internal pure returns (uint256) {
        return MathLib.mulDivDown(size, o.lost, o.base);
    }

    /// @notice {u/lot} mean shifted price of what is closed, toward minus infinity. Call it only when something is owed.
    function priceFloor(Owed memory o) internal pure returns (int256) {
        return MathLib.floorDiv(o.value, int256(o.lost));
    }

    /// @notice The checkpoint of a holding that was `size` and is `sizeNow` after something was settled, opened or closed on
    /// the same side, such that what it still owes (a part of one) stays owed at the same price.
    /// @dev With e = size (base - lost) / base in truth before and e + closed - (size - sizeNow) now, K0 = K sizeNow / e now. Rounded
    /// down, so that never more is taken than recorded; each call forgives less than sizeNow / K of one.
    /// @param closed  of it by settlement; at most `lotsDown`
    /// @param sizeNow more than zero
    function checkpoint(
        Survival memory s,
        Owed memory o,
        uint256 size,
        uint256 closed,
        uint256 sizeNow
    ) internal pure returns (Survival memory) {
        uint256 debt = size * o.lost - closed * o.base; // {lot * 2^-77} times base: below base
        if (debt == 0) return s;
        uint256 k = Math.mulDiv(s.product * sizeNow, o.base, sizeNow * o.base - debt); // 512 bits between
        k = MathLib.min(k, MAX_CHECKPOINT);
        int256 value = s.value - int256(k - s.product) * priceFloor(o); // |value| < 2^142 + 2^78 * 2^63
        return Survival(uint80(k), int144(value), s.epoch);
    }
}
