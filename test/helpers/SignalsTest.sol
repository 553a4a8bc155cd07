// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Attestation, ISignals, Signal, SignalState} from "../../contracts/interfaces/ISignals.sol";
import {SignalsProbe} from "../../contracts/mocks/SignalsProbe.sol";
import {BaseTest} from "./Base.t.sol";

/// @notice Three reporters of whom two must sign, and a model for market 3: 5 % in 4 h, base rate 2.6 %, in force from 20 %.
abstract contract SignalsTest is BaseTest {
    uint8 internal constant MARKET = 3;
    bytes32 internal constant MODEL = keccak256("logit + funding, 2026-06");
    uint16 internal constant DROP_BPS = 500;
    uint16 internal constant BASE_RATE = 260;
    uint16 internal constant THRESHOLD = 2_000;
    uint256 internal constant START = 1_790_000_000; // {s}
    uint64 internal constant PRICE = 200_000; // {u/lot}
    uint64 internal constant TRIGGER = 190_000; // {u/lot}

    AccessManager internal manager;
    SignalsProbe internal signals;
    uint256[3] internal keys; // in the order of their addresses
    address[] internal accounts;

    function setUp() public virtual {
        vm.warp(START);
        manager = new AccessManager(address(this));
        signals = new SignalsProbe(address(manager));
        _makeReporters();
        signals.setReporters(accounts, 2);
        signals.setModel(MARKET, MODEL, DROP_BPS, BASE_RATE, THRESHOLD);
    }

    function _makeReporters() private {
        for (uint256 i; i < 3; ++i) {
            (address account, uint256 key) = makeAddrAndKey(
                string(abi.encodePacked("reporter", bytes1(uint8(65 + i))))
            );
            accounts.push(account);
            keys[i] = key;
            for (uint256 j = i; j != 0 && accounts[j] < accounts[j - 1]; --j) {
                (accounts[j], accounts[j - 1]) = (accounts[j - 1], accounts[j]);
                (keys[j], keys[j - 1]) = (keys[j - 1], keys[j]);
            }
        }
    }

    /* BUILDING */

    /// @dev The market's next signal, valid from now for six hours.
    function _signal(uint16 probability) internal view returns (Signal memory) {
        return
            Signal({
                modelHash: MODEL,
                market: MARKET,
                probability: probability,
                validFrom: uint32(block.timestamp),
                expiry: uint32(block.timestamp + 6 hours),
                nonce: _state().nonce + 1
            });
    }

    function _signature(uint256 key, Signal memory signal) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, signals.signalHash(signal));
        return abi.encodePacked(r, s, v);
    }

    function _attestation(uint256 i, Signal memory signal) internal view returns (Attestation memory) {
        return Attestation(accounts[i], _signature(keys[i], signal));
    }

    /// @dev Of the first two reporters.
    function _attested(Signal memory signal) internal view returns (Attestation[] memory all) {
        all = new Attestation[](2);
        (all[0], all[1]) = (_attestation(0, signal), _attestation(1, signal));
    }

    /* ACTING */

    function _submit(Signal memory signal) internal {
        signals.submitSignal(signal, _attested(signal));
    }

    function _submit(uint16 probability) internal {
        _submit(_signal(probability));
    }

    function _submit(uint16 probability, uint256 life) internal {
        Signal memory signal = _signal(probability);
        signal.expiry = uint32(block.timestamp + life);
        _submit(signal);
    }

    function _observe(uint64 price) internal {
        signals.observe(MARKET, price, block.timestamp);
    }

    /// @dev One price in each of the next sixteen quarter hours, the first one now, and ends at the last of them.
    function _observeHorizon(uint64 price) internal {
        for (uint256 i; i < 16; ++i) {
            if (i != 0) skip(15 minutes);
            _observe(price);
        }
    }

    /* READING */

    function _state() internal view returns (SignalState memory) {
        return signals.signalState(MARKET);
    }

    /* EXPECTING */

    function _expectRefused(Signal memory signal, bytes memory revertData) internal {
        _expectRefused(signal, _attested(signal), revertData);
    }

    function _expectRefused(Signal memory signal, Attestation[] memory all, bytes memory revertData) internal {
        uint32 nonce = _state().nonce;

        vm.expectRevert(revertData);
        signals.submitSignal(signal, all);

        assertEq(_state().nonce, nonce, "a refused signal was recorded");
    }

    function _expectAccepted(Signal memory signal) internal {
        vm.expectEmit(address(signals));
        emit ISignals.SignalAccepted(
            signal.market,
            signal.nonce,
            signal.modelHash,
            signal.probability,
            signal.validFrom,
            signal.expiry
        );
    }

    function _expectArmed(uint32 nonce, uint256 from, uint256 until) internal {
        vm.expectEmit(address(signals));
        emit ISignals.SignalArmed(MARKET, nonce, uint32(from), uint32(until));
    }

    /// @dev (x - y)^2 of two probabilities in {1e-4}, as D18{1}.
    function _square(uint256 x, uint256 y) internal pure returns (uint256) {
        uint256 difference = x > y ? x - y : y - x;
        return (difference * difference * 1e18) / 1e8;
    }
}
