// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {EngineHandler} from "./handlers/EngineHandler.sol";
import {LedgerChecks} from "./handlers/LedgerChecks.sol";
import {Listing, System, SystemTest} from "./handlers/System.sol";
import {Tally} from "./handlers/Tally.sol";

/// @notice Random days of traders, keepers and stakers. Ids: docs/invariants.md.
contract EngineInvariantTest is SystemTest, LedgerChecks {
    EngineHandler internal handler;

    function setUp() public {
        handler = new EngineHandler();
        System memory system = _deploy(address(handler), 6, _listings());
        handler.start(system, 5_000e6, 2_000e6); // a pool that is small against the books
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: handler.actions()}));
    }

    /// forge-config: default.invariant.runs = 40
    /// forge-config: default.invariant.depth = 100
    function invariant_I1_I2_I3_I4_EN_BP_HoldAfterEveryCall() public {
        _assertAll(handler);
    }

    /// @dev Fixed sequences that meet every layer and every way out.
    function test_Campaign_ReachesEveryLayerAndEveryWayOut() public {
        for (uint256 i; i < 4; ++i) {
            if (i != 0) setUp();
            _play(handler, 300, i + 1);
        }
        for (uint256 k; k <= uint256(type(Tally).max); ++k) _assertReached(Tally(k));
    }

    /// @dev Prices of 2e11, 6e14 and 1.2e8 u per lot.
    function _listings() private pure returns (Listing[] memory list) {
        list = new Listing[](3);
        list[0] = Listing(2_000e8, 4, 25, 1 hours, _defaultParams(), _defaultRules());
        list[0].rules.shockBps = 1000;
        list[1] = Listing(60_000e8, 2, 25, 1 hours, _defaultParams(), _defaultRules());
        list[1].params.minLots = 1;
        list[1].rules.shockBps = 1500;
        list[2] = Listing(12_345, 0, 50, 2 hours, _defaultParams(), _defaultRules());
        list[2].params.initialBps = 1000;
        list[2].params.maintenanceBps = 620;
        list[2].params.rampNotional = 5_000_000;
        list[2].params.minLots = 1_000_000;
        list[2].rules.shockBps = 2000;
        list[2].rules.stakeShareBps = 5000;
    }
}
