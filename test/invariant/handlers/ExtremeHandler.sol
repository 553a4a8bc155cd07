// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IMarginEngine} from "../../../contracts/interfaces/IMarginEngine.sol";
import {EngineHandler} from "./EngineHandler.sol";

/// @title ExtremeHandler
/// @notice The same actors at the ends of every range: prices from 1 u to nearly 2^62, weeks without a call, vast sums.
/// @dev A fill or a liquidation may be refused because an amount leaves its type. What must work always still is called
/// plainly, so that nothing of the kind may stop a sync, a takeover or the waterfall.
contract ExtremeHandler is EngineHandler {
    function _move(uint8 m, uint256 factorBps) internal override {
        _wait(_pick(1, 30));
        (, int256 answer, , , ) = feeds[m].latestRoundData();
        (uint256 low, uint256 high) = _answerRange(m);
        uint256 next = (uint256(answer) * factorBps) / BPS;
        if (_pick(0, 9) == 0)
            next =
                _pick(0, 1) == 0
                    ? _pickLog(low, high)
                    : _pick(0, 1) == 0
                        ? low
                        : high;
        feeds[m].setAnswer(
            int256(
                next < low
                    ? low
                    : next > high
                        ? high
                        : next
            )
        );
        if (_pick(0, 3) != 0) _sync(m);
    }

    /// @dev Market 1 has lots of a coin, the others of 1e-8 coin: 1 u is an answer of 1e-8 USD * 1e4.
    function _answerRange(uint256 m) internal pure override returns (uint256 low, uint256 high) {
        return m == 1 ? (uint256(1), uint256(461_168_601_842_738)) : (uint256(1e4), uint256(4.6e22));
    }

    function _maxWait() internal pure override returns (uint256) {
        return 30 days;
    }

    function _maxDeposit() internal pure override returns (uint256) {
        return type(uint64).max;
    }

    function _maxStake() internal pure override returns (uint256) {
        return 1 << 72;
    }

    function _addRules() internal override {
        super._addRules();
        isRule[SafeCast.SafeCastOverflowedUintDowncast.selector] = true;
        isRule[SafeCast.SafeCastOverflowedIntDowncast.selector] = true;
        isRule[IMarginEngine.PositionOutOfRange.selector] = true;
    }
}
