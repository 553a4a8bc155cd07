// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {EngineHandler} from "./handlers/EngineHandler.sol";
import {LedgerChecks} from "./handlers/LedgerChecks.sol";
import {Listing, System, SystemTest} from "./handlers/System.sol";

/// @notice Random days of traders, keepers and stakers. Ids: docs/invariants.md.
contract EngineInvariantTest is SystemTest, LedgerChecks {
    EngineHandler internal handler;

    function setUp() public {
        handler = new EngineHandler();
        System memory system = _deploy(address(handler), 6, _listings());
        handler.start(system, 10_000e6, 5_000e6);
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: handler.actions()}));
    }

    /// forge-config: default.invariant.runs = 40
    /// forge-config: default.invariant.depth = 100
    function invariant_I1_I2_I3_I4_EN_BP_HoldAfterEveryCall() public {
        _assertAll(handler);
    }

    /// @dev Prices of 2e11, 6e11 and 1.2e8 u per lot.
    function _listings() private pure returns (Listing[] memory list) {
        list = new Listing[](3);
        list[0] = Listing(2_000e8, 4, 25, 1 hours, _defaultParams(), _defaultRules());
        list[1] = Listing(60_000e8, 5, 25, 1 hours, _defaultParams(), _defaultRules());
        list[1].rules.shockBps = 2500;
        list[2] = Listing(12_345, 0, 50, 2 hours, _defaultParams(), _defaultRules());
        list[2].params.initialBps = 1000;
        list[2].params.maintenanceBps = 620;
        list[2].params.rampNotional = 5_000_000;
        list[2].params.minLots = 1_000_000;
        list[2].rules.shockBps = 6000;
        list[2].rules.stakeShareBps = 5000;
    }
}
