// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {History, VolatilityLib} from "../libraries/VolatilityLib.sol";

/// @title VolatilityProbe
/// @notice A history of its own to observe into, many prices a call, and the library's maths. For tests.
contract VolatilityProbe {
    using VolatilityLib for History;

    /// @notice What was returned and stored, and what the views say then, observation by observation: ROW words each.
    event Observed(uint256[] rows);

    uint256 public constant ROW = 12;

    History public history;

    function observe(uint64 price, uint256 time, uint72 initial) external returns (bool) {
        return history.observe(price, time, initial);
    }

    /// @param prices {u/lot} parallel to `times`
    function observeAll(uint64[] calldata prices, uint256[] calldata times, uint72 initial) external {
        uint256[] memory rows = new uint256[](ROW * prices.length);
        for (uint256 i; i < prices.length; ++i) {
            bool counted = history.observe(prices[i], times[i], initial);
            _record(rows, ROW * i, counted);
        }
        emit Observed(rows);
    }

    function reset() external {
        delete history;
    }

    function variance() external view returns (uint256) {
        return history.variance();
    }

    function parkinson() external view returns (uint256) {
        return history.parkinson();
    }

    /// @notice D36 for each z of `zs`.
    function squaredLogs(uint256[] calldata zs) external pure returns (uint256[] memory logs) {
        logs = new uint256[](zs.length);
        for (uint256 i; i < zs.length; ++i) logs[i] = VolatilityLib.squaredLog(zs[i]);
    }

    function _record(uint256[] memory rows, uint256 at, bool counted) private view {
        History memory h = history;
        rows[at] = counted ? 1 : 0;
        (rows[at + 1], rows[at + 2], rows[at + 3], rows[at + 4]) = (h.fast, h.slow, h.price, h.observedAt);
        (rows[at + 5], rows[at + 6], rows[at + 7], rows[at + 8]) = (h.high, h.low, h.closed, h.bucket);
        (rows[at + 9], rows[at + 10], rows[at + 11]) = (h.ring, history.parkinson(), history.variance());
    }
}
