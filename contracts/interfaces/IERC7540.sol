// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

/// @notice Operators of ERC-7540: who may request and claim for somebody else. ERC-165 id 0xe3bc4e65.
interface IERC7540Operator {
    event OperatorSet(address indexed controller, address indexed operator, bool approved);

    /// @notice Lets `operator` act for the caller as owner of shares and controller of requests.
    function setOperator(address operator, bool approved) external returns (bool);

    function isOperator(address controller, address operator) external view returns (bool);
}

/// @notice Asynchronous redemption of ERC-7540. ERC-165 id 0x620ee8e4.
interface IERC7540Redeem {
    event RedeemRequest(
        address indexed controller,
        address indexed owner,
        uint256 indexed requestId,
        address sender,
        uint256 shares
    );

    /// @notice Starts the exit of `shares`, which move to the pool and stay slashable until claimed.
    /// @dev The caller is `owner`, its operator, or has its allowance; `controller` is `owner` or lets the caller act for it, so
    /// that nobody fills the queue of a stranger. Queued shares are not coverage
    /// (`freeStake`). The clocks in force
    /// now and the value now, rounded down, are fixed into the request. It can be cancelled, so there is no limit to pass.
    /// @return requestId ascending from 1 for each controller
    /// @custom:reverts NotAuthorized, SafeCastOverflowedUintDowncast (more than 2^104 - 1 shares: split them), ZeroAssets,
    /// ERC20InsufficientAllowance, TooManyRequests, ERC20InsufficientBalance
    /// @custom:emits Transfer, RedeemRequest, ExitRequested
    function requestRedeem(uint256 shares, address controller, address owner) external returns (uint256 requestId);

    /// @notice {share} of a request that is still cooling down.
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256);

    /// @notice {share} of a request that may be claimed now.
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256);
}

/// @notice The part of ERC-7575 that ERC-7540 asks for. With ERC-4626 its ERC-165 id is 0x2f0a18c5.
interface IERC7575Share {
    /// @notice The share token: the vault itself.
    function share() external view returns (address);
}
