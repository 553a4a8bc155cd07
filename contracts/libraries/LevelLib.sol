// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

/// @title LevelLib
/// @notice What an intervention level does: docs/mechanism.md, "Levels". Index 0 is a calm market. Not maintenance margin, not exits.
library LevelLib {
    uint256 internal constant BPS = 10_000;
    uint8 internal constant REDUCE_ONLY = 4; // from here on no new risk

    /// @notice {bps} of initial margin, for new risk only
    function initialBps(uint256 level) internal pure returns (uint256) {
        return _at(0x4e20_3a98_30d4_2af8_2710, level); // 10,000 11,000 12,500 15,000 20,000
    }

    /// @notice {bps} of the open-interest cap
    function capBps(uint256 level) internal pure returns (uint256) {
        return _at(0x1388_1388_1388_1d4c_2710, level); // 10,000 7,500 5,000 5,000 5,000
    }

    /// @notice {bps} of the premium
    function premiumBps(uint256 level) internal pure returns (uint256) {
        return _at(0x4e20_3a98_30d4_2710_2710, level); // 10,000 10,000 12,500 15,000 20,000
    }

    /// @notice {ppm} added to the taker fee
    function takerFeePpm(uint256 level) internal pure returns (uint256) {
        return _at(0x03e8_0258_012c_0064_0000, level); // 0 100 300 600 1,000
    }

    /// @notice {bps} of what the pool's position may be that its bands offer
    function armedBps(uint256 level) internal pure returns (uint256) {
        return _at(0x2710_1d4c_1388_09c4_09c4, level); // 2,500 2,500 5,000 7,500 10,000
    }

    /// @notice {bps} of the bands' discounts, for anybody's trades
    function discountBps(uint256 level) internal pure returns (uint256) {
        return _at(0x4e20_3e80_30d4_2710_2710, level); // 10,000 10,000 12,500 16,000 20,000
    }

    /// @notice {bps} discount of band 1 to 4 in a calm market
    function bandBps(uint256 band) internal pure returns (uint256) {
        return _at(0x0258_015e_00c8_0064_0000, band); // 100 200 350 600
    }

    /// @notice {bps} of what is armed where band 1 to 4 ends
    function bandEndBps(uint256 band) internal pure returns (uint256) {
        return _at(0x2710_2134_1770_0bb8_0000, band); // 3,000 6,000 8,500 10,000
    }

    /// @dev The 16-bit entry of a table, the first one lowest.
    function _at(uint256 table, uint256 level) private pure returns (uint256) {
        return (table >> (16 * level)) & type(uint16).max;
    }
}
