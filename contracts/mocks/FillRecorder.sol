// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {Fill, IMarginEngine} from "../interfaces/IMarginEngine.sol";

/// @title FillRecorder
/// @notice What the exchange sees of a margin engine: keeps the fills it is given, knows owners and operators, refuses
/// self-trades, and reverts when told to.
contract FillRecorder {
    mapping(address owner => mapping(address operator => bool)) public isOperator;

    Fill[] private _fills;
    bytes private _refusal;
    uint256 private _refusedAccount;
    uint256 private _gasToBurn;

    /* SWITCHES */

    /// @notice From now on fills with `account` revert with `refusal`; empty `refusal` ends that.
    function refuse(uint256 account, bytes calldata refusal) external {
        _refusedAccount = account;
        _refusal = refusal;
    }

    /// @notice From now on every fill uses at least `gasToBurn` {gas}.
    function burn(uint256 gasToBurn) external {
        _gasToBurn = gasToBurn;
    }

    /* WHAT THE EXCHANGE AND ITS USERS CALL */

    function setOperator(address operator, bool approved) external {
        isOperator[msg.sender][operator] = approved;
    }

    function fill(Fill calldata order) external {
        require(order.buyer != order.seller, IMarginEngine.SameAccount(order.buyer));
        bool refused = order.buyer == _refusedAccount || order.seller == _refusedAccount;
        if (refused && _refusal.length != 0) LowLevelCall.bubbleRevert(_refusal);
        uint256 start = gasleft();
        for (uint256 burnt; burnt < _gasToBurn;) burnt = start - gasleft();

        _fills.push(order);
    }

    /* VIEWS */

    function isAuthorized(address caller, uint256 account) external view returns (bool) {
        address owner = address(uint160(account >> 96));
        return caller == owner || isOperator[owner][caller];
    }

    function fillCount() external view returns (uint256) {
        return _fills.length;
    }

    function fillAt(uint256 index) external view returns (Fill memory) {
        return _fills[index];
    }
}
