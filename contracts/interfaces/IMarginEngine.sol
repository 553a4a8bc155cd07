// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {DrawReason} from "./ICapitalStack.sol";
import {PriceState} from "./IOracle.sol";
import {Survival} from "../libraries/SurvivalLib.sol";

/// @notice One account of the ledger. One slot.
struct Account {
    int128 cash; // {u}
    uint64 markets; // bit m is set while the account has a position in market m
    uint64 unhealthySince; // {s} start of the liquidation clock; 0 when it is not running
}

/// @notice One position of the ledger. One slot. `Q` of docs/mechanism.md is `quote`, `b` is `lots`.
struct Position {
    int64 lots; // {lot} positive long, negative short
    int128 quote; // {u} minus what was paid for the lots, at shifted prices, fees of opening included
}

enum MarketStatus {
    UNLISTED,
    ACTIVE,
    REDUCE_ONLY,
    WINDING_DOWN, // reduce-only for good, until the settlement price is known
    SETTLING, // the oracle is dead and its last average may be challenged: nothing is closed
    SETTLED // everybody is closed at `price`
}

/// @notice The moving parts of a market. Three slots: prices, interest, edges.
struct Market {
    uint64 price; // {u/lot} P, last valid price
    int64 indexLong; // {u/lot} F_L
    int64 indexShort; // {u/lot} F_S
    uint32 validUntil; // {s} the stored price is stale after this
    uint32 syncedAt; // {s} funding and premium are accrued up to here
    // 32 bytes
    uint56 openInterest; // {lot} sum of the longs = sum of the shorts
    uint48 openInterestCap; // {lot} at level 0, from the pool's free stake at the last sync; at most 2^47
    uint72 bucket; // {u} insurance bucket
    uint24 premiumRemainder; // {2^-24 u/lot} carried
    uint48 fundingRemainder; // carried numerator of the funding division, below FUNDING_DENOMINATOR
    MarketStatus status;
    // 32 bytes
    uint64 low; // {u/lot} unfavourable edge of a long
    uint64 high; // {u/lot} unfavourable edge of a short
    uint64 slow; // {u/lot} slow EMA, reference price of the waterfall
    int32 fundingRate; // {1e-9 per 8 h} positive: longs pay shorts
    uint16 edgeBps; // {bps} half-width of the favourable edges around the price
    PriceState state; // at the last sync
    uint8 level; // 0 to 4: how far the risk engine intervenes
    // 32 bytes
}

/// @notice What every fill reads. One slot.
struct MarketParams {
    uint16 initialBps; // {bps} initial margin of a small position
    uint16 maintenanceBps; // {bps} maintenance margin of a small position, in force now
    uint40 rampNotional; // {USD} position notional at which initial margin has grown by 100 %, maintenance by 60 %
    uint16 bandBps; // {bps} fills lie within this of the last valid price; a fifth of it while the price is not OK
    uint32 minLots; // {lot} smallest position that may be opened or left behind
    uint16 takerFeePpm; // {ppm} of notional
    uint16 makerRebatePpm; // {ppm} of notional, at most the taker fee
    uint16 discountBps; // {bps} liquidation discount at the start of the clock
    uint16 liquidatorShareBps; // {bps} of a penalty that goes to the liquidator, the rest to the bucket
    uint64 takeoverReward; // {u} for the first market of an account taken over
    // 31 bytes
}

/// @notice What only a sync reads. One slot.
struct MarketRules {
    uint16 shockBps; // {bps} move the pool must be able to absorb
    uint16 stakeShareBps; // {bps} phi: share of the free stake this market may lean on
    int32 interestRate; // {1e-9 per 8 h} funding rate of a balanced market; positive: longs pay shorts
    uint32 skewFactor; // {1e-9 per 8 h} added when the pool's inventory is the whole short side, taken off when it is the whole long side
    uint32 fundingCap; // {1e-9 per 8 h} bound of the absolute funding rate
    uint24 premiumRate; // {1e-9 per 8 h} of notional at no utilisation, paid by both sides to the stakers
    uint32 bucketTarget; // {USD} what the bucket holds above this is income of the pool
    uint16 maintenanceTargetBps; // {bps} where maintenance margin is going
    uint16 maintenanceFromBps; // {bps} where its ramp started; kept by the engine
    uint32 rampStartedAt; // {s} kept by the engine
    // 31 bytes
}

