// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC7540Operator, IERC7540Redeem, IERC7575Share} from "./IERC7540.sol";

/// @notice A share redemption on its way. Claimable while claimableAt <= {poolTime} <= lapsesAt.
struct ExitRequest {
    uint256 shares; // {share} held by the pool until claimed, cancelled or lapsed
    uint256 valueCap; // {asset} value when requested: the claims of this request together pay at most this
    uint256 claimableAt; // {s} of the pool's time: end of the cooldown
    uint256 lapsesAt; // {s} of the pool's time: last second of the claim window
}

/// @title BackstopPool
/// @notice One tranche of the stakers' capital. ERC-4626 to join, ERC-7540 to leave.
/// @dev ERC-20 (+ permit) share, ERC-4626 deposit and mint; redemption is asynchronous: `requestRedeem`, cooldown,
/// `claimExit` (one request) or ERC-4626's `redeem` and `withdraw` (oldest first) within the claim window.
/// `previewRedeem` and `previewWithdraw` revert, `maxRedeem` and `maxWithdraw` are what is claimable now.
/// {asset} is settlement-token units, {share} has six decimals more. `totalAssets` is what was booked, less unvested
/// income; tokens that were merely sent here belong to nobody. `convertToShares` and `convertToAssets` are at that price; joiners pay
/// for unvested income and {pending} gains on top of it, leavers leave their part of {pending} losses behind.
interface IBackstopPool is IERC4626, IERC7540Operator, IERC7540Redeem, IERC7575Share, IERC165 {
    /// @notice Follows ERC-7540's `RedeemRequest` of the same request and says what it fixed, clocks in the pool's time.
    event ExitRequested(
        address indexed controller,
        uint256 indexed requestId,
        uint256 valueCap,
        uint32 claimableAt,
        uint32 lapsesAt
    );
    /// @notice `caller` gave the shares of a request back to its controller: cancelled, or lapsed.
    event ExitCancelled(address indexed controller, uint256 indexed requestId, address indexed caller, uint256 shares);
    /// @notice Precedes ERC-4626's `Withdraw`, once for each request that the claim took shares from.
    event ExitClaimed(address indexed controller, uint256 indexed requestId, uint256 shares, uint256 assets);
    /// @notice A loss took `assets` out of this pool.
    event LossTaken(uint256 assets);
    /// @notice What is pending on the pool's positions, and when claims and joins may go on: in the past when they may.
    event PendingSet(uint256 gain, uint256 loss, uint256 gateEnd);
    /// @notice At most this many whole tokens may be booked.
    event LimitSet(uint256 tokens);
    /// @notice Income arrived; with it `unvested` vests linearly from now to `vestsAt`.
    event IncomeReceived(uint256 assets, uint256 unvested, uint32 vestsAt);
    event ExitClocksSet(uint32 cooldown, uint32 claimWindow);
    event Paused(uint256 until); // {s}
    event Unpaused();

    error DecimalsUnsupported(uint8 decimals, uint8 max);
    error NotStack(address caller);
    error NotAuthorized(address caller, address controller);
    error ZeroShares(uint256 assets);
    error ZeroAssets(uint256 shares);
    error AssetsAboveMax(uint256 assets, uint256 max);
    error SharesAboveMax(uint256 shares, uint256 max);
    /// @notice The token delivered less than it was asked for: `held` by the pool, `booked` in its accounts.
    error TokenShort(uint256 held, uint256 booked);
    error SlippageExceeded(uint256 actual, uint256 limit);
    error DeadlinePassed(uint256 nowTs, uint256 deadline);
    error TooManyRequests(address controller, uint256 max);
    error UnknownRequest(address controller, uint256 requestId);
    error NotClaimableYet(uint256 poolTime, uint256 claimableAt);
    error RequestLapsed(uint256 poolTime, uint256 lapsesAt);
    error RequestNotLapsed(uint256 poolTime, uint256 lapsesAt);
    /// @notice Paused, the gate is closed, or (then `from` is the end of all time) a loss is pending that nobody should buy into.
    error JoinsClosed(uint256 from);
    error GateClosed(uint256 until);
    error PauseTooEarly(uint256 nowTs, uint256 earliest);
    error NotPaused(uint256 nowTs, uint256 pausedUntil);
    error SharesExceedRequest(uint256 shares, uint256 requested);
    error AssetsExceedRequests(uint256 assets, uint256 claimable);
    /// @notice What an exit pays is known only at the claim.
    error PreviewUnsupported();
    error ClockOutOfRange(uint32 value, uint32 min, uint32 max);

    /* JOIN: beside ERC-4626's deposit and mint */

