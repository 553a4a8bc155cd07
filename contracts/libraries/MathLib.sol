// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

/// @title MathLib
/// @notice Integer maths whose rounding is in the name. Overflow reverts.
library MathLib {
    function min(uint256 x, uint256 y) internal pure returns (uint256) {
        return x < y ? x : y;
    }

    function min(int256 x, int256 y) internal pure returns (int256) {
        return x < y ? x : y;
    }

    function max(uint256 x, uint256 y) internal pure returns (uint256) {
        return x > y ? x : y;
    }

    function max(int256 x, int256 y) internal pure returns (int256) {
        return x > y ? x : y;
    }

    function clamp(int256 x, int256 low, int256 high) internal pure returns (int256) {
        return
            x < low
                ? low
                : x > high
                    ? high
                    : x;
    }

    /// @notice max(x, 0)
    function positive(int256 x) internal pure returns (uint256) {
        return x > 0 ? uint256(x) : 0;
    }

    function abs(int256 x) internal pure returns (uint256) {
        unchecked {
            return x < 0 ? uint256(-x) : uint256(x); // -x wraps to itself at the minimum: 2^255, as it should be
        }
    }

    /// @notice max(x - y, 0)
    function zeroFloorSub(uint256 x, uint256 y) internal pure returns (uint256) {
        unchecked {
            return x > y ? x - y : 0;
        }
    }

    function mulDivDown(uint256 x, uint256 y, uint256 d) internal pure returns (uint256) {
        return (x * y) / d;
    }

    function mulDivUp(uint256 x, uint256 y, uint256 d) internal pure returns (uint256) {
        uint256 product = x * y;
        unchecked {
            return product == 0 ? 0 : (product - 1) / d + 1; // at most product
        }
    }

    /// @notice x / d toward minus infinity, d > 0. Solidity's `/` goes toward zero.
    function floorDiv(int256 x, int256 d) internal pure returns (int256) {
        int256 q = x / d;
        return x < 0 && q * d != x ? q - 1 : q;
    }
}
