// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

/// @notice What the price of a market is worth now. Only OK and WIDE let anybody be liquidated or risk be added; see
/// docs/mechanism.md, "Oracle policy".
enum PriceState {
    OK, // valid and fresh
    WIDE, // the second source is unsure of it by more than the feed's edge: edges are as wide as that
    STALE, // the newest answer is valid but older than the feed's `maxAge`
    JUMP, // a step that waits to be confirmed, or the second source contradicts
    BOUND, // the answer sits at the feed's own minimum or maximum, so the market may be anywhere beyond it
    BAD // no usable answer: call failed, not five clean words, answer <= 0, price not in (0, 2^62), dated 0, in the future or going
}
// back, other decimals; or the L2's sequencer is down or has just come back

/// @notice The guarded price of a market. All prices are those of the last valid answer, whatever `state` says.
struct Quote {
    uint64 price; // {u/lot} last valid price, in (0, 2^62)
    uint64 low; // {u/lot} floor(min(price, short EMA) * (1 - edge)): values a long that opens or withdraws
    uint64 high; // {u/lot} ceil(max(price, short EMA) * (1 + edge)): values a short that opens or withdraws
    uint64 slow; // {u/lot} slow EMA: the reference price of the waterfall
    uint32 validUntil; // {s} feed time of `price` plus the feed's `maxAge`; the last second in which it is fresh
    uint16 edgeBps; // {bps} half-width of the band around `price`: the feed's, or what the second source doubts of it
    PriceState state;
}

/// @notice Where a market's price comes from and what is believed of it.
struct FeedConfig {
    address aggregator; // Chainlink AggregatorV3
    uint32 maxAge; // {s} an answer older than this is stale; 60 s to 2 days
    uint16 edgeBps; // {bps} half-width of the price edges; at most 500
    uint16 jumpBps; // {bps} step within an hour of the answer before it that must be confirmed; at least 100
    uint8 lotDecimals; // one lot is 10^-lotDecimals coin; at most 8; fixed once the market has a price
    uint128 minAnswer; // the aggregator's lower bound, in its own units; an answer <= this is BOUND
    uint128 maxAnswer; // the aggregator's upper bound, type(uint128).max if beyond that; an answer >= this is BOUND
    address sequencer; // Chainlink's uptime feed of the L2; zero on a chain without sequencer
}

/// @notice The signed second source of a market: a Pyth price feed.
struct SecondConfig {
    address pyth; // zero: none
    bytes32 priceId;
}

/// @title Oracle
/// @notice Turns untrusted feeds into one guarded price per market: {u/lot}, u = 1e-12 USD.
interface IOracle {
    /// @notice A feed was set or replaced. EMAs and samples of a market that had one go on.
    event FeedConfigured(uint8 indexed market, FeedConfig config);
    /// @notice A new valid answer was recorded, with the EMAs at that moment; the price itself is not in them yet.
    event PriceRecorded(uint8 indexed market, uint64 price, uint64 emaShort, uint64 emaSlow, uint32 updatedAt);

    /// @notice An answer too far from the price in force waits, since `since`, for the second source or for JUMP_TIME.
    event PriceHeld(uint8 indexed market, uint64 price, uint32 since);

    /// @notice What the second source says now.
    event SecondUpdated(uint8 indexed market, uint64 price, uint64 confidence, uint32 publishTime);
    event SecondConfigured(uint8 indexed market, SecondConfig config);
    /// @notice The first price that the second source signed at or after `from`.
    event SecondPriceRecorded(uint8 indexed market, uint32 indexed from, uint64 price, uint256 publishTime);

    error UnknownMarket(uint8 market);
    error NoSecondSource(uint8 market);
    error SecondSourceTooNew(uint256 since, uint32 from);
    error FromInFuture(uint32 from, uint256 time);
    error FeeTooLow(uint256 value, uint256 fee);
    error RefundFailed(address receiver);
    error SecondPriceUnusable(int64 price, uint64 confidence, int32 exponent);
    error MaxAgeOutOfRange(uint32 maxAge, uint32 min, uint32 max);
    error JumpTooSmall(uint16 jumpBps, uint16 min);
    error EdgeTooWide(uint16 edgeBps, uint16 max);
    error DecimalsUnsupported(uint8 feedDecimals, uint8 lotDecimals);
    error LotDecimalsChanged(uint8 lotDecimals, uint8 current);
    error AnswerBoundsCrossed(uint128 minAnswer, uint128 maxAnswer);
    error FeedInvalid(address aggregator, PriceState state);
    error InsufficientGas(uint256 available, uint256 needed);

    /// @notice Sets the feed of a market; the feed must give a valid and fresh price now.
    /// @dev Governance only. The stored EMAs and samples of a market that already has a feed are kept; the feed's answer is
    /// recorded even if it is dated before the one of the former feed, and its round ids start afresh.
    /// @dev The lot size is the unit of every position of the market, so it cannot change.
    /// @param market  market id, 0 to 63
    /// @param config  see {FeedConfig}
    /// @custom:reverts AccessManagedUnauthorized, UnknownMarket, MaxAgeOutOfRange, EdgeTooWide, JumpTooSmall, AnswerBoundsCrossed,
    /// LotDecimalsChanged, InsufficientGas, FeedInvalid, DecimalsUnsupported
    /// @custom:emits FeedConfigured, PriceRecorded
    function configure(uint8 market, FeedConfig calldata config) external;