    /// @notice `deposit` that fails when it would mint fewer than `minShares`, or after `deadline`.
    /// @param assets    {asset} moved from the caller; at most `maxDeposit`
    /// @param receiver  gets the shares; neither zero nor the pool
    /// @param minShares {share} smallest acceptable result
    /// @param deadline  {s} last acceptable second
    /// @return shares   {share} minted, rounded down
    /// @custom:reverts DeadlinePassed, JoinsClosed, ZeroShares, SlippageExceeded, AssetsAboveMax, ERC20InvalidReceiver,
    /// TokenShort, and what the token reverts with
    /// @custom:emits Transfer, Deposit
    function depositWithin(
        uint256 assets,
        address receiver,
        uint256 minShares,
        uint256 deadline
    ) external returns (uint256 shares);

    /// @notice `depositWithin` with an ERC-2612 permit of the caller over `assets` and the same `deadline`.
    /// @dev A permit that was already used, by whoever saw it first, is not an error: the allowance decides.
    function depositWithPermit(
        uint256 assets,
        address receiver,
        uint256 minShares,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 shares);

    /// @notice `mint` that fails when it would cost more than `maxAssets`, or after `deadline`.
    /// @return assets {asset} moved from the caller, rounded up
    /// @custom:reverts as `depositWithin`, and SharesAboveMax
    function mintWithin(
        uint256 shares,
        address receiver,
        uint256 maxAssets,
        uint256 deadline
    ) external returns (uint256 assets);

    /* EXIT: beside ERC-7540's requestRedeem and ERC-4626's redeem and withdraw */

    /// @notice Gives the shares of one request back to its controller: for the controller and its operators at any time,
    /// for anyone once it has lapsed. Queued shares earn nothing: what all are worth more than at request vests for everybody, and as many
    /// shares are burned as leave the rest worth that much then.
    /// @return shares {share} given back
    /// @custom:reverts UnknownRequest, RequestNotLapsed
    /// @custom:emits Transfer, ExitCancelled
    function cancelExit(address controller, uint256 requestId) external returns (uint256 shares);

    /// @notice Pays out `shares` of one request at the lower of their value at request and now, their part of pending losses left behind.
    /// @dev What the request gained while it waited stays with the others. Rounded down. `redeem` and `withdraw` do the same
    /// over all claimable requests of a controller, oldest first.
    /// @custom:reverts NotAuthorized, GateClosed, UnknownRequest, NotClaimableYet, RequestLapsed, SharesExceedRequest, ZeroAssets,
    /// ERC20InvalidReceiver
    /// @custom:emits ExitClaimed, Transfer, Withdraw
    function claimExit(
        address controller,
        uint256 requestId,
        uint256 shares,
        address receiver
    ) external returns (uint256 assets);

    /// @notice `claimExit` that fails when it would pay less than `minAssets`, or after `deadline`.
    function claimExitWithin(
        address controller,
        uint256 requestId,
        uint256 shares,
        address receiver,
        uint256 minAssets,
        uint256 deadline
    ) external returns (uint256 assets);

    /// @notice `redeem` that fails when it would pay less than `minAssets`, or after `deadline`.
    function redeemWithin(
        uint256 shares,
        address receiver,
        address controller,
        uint256 minAssets,
        uint256 deadline
    ) external returns (uint256 assets);

    /// @notice `withdraw` that fails when it would take more than `maxShares`, or after `deadline`.
    function withdrawWithin(
        uint256 assets,
        address receiver,
        address controller,
        uint256 maxShares,
        uint256 deadline
    ) external returns (uint256 shares);

    /* STACK */

    /// @notice Sends `assets` of a loss to the engine.
    /// @dev Every share, queued ones included, loses the same fraction; no share is minted or burned. Unvested income goes first.
    /// @param assets {asset} at most what lies above MIN_ASSETS
    /// @param isRecorded whether it may be repaid one day to those who hold shares now: see `sharesAt`
    /// @custom:reverts NotStack, AssetsAboveMax
    /// @custom:emits LossTaken, SharesRescaled when a share has become worth too little
    function take(uint256 assets, bool isRecorded) external;

    /// @notice Books income that the stack has just sent; it belongs to the stakers as it vests.
    /// @dev What had not vested yet and what is new vest together, until the mean of their ends weighted by amount: dust
    /// moves nothing, and no arrival puts the end further away than INCOME_PERIOD. Zero is no income.
    /// @param assets {asset} sent by the stack in the same transaction
    /// @custom:reverts NotStack, TokenShort
    /// @custom:emits IncomeReceived unless `assets` is zero
    function receiveIncome(uint256 assets) external;

