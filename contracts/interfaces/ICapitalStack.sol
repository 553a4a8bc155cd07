// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IBackstopPool} from "./IBackstopPool.sol";

/// @notice Why the engine draws on the stakers' capital. Fixed in code: it cannot be pointed at anything else.
enum DrawReason {
    LIQUIDATION, // an account was taken over below zero equity
    INVENTORY, // the pool's own inventory fell below zero equity
    ORACLE_FAILURE, // as LIQUIDATION, within ten minutes of a bad price or at a settlement price
    ENGINE_DEFICIT // the engine holds fewer tokens than its ledger says
}

/// @notice What a market's inventory and accounts may still cost or bring. One slot.
struct Pending {
    uint80 gain; // {asset} of the inventory at the favourable edge
    uint80 loss; // {asset} of the inventory at the unfavourable edge
    uint80 atRisk; // {asset} that accounts may have lost beyond their margin, and nobody has taken over yet
    // 30 bytes
}

/// @notice Income, divided. toTreasury + toJunior + toSenior is all of it.
struct Split {
    uint256 toTreasury; // {asset} down
    uint256 toJunior; // {asset} what the others leave
    uint256 toSenior; // {asset} down
    uint256 juniorRepaid; // {asset} of `toJunior`: what it has paid for the inventory
    uint256 seniorRepaid; // {asset} of `toSenior`
}

/// @title CapitalStack
/// @notice The capital behind the engine, in two tranches: a junior pool that pays first and earns more, and a senior one.
/// @dev Decides how much a draw may be, who pays it, who gets income, and when the tranches may be joined and left. Holds no stake.
/// {asset} is settlement-token units. Equations: docs/mechanism.md, "Tranches".
interface ICapitalStack {
    /// @notice A shortfall of `requested` met `byJunior` + `bySenior` of the tranches, at most what floors and budgets allow.
    event LossAbsorbed(
        uint8 indexed market,
        DrawReason indexed reason,
        uint256 requested,
        uint256 byJunior,
        uint256 bySenior
    );
    /// @notice The pool's own positions in a market lost `assets`, which the budgets count.
    event LossCounted(uint8 indexed market, uint256 assets);
    event IncomeSplit(Split parts);
    /// @notice `assets` of a recorded loss of a tranche were repaid, for those who held its shares then.
    event LossRepaid(bool indexed isJunior, uint256 indexed id, uint256 assets);
    event RepaymentPaid(bool indexed isJunior, uint256 indexed id, address indexed holder, uint256 assets);
    event TreasuryPaid(address indexed receiver, uint256 assets);
    /// @notice What a market's positions may still cost or bring.
    event Reported(uint8 indexed market, uint256 gain, uint256 loss, uint256 atRisk);
    /// @notice The gate was shut or opened. It may open earlier by itself: `gateEnd` of the tranches.
    event GateMoved(bool isShut, uint256 atRisk);
    event BudgetsSet(uint16 marketDayBps, uint16 windowBps);
    event TranchesSet(uint16 attachmentBps, uint16 juniorWeightBps, uint16 treasuryBps);

    error NotEngine(address caller);
    error ZeroAddress();
    error BudgetOutOfRange(uint16 bps, uint16 min, uint16 max);
    error ShareOutOfRange(bytes32 name, uint16 bps, uint16 min, uint16 max);
    error NothingOwed();
    error TokenShort(uint256 held, uint256 expected);

    /* ENGINE */

    /// @notice Pays up to `requested` of a market's shortfall to the engine: the junior tranche first. Never reverts for lack of money.
    /// @dev The payment is capped by the market's budget of the day, the budget of the window, the cap of the reason in that window
    /// ({reasonCapBps}) and the tranches' floors; the rest is the engine's to pass down the waterfall.
    /// @param market    market id
    /// @param requested {asset} rounded up by the engine to whole token units
    /// @param reason    see {DrawReason}
    /// @return paid     {asset} sent to the engine; at most `requested`
    /// @custom:reverts NotEngine
    /// @custom:emits LossAbsorbed, LossTaken of each tranche that pays
    function absorb(uint8 market, uint256 requested, DrawReason reason) external returns (uint256 paid);

    /// @notice Counts a loss of the pool's own positions in a market against the budgets, in full. Nothing is paid.
    /// @param assets {asset}
    /// @custom:reverts NotEngine
    /// @custom:emits LossCounted
    function countLoss(uint8 market, uint256 assets) external;

    /// @notice Divides income that the engine has just sent: see {split}.
    /// @param assets    {asset} sent by the engine in the same transaction
    /// @param recovered {asset} of it that positions taken over have earned
    /// @custom:reverts NotEngine, TokenShort
    /// @custom:emits IncomeSplit, IncomeReceived of each tranche that gets some
    function receiveIncome(uint256 assets, uint256 recovered) external;

    /// @notice Says what a market's positions may still cost or bring, as of the sync that calls it.
    /// @custom:reverts NotEngine
    /// @custom:emits Reported, PendingSet of both tranches, GateMoved
    function report(uint8 market, uint256 gain, uint256 loss, uint256 atRisk) external;