/// @notice One side of a market in which winners have been deleveraged. Two slots.
struct Side {
    Survival survival; // what is left of a lot of that side
    uint56 pending; // {lot} recorded and not settled yet
    int128 pendingQuote; // {u} SUM of their lots times shifted price
    // 23 bytes
}

/// @notice What only losses and a wind-down touch. One slot.
struct Recovery {
    uint64 shared; // {u/lot} loss shares charged in `hour`
    uint64 sharedBefore; // {u/lot} in the hour before it
    uint32 hour; // number of the aligned hour
    uint32 badAt; // {s} last sync that found the feed BOUND or BAD
    uint32 since; // {s} of the present status of a wind-down
    // 28 bytes
}

/// @notice What the pool holds of a market at most. One slot.
struct InventoryCap {
    uint56 lots; // {lot}
    uint16 bps; // {bps} of the pool's assets
    // 9 bytes
}

/// @notice The pool's inventory of a market, with what deleveraging has recorded and nobody has settled yet.
struct Inventory {
    int256 lots; // {lot}
    int256 equity; // {u} at the mark
    uint256 cap; // {lot} above it the opposite side is deleveraged
}

/// @notice Everything about an account that margin rules look at, from one walk over its positions.
/// @dev Which price values a position depends on {Valuation}. All in {u}.
struct Health {
    int256 equity; // cash + SUM Q + b (P - F)
    int256 capped; // the same with each position's profit counted up to its initial margin
    uint256 initial; // initial margin, rounded up
    uint256 maintenance; // maintenance margin, rounded up
    uint256 notional; // SUM |b| P
}

/// @notice At which price positions are valued.
enum Valuation {
    MARK, // the price
    UNFAVOURABLE, // low for longs, high for shorts, EMA included: opening and withdrawing
    FAVOURABLE // the price plus its edge for longs, minus for shorts: triggering a liquidation
}

/// @notice One fill: `lots` go from `seller` to `buyer` at `price`.
struct Fill {
    uint8 market;
    uint256 buyer; // account id
    uint256 seller; // account id
    uint56 lots; // {lot} more than zero
    uint64 price; // {u/lot}
    bool buyerIsTaker;
    bool buyerReduceOnly;
    bool sellerReduceOnly;
}

/// @notice A trade against a market's depth.
struct AmmOrder {
    uint256 account; // of the caller, or one it operates
    uint8 market;
    int64 lots; // {lot} positive buys
    uint128 limit; // {u} most to pay or least to receive, fees included
    uint32 deadline; // {s} last second
    bool reduceOnly;
}

/// @title MarginEngine
/// @notice The ledger of cross-margined perpetual swaps and its rules: margin, funding, liquidation, waterfall.
/// @dev {u} = 1e-12 USD, {lot} a fixed fraction of a coin, prices {u/lot}. Account id = owner << 96 | subId.
interface IMarginEngine {
    /* EVENTS: they replay to the state (docs/mechanism.md, "Replay") */