    /// @notice Reads the feed, records a newer valid answer and returns the price as it now stands. Anyone may call it.
    /// @dev Never reverts because of the feed: a feed that reverts, returns garbage or eats its gas gives BAD and the last
    /// valid price. The caller must leave the feed its gas, so that nobody can choose BAD by starving the call.
    /// @dev Newer means a later `updatedAt`: of two answers with the same one the first stands. A newer valid answer that is
    /// already older than `maxAge` is recorded, since it is closer to the truth than the one before, and the state is STALE.
    /// @dev A newer answer further than a step from the price in force is held (JUMP): recorded once the second source agrees with a price
    /// signed after it, or once it and what followed it have stood for JUMP_TIME and the second source does not contradict.
    /// @dev Without a newer answer nothing is written.
    /// @custom:reverts UnknownMarket, InsufficientGas
    /// @custom:emits PriceRecorded when the answer is valid and newer than the one on record, PriceHeld when it is held and was not
    function sync(uint8 market) external returns (Quote memory);

    /// @notice Whether the feed still shows the answer behind a quote of state OK, the sequencer is up and the second source does not
    /// doubt it: the cheap way to learn that there is nothing new.
    /// @dev Reads one slot and the feed, one more slot with a second source. An answer that has become stale meanwhile is still the newest.
    /// @param price      {u/lot} of the quote
    /// @param validUntil {s} of the quote
    /// @custom:reverts UnknownMarket, InsufficientGas
    function isCurrent(uint8 market, uint64 price, uint32 validUntil) external view returns (bool);

    /// @notice What `sync` would return now, without recording anything.
    /// @custom:reverts UnknownMarket, InsufficientGas
    function quote(uint8 market) external view returns (Quote memory);

    /// @notice Time-weighted average of the recorded prices over the last `window` seconds.
    /// @dev Rounded down. The price of each sample holds until the next one, the last one until now; `sync` first to have the
    /// newest. The window starts on a whole minute, up to 59 s earlier than asked, where the ring is exact although it keeps
    /// one sample a minute; it is shortened to the oldest sample the ring still holds. Without length it gives the last price.
    /// @param window   {s}
    /// @return price   {u/lot}
    /// @return samples number of samples inside the window, the one in force at its start included; one a minute at most
    /// @custom:reverts UnknownMarket
    function twap(uint8 market, uint32 window) external view returns (uint64 price, uint256 samples);

    /// @notice The average over `window` seconds up to the last recorded price, whenever that was.
    /// @custom:reverts UnknownMarket
    function lastTwap(uint8 market, uint32 window) external view returns (uint64 price);

    /// @notice Gives the second source `updates` and keeps what it then says, when that is newer. Anyone may call it, also without updates.
    /// @dev The second source confirms and doubts, it gives no price: who brings an update chooses when it speaks, not what a position
    /// is worth. It counts for SECOND_AGE after it was signed. What is sent beyond its fee comes back.
    /// @custom:reverts NoSecondSource, FeeTooLow, what the source reverts with, SecondPriceUnusable, RefundFailed
    /// @custom:emits SecondUpdated when it is newer
    function updateSecond(uint8 market, bytes[] calldata updates) external payable;

    /// @notice Sets the second source of a market. Governance only.
    /// @custom:reverts AccessManagedUnauthorized, UnknownMarket
    function configureSecond(uint8 market, SecondConfig calldata config) external;

    /// @notice Records the first price that the second source signed at or after `from`, within an hour. Anyone may bring it, and there is
    /// only one. The source must have been configured SECOND_TIME before `from`, so that nobody brings a source for the occasion.
    /// What is sent beyond the source's fee comes back.
    /// @param from    {s} not in the future
    /// @param updates signed price updates of the source
    /// @custom:reverts NoSecondSource, SecondSourceTooNew, FromInFuture, FeeTooLow, what the source reverts with,
    /// SecondPriceUnusable, RefundFailed
    function recordSecondPrice(uint8 market, uint32 from, bytes[] calldata updates) external payable;

    /// @notice {s} since when the feed of a market is this one
    function feedSince(uint8 market) external view returns (uint256);

    /// @notice {u/lot} the price recorded for `from`; zero when there is none
    function secondPrice(uint8 market, uint32 from) external view returns (uint64);

    /// @notice What the second source last said: {u/lot} price and confidence, {s} when.
    function secondNow(uint8 market) external view returns (uint64 price, uint64 confidence, uint32 publishTime);

    /// @notice The answer that waits to be confirmed; zero when none does.
    /// @return price {u/lot}
    /// @return since {s} the first of the answers near it was seen
    function heldPrice(uint8 market) external view returns (uint64 price, uint32 since);

    /// @notice The configuration of a market's feed; all zero when there is none.
    function feed(uint8 market) external view returns (FeedConfig memory);
}
