// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

/// @notice The providers' constant-product curve of one market: marginal price `quote / base`. One slot.
struct Curve {
    uint64 base; // {lot} virtual reserve
    uint128 quote; // {u} virtual reserve
    uint24 feePpm; // {ppm} of what the curve trades, for the providers
    uint32 epoch; // of its shares: a curve that lost everything starts the next one
    // 31 bytes
}

/// @notice What an account wants of a market's depth. Written by the margin engine.
struct Take {
    bool isBuy; // the account buys
    bool isLiquidation; // else anybody's trade
    bool isPriceOk; // OK or WIDE, and not stale
    bool isWide;
    uint8 level; // of intervention
    uint64 price; // {u/lot} mark
    uint16 slackBps; // {bps} by which the curve may deal worse than the mark
    uint56 lots; // wanted
    uint64 stop; // {u/lot} no lot at a worse marginal price
    int64 position; // {lot} of the curve's account
    int64 pool; // {lot} of the pool's position in effect
    uint56 most; // {lot} of a position that the curve's account may carry: {CurveLib-mostOf}
}

/// @notice What it gets. The curve's part and the pool's; sums over lots, exact.
struct Taken {
    uint56 curveLots;
    uint56 bandLots;
    uint128 curveQuote; // {u} for the curve's lots: down when the account sells, up when it buys
    uint128 bandQuote; // {u} for the pool's lots
    uint128 fee; // {u} to the providers, up
}

/// @notice What a market's depth says about it.
struct Sample {
    int32 premium; // {1e-9} average of the marginal price above the index, less where the curve is small for its market
    uint16 divergence; // {bps} of the marginal price from the index, now and in the second before
    uint16 depletion; // {bps} by which depth is below its average of a week
}

/// @title BackstopAMM
/// @notice Depth for liquidations and trades: liquidity providers' constant-product curve, and behind it the pool's bands around the index.
/// @dev {u} = 1e-12 USD, prices {u/lot}. Trades go through {IMarginEngine-trade} and {IMarginEngine-liquidateToAmm}.
/// Equations: docs/mechanism.md, "Backstop AMM".
interface IBackstopAMM {
    event LiquidityAdded(uint8 indexed market, uint256 indexed account, uint256 shares, uint256 cash, Curve curve);
    event LiquidityRemoved(
        uint8 indexed market,
        uint256 indexed account,
        uint256 shares,
        int256 lots,
        uint256 cash,
        Curve curve
    );
    /// @notice A trade or a liquidation left the reserves at these; what it moved is in the engine's `Filled`.
    event CurveMoved(uint8 indexed market, uint64 base, uint128 quote);
    /// @notice The index moved by more than JUMP: trades of the curve pay `feePpm` more, falling to none in JUMP_TIME.
    event Jumped(uint8 indexed market, uint256 from, uint256 to, uint256 feePpm);
    /// @notice The market has cost the pool too much: its bands are shut until then.
    event Disarmed(uint8 indexed market, uint256 until);
    event FeeSet(uint8 indexed market, uint24 feePpm);

    error NotEngine(address caller);
    error NotAuthorized(address caller, uint256 account);
    error PriceNotValid(uint8 market);
    error TooLittleCash(uint256 cash, uint256 min);
    error TooFewShares(uint256 shares, uint256 min);
    error TooLittlePaid(uint256 paid, uint256 min);
    error TooManyLots(uint256 lots, uint256 max);
    error FeeOutOfRange(uint24 feePpm, uint24 min, uint24 max);
    error CurveOverexposed(uint256 notional, uint256 max);
    error CurveWorthless(uint8 market, int256 equity);
    error CurveOffIndex(uint256 divergence, uint256 max);

    /* ENGINE */

    /// @notice Fills as much of a wish as there is depth for. The engine moves the lots.
    /// @custom:reverts NotEngine
    /// @custom:emits CurveMoved, Disarmed
    function take(uint8 market, Take calldata wish) external returns (Taken memory);

    /// @notice Observes a market at a sync. Reverts for nobody but another caller.
    /// @param pool         {lot} its position in effect
    /// @param openInterest {lot} in effect
    /// @custom:emits Jumped
    function sample(
        uint8 market,
        uint64 price,
        uint8 level,
        int64 pool,
        uint56 openInterest
    ) external returns (Sample memory);

    /* PROVIDERS */

    /// @notice Moves cash of a margin account to the market's curve, for shares. The first of an epoch sets the curve at the index price.
    /// @dev Shares are priced with the curve's position at its favourable edge, down. Needs a valid price. The reserves grow with the
    /// shares, up to LEVERAGE times the equity; what is left of a curve below MIN_CASH is set anew at the index.
    /// @param account   of the caller, or one it operates; gets nothing, the caller holds the shares
    /// @param cash      {u} at least MIN_CASH for the first
    /// @param minShares revert rather than mint fewer
    /// @return shares   {share} of {shareId}, 12 decimals
    function addLiquidity(
        uint8 market,
        uint256 account,
        uint128 cash,
        uint256 minShares
    ) external returns (uint256 shares);

    /// @notice Burns shares of the caller. In kind, `account` gets their part of the curve's position at the mark and of its equity there,
    /// which is the same at any price; else only cash, at the position's unfavourable edge, as far as those who stay keep MAX_EXPOSURE.
    /// @param account owner of the lots and the cash; of the caller or one it operates
    /// @param minCash {u} revert rather than pay less
    /// @return lots   {lot} that went to the account, signed; toward zero
    /// @return cash   {u} down
    function removeLiquidity(
        uint8 market,
        uint256 account,
        uint256 shares,
        bool inKind,
        uint256 minCash
    ) external returns (int256 lots, uint256 cash);

    /* GOVERNANCE */

    /// @notice Sets what a curve's trades pay its providers, 1 to MAX_FEE.
    function setFee(uint8 market, uint24 feePpm) external;

    /* VIEWS */

    function engine() external view returns (address);

    /// @notice The margin account of a market's curve: an account like any other.
    function accountOf(uint8 market) external view returns (uint256);

    /// @notice Id of the shares of the present epoch.
    function shareId(uint8 market) external view returns (uint256);

    function curves(uint8 market) external view returns (Curve memory);

    /// @notice {ppm} what the last jump of the index still adds to the curve's fee.
    function jumpFeeOf(uint8 market) external view returns (uint256);

    /// @notice {s} until when the bands are shut; in the past: they are not.
    function disarmedUntil(uint8 market) external view returns (uint256);

    /// @notice What a trade would get at the stored price: equal to the execution while nothing is synced in between.
    /// @param lots   positive buys
    /// @return taken what of the curve and of the pool
    /// @return total {u} what the account pays or receives in all, the engine's fee included
    /// @custom:reverts TooManyLots, ProceedsBelowFees of the engine
    function quote(uint8 market, int64 lots) external view returns (Taken memory taken, uint256 total);

    /// @notice Marginal prices and depth of the pool's side, best first; empty where nothing of it may be used now.
    /// @param isBuy what the account would do
    /// @return prices {u/lot}
    /// @return lots   {lot}
    function bands(
        uint8 market,
        bool isBuy,
        bool isLiquidation
    ) external view returns (uint256[] memory prices, uint256[] memory lots);
}