    event Deposited(uint256 indexed account, address indexed from, uint256 amount); // {token}
    /// @notice `amount` left `account`'s cash as `paid` tokens, `claimed` {u} became a claim.
    event Withdrawn(uint256 indexed account, address indexed receiver, uint256 paid, uint256 claimed);
    event Transferred(uint256 indexed from, uint256 indexed to, uint256 amount); // {u} cash; also a takeover's equity, to each inventory
    event OperatorSet(address indexed owner, address indexed operator, bool approved);
    /// @notice The primitive. Fees {u}: positive is paid, negative received; their sum goes to the market's bucket.
    event Filled(
        uint8 indexed market,
        uint256 indexed buyer,
        uint256 indexed seller,
        uint56 lots,
        uint64 price,
        int128 buyerFee,
        int128 sellerFee
    );
    /// @notice A market moved on to `state`; `premium` {u} joined FEES.
    event Synced(uint8 indexed market, Market state, uint256 premium);
    /// @notice The liquidation clock started at `since`; 0: it stopped.
    event ClockSet(uint256 indexed account, uint64 since);
    event Liquidated(
        uint256 indexed account,
        uint8 indexed market,
        uint256 indexed liquidator,
        uint56 lots,
        uint256 penalty
    );
    /// @notice The inventory received every position and `equity` {u} of `account`; below zero the waterfall made it whole.
    event TakenOver(uint256 indexed account, uint256 indexed rewardAccount, int256 equity, uint256 reward);
    /// @notice One market's part of a shortfall: `byBucket + byPool + byShare + toDeficit` = `shortfall` {u}. `excess` {u} is
    /// what whole token units and whole units a lot brought beyond `byPool` and `byShare`; it goes to the bucket.
    event ShortfallCovered(
        uint8 indexed market,
        uint256 indexed account,
        DrawReason indexed reason,
        uint256 shortfall,
        uint256 byBucket,
        uint256 byPool,
        uint256 byShare,
        uint256 toDeficit,
        uint256 excess
    );
    /// @notice Every lot of one side paid `perLot` {u/lot} through the side's index, `collected` {u} in all.
    event LossShared(uint8 indexed market, bool indexed isLong, uint256 perLot, uint256 collected);
    /// @notice `lots` of one side are closed pro rata against the inventory at `price`; positions follow when they are settled.
    event Deleveraged(uint8 indexed market, bool indexed isLong, uint256 lots, uint256 price, Survival survival);
    /// @notice A position closed `lots` against the inventory at `price` {u/lot}, which holds what its side was charged since.
    event PositionSettled(uint8 indexed market, uint256 indexed account, bool isLong, uint256 lots, int256 price);
    /// @notice The engine held `shortfall` {token} less than the ledger said: paid by the pool, and taken off the balance.
    event EngineDeficitCovered(uint256 shortfall, uint256 paid, uint256 writtenOff);
    /// @notice Tokens beyond the balance repaid deficits and claims.
    event EngineDeficitRepaid(uint256 amount); // {token}
    event ClaimsPaid(uint256 amount, uint256 left); // {u} to all claims together, and what is still owed to them
    event ClaimCollected(uint256 indexed account, uint256 amount, uint256 left); // {u}
    event InventoryCapSet(uint8 indexed market, InventoryCap cap);
    /// @notice The settlement price of a market; it may be replaced once unless `isFinal`.
    event SettlementPriceSet(uint8 indexed market, uint64 price, bool isFinal);
    event DeficitReduced(uint8 indexed market, uint256 amount, uint256 left); // {u}
    /// @notice `fromInventory` {u} of a flat inventory and `fromBucket` {u} joined FEES; of FEES `toClaims` {u} went to
    /// claims, `toDeficits` {u} repaid deficits, `paid` {token} went to the pool.
    event IncomeCollected(
        uint8 indexed market,
        uint256 fromInventory,
        uint256 fromBucket,
        uint256 toClaims,
        uint256 toDeficits,
        uint256 paid
    );
    event Connected(address stack, address exchange, address risk, address amm);
    event MarketSet(uint8 indexed market, MarketParams params, MarketRules rules);
    event StatusSet(uint8 indexed market, MarketStatus status);

    /* ERRORS */

