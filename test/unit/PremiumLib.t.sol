// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {PremiumLib} from "../../contracts/libraries/PremiumLib.sol";
import {BaseTest} from "../helpers/Base.t.sol";

/// @notice k(U) = 1 + U up to 80 % of use, from there 10 more to full use.
contract PremiumLibTest is BaseTest {
    uint256 private constant BASE = 25_000; // {1e-9 per 8 h} 0.25 bp
    uint256 private constant MAX_RATE = 1e7;
    uint256 private constant MAX_INTEREST = (1 << 56) - 1;
    uint256 private constant MAX_CAP = (1 << 48) - 1;

    /* UTILISATION */

    function test_Utilisation_IsInterestOverItsCap() public pure {
        assertEq(PremiumLib.utilisation(250, 1_000), 250_000);
        assertEq(PremiumLib.utilisation(800, 1_000), 800_000);
        assertEq(PremiumLib.utilisation(1_000, 1_000), 1e6);
        assertEq(PremiumLib.utilisation(1_001, 1_000), 1e6, "at most one");
        assertEq(PremiumLib.utilisation(MAX_INTEREST, 1), 1e6);
    }

    function test_Utilisation_IsRoundedUp() public pure {
        assertEq(PremiumLib.utilisation(1, 3), 333_334);
        assertEq(PremiumLib.utilisation(1, MAX_CAP), 1);
        assertEq(PremiumLib.utilisation(MAX_CAP - 1, MAX_CAP), 1e6);
    }

    function test_Utilisation_OfNothingIsNothingAndOfNoStakeFull() public pure {
        assertEq(PremiumLib.utilisation(0, 0), 0);
        assertEq(PremiumLib.utilisation(0, MAX_CAP), 0);
        assertEq(PremiumLib.utilisation(1, 0), 1e6);
        assertEq(PremiumLib.utilisation(MAX_INTEREST, 0), 1e6);
    }

    function testFuzz_Utilisation_IsTheCeilingAndNeverAboveOne(uint256 interest, uint256 cap) public pure {
        interest = bound(interest, 0, MAX_INTEREST);
        cap = bound(cap, 1, MAX_CAP);
        uint256 used = PremiumLib.utilisation(interest, cap);
        assertLe(used, 1e6);
        if (interest >= cap) {
            assertEq(used, 1e6);
        } else {
            assertGe(used * cap, interest * 1e6);
            assertLt(used * cap, interest * 1e6 + cap);
        }
    }

    function testFuzz_Utilisation_RisesWithInterestAndFallsWithTheCap(
        uint256 interest,
        uint256 cap,
        uint256 more
    ) public pure {
        interest = bound(interest, 0, MAX_INTEREST - 1);
        cap = bound(cap, 0, MAX_CAP - 1);
        uint256 used = PremiumLib.utilisation(interest, cap);
        assertGe(PremiumLib.utilisation(bound(more, interest, MAX_INTEREST), cap), used);
        assertLe(PremiumLib.utilisation(interest, bound(more, cap, MAX_CAP)), used);
    }

    /* RATE */

    /// @dev 0.25 bp * k: at 0, 20, 40, 80 %, half way above the kink, and at full use.
    function test_Rate_FollowsTheCurve() public pure {
        assertEq(PremiumLib.rate(BASE, 0, 0), 25_000);
        assertEq(PremiumLib.rate(BASE, 200_000, 0), 30_000);
        assertEq(PremiumLib.rate(BASE, 400_000, 0), 35_000);
        assertEq(PremiumLib.rate(BASE, 800_000, 0), 45_000);
        assertEq(PremiumLib.rate(BASE, 900_000, 0), 170_000); // 1.8 + 5 = 6.8
        assertEq(PremiumLib.rate(BASE, 1e6, 0), 295_000); // 1.8 + 10 = 11.8
    }

    function test_Rate_BendsAtTheKinkAndNowhereElse() public pure {
        uint256 base = 1e6; // a unit of use is a unit of rate below the kink
        assertEq(PremiumLib.rate(base, 799_999, 0), 1_799_999);
        assertEq(PremiumLib.rate(base, 800_000, 0), 1_800_000);
        assertEq(PremiumLib.rate(base, 800_001, 0), 1_800_050);
        assertEq(PremiumLib.rate(base, 999_999, 0), 11_799_950);
    }

    function test_Rate_IsRoundedUp() public pure {
        assertEq(PremiumLib.rate(1, 0, 0), 1);
        assertEq(PremiumLib.rate(1, 1, 0), 2);
        assertEq(PremiumLib.rate(1, 1e6, 0), 12); // 11.8
        assertEq(PremiumLib.rate(3, 500_000, 0), 5); // 4.5
    }

    function test_Rate_OfNoBaseIsNothing() public pure {
        assertEq(PremiumLib.rate(0, 0, 0), 0);
        assertEq(PremiumLib.rate(0, 1e6, 0), 0);
    }

    /// @dev In fifths of a millionth: k = 5e6 + 5 U, and above the kink 9e6 + 250 (U - 0.8).
    function testFuzz_Rate_IsTheCeilingOfTheCurve(uint256 base, uint256 used) public pure {
        base = bound(base, 0, MAX_RATE);
        used = bound(used, 0, 1e6);
        uint256 k = used <= 800_000 ? 5e6 + 5 * used : 9e6 + 250 * (used - 800_000);
        uint256 rate = PremiumLib.rate(base, used, 0);
        assertGe(rate * 5e6, base * k);
        assertLt(rate * 5e6, base * k + 5e6);
    }

    function testFuzz_Rate_IsMonotone(uint256 base, uint256 used, uint256 moreBase, uint256 moreUsed) public pure {
        base = bound(base, 0, MAX_RATE);
        used = bound(used, 0, 1e6);
        uint256 rate = PremiumLib.rate(base, used, 0);
        assertGe(PremiumLib.rate(base, bound(moreUsed, used, 1e6), 0), rate);
        assertGe(PremiumLib.rate(bound(moreBase, base, MAX_RATE), used, 0), rate);
    }

    function testFuzz_Rate_NeverOverflowsWithinTheBounds(uint256 base, uint256 interest, uint256 cap) public pure {
        base = bound(base, 0, MAX_RATE);
        uint256 used = PremiumLib.utilisation(bound(interest, 0, MAX_INTEREST), bound(cap, 0, MAX_CAP));
        uint256 rate = PremiumLib.rate(base, used, 0);
        assertGe(rate, base);
        assertLe(rate, (base * 118 + 9) / 10);
    }
}
