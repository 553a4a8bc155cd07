// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IMarginEngine} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {MarginEngine} from "../../contracts/MarginEngine.sol";
import {MockToken} from "../../contracts/mocks/MockToken.sol";
import {BlocklistToken, FalseToken, FeeToken, HookToken, NoReturnToken} from "../../contracts/mocks/OddTokens.sol";
import {EngineBase} from "../helpers/EngineBase.t.sol";
import {Deployer} from "../helpers/Deployer.sol";

contract MarginEngineCashTest is EngineBase {
    address internal friend = makeAddr("friend");

    function _unit() internal pure returns (uint256) {
        return 10 ** _decimals();
    }

    /* DEPOSIT */

    function test_Deposit_CreditsExactUnits() public {
        address from = _owner(alice);
        token.mint(from, 7);
        vm.startPrank(from);
        token.approve(address(engine), 7);
        vm.expectEmit(address(engine));
        emit IMarginEngine.Deposited(bob, from, 7);
        engine.deposit(bob, 7); // anyone may fund anyone
        vm.stopPrank();
        assertEq(_cash(bob), int256(7 * engine.tokenUnit()));
        assertEq(engine.internalBalance(), 7);
        assertEq(engine.tokenUnit() * _unit(), USD);
        _assertConserved();
    }

    function test_RevertWhen_DepositGoesToASystemAccount() public {
        uint256[4] memory ids = [uint256(0), 63, FEES, type(uint96).max];
        for (uint256 i; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SystemAccount.selector, ids[i]));
            engine.deposit(ids[i], 1);
        }
    }

    function test_RevertWhen_DepositAmountIsZeroOrHuge() public {
        vm.expectRevert(IMarginEngine.ZeroAmount.selector);
        engine.deposit(alice, 0);
        uint256 max = type(uint64).max;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.AmountTooLarge.selector, max + 1, max));
        engine.deposit(alice, max + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.AmountTooLarge.selector, type(uint256).max, max));
        engine.deposit(alice, type(uint256).max);
    }

    function test_Deposit_LargestAmountFits() public {
        for (uint256 i; i < 3; ++i) _depositTokens(alice, type(uint64).max);
        assertEq(_cash(alice), int256(3 * uint256(type(uint64).max) * engine.tokenUnit()));
    }

    function test_DepositWithPermit_WorksOnceAndSurvivesAPermitUsedByAnother() public {
        (address signer, uint256 key) = makeAddrAndKey("signer");
        token.mint(signer, 10);
        (uint8 v, bytes32 r, bytes32 s) = _permit(signer, key, 10);
        vm.prank(friend); // front-runs the permit
        token.permit(signer, address(engine), 10, block.timestamp, v, r, s);
        vm.prank(signer);
        engine.depositWithPermit(alice, 4, block.timestamp, v, r, s);
        assertEq(_cash(alice), int256(4 * engine.tokenUnit()));
    }

    function test_DepositWithPermit_TakesItsOwnAllowance() public {
        (address signer, uint256 key) = makeAddrAndKey("signer");
        token.mint(signer, 10);
        (uint8 v, bytes32 r, bytes32 s) = _permit(signer, key, 10);
        vm.prank(signer);
        engine.depositWithPermit(alice, 10, block.timestamp, v, r, s);
        assertEq(token.balanceOf(signer), 0);
        assertEq(engine.internalBalance(), 10);
    }

    function _permit(address signer, uint256 key, uint256 amount) private view returns (uint8, bytes32, bytes32) {
        bytes32 typeHash = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        bytes32 data = keccak256(abi.encode(typeHash, signer, address(engine), amount, 0, block.timestamp));
        return vm.sign(key, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), data)));
    }

    /* WITHDRAW */

    function test_Withdraw_PaysTheReceiver() public {
        _deposit(alice, 100);
        vm.expectEmit(address(engine));
        emit IMarginEngine.Withdrawn(alice, friend, 40 * _unit(), 0);
        vm.prank(_owner(alice));
        assertEq(engine.withdraw(alice, 40 * _unit(), 40 * _unit(), friend), 40 * _unit());
        assertEq(token.balanceOf(friend), 40 * _unit());
        assertEq(_cash(alice), int256(60 * USD));
        assertEq(engine.internalBalance(), 60 * _unit());
        _assertConserved();
    }

    function test_RevertWhen_WithdrawerIsNotAuthorized() public {
        _deposit(alice, 100);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotAuthorized.selector, friend, alice));
        vm.prank(friend);
        engine.withdraw(alice, 1, 0, friend);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotAuthorized.selector, friend, FEES));
        vm.prank(friend);
        engine.withdraw(FEES, 1, 0, friend);
    }

    function test_RevertWhen_ReceiverIsZeroOrTheEngine() public {
        _deposit(alice, 100);
        vm.startPrank(_owner(alice));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.BadReceiver.selector, address(0)));
        engine.withdraw(alice, 1, 0, address(0));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.BadReceiver.selector, address(engine)));
        engine.withdraw(alice, 1, 0, address(engine));
    }

    function test_RevertWhen_WithdrawalExceedsCashOrLimits() public {
        _deposit(alice, 100);
        _deposit(bob, 100);
        vm.startPrank(_owner(alice));
        vm.expectRevert(IMarginEngine.ZeroAmount.selector);
        engine.withdraw(alice, 0, 0, friend);
        int256 short = -int256(engine.tokenUnit());
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.CashNegative.selector, alice, short));
        engine.withdraw(alice, 100 * _unit() + 1, 0, friend);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PaidTooLittle.selector, 1, 2));
        engine.withdraw(alice, 1, 2, friend);
        vm.expectRevert(
            abi.encodeWithSelector(IMarginEngine.AmountTooLarge.selector, uint256(1) << 64, type(uint64).max)
        );
        engine.withdraw(alice, uint256(1) << 64, 0, friend);
    }

    function test_Withdraw_OperatorActsUntilRevoked() public {
        _deposit(alice, 100);
        vm.expectEmit(address(engine));
        emit IMarginEngine.OperatorSet(_owner(alice), friend, true);
        vm.prank(_owner(alice));
        engine.setOperator(friend, true);
        assertTrue(engine.isAuthorized(friend, alice + 7)); // every sub-account
        assertFalse(engine.isAuthorized(friend, bob));
        vm.prank(friend);
        engine.withdraw(alice, 1, 0, friend);

        vm.prank(_owner(alice));
        engine.setOperator(friend, false);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotAuthorized.selector, friend, alice));
        vm.prank(friend);
        engine.withdraw(alice, 1, 0, friend);
    }

    function test_RevertWhen_WithdrawalLeavesLessThanInitialMargin() public {
        _open(11_000, 1_000_000); // $200,000: 5 % and the edge of 0.25 % are 10,500 and a bit
        vm.startPrank(_owner(alice));
        engine.withdraw(alice, 450 * _unit(), 0, friend);
        vm.expectPartialRevert(IMarginEngine.InitialMarginNotMet.selector);
        engine.withdraw(alice, 50 * _unit(), 0, friend);
    }

    function test_Withdraw_OpenInterestOfOthersLocksNothing() public {
        _open(11_000, 1_000_000);
        _setStake(1000, 0); // coverage gone: cap far below open interest
        _warp(60);
        vm.prank(_owner(alice));
        engine.withdraw(alice, 400 * _unit(), 0, friend);
        assertEq(token.balanceOf(friend), 400 * _unit());
    }

    function test_RevertWhen_OnlyOpenProfitIsLeftToWithdraw() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 3_000e8); // + 100,000 unrealised
        _warp(2 hours); // the averages follow
        vm.startPrank(_owner(alice));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.CashNegative.selector, alice, -int256(USD)));
        engine.withdraw(alice, 11_001 * _unit(), 0, friend);
    }

    function test_RevertGiven_APriceOfTheAccountIsNotOk() public {
        _open(50_000, 1_000_000);
        vm.warp(block.timestamp + 3601);
        vm.startPrank(_owner(alice));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.STALE));
        engine.withdraw(alice, 1, 0, friend);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.STALE));
        engine.transfer(alice, bob, 1);
        vm.stopPrank();
        _deposit(carol, 1);
        vm.prank(_owner(carol)); // without a position no price matters
        engine.withdraw(carol, 1, 1, friend);
    }

    /* TRANSFER */

    function test_Transfer_MovesSingleUnits() public {
        _deposit(alice, 1);
        vm.expectEmit(address(engine));
        emit IMarginEngine.Transferred(alice, bob, 3);
        vm.prank(_owner(alice));
        engine.transfer(alice, bob, 3);
        assertEq(_cash(alice), int256(USD) - 3);
        assertEq(_cash(bob), 3);
        _assertConserved();
    }

    function test_RevertWhen_TransferIsNotAllowed() public {
        _deposit(alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotAuthorized.selector, friend, alice));
        vm.prank(friend);
        engine.transfer(alice, bob, 1);
        vm.startPrank(_owner(alice));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SystemAccount.selector, FEES));
        engine.transfer(alice, FEES, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SameAccount.selector, alice));
        engine.transfer(alice, alice, 1);
        vm.expectRevert(IMarginEngine.ZeroAmount.selector);
        engine.transfer(alice, bob, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.CashNegative.selector, alice, -1));
        engine.transfer(alice, bob, uint128(USD) + 1);
        vm.expectRevert(); // beyond int128: SafeCast, whatever cash there is
        engine.transfer(alice, bob, type(uint128).max);
    }

    function test_Multicall_ActsInOneTransactionForTheCaller() public {
        _deposit(alice, 10);
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(engine.transfer, (alice, alice + 1, uint128(USD)));
        calls[1] = abi.encodeCall(engine.withdraw, (alice + 1, 1, 1, friend));
        vm.prank(_owner(alice));
        engine.multicall(calls);
        assertEq(_cash(alice + 1), int256(USD - engine.tokenUnit()));

        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotAuthorized.selector, friend, alice));
        vm.prank(friend);
        engine.multicall(calls);
    }

    function test_Donation_BelongsToNobody() public {
        _deposit(alice, 10);
        _deposit(bob, 10);
        token.mint(address(engine), 5 * _unit());
        assertEq(engine.internalBalance(), 20 * _unit());
        vm.startPrank(_owner(alice));
        engine.withdraw(alice, 10 * _unit(), 0, friend);
        vm.expectRevert(
            abi.encodeWithSelector(IMarginEngine.CashNegative.selector, alice, -int256(engine.tokenUnit()))
        );
        engine.withdraw(alice, 1, 0, friend);
    }

    function testFuzz_Cash_RoundTripsExactly(uint256[4] memory amounts) public {
        uint256 sum;
        for (uint256 i; i < 4; ++i) {
            amounts[i] = bound(amounts[i], 1, type(uint64).max);
            _depositTokens(i % 2 == 0 ? alice : bob, amounts[i]);
            sum += amounts[i];
        }
        _assertConserved();
        for (uint256 i; i < 4; ++i) {
            uint256 id = i % 2 == 0 ? alice : bob;
            vm.prank(_owner(id));
            assertEq(engine.withdraw(id, amounts[i], amounts[i], friend), amounts[i]);
        }
        assertEq(token.balanceOf(friend), sum);
        assertEq(_cash(alice), 0);
        assertEq(engine.internalBalance(), 0);
    }
}