    error NotExchange(address caller);
    error NotAmm(address caller);
    error DepthTooSmall(uint256 wanted, uint256 depth);
    error QuoteBeyondLimit(uint256 quote, uint256 limit);
    error ProceedsBelowFees(uint256 proceeds, uint256 fees);
    error NotAuthorized(address caller, uint256 account);
    error SystemAccount(uint256 account);
    error SameAccount(uint256 account);
    error ZeroAmount();
    error AmountTooLarge(uint256 amount, uint256 max);
    error PaidTooLittle(uint256 paid, uint256 minPaid);
    error BadReceiver(address receiver);
    error LevelTooHigh(uint8 market, uint8 level);
    error NotConnected();
    error TokenShort(uint256 balance, uint256 needed);
    error DecimalsUnsupported(uint8 decimals, uint8 max);
    error AlreadyConnected(address stack);
    error UnknownMarket(uint8 market);
    error MarketNotActive(uint8 market, MarketStatus status);
    error TooManyMarkets(uint256 account, uint256 max);
    error PriceNotValid(uint8 market, PriceState state);
    error PriceOutsideBand(uint256 price, uint256 low, uint256 high);
    error OpenInterestAboveCap(uint256 openInterest, uint256 cap);
    error PositionTooSmall(uint256 account, uint256 lots, uint256 minLots);
    error PositionOutOfRange(int256 lots);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);
    error ReduceOnly(uint256 account, int64 lots);
    error InitialMarginNotMet(uint256 account, int256 equity, uint256 initial);
    error ReduceLowersHealth(uint256 account, int256 equity, uint256 maintenance);
    error CashNegative(uint256 account, int256 cash);
    error DeficitOutstanding(uint8 market, uint256 deficit);
    error AssetMismatch(address asset, address token);
    error RampTightened(uint40 rampNotional, uint40 current);
    error Healthy(uint256 account, int256 equity, uint256 maintenance);
    error Unhealthy(uint256 account, int256 equity, uint256 maintenance);
    error Insolvent(uint256 account, int256 equity);
    error OpeningStopped(uint256 totalDeficit, uint256 balance);
    error ClockRunning(uint256 account, uint64 since);
    error ClockNotRunning(uint256 account);
    error NotOurs(address connected);
    error NotTakeoverable(uint256 account, int256 equity, uint256 maintenance);
    error NoPosition(uint256 account, uint8 market);
    error HealthFalls(uint256 account, int256 equity, uint256 maintenance);
    error LotsAboveLimit(uint256 lots, uint256 maxLots);
    error DiscountBelowLimit(uint256 discount, uint256 minDiscount);
    error InsufficientGas(uint256 available, uint256 needed);
    error WinningSideClosed(uint8 market, uint256 price, uint256 slow);
    error InventoryWithinCap(uint8 market, uint256 lots, uint256 cap);
    error EngineBacked(uint256 held, uint256 balance);
    error NoClaim(uint256 account);
    error TooEarly(uint256 time, uint256 earliest);
    error TooLate(uint256 time, uint256 latest);
    error PriceAlive(uint8 market, uint256 validUntil);
    error NoSecondPrice(uint8 market, uint256 from);

    /* USER */

    /// @notice Adds `amount` tokens of the caller to `account`'s cash. Anyone may fund anyone.
    /// @dev Exact: one token unit is `tokenUnit` u. A token that delivers less than it was asked for is refused unless
    /// earlier donations cover it (I4 is checked after the transfer).
    /// @param account owner << 96 | subId, not a system account
    /// @param amount  {token} more than zero
    function deposit(uint256 account, uint256 amount) external;

    /// @notice `deposit` with an ERC-2612 permit of the caller. A permit that was already used is not an error.
    function depositWithPermit(
        uint256 account,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Takes `amount` of cash out of `account`; pays h = B / (B + deficit) of it, the rest becomes a claim.
    /// @dev Every market of the account is synced and must be OK; initial margin must hold at the unfavourable edge
    /// (without the open-interest factor) and realised cash stays >= 0. Tokens paid are rounded down; what
    /// rounding withholds stays in cash.
    /// @param amount   {token}
    /// @param minPaid  {token} revert rather than pay less
    /// @return paid    {token}; equals `amount` while there is no deficit
    function withdraw(
        uint256 account,
        uint256 amount,
        uint256 minPaid,
        address receiver
    ) external returns (uint256 paid);

    /// @notice Moves cash {u} between two accounts under the rules of a withdrawal, without haircut.
    function transfer(uint256 from, uint256 to, uint128 amount) external;

    /// @notice Lets `operator` act for all accounts of the caller: withdraw, transfer, sign orders, liquidate into.
    function setOperator(address operator, bool approved) external;

    /* EXCHANGE */

    /// @notice Settles a fill between two accounts; fees by role. Only the exchange.
    /// @dev Syncs first every market of the two accounts whose last sync is 60 seconds old or older, and the fill's own market
    /// to the oracle's newest price when a side grows. The band holds in every price state.
    /// An account that increases must meet initial margin; one that reduces must meet it too, or not
    /// lower its health: E' >= 0 and E' MM >= E MM', all at the unfavourable edge.
    function fill(Fill calldata order) external;

    /* AMM */

    /// @notice Trades against the AMM's curve and, where they are open, the pool's bands. All of it or nothing.
    /// @dev Syncs like `fill`, the market itself to the oracle's newest price. The curve's part lies within the band of fills on average.
    /// The account is held to the rules of a fill; the curve's to margin free of the factors of open interest and level.
    /// @return total {u} what the account paid or received, fees included
    /// @custom:reverts DepthTooSmall, QuoteBeyondLimit, ProceedsBelowFees, TooLate, and as `fill`
    function trade(AmmOrder calldata order) external returns (uint256 total);

    /// @notice `liquidate` without capital: the lots go to the AMM as far as each one costs less than the discount.
    /// @dev The account pays the discount of what is closed, as in `liquidate`: what the depth does not cost of it pays the providers'
    /// fee, and the rest is the penalty that the caller and the bucket share.
    /// @param rewardAccount credited with the caller's part
    /// @param maxLots       {lot} close at most this many
    /// @param minDiscount   D18 refuse to act at a lower discount
    /// @return lots         {lot} closed
    /// @return penalty      {u} discount of what was closed, depth and shares together
    /// @custom:reverts DepthTooSmall when there is no depth at the discount, and as `liquidate`
    function liquidateToAmm(
        uint256 account,
        uint8 market,
        uint256 rewardAccount,
        uint56 maxLots,
        uint256 minDiscount
    ) external returns (uint56 lots, uint256 penalty);

    /// @notice Moves a provider's cash to the account of the AMM's curve, or his part of that account to him. Only the AMM.
    /// @param lots {lot} of the curve's position at the mark, signed; only when cash is paid out
    /// @param cash {u} to the curve; negative: to the account
    function moveLiquidity(uint8 market, uint256 account, int256 lots, int256 cash) external;

    /* KEEPER */

    /// @notice Records the newest price, accrues funding and premium, refreshes cap and funding rate. Anyone may call it.
    function sync(uint8 market) external;

    /// @notice Starts the liquidation clock of an unhealthy account, restarts one older than CLOCK_MAX.
    function flag(uint256 account) external;

    /// @notice Stops the clock of an account that is healthy again.
    function unflag(uint256 account) external;

    /// @notice Closes part of an unhealthy account's position into the caller's account `into`, at the mark, for a penalty.
    /// @dev For 0 <= E and E < MM at the favourable edge. Lots: just enough to bring health to TAU times maintenance.
    /// @param account     the unhealthy account
    /// @param market      one of its markets
    /// @param into        an account of the caller or one it operates; must meet the margin rules of a fill afterwards
    /// @param maxLots     {lot} close at most this many
    /// @param minDiscount D18 refuse to act at a lower discount
    /// @return lots       {lot} closed
    /// @return penalty    {u} paid by the account, rounded up, never above its equity share
    function liquidate(
        uint256 account,
        uint8 market,
        uint256 into,
        uint56 maxLots,
        uint256 minDiscount
    ) external returns (uint56 lots, uint256 penalty);

    /// @notice Moves every position at mark and all cash of an account that liquidation cannot save to the pool's inventory.
    /// @dev Allowed when E < 0, or E < MM and (E < BETA MM, or the clock is older than CLOCK_TAKEOVER, or only dust is left).
    /// Below zero the waterfall covers D = -E. Never reverts for lack of money.
    /// @param rewardAccount account credited with the reward; taken from the equity, else from the bucket, else nothing
    /// @return equity       {u} E at the mark, as received by the inventory before the reward
    function takeover(uint256 account, uint256 rewardAccount) external returns (int256 equity);

    /// @notice Covers the negative equity of the pool's inventory in a market through the waterfall, reason INVENTORY.
    /// No effect when it is not negative.
    /// @return shortfall {u} covered, deficit included
    function coverInventory(uint8 market) external returns (uint256 shortfall);

    /// @notice Takes what a flat inventory holds and the bucket above its target (all of it while the market has a deficit or when it is
    /// settled and empty). While deficits or claims are outstanding that income is split between them in proportion,
    /// else it goes to the pool. Anyone may call it.
    /// @return paid {token} sent to the pool, rounded down
    function collectIncome(uint8 market) external returns (uint256 paid);

    /// @notice Credits `account` with what income has paid on its claim. Anyone may call it.
    /// @return amount {u} rounded down
    function collectClaim(uint256 account) external returns (uint256 amount);

    /// @notice Recognises that the engine holds fewer tokens than the ledger says, whatever the cause: the pool pays up to its budgets
    /// and the cap of that reason, the rest leaves the balance and becomes a deficit, so that everybody is cut by the same h.
    /// Tokens beyond the balance, such as those that come back later, repay deficits and claims, then the stakers who paid for such a loss.
    /// Anyone may call it.
    /// @custom:reverts EngineBacked when nothing is missing and nothing to be repaid
    function coverEngine() external;

    /// @notice Closes the opposite side pro rata, at the mark, against what the inventory of a market holds above its cap.
    /// @dev O(1): positions follow when they are next touched, see {settle}. Needs a valid price. While the inventory is worth more than
    /// ten times the pool and the opposite side is closed as the winning one, nobody is let out: he may be asked for a loss share.
    /// @return lots {lot} closed; the opposite side holds at least as many
    /// @custom:reverts UnknownMarket, MarketNotActive, PriceNotValid, InventoryWithinCap, WinningSideClosed
    function deleverage(uint8 market) external returns (uint256 lots);

    /// @notice Brings the positions of an account up to what deleveraging has recorded. Every other call does so first.
    function settle(uint256 account) external;

    /// @notice Fixes the settlement price of a market that is being wound down: the average of the last SETTLEMENT_WINDOW once the notice
    /// is over; with a dead feed the last valid average, open to one challenge, final after CHALLENGE_TIME.
    function fixSettlementPrice(uint8 market) external;

    /// @notice Replaces the last average of a dead feed by the first price that the second source signed since it was proposed.
    function challengeSettlementPrice(uint8 market) external;

    /// @notice Closes an account's position in a settled market against the inventory. From CLOSE_DELAY after the price was fixed.
    /// @dev What the account is then worth less than nothing is a shortfall of that market, as far as its cash is below zero; while it is,
    /// the prices of its other markets must be valid.
    /// @custom:reverts MarketNotActive, TooEarly, NoPosition, PriceNotValid
    function close(uint8 market, uint256 account) external;

    /// @notice Winds down a market whose price has not been valid for DEAD_TIME. Governance needs no such wait.
    function windDownDead(uint8 market) external;

    /* GOVERNANCE */

    /// @notice Sets capital stack, exchange, risk engine and AMM, once; all must name this engine.
    function wire(address stack, address exchange, address risk, address amm) external;

    /// @notice Lists a market or changes its parameters within bounds; a rise of maintenance margin ramps over MAINTENANCE_RAMP.
    function setMarket(uint8 market, MarketParams calldata params, MarketRules calldata rules) external;

    /// @notice Lets a market take new risk again, or stops it. Governance only.
    function setStatus(uint8 market, MarketStatus status) external;

    /// @notice Starts the end of a market: reduce-only for good. Governance only; it chooses no price.
    function windDown(uint8 market) external;

    /// @notice Bounds what the pool's inventory of a market may hold. Governance only.
    /// @param cap lots of at least 1 and 500 to 5,000 bps
    function setInventoryCap(uint8 market, InventoryCap calldata cap) external;

    /// @notice Stops new risk in a market: reduce-only until governance lifts it. Guardian only.
    function pauseMarket(uint8 market) external;

    /* VIEWS */

    function token() external view returns (address);
    /// @notice The capital stack behind the engine.
    function stack() external view returns (address);
    function exchange() external view returns (address);
    /// @notice Where the intervention levels come from: IRiskEngine.
    function risk() external view returns (address);
    /// @notice Depth of the markets: IBackstopAMM.
    function amm() external view returns (address);
    /// @notice {u/token} S: one token unit in u
    function tokenUnit() external view returns (uint256);
    /// @notice {token} what the ledger accounts for; I4: at most the tokens held
    function internalBalance() external view returns (uint256);
    /// @notice {u} sum of the deficits of all markets
    function totalDeficit() external view returns (uint256);
    /// @notice {u} deficit of one market; 64: of the engine itself
    function deficit(uint8 market) external view returns (uint256);
    /// @notice {u} what haircut withdrawals withheld from an account and income has not paid yet
    function claims(uint256 account) external view returns (uint256);
    /// @notice {u} the same of all accounts
    function totalClaims() external view returns (uint256);
    /// @notice The account as {settle} would leave it.
    function accounts(uint256 account) external view returns (Account memory);
    /// @notice The position as {settle} would leave it.
    function positions(uint256 account, uint8 market) external view returns (Position memory);
    function sides(uint8 market, bool isLong) external view returns (Side memory);
    function recovery(uint8 market) external view returns (Recovery memory);
    function inventory(uint8 market) external view returns (Inventory memory);
    function markets(uint8 market) external view returns (Market memory);
    function marketParams(uint8 market) external view returns (MarketParams memory);
    function marketRules(uint8 market) external view returns (MarketRules memory);
    /// @notice What stake costs a market until its next sync: docs/mechanism.md, eq. (24) and (25). Zero once nothing accrues any more.
    /// @return utilisation {1e-6} of the stake that the market may lean on
    /// @return rate        {1e-9 per 8 h} of notional, paid by longs and by shorts
    function premiumOf(uint8 market) external view returns (uint256 utilisation, uint256 rate);
    function isOperator(address owner, address operator) external view returns (bool);
    /// @notice Whether `caller` owns `account` or operates it.
    function isAuthorized(address caller, uint256 account) external view returns (bool);
    /// @notice Margin figures of an account at the stored prices, as {settle} would leave it.
    function health(uint256 account, Valuation valuation) external view returns (Health memory);
}
