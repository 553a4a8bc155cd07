// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Vm} from "forge-std/Vm.sol";
import {Account, Position} from "../../../contracts/interfaces/IMarginEngine.sol";

/// @title RawLedger
/// @notice What the engine stores, read past its views, which show accounts as settled.
/// @dev The slots are those of the engine's layout; LedgerChecks compares some of them to views after every call.
library RawLedger {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant ACCOUNTS_SLOT = 1;
    uint256 internal constant POSITIONS_SLOT = 2;
    uint256 internal constant BALANCE_SLOT = 323; // internalBalance, totalDeficit
    uint256 internal constant FLAGS_SLOT = 324; // exchange, deleveraged, hasDeficit
    uint256 internal constant POOL_SLOT = 325; // pool, deficitMarkets
    uint256 internal constant CLAIMS_SLOT = 332;

    function account(address engine, uint256 id) internal view returns (Account memory) {
        uint256 word = load(engine, at(id, ACCOUNTS_SLOT));
        return Account(int128(uint128(word)), uint64(word >> 128), uint64(word >> 192));
    }

    function position(address engine, uint256 id, uint256 m) internal view returns (Position memory) {
        uint256 word = load(engine, at(m, at(id, POSITIONS_SLOT)));
        return Position(int64(uint64(word)), int128(uint128(word >> 64)));
    }

    /// @return {u} the claim at the account's checkpoint
    function claim(address engine, uint256 id) internal view returns (uint256) {
        return load(engine, at(id, CLAIMS_SLOT));
    }

    /// @return bits of the markets that have been deleveraged
    function deleveraged(address engine) internal view returns (uint64) {
        return uint64(load(engine, FLAGS_SLOT) >> 160);
    }

    function load(address engine, uint256 slot) internal view returns (uint256) {
        return uint256(VM.load(engine, bytes32(slot)));
    }

    /// @return slot of a mapping's value
    function at(uint256 key, uint256 slot) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(key, slot)));
    }
}
