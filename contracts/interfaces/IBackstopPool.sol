// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC7540Operator, IERC7540Redeem, IERC7575Share} from "./IERC7540.sol";

/// @notice Why the engine draws on the pool. Fixed in code: the pool cannot be pointed at anything else.
enum DrawReason {
    LIQUIDATION, // an account was taken over below zero equity
    INVENTORY, // the pool's own inventory fell below zero equity
    ORACLE_FAILURE, // as LIQUIDATION, within ten minutes of a bad price or at a settlement price
    ENGINE_DEFICIT // the engine holds fewer tokens than its ledger says
}

/// @notice A share redemption on its way. Claimable while claimableAt <= {poolTime} <= lapsesAt.
struct ExitRequest {
    uint256 shares; // {share} held by the pool until claimed, cancelled or lapsed
    uint256 valueCap; // {asset} value when requested: the claims of this request together pay at most this
    uint256 claimableAt; // {s} of the pool's time: end of the cooldown
    uint256 lapsesAt; // {s} of the pool's time: last second of the claim window
}

/// @title BackstopPool
/// @notice Stakers' capital, first to pay after a market's own insurance bucket. ERC-4626 to join, ERC-7540 to leave.
/// @dev ERC-20 (+ permit) share, ERC-4626 deposit and mint; redemption is asynchronous: `requestRedeem`, cooldown,
/// `claimExit` (one request) or ERC-4626's `redeem` and `withdraw` (oldest first) within the claim window.
/// `previewRedeem` and `previewWithdraw` revert, `maxRedeem` and `maxWithdraw` are what is claimable now.
/// {asset} is settlement-token units, {share} has six decimals more. `totalAssets` is what was booked, less unvested
/// income; tokens that were merely sent here belong to nobody.
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
    /// @notice The pool's own positions in a market lost `assets`, which its budgets count.
    event LossCounted(uint8 indexed market, uint256 assets);
    /// @notice A shortfall of `requested` met `paid` out of the pool, at most what floor and budgets allow.
    event LossAbsorbed(uint8 indexed market, DrawReason indexed reason, uint256 requested, uint256 paid);
    /// @notice Income arrived; with it `unvested` vests linearly from now to `vestsAt`.
    event IncomeReceived(uint256 assets, uint256 unvested, uint32 vestsAt);
    event BudgetsSet(uint16 marketDayBps, uint16 windowBps);
    event ExitClocksSet(uint32 cooldown, uint32 claimWindow);
    /// @notice All shares were divided by 2^24, for the `rescalings`-th time: balances, requests and allowances follow, each rounded
    /// down, without events of their own.
    event SharesRescaled(uint256 rescalings);
    event Paused(uint256 until); // {s}
    event Unpaused();

    error ZeroAddress();
    error DecimalsUnsupported(uint8 decimals, uint8 max);
    error NotEngine(address caller);
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
    error DepositsPaused(uint256 until);
    error PauseTooEarly(uint256 nowTs, uint256 earliest);
    error NotPaused(uint256 nowTs, uint256 pausedUntil);
    error SharesExceedRequest(uint256 shares, uint256 requested);
    error AssetsExceedRequests(uint256 assets, uint256 claimable);
    /// @notice What an exit pays is known only at the claim.
    error PreviewUnsupported();
    error BudgetOutOfRange(uint16 bps, uint16 min, uint16 max);
    error ClockOutOfRange(uint32 value, uint32 min, uint32 max);

    /* JOIN: beside ERC-4626's deposit and mint */

    /// @notice `deposit` that fails when it would mint fewer than `minShares`, or after `deadline`.
    /// @param assets    {asset} moved from the caller; at most `maxDeposit`
    /// @param receiver  gets the shares; neither zero nor the pool
    /// @param minShares {share} smallest acceptable result
    /// @param deadline  {s} last acceptable second
    /// @return shares   {share} minted, rounded down
    /// @custom:reverts DeadlinePassed, DepositsPaused, ZeroShares, SlippageExceeded, AssetsAboveMax, ERC20InvalidReceiver,
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
    /// for anyone once it has lapsed.
    /// @custom:reverts UnknownRequest, RequestNotLapsed
    /// @custom:emits Transfer, ExitCancelled
    function cancelExit(address controller, uint256 requestId) external returns (uint256 shares);

    /// @notice Pays out `shares` of one request at the lower of their value at request and now.
    /// @dev What the request gained while it waited stays with the others. Rounded down. `redeem` and `withdraw` do the same
    /// over all claimable requests of a controller, oldest first.
    /// @custom:reverts NotAuthorized, UnknownRequest, NotClaimableYet, RequestLapsed, SharesExceedRequest, ZeroAssets,
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

    /* ENGINE */

    /// @notice Pays up to `requested` of a market's shortfall to the engine. Never reverts for lack of money.
    /// @dev Every share, queued ones included, loses the same fraction; no share is minted or burned. Unvested income
    /// goes first. The payment is capped by the market's budget of the day, the pool's budget of the window, the cap of
    /// the reason in that window ({reasonCapBps}) and the floor; the rest is the engine's to pass down the waterfall.
    /// @param market    market id
    /// @param requested {asset} rounded up by the engine to whole token units
    /// @param reason    see {DrawReason}
    /// @return paid     {asset} sent to the engine; at most `requested`
    /// @custom:reverts NotEngine
    /// @custom:emits LossAbsorbed, SharesRescaled when a share has become worth too little
    function absorb(uint8 market, uint256 requested, DrawReason reason) external returns (uint256 paid);

    /// @notice Counts a loss of the pool's own positions in a market against its budgets, in full. Nothing is paid.
    /// @param assets {asset}
    /// @custom:reverts NotEngine
    /// @custom:emits LossCounted
    function countLoss(uint8 market, uint256 assets) external;

    /// @notice Books income that the engine has just sent; it belongs to the stakers as it vests.
    /// @dev What had not vested yet and what is new vest together, until the mean of their ends weighted by amount: dust
    /// moves nothing, and no arrival puts the end further away than INCOME_PERIOD. Zero is no income.
    /// @param assets {asset} sent by the engine in the same transaction
    /// @custom:reverts NotEngine, TokenShort
    /// @custom:emits IncomeReceived unless `assets` is zero
    function receiveIncome(uint256 assets) external;

    /* GOVERNANCE */

    /// @notice Sets how much of the pool one market may draw in a day, and all markets in a window.
    /// @param marketDayBps {bps} MIN_BUDGET_BPS to 10,000
    /// @param windowBps    {bps} MIN_BUDGET_BPS to 10,000
    /// @custom:reverts AccessManagedUnauthorized, BudgetOutOfRange
    /// @custom:emits BudgetsSet
    function setBudgets(uint16 marketDayBps, uint16 windowBps) external;

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

    function engine() external view returns (address);

    /// @notice {asset} one whole token: no loss takes the pool below it.
    // solhint-disable-next-line func-name-mixedcase
    function MIN_ASSETS() external view returns (uint256);

    /// @notice {asset} stake that is neither queued for exit nor floor: what the engine counts as coverage. Rounded
    /// down, never reverts.
    function freeStake() external view returns (uint256);

    /// @notice {asset} the most that one call to `absorb` for `market` would pay now.
    function absorbable(uint8 market) external view returns (uint256);

    /// @notice {asset} used of the budgets by `market` in the current day and by all markets in the current window: draws, and
    /// losses of the pool's own positions.
    function drawn(uint8 market) external view returns (uint256 today, uint256 inWindow);

    /// @notice {asset} income that has arrived and not vested yet: not in `totalAssets`, first to absorb a loss. Rounded up.
    function unvestedIncome() external view returns (uint256);

    /// @notice {bps} of the pool's assets that draws of one reason may take in a window. Fixed in code.
    function reasonCapBps(DrawReason reason) external pure returns (uint256);
    /// @notice {bps} see `setBudgets`
    function budgets() external view returns (uint16 marketDayBps, uint16 windowBps);

    /// @notice {s} see `setExitClocks`
    function exitClocks() external view returns (uint32 cooldown, uint32 claimWindow);

    /// @notice How often losses so deep that a share was worth next to nothing have divided all shares by 2^24.
    function rescalings() external view returns (uint256);

    /// @notice {s} end of the last pause, which may lie ahead; zero before the first.
    function pausedUntil() external view returns (uint256);

    /// @notice {s} the time that the clocks of requests run in: seconds since the epoch without those of all pauses.
    function poolTime() external view returns (uint256);

    /// @notice {share} held by the pool for all exit requests.
    function queuedShares() external view returns (uint256);

    /// @notice One exit request; all zero when there is none.
    function exitRequest(address controller, uint256 requestId) external view returns (ExitRequest memory);

    /// @notice Open requests of a controller have ids above `closed`, up to `last`; those between may be closed too.
    function requestIds(address controller) external view returns (uint256 closed, uint256 last);
}
