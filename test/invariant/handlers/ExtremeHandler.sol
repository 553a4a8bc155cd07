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
    /// @dev Now and then anywhere, or at an end of the range.
    function _stray(uint256 m, uint256 next) internal override returns (uint256) {
        if (_pick(0, 9) != 0) return next;
        (uint256 low, uint256 high) = _answerRange(m);
        if (_pick(0, 1) == 0) return _pickLog(low, high);
        return _pick(0, 1) == 0 ? low : high;
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
        isRule[IMarginEngine.ProceedsBelowFees.selector] = true; // of a lot worth a unit
    }
}