    /// @notice Sets what is pending, and closes or opens the gate.
    /// @param gain       {asset} what joiners pay for beside the books
    /// @param loss       {asset} what leavers leave behind
    /// @param gateEnd    {s} claims and joins wait until then, and the pool's time stands still; in the past the gate is open
    /// @param isJoinable whether anybody may join
    /// @custom:reverts NotStack
    /// @custom:emits PendingSet
    function setPending(uint256 gain, uint256 loss, uint256 gateEnd, bool isJoinable) external;

    /// @notice Sets how much may be booked at most. What is booked already stays.
    /// @param tokens {whole token} 2^32 - 1 and more is no limit
    /// @custom:reverts NotStack
    /// @custom:emits LimitSet
    function setLimit(uint256 tokens) external;

    /* GOVERNANCE */

    /// @notice Sets the clocks of requests made from now on; open ones keep theirs.
    /// @param cooldown    {s} MIN_COOLDOWN to MAX_COOLDOWN
    /// @param claimWindow {s} MIN_CLAIM_WINDOW to MAX_CLAIM_WINDOW
    /// @custom:reverts AccessManagedUnauthorized, ClockOutOfRange
    /// @custom:emits ExitClocksSet
    function setExitClocks(uint32 cooldown, uint32 claimWindow) external;

    /* GUARDIAN */

    /// @notice Refuses new stake for PAUSE_TIME. The pool's time stands still meanwhile: no request matures and none lapses. What
    /// is claimable stays so; losses are recognised and income vests as ever.
    /// @custom:reverts AccessManagedUnauthorized, PauseTooEarly before PAUSE_REST has passed since the last pause
    /// @custom:emits Paused
    function pause() external;

    /// @notice Ends a pause early.
    /// @custom:reverts AccessManagedUnauthorized, NotPaused
    /// @custom:emits Unpaused
    function unpause() external;

    /* VIEWS */

    /// @notice The capital stack that this pool is a tranche of.
    function stack() external view returns (address);

    /// @notice Where losses go.
    function engine() external view returns (address);

    /// @notice Whether this tranche pays before the other.
    function isJunior() external view returns (bool);

    /// @notice {asset} one whole token: no loss takes the pool below it.
    // solhint-disable-next-line func-name-mixedcase
    function MIN_ASSETS() external view returns (uint256);

    /// @notice {asset} stake that is neither queued for exit nor floor: what counts as coverage. Rounded down, never reverts.
    function freeStake() external view returns (uint256);

    /// @notice {asset} on the books: `totalAssets` and unvested income.
    function bookedAssets() external view returns (uint256);

    /// @notice {asset} gained and lost by the pool's positions and not on the books yet, as of the last syncs: see `setPending`.
    function pending() external view returns (uint256 gain, uint256 loss);

    /// @notice {asset/day} at which income vests now.
    function incomeRate() external view returns (uint256);

    /// @notice {asset} income that has arrived and not vested yet: not in `totalAssets`, first to absorb a loss. Rounded up.
    function unvestedIncome() external view returns (uint256);

    /// @notice {s} see `setExitClocks`
    function exitClocks() external view returns (uint32 cooldown, uint32 claimWindow);

    /// @notice How often losses so deep that a share was worth next to nothing have divided all shares by 2^24.
    function rescalings() external view returns (uint256);

    /// @notice {s} end of the last pause, which may lie ahead; zero before the first.
    function pausedUntil() external view returns (uint256);

    /// @notice {s} claims wait until then; in the past the gate is open.
    function gateEnd() external view returns (uint256);

    /// @notice {s} nobody joins before; the end of all time while too large a loss is pending.
    function joinsFrom() external view returns (uint256);

    /// @notice {s} the time that the clocks of requests run in: seconds since the epoch without those of pauses and of the closed gate.
    function poolTime() external view returns (uint256);

    /// @notice {share} held by the pool for all exit requests.
    function queuedShares() external view returns (uint256);

    /// @notice One exit request; all zero when there is none.
    function exitRequest(address controller, uint256 requestId) external view returns (ExitRequest memory);

    /// @notice How many losses have been recorded; their ids begin at 1. After 255 no more are.
    function recordedLosses() external view returns (uint256);

    /// @notice A recorded loss: {asset} taken, and {share} that there were. Zero when there is none.
    function recordedLoss(uint256 id) external view returns (uint256 assets, uint256 shares);

    /// @notice {share} that a holder had at a recorded loss, those in his exit requests included; as many as he would have had without the
    /// rescalings since, down.
    function sharesAt(address holder, uint256 id) external view returns (uint256);

    /// @notice Open requests of a controller have ids above `closed`, up to `last`; those between may be closed too.
    function requestIds(address controller) external view returns (uint256 closed, uint256 last);
}
