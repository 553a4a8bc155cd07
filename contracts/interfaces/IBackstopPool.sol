// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

/// @notice Why the engine draws on the pool. Fixed in code: the pool cannot be pointed at anything else.
enum DrawReason {
    LIQUIDATION, // an account was taken over below zero equity
    INVENTORY // the pool's own inventory fell below zero equity
}

/// @notice A share redemption on its way. One slot.
struct ExitRequest {
    uint96 shares; // {share} held by the pool until claimed, cancelled or lapsed
    uint96 valueCap; // {asset} value when requested: the claim pays at most this
    uint32 claimableAt; // {s} end of the cooldown
    uint32 lapsesAt; // {s} end of the claim window
}

/// @title BackstopPool
/// @notice Stakers' capital, first to pay after a market's own insurance bucket. ERC-4626 to join, ERC-7540 to leave.
/// @dev ERC-20 (+ permit) share, ERC-4626 deposit and mint; redemption is asynchronous: `requestRedeem`, cooldown,
/// `redeem` within the claim window. {asset} is settlement-token units, {share} has six decimals more.
interface IBackstopPool {
    event ExitRequested(
        address indexed controller,
        address indexed owner,
        uint256 indexed requestId,
        uint256 shares,
        uint256 valueCap,
        uint32 claimableAt,
        uint32 lapsesAt
    );
    event ExitCancelled(address indexed controller, uint256 indexed requestId, uint256 shares);
    event ExitClaimed(
        address indexed controller,
        address indexed receiver,
        uint256 indexed requestId,
        uint256 shares,
        uint256 assets
    );
    /// @notice A shortfall of `requested` met `paid` out of the pool, at most what floor and budgets allow.
    event LossAbsorbed(uint8 indexed market, DrawReason indexed reason, uint256 requested, uint256 paid);
    /// @notice Income arrived; it vests linearly until `vestsAt`.
    event IncomeReceived(uint256 assets, uint256 unvested, uint32 vestsAt);
    event BudgetsSet(uint16 marketDayBps, uint16 windowBps);
    event ExitClocksSet(uint32 cooldown, uint32 claimWindow);

    error NotEngine(address caller);
    error ZeroShares(uint256 assets);
    error ZeroAssets(uint256 shares);
    error NotAuthorized(address caller, address controller);
    error UnknownRequest(address controller, uint256 requestId);
    error NotClaimableYet(uint256 nowTs, uint256 claimableAt);
    error RequestLapsed(uint256 nowTs, uint256 lapsesAt);
    error RequestNotLapsed(uint256 nowTs, uint256 lapsesAt);
    error SharesExceedRequest(uint256 shares, uint256 requested);
    error SlippageExceeded(uint256 actual, uint256 limit);
    error DeadlinePassed(uint256 nowTs, uint256 deadline);
    error BudgetOutOfRange(uint16 bps, uint16 max);
    error ClockOutOfRange(uint32 value, uint32 min, uint32 max);
    error FloorNotMet(uint256 assets, uint256 floor);

    /* ENGINE */

    /// @notice Pays up to `requested` of a market's shortfall to the engine. Never reverts for lack of money.
    /// @dev Every share, queued ones included, loses the same fraction; no share is minted or burned. Unvested income
    /// goes first. The payment is capped by the market's budget of the day, the pool's budget of the window and the floor;
    /// the rest is the engine's to pass down the waterfall.
    /// @param market    market id
    /// @param requested {asset} rounded up by the engine to whole token units
    /// @param reason    see {DrawReason}
    /// @return paid     {asset} sent to the engine; at most `requested`
    /// @custom:reverts NotEngine
    /// @custom:emits LossAbsorbed
    function absorb(uint8 market, uint256 requested, DrawReason reason) external returns (uint256 paid);

    /// @notice Books income that the engine has just sent; it belongs to the stakers as it vests.
    /// @param assets {asset} sent by the engine in the same transaction
    /// @custom:reverts NotEngine
    /// @custom:emits IncomeReceived
    function receiveIncome(uint256 assets) external;

    /* EXIT */

    /// @notice Starts the exit of `shares`, which move to the pool and stay slashable until claimed.
    /// @dev ERC-7540. `owner` is the caller, or gave the caller an allowance or operator rights. Queued shares are
    /// not coverage (`freeStake`). The clocks in force now are fixed into the request.
    /// @return requestId ascending from 1 for each controller
    function requestRedeem(uint256 shares, address controller, address owner) external returns (uint256 requestId);

    /// @notice Gives the shares of one request back to its controller, whatever its clocks say.
    function cancelExit(address controller, uint256 requestId) external returns (uint256 shares);

    /// @notice Pays out `shares` of one request at the lower of their value at request and now.
    /// @dev What the request gained while it waited stays with the others. Rounded down.
    function claimExit(
        address controller,
        uint256 requestId,
        uint256 shares,
        address receiver
    ) external returns (uint256 assets);

    /* VIEWS */

    /// @notice {asset} stake that is neither queued for exit nor floor: what the engine counts as coverage. Rounded down.
    function freeStake() external view returns (uint256);

    /// @notice {asset} what one call to `absorb` for `market` could pay now.
    function absorbable(uint8 market) external view returns (uint256);

    /// @notice {asset} income that has arrived and not vested yet: not in `totalAssets`, first to absorb a loss.
    function unvestedIncome() external view returns (uint256);

    /// @notice One exit request; all zero when there is none.
    function exitRequest(address controller, uint256 requestId) external view returns (ExitRequest memory);
}
