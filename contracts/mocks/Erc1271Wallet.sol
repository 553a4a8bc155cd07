// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Erc1271Wallet
/// @notice A contract that owns accounts and signs by its owner's ECDSA, or misbehaves as told.
contract Erc1271Wallet {
    bytes4 private constant MAGIC = IERC1271.isValidSignature.selector;

    enum Mode {
        HONEST,
        WRONG_MAGIC, // 0xffffffff for everything
        REVERTING, // with a reason of 10,000 bytes
        SHORT, // the right magic value in 4 bytes instead of a word
        DIRTY, // the right magic value followed by ones
        BURNING // all the gas it gets
    }

    error WalletRefused(bytes padding);

    address public immutable owner;
    Mode public mode;

    constructor(address owner_) {
        owner = owner_;
    }

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    /// @notice Any call in the wallet's name, by its owner.
    function execute(address target, bytes calldata data) external returns (bytes memory) {
        require(msg.sender == owner, WalletRefused(""));
        // solhint-disable-next-line avoid-low-level-calls
        (bool success, bytes memory returned) = target.call(data);
        require(success, WalletRefused(returned));
        return returned;
    }

    /// @notice `isValidSignature` of ERC-1271, in raw bytes: no return type can be shorter than a word.
    // solhint-disable-next-line payable-fallback
    fallback(bytes calldata input) external returns (bytes memory) {
        return _answer(input);
    }

    function _answer(bytes calldata input) private view returns (bytes memory) {
        require(bytes4(input) == MAGIC, WalletRefused(input));
        if (mode == Mode.WRONG_MAGIC) return abi.encode(bytes4(0xffffffff));
        if (mode == Mode.REVERTING) revert WalletRefused(new bytes(10_000));
        if (mode == Mode.SHORT) return abi.encodePacked(MAGIC);
        if (mode == Mode.DIRTY) return abi.encodePacked(MAGIC, type(uint224).max);
        for (uint256 burnt; mode == Mode.BURNING;) ++burnt;

        (bytes32 hash, bytes memory signature) = abi.decode(input[4:], (bytes32, bytes));
        (address signer, , ) = ECDSA.tryRecover(hash, signature);
        return abi.encode(signer == owner ? MAGIC : bytes4(0xffffffff));
    }
}
