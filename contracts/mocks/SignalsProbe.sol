// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Signals} from "../base/Signals.sol";

/// @title SignalsProbe
/// @notice Signals with what it leaves to its heir in the open, and nothing else.
contract SignalsProbe is Signals {
    constructor(address authority_) AccessManaged(authority_) {}

    function observe(uint8 market, uint256 price, uint256 time) external {
        _observeSignals(market, price, time);
    }

    function raises(uint8 market) external view returns (bool) {
        return _raises(market);
    }
}
