// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {CapitalStack} from "../../contracts/CapitalStack.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {DrawReason, ICapitalStack} from "../../contracts/interfaces/ICapitalStack.sol";
import {IMarginEngine} from "../../contracts/interfaces/IMarginEngine.sol";
import {Deployer} from "../helpers/Deployer.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

/// @notice What the real pool pays for each reason: a cap of its own in a window, whoever calls.
contract MarginEngineReasonsTest is RecoveryBase {
    CapitalStack private real;

    function setUp() public override {
        vm.warp(2_900 * 7 days); // a window begins
        (token, manager, oracle, engine) = Deployer.core(_decimals());
        real = Deployer.stack(address(token), address(engine), address(manager));
        Deployer.wire(engine, address(real), address(this), address(manager));
        real.setTranches(0, 20_000, 0);
        IBackstopPool senior = real.senior();
        address staker = makeAddr("staker");
        token.mint(staker, 1_000_000e6);
        vm.startPrank(staker);
        token.approve(address(senior), 1_000_000e6);
        senior.deposit(1_000_000e6, staker);
        vm.stopPrank();
        _list(ETH, 2_000e8);
        _list(ALT, 100e8);
        alice = _account("alice");
        bob = _account("bob");
        carol = _account("carol");
        keeper = _account("keeper");
    }

    function _lose(uint256 amount) private {
        vm.prank(address(engine));
        token.transfer(makeAddr("thief"), amount);
    }

    function test_EngineDeficit_IsPaidUpToAFifthOfThePoolInAWindow() public {
        _deposit(bob, 2_000_000);
        _lose(150_000e6);
        vm.expectEmit(address(real));
        emit ICapitalStack.LossAbsorbed(ENGINE, DrawReason.ENGINE_DEFICIT, 150_000e6, 0, 150_000e6);
        engine.coverEngine();
        assertEq(engine.totalDeficit(), 0);
        _lose(150_000e6);
        vm.expectEmit(address(engine));
        emit IMarginEngine.EngineDeficitCovered(150_000e6, 50_000e6, 100_000e6); // 200,000 of a million in all
        engine.coverEngine();
        assertEq(engine.deficit(ENGINE), 100_000 * USD);
        _lose(1_000e6);
        vm.expectEmit(address(engine));
        emit IMarginEngine.EngineDeficitCovered(1_000e6, 0, 1_000e6);
        engine.coverEngine();
        _assertWhole();
        _warp(7 days); // the next window: a fifth of what is left
        _lose(200_000e6);
        vm.expectEmit(address(engine));
        emit IMarginEngine.EngineDeficitCovered(200_000e6, 160_000e6, 40_000e6);
        engine.coverEngine();
        assertEq(real.totalAssets(), 640_000e6);
        _assertWhole();
    }

    /// @dev What comes back when nobody else is owed anything belongs to the stakers who paid for it; what exceeds it to nobody.
    function test_EngineDeficit_ThatComesBackRepaysTheStakers() public {
        _deposit(bob, 2_000_000);
        _lose(150_000e6);
        engine.coverEngine();
        token.mint(address(engine), 50_000e6);
        engine.coverEngine();
        address staker = makeAddr("staker");
        assertEq(real.payRepayment(false, 1, staker), 50_000e6);
        assertEq(real.unrepaid(), 100_000e6);
        token.mint(address(engine), 130_000e6);
        engine.coverEngine();
        assertEq(real.payRepayment(false, 1, staker), 100_000e6);
        assertEq(engine.internalBalance(), 2_000_000e6);
        assertEq(token.balanceOf(address(engine)), 2_030_000e6);
        assertEq(token.allowance(address(engine), address(real)), 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.EngineBacked.selector, 2_030_000e6, 2_000_000e6));
        engine.coverEngine();
    }

    /// @dev A bankrupt account with D = 389,000 against a pool of a million.
    function _paidAt(bool afterBadPrice) private returns (uint256) {
        _deposit(alice, 61_000);
        _deposit(bob, 3_000_000);
        _trade(alice, bob, 4_500_000); // $900,000
        _warp(1);
        if (afterBadPrice) {
            feeds[ETH].setRound(1_000, 1, vm.getBlockTimestamp());
            engine.sync(ETH);
        }
        vm.warp(vm.getBlockTimestamp() + 1);
        feeds[ETH].setRound(1_001, 1_000e8, vm.getBlockTimestamp());
        uint256 before = real.totalAssets();
        engine.takeover(alice, keeper);
        _assertWhole();
        return before - real.totalAssets();
    }

    function test_Liquidation_IsPaidWithinTheDaysBudget() public {
        assertEq(_paidAt(false), 389_000e6);
    }

    function test_OracleFailure_IsPaidUpToThreeTenths() public {
        assertEq(real.reasonCapBps(DrawReason.ORACLE_FAILURE), 3_000);
        assertEq(_paidAt(true), 300_000e6);
        assertEq(engine.totalDeficit(), 0); // the winners pay the rest
    }

    /// @dev Nobody but the engine can ask, and the engine asks for four reasons that its code chooses.
    function test_RevertWhen_SomebodyElsePointsThePoolAtALoss() public {
        address[3] memory callers = [address(this), makeAddr("anybody"), address(oracle)];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ICapitalStack.NotEngine.selector, callers[i]));
            vm.prank(callers[i]);
            real.absorb(ETH, 1, DrawReason.LIQUIDATION);
            vm.expectRevert(abi.encodeWithSelector(ICapitalStack.NotEngine.selector, callers[i]));
            vm.prank(callers[i]);
            real.countLoss(ETH, 1);
        }
    }
}
