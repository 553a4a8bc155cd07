// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {MarketParams, MarketRules} from "../../contracts/interfaces/IMarginEngine.sol";
import {ExtremeHandler} from "./handlers/ExtremeHandler.sol";
import {LedgerChecks} from "./handlers/LedgerChecks.sol";
import {Listing, System, SystemTest} from "./handlers/System.sol";
import {Tally} from "./handlers/Tally.sol";

/// @notice Parameters at their bounds, prices and sums at the ends of their ranges.
contract ExtremeInvariantTest is SystemTest, LedgerChecks {
    ExtremeHandler internal handler;

    function setUp() public {
        handler = new ExtremeHandler();
        System memory system = _deploy(address(handler), 6, _listings());
        handler.start(system, 1e15, 1e15);
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: handler.actions()}));
    }

    /// forge-config: default.invariant.runs = 11
    /// forge-config: default.invariant.depth = 100
    function invariant_I1_I2_I3_I4_EN_BP_HoldAtTheEndsOfTheRanges() public {
        _assertAll(handler);
    }

    /// @dev Fixed sequences that meet takeovers on both sides of zero, and every layer.
    function test_Campaign_ReachesEveryLayerAtTheEndsOfTheRanges() public {
        for (uint256 i; i < 2; ++i) {
            if (i != 0) setUp();
            _play(handler, 400, i + 1);
        }
        _assertReached(Tally.OPENED);
        _assertReached(Tally.TAKEN_OVER_SOLVENT);
        _assertReached(Tally.TAKEN_OVER_SHORT);
        _assertReached(Tally.BUCKET_PAID);
        _assertReached(Tally.POOL_PAID);
        _assertReached(Tally.DEFICIT_RAISED);
        _assertReached(Tally.LOSS_SHARED);
        _assertReached(Tally.DELEVERAGED);
        _assertReached(Tally.SETTLED);
        _assertReached(Tally.JOINED_CURVE);
        _assertReached(Tally.CURVE_TRADED);
        _assertReached(Tally.LIQUIDATED_TO_BANDS);
    }

    /// @dev What was paid in before a quote that is refused is paid in.
    function test_Found_AQuoteIsRefusedAfterADeposit() public {
        _act(handler, handler.open.selector, 0x000000001fff70c06ca1a75498173eafbc4fa599004cbff2);
        _act(handler, handler.raid.selector, 0x1c27c);
        _act(handler, handler.crash.selector, 0x6b6c);
        _act(handler, handler.crash.selector, type(uint256).max - 3);
        _act(handler, handler.raid.selector, 0x00000003c2345e99d19d1daa988c2d9c73514d3e9f83c2f5);
    }

    /// @dev 1 u, 2^60 u and 1e6 u per lot.
    function _listings() private pure returns (Listing[] memory list) {
        list = new Listing[](3);
        list[0] = Listing(1e4, 8, 500, 2 days, _boldParams(), _boldRules());
        list[1] = Listing(115_292_150_460_684, 0, 500, 2 days, _boldParams(), _boldRules());
        list[2] = Listing(1e10, 8, 0, 2 days, _boldParams(), _boldRules());
        list[2].rules.interestRate = -1e7;
        list[2].params.rampNotional = 1e5;
        list[2].params.takeoverReward = 0; // or rewards leave the bucket nothing to pay with
    }

    function _boldParams() private pure returns (MarketParams memory) {
        return
            MarketParams({
                initialBps: 100,
                maintenanceBps: 80,
                rampNotional: type(uint40).max,
                bandBps: 1000,
                minLots: 1,
                takerFeePpm: 10_000,
                makerRebatePpm: 10_000,
                discountBps: 40,
                liquidatorShareBps: 10_000,
                takeoverReward: 100e12
            });
    }

    function _boldRules() private pure returns (MarketRules memory) {
        return
            MarketRules({
                shockBps: 180,
                stakeShareBps: 10_000,
                interestRate: 1e7,
                skewFactor: 1e8,
                fundingCap: 4e7,
                premiumRate: 1e7,
                bucketTarget: 1,
                maintenanceTargetBps: 80,
                maintenanceFromBps: 0,
                rampStartedAt: 0
            });
    }
}
