// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IMarginEngine, MarketParams, MarketRules} from "../../contracts/interfaces/IMarginEngine.sol";
import {ParamsLib} from "../../contracts/libraries/ParamsLib.sol";
import {BaseTest} from "../helpers/Base.t.sol";

contract ParamsLibTest is BaseTest {
    MarketParams internal p;
    MarketRules internal r;

    function setUp() public {
        p = MarketParams(500, 300, 1e8, 500, 100, 500, 100, 50, 5000, 5e12);
        r = MarketRules(3000, 10_000, 100_000, 1e6, 4e6, 25_000, 1e6, 0, 0, 0);
    }

    function requireValid(MarketParams calldata p_, MarketRules calldata r_) external pure {
        ParamsLib.requireValid(p_, r_);
    }

    function test_RequireValid_AcceptsEveryBound() public {
        p.initialBps = 100;
        p.maintenanceBps = 50;
        (p.rampNotional, p.bandBps, p.minLots, p.takerFeePpm, p.makerRebatePpm) = (1e5, 50, 1, 0, 0);
        (p.discountBps, p.liquidatorShareBps, p.takeoverReward) = (0, 0, 0);
        r = MarketRules(150, 0, -1e7, 0, 0, 0, 0, 0, 0, 0);
        this.requireValid(p, r);

        (p.initialBps, p.maintenanceBps) = (10_000, 8000);
        (p.rampNotional, p.bandBps, p.minLots) = (type(uint40).max, 1000, type(uint32).max);
        (p.takerFeePpm, p.makerRebatePpm) = (10_000, 10_000);
        (p.discountBps, p.liquidatorShareBps, p.takeoverReward) = (4000, 10_000, 100e12);
        r = MarketRules(9000, 10_000, 1e7, 1e8, 4e7, 1e7, type(uint32).max, 0, 0, 0);
        this.requireValid(p, r);
    }

    function test_RevertWhen_InitialIsOutOfRange() public {
        p.initialBps = 99;
        _refused("initialBps", 99, 100, 10_000);
        p.initialBps = 10_001;
        _refused("initialBps", 10_001, 100, 10_000);
    }

    function test_RevertWhen_MaintenanceIsOutOfRange() public {
        p.maintenanceBps = 49;
        _refused("maintenanceBps", 49, 50, 400);
        p.maintenanceBps = 401;
        _refused("maintenanceBps", 401, 50, 400);
    }

    function test_RevertWhen_RampIsOutOfRange() public {
        p.rampNotional = 99_999;
        _refused("rampNotional", 99_999, 1e5, type(uint40).max);
    }

    function test_RevertWhen_BandIsOutOfRange() public {
        p.bandBps = 49;
        _refused("bandBps", 49, 50, 1000);
        p.bandBps = 1001;
        _refused("bandBps", 1001, 50, 1000);
    }

    function test_RevertWhen_MinLotsIsZero() public {
        p.minLots = 0;
        _refused("minLots", 0, 1, type(uint32).max);
    }

    function test_RevertWhen_FeesAreOutOfRange() public {
        p.takerFeePpm = 10_001;
        _refused("takerFeePpm", 10_001, 0, 10_000);
        p.takerFeePpm = 500;
        p.makerRebatePpm = 501;
        _refused("makerRebatePpm", 501, 0, 500);
    }

    function test_RevertWhen_LiquidationTermsAreOutOfRange() public {
        p.discountBps = 151;
        _refused("discountBps", 151, 0, 150);
        p.discountBps = 150;
        p.liquidatorShareBps = 10_001;
        _refused("liquidatorShareBps", 10_001, 0, 10_000);
        p.liquidatorShareBps = 10_000;
        p.takeoverReward = 100e12 + 1;
        _refused("takeoverReward", 100e12 + 1, 0, 100e12);
    }

    function test_RevertWhen_ShockIsOutOfRange() public {
        r.shockBps = 399;
        _refused("shockBps", 399, 400, 9000);
        r.shockBps = 9001;
        _refused("shockBps", 9001, 400, 9000);
        r.shockBps = 400;
        r.stakeShareBps = 10_001;
        _refused("stakeShareBps", 10_001, 0, 10_000);
    }

    function test_RevertWhen_FundingTermsAreOutOfRange() public {
        r.interestRate = 1e7 + 1;
        _refused("interestRate", 1e7 + 1, 0, 1e7);
        r.interestRate = -1e7 - 1;
        _refused("interestRate", 1e7 + 1, 0, 1e7);
        r.interestRate = type(int32).min;
        _refused("interestRate", 1 << 31, 0, 1e7);
        r.interestRate = 0;
        r.skewFactor = 1e8 + 1;
        _refused("skewFactor", 1e8 + 1, 0, 1e8);
        r.skewFactor = 0;
        r.fundingCap = 4e7 + 1;
        _refused("fundingCap", 4e7 + 1, 0, 4e7);
        r.fundingCap = 0;
        r.premiumRate = 1e7 + 1;
        _refused("premiumRate", 1e7 + 1, 0, 1e7);
    }

    function test_MaintenanceAt_RisesOneBasisPointInSixMinutes() public {
        (r.maintenanceFromBps, r.maintenanceTargetBps, r.rampStartedAt) = (300, 310, 1000);
        assertEq(ParamsLib.maintenanceAt(r, 1000), 300);
        assertEq(ParamsLib.maintenanceAt(r, 1359), 300);
        assertEq(ParamsLib.maintenanceAt(r, 1360), 301);
        assertEq(ParamsLib.maintenanceAt(r, 1000 + 3599), 309);
        assertEq(ParamsLib.maintenanceAt(r, 1000 + 3600), 310);
        assertEq(ParamsLib.maintenanceAt(r, 1000 + 1 days), 310);
    }

    function test_MaintenanceAt_FallsAtOnce() public {
        (r.maintenanceFromBps, r.maintenanceTargetBps, r.rampStartedAt) = (300, 200, 1000);
        assertEq(ParamsLib.maintenanceAt(r, 1000), 200);
    }

    function _refused(bytes32 name, uint256 value, uint256 min, uint256 max) private {
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.ParameterOutOfRange.selector, name, value, min, max));
        this.requireValid(p, r);
    }
}
