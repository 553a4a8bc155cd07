// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Attestation, ISignals, Signal, SignalState} from "../../contracts/interfaces/ISignals.sol";
import {Erc1271Wallet} from "../../contracts/mocks/Erc1271Wallet.sol";
import {SignalsProbe} from "../../contracts/mocks/SignalsProbe.sol";
import {SignalsTest} from "../helpers/SignalsTest.sol";

/// @notice What is accepted as a signal, by whom it must be signed, and what governance may set.
contract SignalsSubmitTest is SignalsTest {
    uint256 private constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    /* LEVEL */

    function test_Raises_NothingWithoutASignal() public view {
        assertFalse(signals.raises(MARKET));
        assertFalse(_state().isRaised);
    }

    function test_Submit_RaisesUntilItExpires() public {
        Signal memory signal = _signal(3_000);

        _expectAccepted(signal);
        _expectArmed(1, START, START + 6 hours);
        vm.prank(makeAddr("anyone"));
        signals.submitSignal(signal, _attested(signal));

        SignalState memory state = _state();
        assertTrue(state.isRaised);
        assertEq(state.until, START + 6 hours, "until");
        assertEq(state.nonce, 1, "nonce");
        assertEq(state.probability, 3_000, "probability");
        assertEq(state.acceptedAt, START, "accepted at");
        assertEq(state.modelHash, MODEL, "model");
        assertFalse(signals.raises(MARKET + 1), "another market");

        vm.warp(START + 6 hours - 1);
        assertTrue(signals.raises(MARKET), "last second");
        vm.warp(START + 6 hours);
        assertFalse(signals.raises(MARKET), "expired");
    }

    function test_Submit_OnlyScoresBelowTheThreshold() public {
        _submit(THRESHOLD - 1);
        assertFalse(signals.raises(MARKET), "below");
        assertEq(_state().open, 1, "open");

        _submit(THRESHOLD);
        assertTrue(signals.raises(MARKET), "at it");
        assertEq(_state().open, 2, "open");
    }

    function test_Submit_ALowerOneEndsNothing() public {
        _submit(3_000);

        skip(1 hours);
        _submit(0, 1);

        assertTrue(signals.raises(MARKET));
        assertEq(_state().until, START + 6 hours, "until");
    }

    function test_Submit_NoProbabilityReachesNever() public {
        signals.setThreshold(MARKET, 10_001);

        _submit(10_000);

        assertFalse(signals.raises(MARKET));
    }

    /* WHAT IT SAYS */

    function test_RevertWhen_TheMarketHasNoModel() public {
        Signal memory signal = _signal(3_000);
        (signal.market, signal.modelHash, signal.nonce) = (4, 0, 1);
        _expectRefused(signal, abi.encodeWithSelector(ISignals.NoModel.selector, 4));
    }

    function test_RevertWhen_TheModelIsAnother() public {
        Signal memory signal = _signal(3_000);
        signal.modelHash = keccak256("another");
        _expectRefused(signal, abi.encodeWithSelector(ISignals.ModelMismatch.selector, signal.modelHash, MODEL));
    }

    function test_RevertWhen_ItIsOfTheFuture() public {
        Signal memory signal = _signal(3_000);
        signal.validFrom = uint32(START + 1);
        _expectRefused(signal, _validFrom(START + 1));
    }

    function test_RevertWhen_ItWasKeptBack() public {
        Signal memory signal = _signal(3_000);
        signal.validFrom = uint32(START - 5 minutes - 1);
        _expectRefused(signal, _validFrom(START - 5 minutes - 1));

        signal.validFrom = uint32(START - 5 minutes);
        signal.expiry = uint32(START + 1 hours);
        _submit(signal);
    }

    function test_RevertWhen_ItHasExpired() public {
        Signal memory signal = _signal(3_000);
        signal.expiry = uint32(START);
        _expectRefused(signal, _expiry(START, START + 6 hours));

        signal.expiry = uint32(START + 1);
        _submit(signal);
        assertTrue(signals.raises(MARKET), "one second");
    }

    function test_RevertWhen_ItLivesTooLong() public {
        Signal memory signal = _signal(3_000);
        signal.validFrom = uint32(START - 60);
        signal.expiry = uint32(START + 6 hours - 59);
        _expectRefused(signal, _expiry(signal.expiry, START + 6 hours - 60));
    }

    function test_RevertWhen_ItIsMoreThanCertain() public {
        _expectRefused(
            _signal(10_001),
            abi.encodeWithSelector(ISignals.ProbabilityOutOfRange.selector, 10_001, 10_000)
        );
    }

    function test_RevertWhen_TheNonceIsNotTheNext() public {
        Signal memory signal = _signal(3_000);
        _submit(signal);

        _expectRefused(signal, _nonce(1, 2)); // the same once more
        signal.nonce = 3;
        _expectRefused(signal, _nonce(3, 2));
        signal.nonce = type(uint32).max;
        _expectRefused(signal, _nonce(type(uint32).max, 2));
    }

    function test_RevertWhen_ItJumpsWithinAnHour() public {
        _submit(3_000);
        skip(1 hours - 1);

        _expectRefused(_signal(5_001), _jump(5_001, 3_000));
        _expectRefused(_signal(999), _jump(999, 3_000));
        _submit(5_000);
        _submit(3_000);
    }

    function test_Submit_MayJumpAfterAnHourAndWithANewModel() public {
        _submit(0);
        skip(1 hours);
        _submit(10_000);

        signals.setModel(MARKET, keccak256("new"), DROP_BPS, BASE_RATE, THRESHOLD);
        Signal memory signal = _signal(0);
        signal.modelHash = keccak256("new");
        _submit(signal);
        assertEq(_state().probability, 0, "probability");
    }

    function test_RevertWhen_FourAreOpen() public {
        for (uint256 i; i < 4; ++i) _submit(100);
        _expectRefused(_signal(100), abi.encodeWithSelector(ISignals.TooManyOpen.selector, 4, 4));

        skip(4 hours - 1);
        _expectRefused(_signal(100), abi.encodeWithSelector(ISignals.TooManyOpen.selector, 4, 4));
        skip(1);
        _submit(100); // nobody has observed: the submission itself ends them
        assertEq(_state().open, 1, "open");
    }

    /* WHO SIGNS */

    function test_Submit_TakesMoreSignaturesThanNeeded() public {
        Signal memory signal = _signal(3_000);
        Attestation[] memory all = new Attestation[](3);
        for (uint256 i; i < 3; ++i) all[i] = _attestation(i, signal);

        signals.submitSignal(signal, all);

        assertTrue(signals.raises(MARKET));
    }

    function test_RevertWhen_TooFewSign() public {
        Signal memory signal = _signal(3_000);
        Attestation[] memory one = new Attestation[](1);
        one[0] = _attestation(0, signal);
        _expectRefused(signal, one, _tooFew(1, 2));
        _expectRefused(signal, new Attestation[](0), _tooFew(0, 2));
    }

    function test_RevertGiven_NoReportersWereEverSet() public {
        signals = new SignalsProbe(address(manager));
        signals.setModel(MARKET, MODEL, DROP_BPS, BASE_RATE, THRESHOLD);

        Signal memory signal = _signal(3_000);
        _expectRefused(signal, new Attestation[](0), _tooFew(0, 0));
        _expectRefused(signal, abi.encodeWithSelector(ISignals.NotReporter.selector, accounts[0]));
    }

    function test_RevertWhen_SignersAreOutOfOrder() public {
        Signal memory signal = _signal(3_000);
        Attestation[] memory all = _attested(signal);
        (all[0], all[1]) = (all[1], all[0]);
        _expectRefused(
            signal,
            all,
            abi.encodeWithSelector(ISignals.NotAscending.selector, all[1].reporter, all[0].reporter)
        );
    }

    function test_RevertWhen_OneSignsTwice() public {
        Signal memory signal = _signal(3_000);
        Attestation[] memory all = _attested(signal);
        all[1] = all[0];
        _expectRefused(
            signal,
            all,
            abi.encodeWithSelector(ISignals.NotAscending.selector, all[0].reporter, all[0].reporter)
        );
    }

    function test_RevertWhen_TheSignerIsUnknown() public {
        Signal memory signal = _signal(3_000);
        Attestation[] memory all = _attested(signal);
        (address stranger, uint256 key) = _strangerAbove(all[0].reporter);
        all[1] = Attestation(stranger, _signature(key, signal));
        _expectRefused(signal, all, abi.encodeWithSelector(ISignals.NotReporter.selector, stranger));
    }

    function test_RevertWhen_AFormerReporterSigns() public {
        address[] memory less = new address[](2);
        (less[0], less[1]) = (accounts[0], accounts[2]);
        signals.setReporters(less, 2);

        Signal memory signal = _signal(3_000);
        _expectRefused(signal, abi.encodeWithSelector(ISignals.NotReporter.selector, accounts[1]));
    }

    function test_RevertWhen_TheSignatureIsOfAnotherKey() public {
        Signal memory signal = _signal(3_000);
        Attestation[] memory all = _attested(signal);
        all[1].signature = _signature(keys[2], signal);
        _expectRefused(signal, all, _badSignature(signal, 1));
    }

    /// @dev Every field is signed: one bit of any makes it another signal.
    function testFuzz_RevertWhen_TheSignalIsNotTheOneSigned(uint256 field) public {
        signals.setModel(4, keccak256("another"), DROP_BPS, BASE_RATE, THRESHOLD);
        Signal memory signal = _signal(3_000);
        Signal memory signed = _signal(3_000);
        field = bound(field, 0, 5);
        if (field == 0) signed.modelHash = keccak256("another");
        if (field == 1) signed.market = 4;
        if (field == 2) signed.probability = 2_999;
        if (field == 3) --signed.validFrom;
        if (field == 4) --signed.expiry;
        if (field == 5) ++signed.nonce;
        _expectRefused(signal, _attested(signed), _badSignature(signal, 0));
    }

    function test_RevertWhen_SignedForAnotherContract() public {
        SignalsProbe here = signals;
        signals = new SignalsProbe(address(manager));
        signals.setReporters(accounts, 2);
        signals.setModel(MARKET, MODEL, DROP_BPS, BASE_RATE, THRESHOLD);
        Signal memory signal = _signal(3_000);
        Attestation[] memory all = _attested(signal);

        signals = here;
        _expectRefused(signal, all, _badSignature(signal, 0));
    }

    function test_RevertWhen_SignedForAnotherChain() public {
        Signal memory signal = _signal(3_000);
        Attestation[] memory all = _attested(signal);

        vm.chainId(block.chainid + 1);
        _expectRefused(signal, all, _badSignature(signal, 0));
    }

    function test_RevertWhen_SIsInTheUpperHalf() public {
        Signal memory signal = _signal(3_000);
        Attestation[] memory all = _attested(signal);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[1], signals.signalHash(signal));
        all[1].signature = abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _expectRefused(signal, all, _badSignature(signal, 1));

        all[1].signature = new bytes(0);
        _expectRefused(signal, all, _badSignature(signal, 1));
    }

    function test_Submit_AWalletSignsByErc1271() public {
        (Erc1271Wallet wallet, Signal memory signal, Attestation[] memory all) = _walletSigned();

        signals.submitSignal(signal, all);

        assertTrue(signals.raises(MARKET));
        assertEq(wallet.owner(), accounts[0], "the wallet is not its owner");
    }

    function test_RevertWhen_AWalletRefusesOrMisbehaves() public {
        (Erc1271Wallet wallet, Signal memory signal, Attestation[] memory all) = _walletSigned();
        for (uint8 mode = 1; mode <= uint8(Erc1271Wallet.Mode.BURNING); ++mode) {
            wallet.setMode(Erc1271Wallet.Mode(mode));
            uint256 before = gasleft();
            _expectRefused(
                signal,
                all,
                abi.encodeWithSelector(ISignals.BadSignature.selector, signals.signalHash(signal), address(wallet))
            );
            assertLt(before - gasleft(), 300_000, "a wallet takes SIGNATURE_GAS at most");
        }
    }

    /// @dev The same vector as in sdk/test/signals.test.ts: chain 31337, the first contract of the first account of a local node.
    function test_SignalHash_IsTheOneOfTheSdk() public {
        vm.chainId(31_337);
        vm.prank(0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266);
        signals = new SignalsProbe(address(manager));
        assertEq(address(signals), 0x5FbDB2315678afecb367f032d93F642f64180aa3, "address");

        Signal memory signal = Signal(MODEL, MARKET, 2_500, uint32(START), uint32(START + 6 hours), 7);
        assertEq(signals.signalHash(signal), 0xa762135805d90ef7ef36921b4dc801374f1d2f11e15e21b520e955fef396402e);
    }

    /* GOVERNANCE */

    function test_SetReporters_ReplacesThem() public {
        address[] memory one = new address[](1);
        one[0] = accounts[1];

        vm.expectEmit(address(signals));
        emit ISignals.ReportersSet(one, 1);
        signals.setReporters(one, 1);

        (address[] memory now_, uint256 needed) = signals.reporters();
        assertEq(now_, one);
        assertEq(needed, 1, "needed");
        Signal memory signal = _signal(3_000);
        Attestation[] memory all = new Attestation[](1);
        all[0] = _attestation(1, signal);
        signals.submitSignal(signal, all);
        assertTrue(signals.raises(MARKET));
    }

    function test_RevertWhen_ReportersAreOutOfRange() public {
        _expectReportersRefused(_addresses(0), 0);
        _expectReportersRefused(_addresses(2), 0);
        _expectReportersRefused(_addresses(2), 3);
        _expectReportersRefused(_addresses(17), 9);
        signals.setReporters(_addresses(16), 16);
    }

    function test_RevertWhen_ReportersAreNotAscending() public {
        address[] memory same = _addresses(2);
        same[1] = same[0];
        vm.expectRevert(abi.encodeWithSelector(ISignals.NotAscending.selector, same[0], same[0]));
        signals.setReporters(same, 1);

        same[0] = address(0);
        vm.expectRevert(abi.encodeWithSelector(ISignals.NotAscending.selector, address(0), address(0)));
        signals.setReporters(same, 1);
    }

    function test_SetModel_EndsWhatIsInForceAndForgetsTheScoreButNotTheBudget() public {
        _submit(3_000);
        _observeHorizon(PRICE);
        skip(15 minutes);
        _observe(PRICE);
        _submit(3_000);
        assertEq(_state().matured, 1, "matured");
        uint256 secondsLeft = _state().secondsLeft;

        vm.expectEmit(address(signals));
        emit ISignals.ModelSet(MARKET, keccak256("new"), 400, 220, 2_500);
        signals.setModel(MARKET, keccak256("new"), 400, 220, 2_500);

        SignalState memory state = _state();
        assertFalse(state.isRaised);
        assertEq(state.until, 0, "until");
        assertEq(state.open, 0, "open");
        assertEq(state.matured, 0, "matured");
        assertEq(state.brier, 0, "brier");
        assertEq(state.brierBase, 0, "brier of the base rate");
        assertEq(state.nonce, 2, "nonce");
        assertEq(state.secondsLeft, secondsLeft, "seconds left");
        assertEq(state.activationsLeft, 3, "activations left");
        assertEq(state.dropBps, 400, "drop");
        assertEq(state.baseRate, 220, "base rate");
        assertEq(state.threshold, 2_500, "threshold");
        assertEq(state.modelHash, keccak256("new"), "model");

        _expectRefused(
            _signal(3_000),
            abi.encodeWithSelector(ISignals.ModelMismatch.selector, MODEL, keccak256("new"))
        );
    }

    function test_SetModel_ZeroIsNone() public {
        _submit(3_000);

        signals.setModel(MARKET, 0, 0, 0, 0);

        assertFalse(signals.raises(MARKET));
        _expectRefused(_signal(3_000), abi.encodeWithSelector(ISignals.NoModel.selector, MARKET));
        vm.expectRevert(abi.encodeWithSelector(ISignals.NoModel.selector, MARKET));
        signals.setThreshold(MARKET, THRESHOLD);
    }

    function test_RevertWhen_TheModelIsNotAnother() public {
        vm.expectRevert(abi.encodeWithSelector(ISignals.ModelUnchanged.selector, MODEL));
        signals.setModel(MARKET, MODEL, DROP_BPS, BASE_RATE, THRESHOLD);
    }

    function test_RevertWhen_ModelParametersAreOutOfRange() public {
        _expectModelRefused(199, 260, 2_000, "dropBps", 199, 200, 3_000);
        _expectModelRefused(3_001, 260, 2_000, "dropBps", 3_001, 200, 3_000);
        _expectModelRefused(500, 9, 2_000, "baseRate", 9, 10, 900);
        _expectModelRefused(500, 901, 2_000, "baseRate", 901, 10, 900);
        _expectModelRefused(500, 260, 999, "threshold", 999, 1_000, 10_001);
        _expectModelRefused(500, 260, 10_002, "threshold", 10_002, 1_000, 10_001);
        vm.expectRevert(_outOfRange("threshold", 1, 0, 0));
        signals.setModel(MARKET, 0, 0, 0, 1);
    }

    function test_SetThreshold_KeepsScoreAndForce() public {
        _submit(3_000);

        vm.expectEmit(address(signals));
        emit ISignals.ThresholdSet(MARKET, 3_001);
        signals.setThreshold(MARKET, 3_001);

        assertEq(_state().threshold, 3_001, "threshold");
        assertEq(_state().open, 1, "open");
        assertTrue(signals.raises(MARKET));
        skip(6 hours);
        _submit(3_000);
        assertFalse(signals.raises(MARKET));
    }

    function test_RevertWhen_TheThresholdIsOutOfRange() public {
        vm.expectRevert(_outOfRange("threshold", 999, 1_000, 10_001));
        signals.setThreshold(MARKET, 999);
        vm.expectRevert(_outOfRange("threshold", 10_002, 1_000, 10_001));
        signals.setThreshold(MARKET, 10_002);
    }

    function test_RevertWhen_CallerIsNotGovernance() public {
        address mallory = makeAddr("mallory");
        bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, mallory);
        vm.startPrank(mallory);

        vm.expectRevert(refused);
        signals.setReporters(accounts, 1);
        vm.expectRevert(refused);
        signals.setModel(MARKET, 0, 0, 0, 0);
        vm.expectRevert(refused);
        signals.setThreshold(MARKET, THRESHOLD);
    }

    /* HELPERS */

    function _walletSigned() private returns (Erc1271Wallet wallet, Signal memory signal, Attestation[] memory all) {
        wallet = new Erc1271Wallet(accounts[0]);
        address[] memory one = new address[](1);
        one[0] = address(wallet);
        signals.setReporters(one, 1);
        signal = _signal(3_000);
        all = new Attestation[](1);
        all[0] = Attestation(address(wallet), _signature(keys[0], signal));
    }

    function _strangerAbove(address reporter) private returns (address stranger, uint256 key) {
        for (uint256 i; stranger <= reporter; ++i) (stranger, key) = makeAddrAndKey(vm.toString(i));
    }

    function _addresses(uint160 n) private pure returns (address[] memory all) {
        all = new address[](n);
        for (uint160 i; i < n; ++i) all[i] = address(i + 1);
    }

    function _expectReportersRefused(address[] memory all, uint256 needed) private {
        vm.expectRevert(abi.encodeWithSelector(ISignals.ReportersOutOfRange.selector, all.length, needed, 16));
        signals.setReporters(all, needed);
    }

    function _expectModelRefused(
        uint16 dropBps,
        uint16 baseRate,
        uint16 threshold,
        bytes32 name,
        uint256 value,
        uint256 min,
        uint256 max
    ) private {
        vm.expectRevert(_outOfRange(name, value, min, max));
        signals.setModel(MARKET, keccak256("new"), dropBps, baseRate, threshold);
    }

    function _outOfRange(bytes32 name, uint256 value, uint256 min, uint256 max) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISignals.SignalParameterOutOfRange.selector, name, value, min, max);
    }

    function _validFrom(uint256 validFrom) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISignals.ValidFromOutOfRange.selector, validFrom, START - 5 minutes, START);
    }

    function _expiry(uint256 expiry, uint256 max) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISignals.ExpiryOutOfRange.selector, expiry, START + 1, max);
    }

    function _nonce(uint32 nonce, uint32 expected) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISignals.NonceNotNext.selector, nonce, expected);
    }

    function _jump(uint16 probability, uint16 last) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISignals.ProbabilityJumps.selector, probability, last, 2_000);
    }

    function _tooFew(uint256 n, uint256 needed) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISignals.TooFewSignatures.selector, n, needed);
    }

    function _badSignature(Signal memory signal, uint256 i) private view returns (bytes memory) {
        return abi.encodeWithSelector(ISignals.BadSignature.selector, signals.signalHash(signal), accounts[i]);
    }
}
