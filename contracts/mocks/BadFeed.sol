// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

/// @notice What a {BadFeed} does to a call.
enum Fault {
    NONE, // returns the bytes it was given, whatever they are
    REVERT, // with a short reason
    REVERT_BLOB, // with 64 KiB of reason
    EAT_GAS, // all it gets
    BLOB, // returns 64 KiB of zeros
    HEAVY // burns HEAVY_GAS, then returns the bytes it was given: with cold slots 95,000 to 100,000 in all
}

/// @notice A feed that misbehaves on command: every call but the setters answers with raw bytes or a fault. For tests only.
contract BadFeed {
    uint256 public constant HEAVY_GAS = 74_000;
    uint256 public constant BLOB_SIZE = 65_536;

    error Broken();

    Fault private _fault;
    bytes private _decimals;
    bytes private _round;

    constructor(bytes memory decimals_, bytes memory round) {
        _decimals = decimals_;
        _round = round;
    }

    // Not payable: solc wants a `receive` beside a payable one, and there is nothing to receive.
    // solhint-disable-next-line payable-fallback
    fallback(bytes calldata data) external returns (bytes memory) {
        return _respond(bytes4(data));
    }

    function setFault(Fault fault) external {
        _fault = fault;
    }

    /// @param round  what `latestRoundData` returns, byte for byte
    function setRound(bytes calldata round) external {
        _round = round;
    }

    /// @param decimals_  what `decimals` returns, byte for byte
    function setDecimals(bytes calldata decimals_) external {
        _decimals = decimals_;
    }

    function _respond(bytes4 selector) private view returns (bytes memory) {
        Fault fault = _fault;
        require(fault != Fault.REVERT, Broken());
        require(fault != Fault.REVERT_BLOB, string(new bytes(BLOB_SIZE)));
        if (fault == Fault.BLOB) return new bytes(BLOB_SIZE);
        uint256 goal =
            fault == Fault.EAT_GAS
                ? type(uint256).max
                : fault == Fault.HEAVY
                    ? HEAVY_GAS
                    : 0;
        uint256 start = gasleft();
        while (start - gasleft() < goal) continue;
        return selector == bytes4(keccak256("decimals()")) ? _decimals : _round;
    }
}