contract MarginEngineOddTokensTest is EngineBase {
    function _engineOf(address odd) private returns (MarginEngine) {
        return Deployer.engine(odd, address(oracle), address(manager));
    }

    function test_Constructor_RefusesMoreThanTwelveDecimals() public {
        MockToken wide = new MockToken("WIDE", 18);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.DecimalsUnsupported.selector, 18, 12));
        Deployer.engine(address(wide), address(oracle), address(manager));
        wide = new MockToken("WIDE", 13);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.DecimalsUnsupported.selector, 13, 12));
        Deployer.engine(address(wide), address(oracle), address(manager));
        assertEq(_engineOf(address(new MockToken("NONE", 0))).tokenUnit(), 1e12);
    }

    function test_Cash_IsExactAtEveryNumberOfDecimals() public {
        uint8[4] memory decimals = [0, 6, 8, 12];
        for (uint256 i; i < 4; ++i) {
            MockToken other = new MockToken("OTHER", decimals[i]);
            MarginEngine e = _engineOf(address(other));
            other.mint(_owner(alice), 1000);
            vm.startPrank(_owner(alice));
            other.approve(address(e), 1000);
            e.deposit(alice, 1000);
            assertEq(e.tokenUnit(), 10 ** (12 - decimals[i]));
            assertEq(e.accounts(alice).cash, int256(1000 * e.tokenUnit()));
            e.withdraw(alice, 999, 999, _owner(bob));
            assertEq(e.accounts(alice).cash, int256(e.tokenUnit()));
            assertEq(other.balanceOf(_owner(bob)), 999);
            assertEq(e.internalBalance(), 1);
            vm.stopPrank();
        }
    }

    function test_RevertWhen_TokenTakesAFee() public {
        FeeToken odd = new FeeToken(6, 100);
        MarginEngine e = _engineOf(address(odd));
        odd.mint(address(this), 1000);
        odd.approve(address(e), 1000);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.TokenShort.selector, 990, 1000));
        e.deposit(alice, 1000);
        assertEq(odd.balanceOf(address(this)), 1000);
        assertEq(e.internalBalance(), 0);
    }

    function test_Cash_TokenWithoutReturnValueWorks() public {
        NoReturnToken odd = new NoReturnToken(6);
        MarginEngine e = _engineOf(address(odd));
        odd.mint(_owner(alice), 1000);
        vm.startPrank(_owner(alice));
        odd.approve(address(e), 1000);
        e.depositWithPermit(alice, 1000, 0, 0, 0, 0); // it has no permit either
        assertEq(e.withdraw(alice, 400, 400, _owner(bob)), 400);
        assertEq(odd.balanceOf(_owner(bob)), 400);
        assertEq(e.internalBalance(), 600);
    }

    function test_RevertWhen_TokenReturnsFalse() public {
        FalseToken odd = new FalseToken(6);
        MarginEngine e = _engineOf(address(odd));
        odd.mint(_owner(alice), 1000);
        vm.startPrank(_owner(alice));
        odd.approve(address(e), 1000);
        e.deposit(alice, 500);
        odd.setFailing(true);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(odd)));
        e.deposit(alice, 500);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(odd)));
        e.withdraw(alice, 500, 0, _owner(alice));
        assertEq(e.accounts(alice).cash, int256(500 * 1e6));
    }

    function test_RevertWhen_ReceiverIsBlocked() public {
        BlocklistToken odd = new BlocklistToken(6);
        MarginEngine e = _engineOf(address(odd));
        odd.mint(_owner(alice), 1000);
        vm.startPrank(_owner(alice));
        odd.approve(address(e), 1000);
        e.deposit(alice, 1000);
        odd.setBlocked(_owner(alice), true);
        vm.expectRevert(abi.encodeWithSelector(BlocklistToken.Blocked.selector, _owner(alice)));
        e.withdraw(alice, 1000, 0, _owner(alice));
        assertEq(e.withdraw(alice, 1000, 0, _owner(bob)), 1000); // another receiver
    }

    function test_RevertWhen_TokenReenters() public {
        HookToken odd = new HookToken(6);
        MarginEngine e = _engineOf(address(odd));
        uint256 own = uint256(uint160(address(odd))) << 96;
        odd.mint(address(odd), 1000);
        odd.execute(address(odd), abi.encodeCall(odd.approve, (address(e), 1000)));
        odd.execute(address(e), abi.encodeCall(e.deposit, (own, 400)));

        bytes[4] memory attacks = [
            abi.encodeCall(e.deposit, (own, 1)),
            abi.encodeCall(e.withdraw, (own, 1, 0, address(this))),
            abi.encodeCall(e.transfer, (own, alice, 1)),
            abi.encodeCall(e.takeover, (alice, own))
        ];
        for (uint256 i; i < 4; ++i) {
            odd.arm(address(e), attacks[i]);
            odd.execute(address(e), abi.encodeCall(e.withdraw, (own, 10, 0, address(this))));
            assertEq(odd.calls(), i + 1);
            assertFalse(odd.succeeded());
            assertEq(bytes4(odd.result()), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        }
        assertEq(e.internalBalance(), 360);
        assertEq(e.accounts(own).cash, int256(360 * 1e6));
    }
}
