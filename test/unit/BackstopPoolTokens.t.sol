// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {DrawReason} from "../../contracts/interfaces/ICapitalStack.sol";
import {MockToken} from "../../contracts/mocks/MockToken.sol";
import {BlocklistToken, FalseToken, FeeToken, HookToken, NoReturnToken} from "../../contracts/mocks/OddTokens.sol";
import {PoolTest} from "../helpers/PoolTest.sol";

/// @notice What the pool does with tokens that are not plain ERC-20.
contract BackstopPoolTokensTest is PoolTest {
    function _use(MockToken odd) private {
        token = odd;
        (stack, pool) = _newPool(address(odd));
    }

    function test_RevertWhen_TokenTakesAFee() public {
        _use(new FeeToken(6, 100));
        token.mint(alice, 100 * ONE);
        vm.startPrank(alice);
        token.approve(address(pool), 100 * ONE);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.TokenShort.selector, 99 * ONE, 100 * ONE));
        pool.deposit(100 * ONE, alice);
        assertEq(token.balanceOf(alice), 100 * ONE);
        assertEq(pool.totalSupply(), 0);
    }

    function test_RevertWhen_TokenReturnsFalse() public {
        FalseToken odd = new FalseToken(6);
        _use(odd);
        _stake(alice, 10 * ONE);
        _matured(alice);
        token.mint(bob, ONE);
        vm.prank(bob);
        token.approve(address(pool), ONE);
        odd.setFailing(true);

        bytes memory failed = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(odd));
        vm.prank(bob);
        vm.expectRevert(failed);
        pool.deposit(ONE, bob);
        vm.prank(alice);
        vm.expectRevert(failed);
        pool.claimExit(alice, 1, SHARE, alice);
        vm.prank(engine);
        vm.expectRevert(failed);
        stack.absorb(MARKET, ONE, DrawReason.LIQUIDATION);
        assertEq(pool.totalAssets(), 10 * ONE);
        assertEq(pool.queuedShares(), 10 * SHARE);
    }

    function test_NoReturnToken_WorksFromStakeToClaim() public {
        NoReturnToken odd = new NoReturnToken(6);
        (stack, pool) = _newPool(address(odd));
        odd.mint(alice, 10 * ONE);
        vm.startPrank(alice);
        odd.approve(address(pool), 10 * ONE);
        pool.deposit(10 * ONE, alice);
        vm.stopPrank();
        assertEq(_absorb(4 * ONE), 4 * ONE);
        assertEq(odd.balanceOf(engine), 4 * ONE);
        _matured(alice);
        assertEq(_claim(alice, 1), 6 * ONE);
        assertEq(odd.balanceOf(alice), 6 * ONE);
    }

    function test_BlockedReceiver_CanBeReplaced() public {
        BlocklistToken odd = new BlocklistToken(6);
        _use(odd);
        _stake(alice, 10 * ONE);
        _matured(alice);
        odd.setBlocked(alice, true);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(BlocklistToken.Blocked.selector, alice));
        pool.claimExit(alice, 1, 10 * SHARE, alice);
        assertEq(pool.claimExit(alice, 1, 10 * SHARE, carol), 10 * ONE);
    }

    /* REENTRANCY: the token is the engine too, so that it may call everything */

    function _useHook() private returns (HookToken odd) {
        odd = new HookToken(6);
        token = odd;
        engine = address(odd);
        (stack, pool) = _newPool(address(odd));
        _stake(alice, 100 * ONE);
        token.mint(address(stack), 1); // income that has arrived
    }

    function _attacks() private view returns (bytes[] memory calls) {
        calls = new bytes[](13);
        calls[0] = abi.encodeCall(pool.deposit, (1, alice));
        calls[1] = abi.encodeCall(pool.mint, (1, alice));
        calls[2] = abi.encodeCall(pool.depositWithin, (1, alice, 0, type(uint256).max));
        calls[3] = abi.encodeCall(pool.mintWithin, (1, alice, 1, type(uint256).max));
        calls[4] = abi.encodeCall(pool.depositWithPermit, (1, alice, 0, type(uint256).max, 0, 0, 0));
        calls[5] = abi.encodeCall(pool.requestRedeem, (1, alice, alice));
        calls[6] = abi.encodeCall(pool.cancelExit, (alice, 1));
        calls[7] = abi.encodeCall(pool.claimExit, (alice, 1, 1, alice));
        calls[8] = abi.encodeCall(pool.claimExitWithin, (alice, 1, 1, alice, 0, type(uint256).max));
        calls[9] = abi.encodeCall(pool.redeem, (1, alice, alice));
        calls[10] = abi.encodeCall(pool.withdraw, (1, alice, alice));
        calls[11] = abi.encodeCall(stack.absorb, (1, 1, DrawReason.LIQUIDATION));
        calls[12] = abi.encodeCall(stack.receiveIncome, (1, 0));
    }

    function test_Reentrancy_IsRefusedInsideADeposit() public {
        HookToken odd = _useHook();
        bytes[] memory calls = _attacks();
        for (uint256 i; i < calls.length; ++i) {
            odd.arm(i < 11 ? address(pool) : address(stack), calls[i]);
            _stake(bob, ONE);
            _assertRefused(odd, i + 1);
        }
        assertEq(pool.totalAssets(), (100 + calls.length) * ONE);
    }

    function test_Reentrancy_IsRefusedInsideAClaimAndADraw() public {
        HookToken odd = _useHook();
        _request(alice, 50 * SHARE);
        skip(7 days);
        bytes[] memory calls = _attacks();
        for (uint256 i; i < calls.length; ++i) {
            odd.arm(i < 11 ? address(pool) : address(stack), calls[i]);
            vm.prank(alice);
            pool.claimExit(alice, 1, SHARE, alice);
            _assertRefused(odd, 2 * i + 1);
            odd.arm(i < 11 ? address(pool) : address(stack), calls[i]);
            _absorb(1);
            _assertRefused(odd, 2 * i + 2);
        }
    }

    function _assertRefused(HookToken odd, uint256 calls) private view {
        assertEq(odd.calls(), calls);
        assertFalse(odd.succeeded());
        assertEq(odd.result(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
    }

    function test_Reentrancy_ViewsAreRightInsideEveryTransfer() public {
        HookToken odd = _useHook();
        _request(alice, 50 * SHARE);
        skip(7 days);

        odd.arm(address(pool), abi.encodeCall(pool.totalAssets, ()));
        _stake(bob, ONE);
        assertEq(odd.result(), abi.encode(pool.totalAssets()));
        odd.arm(address(pool), abi.encodeCall(pool.convertToAssets, (1e18)));
        vm.prank(alice);
        pool.claimExit(alice, 1, SHARE, alice);
        assertEq(odd.result(), abi.encode(pool.convertToAssets(1e18)));
        odd.arm(address(pool), abi.encodeCall(pool.freeStake, ()));
        _absorb(ONE);
        assertEq(odd.result(), abi.encode(pool.freeStake()));
    }

    function test_SharePermit_GivesAnAllowance() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        bytes32 kind = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 permit = keccak256(abi.encode(kind, owner, bob, 5, pool.nonces(owner), START));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(
            key,
            keccak256(abi.encodePacked("\x19\x01", pool.DOMAIN_SEPARATOR(), permit))
        );
        pool.permit(owner, bob, 5, START, v, r, s);
        assertEq(pool.allowance(owner, bob), 5);
    }
}
