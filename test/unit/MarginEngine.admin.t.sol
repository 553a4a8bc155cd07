// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IMarginEngine, MarketParams, MarketRules, MarketStatus} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {MarginEngine} from "../../contracts/MarginEngine.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {EngineBase, PoolDouble} from "../helpers/EngineBase.t.sol";
import {Deployer} from "../helpers/Deployer.sol";

contract MarginEngineAdminTest is EngineBase {
    function _refusedTo(address caller, bytes memory data) private {
        vm.prank(caller);
        (bool success, bytes memory reason) = address(engine).call(data);
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller));
    }

    function test_RevertWhen_CallerLacksTheRole() public {
        bytes[4] memory calls = [
            abi.encodeCall(engine.wire, (address(pool), address(this), address(this), address(this))),
            abi.encodeCall(engine.setMarket, (ETH, _params(), _rules())),
            abi.encodeCall(engine.setStatus, (ETH, MarketStatus.REDUCE_ONLY)),
            abi.encodeCall(engine.pauseMarket, (ETH))
        ];
        address[4] memory callers = [_owner(alice), address(pool), address(0), address(engine)];
        for (uint256 i; i < 4; ++i) {
            for (uint256 j; j < 4; ++j) _refusedTo(callers[j], calls[i]);
        }
        for (uint256 i; i < 3; ++i) _refusedTo(guardian, calls[i]);
        _refusedTo(governor, calls[3]); // each role has its own functions
    }

    /* CONNECT */

    function test_Connect_HappensOnce() public {
        vm.prank(governor);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.AlreadyConnected.selector, address(pool)));
        engine.wire(address(pool), address(this), address(this), address(this));
        assertEq(engine.stack(), address(pool));
        assertEq(engine.exchange(), address(this));
    }

    function test_Connect_ChecksAssetAndExchange() public {
        MarginEngine e = Deployer.engine(address(token), address(oracle), address(manager));
        bytes4[] memory selectors = new bytes4[](2);
        (selectors[0], selectors[1]) = (e.wire.selector, e.setMarket.selector);
        manager.setTargetFunctionRole(address(e), selectors, GOVERNANCE);
        vm.startPrank(governor);
        vm.expectRevert(IMarginEngine.NotConnected.selector);
        e.setMarket(ETH, _params(), _rules());
        PoolDouble wrong = new PoolDouble(address(oracle), address(e));
        address risk = address(Deployer.risk(address(e), address(manager)));
        address amm = address(Deployer.amm(address(e), address(manager)));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.AssetMismatch.selector, address(oracle), address(token)));
        e.wire(address(wrong), address(this), risk, amm);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotOurs.selector, address(pool)));
        e.wire(address(pool), address(this), risk, amm);
        PoolDouble ours = new PoolDouble(address(token), address(e));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotOurs.selector, address(this)));
        e.wire(address(ours), address(this), risk, amm);
        (address other, address otherAmm) = (engine.risk(), engine.amm());
        engine = e; // which the exchange now names
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotOurs.selector, other));
        e.wire(address(ours), address(this), other, amm);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotOurs.selector, otherAmm));
        e.wire(address(ours), address(this), risk, otherAmm);
        vm.expectEmit(address(e));
        emit IMarginEngine.Connected(address(ours), address(this), risk, amm);
        e.wire(address(ours), address(this), risk, amm);
        assertEq(e.risk(), risk);
        assertEq(e.amm(), amm);
    }

    /* SET MARKET */

    function test_SetMarket_ListsAtItsTerms() public {
        feeds.push(new MockAggregator(8, 5e8));
        oracle.configure(2, _feed(feeds[2]));
        MarketRules memory r = _rules();
        (r.maintenanceTargetBps, r.maintenanceFromBps, r.rampStartedAt) = (1, 2, 3); // the engine's own
        MarketRules memory kept = r;
        kept = _rules();
        (kept.maintenanceTargetBps, kept.maintenanceFromBps, kept.rampStartedAt) = (
            300,
            300,
            uint32(vm.getBlockTimestamp())
        );
        vm.expectEmit(address(engine));
        emit IMarginEngine.MarketSet(2, _params(), kept);
        vm.prank(governor);
        engine.setMarket(2, _params(), r);
        assertEq(abi.encode(engine.marketParams(2)), abi.encode(_params()));
        assertEq(abi.encode(engine.marketRules(2)), abi.encode(kept));
        assertEq(uint8(engine.markets(2).status), uint8(MarketStatus.ACTIVE));
        assertEq(engine.markets(2).price, 5e8);
    }

    function test_RevertWhen_MarketCannotBeListed() public {
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 64));
        engine.setMarket(64, _params(), _rules());
        vm.expectRevert(abi.encodeWithSignature("UnknownMarket(uint8)", 9)); // the oracle's
        engine.setMarket(9, _params(), _rules());
        MarketParams memory p = _params();
        p.bandBps = 1001;
        vm.expectRevert(
            abi.encodeWithSelector(IMarginEngine.ParameterOutOfRange.selector, bytes32("bandBps"), 1001, 50, 1000)
        );
        engine.setMarket(ETH, p, _rules());
        vm.warp(vm.getBlockTimestamp() + 3601);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.STALE));
        engine.setMarket(ETH, _params(), _rules());
    }

    function test_RevertWhen_TheRampIsTightened() public {
        MarketParams memory p = _params();
        p.rampNotional -= 1;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.RampTightened.selector, 1e9 - 1, 1e9));
        engine.setMarket(ETH, p, _rules());
        p.rampNotional += 2;
        engine.setMarket(ETH, p, _rules());
        assertEq(engine.marketParams(ETH).rampNotional, 1e9 + 1);
    }

    function test_SetMarket_AccruesAtTheOldTermsFirst() public {
        MarketRules memory r = _rules();
        r.interestRate = 100_000;
        engine.setMarket(ETH, _params(), r);
        _open(50_000, 1_000_000);
        vm.warp(vm.getBlockTimestamp() + 3600);
        r.interestRate = -4e6;
        engine.setMarket(ETH, _params(), r);
        assertEq(
            uint256(int256(engine.markets(ETH).indexLong)),
            (uint256(ETH_PRICE) * 100_000 * 3600) / (1e9 * 28_800)
        );
        assertEq(engine.markets(ETH).fundingRate, -4e6);
        _assertConserved();
    }

    /// @dev No terms, however hard, make an account liquidatable in the block they are set, nor touch what it owns.
    function testFuzz_SetMarket_MakesNobodyLiquidatableAtOnce(uint256[6] memory x) public {
        _open(10_600, 1_000_000);
        _setPrice(ETH, 1_960e8);
        vm.expectPartialRevert(IMarginEngine.Healthy.selector);
        engine.flag(alice);
        int256 equity = _equity(alice);
        uint256 mm = _mm(alice);

        MarketParams memory p = _params();
        MarketRules memory r = _rules();
        p.initialBps = uint16(bound(x[0], 100, 10_000));
        p.maintenanceBps = uint16(bound(x[1], 50, (uint256(p.initialBps) * 8) / 10));
        if (p.maintenanceBps > 8900) p.maintenanceBps = 8900;
        p.rampNotional = uint40(bound(x[2], 1e9, type(uint40).max));
        p.minLots = uint32(bound(x[3], 1, type(uint32).max));
        p.discountBps = p.maintenanceBps / 2;
        r.shockBps = uint16(bound(x[4], p.maintenanceBps + 100, 9000));
        r.premiumRate = uint24(bound(x[5], 0, 1e7));
        r.interestRate = 1e7;
        engine.setMarket(ETH, p, r);
        vm.expectPartialRevert(IMarginEngine.Healthy.selector);
        engine.flag(alice);
        assertEq(_equity(alice), equity);
        assertLe(_mm(alice), mm);

        _warp(720); // two basis points later at most
        engine.sync(ETH);
        assertLe(engine.marketParams(ETH).maintenanceBps, 302);
        _assertConserved();
    }

    /* STATUS */

    function test_SetStatus_StopsAndStartsNewRisk() public {
        vm.expectEmit(address(engine));
        emit IMarginEngine.StatusSet(ETH, MarketStatus.REDUCE_ONLY);
        vm.prank(guardian);
        engine.pauseMarket(ETH);
        assertEq(uint8(engine.markets(ETH).status), uint8(MarketStatus.REDUCE_ONLY));
        engine.setMarket(ETH, _params(), _rules()); // new terms do not lift it
        assertEq(uint8(engine.markets(ETH).status), uint8(MarketStatus.REDUCE_ONLY));
        vm.expectEmit(address(engine));
        emit IMarginEngine.StatusSet(ETH, MarketStatus.ACTIVE);
        vm.prank(governor);
        engine.setStatus(ETH, MarketStatus.ACTIVE);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.MarketNotActive.selector, ETH, MarketStatus.UNLISTED));
        engine.setStatus(ETH, MarketStatus.UNLISTED);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 2));
        engine.setStatus(2, MarketStatus.ACTIVE);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 64));
        engine.pauseMarket(64);
    }

    function test_Pause_LeavesLiquidationTakeoverAndWithdrawalsOpen() public {
        _open(11_000, 1_000_000);
        _deposit(carol, 10);
        vm.prank(guardian);
        engine.pauseMarket(ETH);
        _setPrice(ETH, 1_940e8);
        vm.prank(_owner(keeper));
        engine.liquidate(alice, ETH, keeper, 1000, 0);
        _setPrice(ETH, 1_880e8);
        engine.takeover(alice, keeper);
        vm.prank(_owner(carol));
        engine.withdraw(carol, 10e6, 10e6, guardian);
        _assertConserved();
    }
}
