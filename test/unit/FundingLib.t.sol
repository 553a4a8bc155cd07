// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Market, MarketRules} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {FundingLib} from "../../contracts/libraries/FundingLib.sol";
import {BaseTest} from "../helpers/Base.t.sol";

contract FundingLibTest is BaseTest {
    uint256 internal constant DEN = 1e9 * 28_800;
    uint32 internal constant START = 1_700_000_000;

    /* KNOWN VALUES */

    function test_Accrue_EightHoursAtOneBasisPoint() public pure {
        Market memory m = _market(2_000e8, 100_000, 1000);
        m.validUntil = START + 28_800;
        uint256 premium = FundingLib.accrue(m, 25_000, START + 28_800);
        assertEq(m.indexLong, 20_000_000 + 5_000_000); // 1 bp of 2e11 and a quarter of it
        assertEq(m.indexShort, 20_000_000 - 5_000_000);
        assertEq(premium, 2 * 5_000_000 * 1000);
        assertEq(m.fundingRemainder, 5);
    }

    function test_Accrue_NegativeRateRoundsTowardMinusInfinityAndCarries() public pure {
        Market memory m = _market(1, -1, 0);
        m.fundingRemainder = 0;
        FundingLib.accrue(m, 0, START + 1);
        assertEq(m.indexLong, -1);
        assertEq(m.indexShort, -1);
        assertEq(m.fundingRemainder, DEN - 1);
        m.syncedAt = START + 1;
        FundingLib.accrue(m, 0, START + 2);
        assertEq(m.indexLong, -1);
        assertEq(m.fundingRemainder, DEN - 2);
    }

    function test_Accrue_StopsAtTheEndOfValidity() public pure {
        Market memory m = _market(2_000e8, 100_000, 1000);
        Market memory cut = _market(2_000e8, 100_000, 1000);
        uint256 premium = FundingLib.accrue(m, 25_000, START + 3600);
        assertEq(FundingLib.accrue(cut, 25_000, START + 7200), premium);
        assertEq(cut.indexLong, m.indexLong);
        cut.syncedAt = START + 7200; // later than the price is valid
        assertEq(FundingLib.accrue(cut, 25_000, START + 9000), 0);
        assertEq(cut.indexLong, m.indexLong);
    }

    function test_Accrue_DoesNothingWhenThePriceWasNotOk() public pure {
        for (uint8 state = uint8(PriceState.STALE); state <= uint8(PriceState.BAD); ++state) {
            Market memory m = _market(2_000e8, 100_000, 1000);
            m.state = PriceState(state);
            assertEq(FundingLib.accrue(m, 25_000, START + 100), 0);
            assertEq(m.indexLong, 0);
            assertEq(m.indexShort, 0);
            assertEq(m.fundingRemainder, 5);
        }
    }

    function test_Accrue_IndexAtItsRangeStaysAndKeepsTheRemainder() public pure {
        int64 last = int64((int256(1) << 62) - 1);
        Market memory m = _market(2_000e8, 100_000, 1000);
        m.indexLong = last;
        assertEq(FundingLib.accrue(m, 25_000, START + 3600), 0);
        assertEq(m.indexLong, last);
        assertEq(m.indexShort, 0);
        assertEq(m.fundingRemainder, 5);

        m = _market(2_000e8, -100_000, 1000);
        m.indexShort = -last;
        assertEq(FundingLib.accrue(m, 0, START + 3600), 0);
        assertEq(m.indexShort, -last);
        assertEq(m.indexLong, 0);
        assertEq(m.fundingRemainder, 5);
    }

    /* PROPERTIES */

    /// @dev Splitting an interval at the same terms changes funding by nothing, because the remainder is carried.
    function testFuzz_Accrue_FundingDoesNotDependOnHowOftenItRuns(
        uint64 price,
        int256 rate,
        uint256 a,
        uint256 b
    ) public pure {
        price = uint64(bound(price, 1, 1e15));
        rate = bound(rate, -4e7, 4e7);
        a = bound(a, 1, 3599);
        b = bound(b, 1, 3600 - a);
        Market memory once = _market(price, int32(rate), 1000);
        Market memory twice = _market(price, int32(rate), 1000);
        FundingLib.accrue(once, 0, START + a + b);
        FundingLib.accrue(twice, 0, START + a);
        twice.syncedAt = uint32(START + a);
        FundingLib.accrue(twice, 0, START + a + b);
        assertEq(once.indexLong, twice.indexLong);
        assertEq(once.indexShort, twice.indexShort);
        assertEq(once.fundingRemainder, twice.fundingRemainder);
    }

    /// @dev acc = f DEN + remainder exactly, and what the sides pay beyond funding is the premium.
    function testFuzz_Accrue_MovesExactAmounts(
        uint64 price,
        int256 rate,
        uint256 premiumRate,
        uint256 dt,
        uint56 lots
    ) public pure {
        price = uint64(bound(price, 1, 1e15));
        rate = bound(rate, -4e7, 4e7);
        premiumRate = bound(premiumRate, 0, 1e7);
        dt = bound(dt, 1, 3600);
        lots = uint56(bound(lots, 0, 1 << 55));
        Market memory m = _market(price, int32(rate), lots);
        uint256 premium = FundingLib.accrue(m, premiumRate, START + dt);

        int256 charge = (int256(m.indexLong) - m.indexShort) / 2;
        int256 funding = (int256(m.indexLong) + m.indexShort) / 2;
        assertEq(uint256(charge), (uint256(price) * premiumRate * dt) / DEN);
        assertEq(premium, 2 * uint256(charge) * lots);
        assertEq(funding * int256(DEN) + int256(uint256(m.fundingRemainder)), 5 + int256(uint256(price) * dt) * rate);
        assertLt(m.fundingRemainder, DEN);
    }

    /* RATE */

    function test_Rate_FollowsInterestWithoutOpenInterest() public pure {
        assertEq(FundingLib.rate(_rules(100, 1000, 5000), 0, 50, 0), 100);
    }

    function test_Rate_LongInventoryMakesShortsPay() public pure {
        assertEq(FundingLib.rate(_rules(100, 1000, 5000), 0, 50, 100), 100 - 500);
        assertEq(FundingLib.rate(_rules(100, 1000, 5000), 0, -50, 100), 100 + 500);
    }

    function test_Rate_FollowsThePremium() public pure {
        assertEq(FundingLib.rate(_rules(100, 1000, 5000), 700, 50, 100), 100 + 700 - 500);
        assertEq(FundingLib.rate(_rules(100, 1000, 5000), -700, 0, 0), 100 - 700);
    }

    function test_Rate_SkewRoundsTowardZero() public pure {
        assertEq(FundingLib.rate(_rules(0, 10, 5000), 0, 1, 3), -3);
        assertEq(FundingLib.rate(_rules(0, 10, 5000), 0, -1, 3), 3);
    }

    function test_Rate_IsClamped() public pure {
        assertEq(FundingLib.rate(_rules(100, 1e8, 4000), 0, -100, 100), 4000);
        assertEq(FundingLib.rate(_rules(100, 1e8, 4000), 0, 100, 100), -4000);
        assertEq(FundingLib.rate(_rules(-1e7, 0, 0), 0, 0, 100), 0);
    }

    function testFuzz_Rate_StaysWithinItsCap(
        int256 interest,
        uint256 skew,
        uint256 cap,
        int256 premium,
        int256 lots,
        uint256 oi
    ) public pure {
        oi = bound(oi, 1, 1 << 55);
        lots = bound(lots, -int256(oi), int256(oi));
        cap = bound(cap, 0, 4e7);
        int256 r = FundingLib.rate(
            _rules(int32(bound(interest, -1e7, 1e7)), uint32(bound(skew, 0, 1e8)), uint32(cap)),
            bound(premium, type(int24).min, type(int24).max),
            lots,
            oi
        );
        assertLe(r, int256(cap));
        assertGe(r, -int256(cap));
    }

    function _market(uint64 price, int32 rate, uint56 lots) internal pure returns (Market memory m) {
        m.price = price;
        m.fundingRate = rate;
        m.openInterest = lots;
        m.syncedAt = START;
        m.validUntil = START + 3600;
        m.fundingRemainder = 5;
    }

    function _rules(int32 interest, uint32 skew, uint32 cap) internal pure returns (MarketRules memory r) {
        r.interestRate = interest;
        r.skewFactor = skew;
        r.fundingCap = cap;
    }
}
