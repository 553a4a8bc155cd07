// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";

/// @notice A feed that says what it is told. A read of its round loads one slot. For tests and local networks only.
contract MockAggregator is IAggregatorV3 {
    struct Round {
        uint80 roundId;
        int136 answer; // {10^-decimals USD/coin}
        uint40 updatedAt; // {s}
        // slot: 10 + 17 + 5 = 32
    }

    Round private _round;
    uint8 public decimals;

    constructor(uint8 decimals_, int256 answer) {
        decimals = decimals_;
        setAnswer(answer);
    }

    /// @notice The next round, dated now.
    function setAnswer(int256 answer) public {
        setRound(_round.roundId + 1, answer, block.timestamp);
    }

    /// @notice Any round: going back, stale or in the future.
    function setRound(uint80 roundId, int256 answer, uint256 updatedAt) public {
        _round = Round(roundId, SafeCast.toInt136(answer), SafeCast.toUint40(updatedAt));
    }

    /// @notice Changes the unit of the answers, as no honest feed does.
    function setDecimals(uint8 decimals_) external {
        decimals = decimals_;
    }

    /// @inheritdoc IAggregatorV3
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        Round memory r = _round;
        return (r.roundId, r.answer, r.updatedAt, r.updatedAt, r.roundId);
    }
}