    /* ANYONE */

    /// @notice Tells the senior tranche how much it may hold above what the junior one holds now. The junior one calls it itself.
    /// @custom:emits LimitSet of the senior tranche
    function updateLimit() external;

    /// @notice Repays recorded losses with the caller's tokens, for those who held shares when they were taken: the senior tranche's
    /// first, the oldest first. What exceeds them is not taken.
    /// @param assets  {asset} at most
    /// @return repaid {asset} moved from the caller
    /// @custom:reverts NothingOwed when nothing is left to repay, TokenShort when the token delivers less
    /// @custom:emits LossRepaid for each loss
    function repay(uint256 assets) external returns (uint256 repaid);

    /// @notice Sends a holder his part of what has been repaid of one recorded loss. Anyone may call it.
    /// @return assets {asset} down
    /// @custom:reverts NothingOwed
    /// @custom:emits RepaymentPaid
    function payRepayment(bool isJunior, uint256 id, address holder) external returns (uint256 assets);

    /// @notice Sends what the treasury is owed to it.
    /// @custom:reverts NothingOwed
    /// @custom:emits TreasuryPaid
    function payTreasury() external returns (uint256 assets);

    /* GOVERNANCE */

    /// @notice Sets how much of the capital one market may draw in a day, and all markets in a window.
    /// @param marketDayBps {bps} MIN_BUDGET_BPS to 10,000
    /// @param windowBps    {bps} MIN_BUDGET_BPS to 10,000
    /// @custom:reverts AccessManagedUnauthorized, BudgetOutOfRange
    /// @custom:emits BudgetsSet
    function setBudgets(uint16 marketDayBps, uint16 windowBps) external;

    /// @notice Sets how thick the junior tranche has to be and how income is divided.
    /// @param attachmentBps   {bps} least share of the junior tranche in both; nobody joins the senior one below it. At most 5,000
    /// @param juniorWeightBps {bps} what a token of the junior tranche earns for 10,000 of a senior one; 10,000 to 50,000
    /// @param treasuryBps     {bps} of income, at most 2,000
    /// @custom:reverts AccessManagedUnauthorized, ShareOutOfRange
    /// @custom:emits TranchesSet
    function setTranches(uint16 attachmentBps, uint16 juniorWeightBps, uint16 treasuryBps) external;

    /* VIEWS */

    function asset() external view returns (address);

    function engine() external view returns (address);

    function treasury() external view returns (address);

    /// @notice The tranche that pays first.
    function junior() external view returns (IBackstopPool);

    /// @notice The tranche that pays when the junior one is at its floor.
    function senior() external view returns (IBackstopPool);

    /// @notice {asset} of both tranches, unvested income not counted.
    function totalAssets() external view returns (uint256);

    /// @notice {asset} stake of both that is neither queued for exit nor floor nor known to be lost: what the engine counts as coverage.
    function freeStake() external view returns (uint256);

    /// @notice {asset} the most that one call to `absorb` for `market` would pay now, the cap of its reason left aside.
    function absorbable(uint8 market) external view returns (uint256);

    /// @notice {asset} used of the budgets by `market` in the current day and by all markets in the current window: draws, and
    /// losses of the pool's own positions.
    function drawn(uint8 market) external view returns (uint256 today, uint256 inWindow);

    /// @notice {bps} of both tranches' books that draws of one reason may take in a window. Fixed in code.
    function reasonCapBps(DrawReason reason) external pure returns (uint256);

    /// @notice {bps} see `setBudgets`
    function budgets() external view returns (uint16 marketDayBps, uint16 windowBps);

    /// @notice {bps} see `setTranches`
    function tranches() external view returns (uint16 attachmentBps, uint16 juniorWeightBps, uint16 treasuryBps);

    /// @notice How income would be divided now. What positions have earned first repays {inventoryLosses}, the senior tranche's before the
    /// junior one's; of the rest the treasury gets its part, and the tranches the remainder by what they hold, the junior one weighted.
    /// @param assets    {asset}
    /// @param recovered {asset} of them earned by positions
    function split(uint256 assets, uint256 recovered) external view returns (Split memory);

    /// @notice {asset} paid for the inventory by each tranche and not got back: what positions earn repays it first.
    function inventoryLosses() external view returns (uint256 byJunior, uint256 bySenior);

    /// @notice {asset} of recorded losses that nobody has repaid.
    function unrepaid() external view returns (uint256);

    /// @notice {asset} repaid of one recorded loss.
    function repaidOf(bool isJunior, uint256 id) external view returns (uint256);

    /// @notice {asset} that `payRepayment` would send.
    function repaymentOf(bool isJunior, uint256 id, address holder) external view returns (uint256);

    /// @notice {asset} that waits for `payTreasury`.
    function treasuryOwed() external view returns (uint256);

    /// @notice What a market last reported.
    function pendingOf(uint8 market) external view returns (Pending memory);

    /// @notice What all markets have reported together.
    function pending() external view returns (Pending memory);
}
