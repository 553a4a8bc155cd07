// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Market, MarketParams, Position} from "../../contracts/interfaces/IMarginEngine.sol";
import {WaterfallLib} from "../../contracts/libraries/WaterfallLib.sol";
import {BaseTest} from "../helpers/Base.t.sol";

contract WaterfallLibTest is BaseTest {
    function test_Weight_CountsTheAdverseMoveBeyondMaintenance() public pure {
        // long 1000, slow 100e6, price 90e6, mm 3 %: 1000 * (10e6 - 3e6), less the ramp's rounding
        (Market memory m, MarketParams memory p) = _market(90e6, 100e6);
        assertEq(WaterfallLib.weight(Position(1000, 0), m, p, 0), 1000 * (10e6 - 3e6 - 1));
        assertEq(WaterfallLib.weight(Position(1000, 0), m, p, 1), 1000 * (3e6 + 1));
        assertEq(WaterfallLib.weight(Position(1000, 0), m, p, 2), 0.03 * 90e9 + 1);
        assertEq(WaterfallLib.weight(Position(-1000, 0), m, p, 0), 0);
        assertEq(WaterfallLib.weight(Position(-1000, 0), m, p, 1), 0);
        assertEq(WaterfallLib.weight(Position(-1000, 0), m, p, 2), 0.03 * 90e9 + 1);
    }

    function test_Weight_AShortSuffersFromARise() public pure {
        (Market memory m, MarketParams memory p) = _market(110e6, 100e6);
        assertEq(WaterfallLib.weight(Position(-1000, 0), m, p, 0), 1000 * (10e6 - 3e6 - 1));
        assertEq(WaterfallLib.weight(Position(-1000, 0), m, p, 1), 1000 * (3e6 + 1));
        assertEq(WaterfallLib.weight(Position(1000, 0), m, p, 1), 0);
    }

    function test_Weight_IsZeroWithinMaintenance() public pure {
        (Market memory m, MarketParams memory p) = _market(98e6, 100e6);
        assertEq(WaterfallLib.weight(Position(1000, 0), m, p, 0), 0);
        assertEq(WaterfallLib.weight(Position(1000, 0), m, p, 1), 1000 * 2e6);
    }

    /// @dev Parts sum to the amount, a market without weight pays nothing, none pays more than its share rounded up by n - 1 u.
    function testFuzz_Part_SumsToTheAmount(uint256 amount, uint256[5] memory weights) public pure {
        amount = bound(amount, 0, 1e36);
        uint256 total;
        for (uint256 i; i < 5; ++i) {
            weights[i] = weights[i] % 3 == 0 ? 0 : bound(weights[i], 1, 1e36);
            total += weights[i];
        }
        if (total == 0) (weights[2], total) = (1, 1);

        uint256 left = amount;
        uint256 weightLeft = total;
        uint256 sum;
        for (uint256 i; i < 5; ++i) {
            uint256 taken;
            (taken, left, weightLeft) = WaterfallLib.part(left, weights[i], weightLeft);
            if (weights[i] == 0) assertEq(taken, 0);
            assertApproxEqAbs(taken, (amount * weights[i]) / total, 5);
            sum += taken;
        }
        assertEq(sum, amount);
        assertEq(left, 0);
        assertEq(weightLeft, 0);
    }

    function _market(uint64 price, uint64 slow) internal pure returns (Market memory m, MarketParams memory p) {
        (m.price, m.slow) = (price, slow);
        (p.maintenanceBps, p.rampNotional) = (300, type(uint40).max);
    }
}
