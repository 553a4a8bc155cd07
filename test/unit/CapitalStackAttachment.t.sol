// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {DrawReason} from "../../contracts/interfaces/ICapitalStack.sol";
import {StackTest} from "../helpers/StackTest.sol";

/// @notice Nobody joins the senior tranche that would leave the junior one less than its share of both.
contract CapitalStackAttachmentTest is StackTest {
    uint256 private constant ALL = type(uint256).max;

    function setUp() public override {
        super.setUp();
        stack.setTranches(2_000, 20_000, 0); // one fifth: the senior may hold four times the junior
    }

    function test_Limit_OfTheSeniorFollowsJoinsOfTheJunior() public {
        assertEq(pool.maxDeposit(bob), 0);
        assertEq(pool.maxMint(bob), 0);
        token.mint(alice, 100 * ONE);
        vm.startPrank(alice);
        token.approve(address(juniorPool), 100 * ONE);
        vm.expectEmit(address(pool));
        emit IBackstopPool.LimitSet(400);
        juniorPool.deposit(100 * ONE, alice);
        vm.stopPrank();
        assertEq(pool.maxDeposit(bob), 400 * ONE);
        assertEq(pool.maxMint(bob), 400 * SHARE);
        _join(pool, bob, 150 * ONE);
        assertEq(pool.maxDeposit(bob), 250 * ONE);
        assertEq(pool.maxMint(bob), 250 * SHARE);
        _join(juniorPool, alice, 50 * ONE);
        assertEq(pool.maxDeposit(bob), 450 * ONE);
    }

    function test_RevertWhen_SeniorJoinLeavesTheJuniorTooThin() public {
        _fill(100 * ONE, 150 * ONE);
        token.mint(bob, 251 * ONE);
        vm.startPrank(bob);
        token.approve(address(pool), 251 * ONE);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.AssetsAboveMax.selector, 250 * ONE + 1, 250 * ONE));
        pool.deposit(250 * ONE + 1, bob);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.AssetsAboveMax.selector, 250 * ONE + 1, 250 * ONE));
        pool.mint(250 * SHARE + 1, bob);
        pool.deposit(250 * ONE, bob);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.AssetsAboveMax.selector, 1, 0));
        pool.deposit(1, bob);
        vm.stopPrank();
        assertEq(juniorPool.bookedAssets() * 5, stack.totalAssets(), "exactly one fifth");
    }

    function test_Limit_FollowsClaimsFromTheJunior() public {
        _fill(100 * ONE, 100 * ONE);
        uint256 requestId = _requestAll(juniorPool, alice);
        assertEq(pool.maxDeposit(bob), 300 * ONE, "queued capital still pays");
        skip(21 days);
        uint256 shares = 50 * SHARE;
        vm.prank(alice);
        juniorPool.claimExit(alice, requestId, shares, alice);
        assertEq(pool.maxDeposit(bob), 100 * ONE); // 4 * 50 - 100
        vm.prank(alice);
        juniorPool.redeem(25 * SHARE, alice, alice);
        assertEq(pool.maxDeposit(bob), 0);
        assertEq(pool.maxMint(bob), 0);
        assertEq(pool.totalAssets(), 100 * ONE, "what is there stays");
        vm.prank(alice);
        juniorPool.withdraw(5 * ONE, alice, alice);
        assertEq(pool.maxDeposit(bob), 0);
        _join(juniorPool, carol, 10 * ONE);
        assertEq(pool.maxDeposit(bob), 20 * ONE); // 4 * 30 - 100
    }

    function test_Limit_FollowsLossesAtTheNextReport() public {
        _fill(100 * ONE, 100 * ONE);
        _draw(MARKET, 60 * ONE, DrawReason.LIQUIDATION);
        _report(MARKET, 1, 0, 0);
        assertEq(pool.maxDeposit(bob), 60 * ONE); // 4 * 40 - 100
    }

    function test_Limit_AnybodyMayUpdateIt() public {
        _fill(100 * ONE, 100 * ONE);
        _draw(MARKET, 60 * ONE, DrawReason.LIQUIDATION);
        vm.expectEmit(address(pool));
        emit IBackstopPool.LimitSet(160);
        vm.prank(carol);
        stack.updateLimit();
        assertEq(pool.maxDeposit(bob), 60 * ONE);
    }

    function test_Limit_FollowsIncomeOfTheJunior() public {
        _fill(100 * ONE, 200 * ONE);
        _earn(50 * ONE, 0); // halves: 100 * 2 : 200
        _report(MARKET, 1, 0, 0);
        assertEq(pool.maxDeposit(bob), 500 * ONE - 225 * ONE);
    }

    function test_Limit_CountsOnlyWhatIsNotKnownToBeLost() public {
        _fill(100 * ONE, 100 * ONE);
        _report(MARKET, 0, 10 * ONE, 30 * ONE);
        assertEq(pool.maxDeposit(bob), 140 * ONE); // 4 * 60 - 100
        _report(MARKET, 0, ALL, 0);
        assertEq(pool.maxDeposit(bob), 0);
        _report(MARKET, 0, 0, 0);
        assertEq(pool.maxDeposit(bob), 300 * ONE);
    }

    function test_Limit_IsRoundedDownToWholeTokens() public {
        _fill(100 * ONE + 249_999, 0); // times four: 400.999996
        assertEq(pool.maxDeposit(bob), 400 * ONE);
        _join(juniorPool, carol, 1);
        assertEq(pool.maxDeposit(bob), 401 * ONE);
    }

    function test_Limit_JuniorIsNeverLimited() public {
        _fill(ONE, 4 * ONE);
        assertEq(juniorPool.maxDeposit(alice), type(uint80).max - ONE);
        _join(juniorPool, alice, 1e20);
        assertEq(juniorPool.bookedAssets(), 1e20 + ONE);
    }

    function test_Limit_NoneWithoutAnAttachment() public {
        assertEq(pool.maxDeposit(bob), 0);
        stack.setTranches(0, 20_000, 0);
        assertEq(pool.maxDeposit(bob), type(uint80).max);
        _join(pool, bob, 1e20);
        assertEq(juniorPool.bookedAssets(), 0);
    }

    function test_Limit_FollowsTheAttachment() public {
        _fill(100 * ONE, 100 * ONE);
        stack.setTranches(5_000, 20_000, 0);
        assertEq(pool.maxDeposit(bob), 0);
        stack.setTranches(4_000, 20_000, 0);
        assertEq(pool.maxDeposit(bob), 50 * ONE); // 1.5 * 100 - 100
        stack.setTranches(1, 20_000, 0);
        assertEq(pool.maxDeposit(bob), 999_900 * ONE - 100 * ONE);
    }

    function testFuzz_Limit_JuniorKeepsItsShareAfterAnySeniorJoin(
        uint256 below,
        uint16 attachmentBps,
        uint256 part
    ) public {
        attachmentBps = uint16(bound(attachmentBps, 1, 5_000));
        stack.setTranches(attachmentBps, 20_000, 0);
        below = bound(below, ONE, 1e16);
        _join(juniorPool, alice, below);
        uint256 most = pool.maxDeposit(bob);
        uint256 exact = (below * (10_000 - attachmentBps)) / attachmentBps;
        bool isUnlimited = exact / ONE >= type(uint32).max;
        if (!isUnlimited) assertEq(most, exact - (exact % ONE));
        if (most == 0) return;
        _join(pool, bob, isUnlimited ? bound(part, 1, 1e18) : bound(part, 1, most));
        if (isUnlimited) return;
        assertGe(juniorPool.bookedAssets() * 10_000, stack.totalAssets() * attachmentBps);
    }
}
