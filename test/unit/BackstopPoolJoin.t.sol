// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {MockToken} from "../../contracts/mocks/MockToken.sol";
import {Deployer} from "../helpers/Deployer.sol";
import {PoolTest} from "../helpers/PoolTest.sol";

contract BackstopPoolJoinTest is PoolTest {
    /* CONSTRUCTION */

    function test_Constructor_FixesTokenEngineAndDefaults() public view {
        assertEq(pool.asset(), address(token));
        assertEq(pool.engine(), engine);
        assertEq(pool.authority(), address(manager));
        assertEq(pool.share(), address(pool));
        assertEq(pool.name(), "Backstop share");
        assertEq(pool.symbol(), "BACK");
        (uint16 day, uint16 window) = stack.budgets();
        assertEq(day, 5_000);
        assertEq(window, 8_000);
        (uint32 cooldown, uint32 claimWindow) = pool.exitClocks();
        assertEq(cooldown, 7 days);
        assertEq(claimWindow, 3 days);
    }

    function test_Constructor_AddsSixDecimalsToTheToken() public {
        uint8[3] memory decimals = [6, 8, 12];
        for (uint256 i; i < 3; ++i) {
            (stack, pool) = _newPool(address(new MockToken("USD", decimals[i])));
            assertEq(pool.decimals(), decimals[i] + 6);
            assertEq(pool.MIN_ASSETS(), 10 ** decimals[i]);
        }
    }

    function testFuzz_RevertWhen_TokenHasMoreThanTwelveDecimals(uint8 decimals) public {
        decimals = uint8(bound(decimals, 13, 255));
        address asset = address(new MockToken("USD", decimals));
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.DecimalsUnsupported.selector, decimals, 12));
        Deployer.stack(asset, engine, address(manager));
    }

    /* DEPOSIT AND MINT */

    function test_Deposit_PullsAssetsAndMintsShares() public {
        token.mint(alice, 5 * ONE);
        vm.startPrank(alice);
        token.approve(address(pool), 5 * ONE);
        vm.expectEmit(address(pool));
        emit IERC20.Transfer(address(0), bob, 5 * SHARE);
        vm.expectEmit(address(pool));
        emit IERC4626.Deposit(alice, bob, 5 * ONE, 5 * SHARE);
        uint256 shares = pool.deposit(5 * ONE, bob);

        assertEq(shares, 5 * SHARE);
        assertEq(pool.balanceOf(bob), 5 * SHARE);
        assertEq(pool.totalAssets(), 5 * ONE);
        assertEq(token.balanceOf(address(pool)), 5 * ONE);
        assertEq(token.balanceOf(alice), 0);
    }

    function test_Mint_ChargesAssetsRoundedUp() public {
        _stake(bob, 3 * ONE);
        _income(ONE);
        skip(3 days); // a share is worth 4/3
        token.mint(alice, ONE);
        vm.startPrank(alice);
        token.approve(address(pool), ONE);
        uint256 quoted = pool.previewMint(SHARE / 2);
        uint256 assets = pool.mint(SHARE / 2, alice);

        assertEq(assets, 666_667);
        assertEq(assets, quoted);
        assertEq(pool.balanceOf(alice), SHARE / 2);
        assertEq(token.balanceOf(alice), ONE - assets);
    }

    function testFuzz_Deposit_MintsWhatWasPreviewedAndNeverTooMuch(uint256 stake, uint256 loss, uint256 assets) public {
        _openBudgets();
        _stake(bob, bound(stake, 2 * ONE, 1e15 * ONE));
        _absorb(bound(loss, 0, type(uint128).max));
        assets = bound(assets, 1, 1e15 * ONE);
        uint256 expected = pool.previewDeposit(assets);

        uint256 shares = _stake(alice, assets);

        assertEq(shares, expected);
        assertLe(pool.convertToAssets(shares), assets);
    }

    function test_RevertWhen_DepositIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.ZeroShares.selector, 0));
        pool.deposit(0, alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.ZeroShares.selector, 0));
        pool.mint(0, alice);
    }

    function test_RevertWhen_DepositBuysNoShare() public {
        _income(1e8 * ONE); // nobody holds shares: what vests stays with the virtual ones
        skip(3 days);
        token.mint(address(this), ONE);
        token.approve(address(pool), ONE);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.ZeroShares.selector, ONE));
        pool.deposit(ONE, alice);
        assertEq(token.balanceOf(address(this)), ONE);
    }

    function test_RevertWhen_DepositIsAboveTheMaximum() public {
        uint256 max = type(uint80).max;
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.AssetsAboveMax.selector, type(uint256).max, max));
        pool.deposit(type(uint256).max, alice);

        _stake(bob, ONE);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.AssetsAboveMax.selector, max, max - ONE));
        pool.deposit(max, alice);
    }

    function test_RevertWhen_MintIsAboveTheMaximum() public {
        uint256 max = pool.MAX_SHARES();
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.SharesAboveMax.selector, type(uint256).max, max));
        pool.mint(type(uint256).max, alice);
        // within the supply, but not within the assets
        uint256 assets = pool.previewMint(max);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.AssetsAboveMax.selector, assets, pool.MAX_ASSETS()));
        pool.mint(max, alice);
    }

    function test_MaxDeposit_FillsThePoolExactly() public {
        _stake(bob, 7 * ONE);
        uint256 assets = pool.maxDeposit(alice);
        assertEq(assets, pool.MAX_ASSETS() - 7 * ONE);
        assertEq(pool.maxMint(alice), pool.convertToShares(assets));

        _stake(alice, assets);

        assertEq(pool.totalAssets(), pool.MAX_ASSETS());
        assertEq(pool.maxDeposit(alice), 0);
        assertEq(pool.maxMint(alice), 0);
    }

    function test_RevertWhen_ReceiverIsZeroOrThePool() public {
        token.mint(address(this), 2 * ONE);
        token.approve(address(pool), 2 * ONE);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(0)));
        pool.deposit(ONE, address(0));
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(pool)));
        pool.deposit(ONE, address(pool));
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(pool)));
        pool.mint(SHARE, address(pool));
    }

    function test_RevertWhen_SharesAreSentToThePool() public {
        _stake(alice, ONE);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(pool)));
        pool.transfer(address(pool), 1);

        vm.prank(alice);
        pool.approve(bob, 1);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(pool)));
        pool.transferFrom(alice, address(pool), 1);
    }

    /* LIMITS */

    function test_DepositWithin_AcceptsTheExactLimits() public {
        token.mint(address(this), 2 * ONE);
        token.approve(address(pool), 2 * ONE);
        assertEq(pool.depositWithin(ONE, alice, SHARE, block.timestamp), SHARE);
        assertEq(pool.mintWithin(SHARE, alice, ONE, block.timestamp), ONE);
    }

    function test_RevertWhen_DeadlineOfAJoinHasPassed() public {
        bytes memory passed = abi.encodeWithSelector(IBackstopPool.DeadlinePassed.selector, START, START - 1);
        vm.expectRevert(passed);
        pool.depositWithin(ONE, alice, 0, START - 1);
        vm.expectRevert(passed);
        pool.mintWithin(SHARE, alice, ONE, START - 1);
        vm.expectRevert(passed);
        pool.depositWithPermit(ONE, alice, 0, START - 1, 0, 0, 0);
    }

    function test_RevertWhen_AJoinMissesItsLimit() public {
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.SlippageExceeded.selector, SHARE, SHARE + 1));
        pool.depositWithin(ONE, alice, SHARE + 1, START);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.SlippageExceeded.selector, ONE, ONE - 1));
        pool.mintWithin(SHARE, alice, ONE - 1, START);
    }

    function test_DepositWithPermit_NeedsNoAllowance() public {
        (address staker, uint256 key) = makeAddrAndKey("staker");
        token.mint(staker, 2 * ONE);
        (uint8 v, bytes32 r, bytes32 s) = _permit(staker, key, ONE);
        vm.prank(staker);
        assertEq(pool.depositWithPermit(ONE, staker, SHARE, START, v, r, s), SHARE);

        // somebody else used the permit first: the allowance is there all the same
        (v, r, s) = _permit(staker, key, ONE);
        token.permit(staker, address(pool), ONE, START, v, r, s);
        vm.prank(staker);
        pool.depositWithPermit(ONE, staker, SHARE, START, v, r, s);
        assertEq(pool.balanceOf(staker), 2 * SHARE);

        // and without either the token refuses
        vm.prank(staker);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(pool), 0, ONE)
        );
        pool.depositWithPermit(ONE, staker, SHARE, START, v, r, s);
    }

    function _permit(address owner, uint256 key, uint256 assets) private view returns (uint8, bytes32, bytes32) {
        bytes32 kind = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 permit = keccak256(abi.encode(kind, owner, address(pool), assets, token.nonces(owner), START));
        return vm.sign(key, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), permit)));
    }

    /* DONATIONS */

    function testFuzz_Donation_ChangesNothing(uint256 donation) public {
        _stake(alice, 1);
        uint256 value = pool.convertToAssets(SHARE);
        token.mint(address(pool), bound(donation, 1, 1e30));

        assertEq(pool.totalAssets(), 1);
        assertEq(pool.convertToAssets(SHARE), value);
        uint256 shares = _stake(bob, 1_000 * ONE);
        assertEq(pool.convertToAssets(shares), 1_000 * ONE);
    }

    function test_Donation_BeforeTheFirstDepositDoesNotBrickIt() public {
        token.mint(address(pool), 1);
        assertEq(_stake(alice, ONE), SHARE);
    }
}
