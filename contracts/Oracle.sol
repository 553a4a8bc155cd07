// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IPyth} from "@pythnetwork/pyth-sdk-solidity/IPyth.sol";
import {PythStructs} from "@pythnetwork/pyth-sdk-solidity/PythStructs.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {LibCall} from "solady/src/utils/LibCall.sol";
import {IAggregatorV3} from "./interfaces/IAggregatorV3.sol";
import {FeedConfig, IOracle, PriceState, Quote, SecondConfig} from "./interfaces/IOracle.sol";
import {EmaLib} from "./libraries/EmaLib.sol";

/// @title Oracle
/// @notice One guarded price per market, in {u/lot}, from a Chainlink feed that may fail in any way.
///
/// PRICE. An answer is believed when the call gave five clean words, it is positive, strictly inside the feed's own bounds, dated
/// between the one on record and now, and its price is in (0, 2^62). Anything else leaves the last valid price in force and only
/// changes the state. {u/lot} = answer * 10^(12 - feedDecimals - lotDecimals): exact if the exponent is >= 0, else rounded down.
///
/// AVERAGES. The price in force is weighted by the time since it was recorded, in the EMAs and in the ring; the recorded price
/// itself has no weight yet. A feed can thus be sampled as often as anyone likes without moving an average.
///
/// RING. The last sample of each minute that had one, 64 of them behind the live one. An older sample is in force at least until
/// the minute in which the next one lies, so the cumulative is exact at every whole minute, and that is where windows start.
///
/// STEPS. An answer more than `jumpBps` from the price in force, and as much again for each hour between the two, at most four times,
/// is held until somebody else says the same: the second source, with a price signed after it and at most CONFIRM_AGE ago, or the feed
/// itself, with answers near it for JUMP_TIME since the second source contradicted last. Until then the old price stays in force and
/// nobody is liquidated at either. What is further than `jumpBps` is held while it is contradicted, whatever the hours, and BAD when the
/// feed's decimals are not those configured.
///
/// SECOND SOURCE. Pyth. It never gives the price: nobody chooses among prices by choosing when to bring which update. For SECOND_AGE after
/// a price was signed it doubts the price in force and contradicts steps, by its distance or its confidence, the larger: beyond the
/// feed's edge the state is WIDE, beyond MAX_EDGE it is JUMP. And it settles a market whose feed has died, by the first price
/// signed at or after a given time.
///
/// SEQUENCER. While the L2's sequencer is down, and for GRACE_TIME after it is back, the state is BAD: who could not act may first cure his
/// account. A sequencer feed that fails counts as down.
///
/// FEED ASSUMPTIONS (safety). A feed that lies by less than `jumpBps` an answer is believed where nobody brings the second source, and so
/// is one that lies for JUMP_TIME.
///
/// LIVENESS ASSUMPTIONS. Somebody calls {sync}: an answer that nobody recorded has no weight in the averages. Somebody brings the second
/// source when an honest price steps, or liquidations wait for JUMP_TIME. A feed that needs more than FEED_GAS, or returns more than
/// five words, is BAD for ever.
///
/// KNOWN LIMITS. A held step outlives answers between that nobody recorded. {isCurrent} does not see that a feed went back behind an
/// answer recorded since, nor another feed with the same date.
///
/// ROLES. Governance, through the access manager: {configure}, {configureSecond}. Nobody can set a price.
///
/// Times are uint32: good until the year 2106.
contract Oracle is IOracle, AccessManaged {
    using FixedPointMathLib for uint256;
    using LibCall for address;

    uint256 public constant MAX_MARKETS = 64;
    uint256 public constant RING_SIZE = 64;
    uint256 public constant SAMPLE_INTERVAL = 60; // {s} one ring entry in each
    uint256 public constant SHORT_HALF_LIFE = 600; // {s}
    uint256 public constant SLOW_HALF_LIFE = 3600; // {s}
    uint32 public constant MIN_MAX_AGE = 60; // {s}
    uint32 public constant MAX_MAX_AGE = 2 days; // {s}
    uint16 public constant MAX_EDGE = 500; // 5%
    uint16 public constant MIN_JUMP = 100; // 1%
    uint256 public constant JUMP_TIME = 10 minutes; // a step that the feed repeats for so long is believed
    uint256 public constant SECOND_AGE = 2 minutes; // the second source doubts for so long
    uint256 public constant CONFIRM_AGE = 30 seconds; // and confirms for so long
    uint256 public constant GRACE_TIME = 10 minutes; // after the sequencer has come back
    uint8 public constant MAX_FEED_DECIMALS = 18;
    uint8 public constant MAX_LOT_DECIMALS = 8;
    uint256 public constant PRICE_LIMIT = 1 << 62; // {u/lot} prices are below

    /// @notice What a feed may spend. A Chainlink proxy, all slots cold, needs a quarter of it.
    uint256 public constant FEED_GAS = 100_000;
    /// @notice What must be left before the feed is called. A call passes on at most 63/64 of what is left, after 2,600 for a cold
    /// account: 112,000 - 2,600 - 7,800 of our own before that still leaves 100,000 * 64/63.
    uint256 public constant FEED_GAS_NEEDED = 112_000;

    uint256 public constant SECOND_WINDOW = 1 hours; // the second source's price is of this time after it is asked for
    uint256 public constant SECOND_TIME = 14 days; // between its configuration and the time that it is asked for
    uint256 public constant MAX_CONFIDENCE = 100; // bps of the second price its confidence may be

    uint256 private constant BPS = 10_000;
    uint256 private constant HOUR = 1 hours; // {s}
    uint256 private constant PRICE_DECIMALS = 12; // u = 1e-12 USD
    uint16 private constant ROUND_BYTES = 160; // five words

    struct Source {
        address aggregator;
        uint32 maxAge; // {s}
        uint16 edgeBps; // {bps}
        uint16 jumpBps; // {bps}
        uint8 lotDecimals;
        uint8 feedDecimals;
        bool hasSecond;
        bool hasSequencer;
        // slot: 20 + 4 + 2 + 2 + 1 + 1 + 1 + 1 = 32
    }

    struct Bounds {
        uint128 minAnswer; // {answer}
        uint128 maxAnswer; // {answer}
        // slot: 16 + 16 = 32
    }

    /// @dev The live sample: all that a sync without a newer answer reads beside {Source}.
    struct Price {
        uint64 price; // {u/lot} in force since `sampledAt`; zero before the first
        uint64 emaShort; // {u/lot} at `sampledAt`
        uint64 emaSlow; // {u/lot} at `sampledAt`
        uint32 sampledAt; // {s} block time
        uint32 updatedAt; // {s} feed time
        // slot: 8 + 8 + 8 + 4 + 4 = 32
    }

    /// @dev An answer that waits to be confirmed.
    struct Held {
        uint64 price; // {u/lot}
        uint32 since; // {s} block time of the first near it
        uint32 after_; // {s} feed time of the answer in force then: held no longer once another is
        // slot: 8 + 4 + 4 = 16
    }

    /// @dev What the second source last said.
    struct Second {
        uint64 price; // {u/lot}
        uint64 confidence; // {u/lot}
        uint32 publishTime; // {s} at most the block's
        // slot: 8 + 8 + 4 = 20
    }

    struct Round {
        uint80 roundId; // of the live sample
        uint112 cumulative; // {u/lot s} integral of the price up to the live sample; below 2^62 * 2^32
        uint32 closed; // samples ever written to the ring; the next goes to closed % RING_SIZE
        // slot: 10 + 14 + 4 = 28
    }

    /// @dev A sample that was live until a later minute had one.
    struct Sample {
        uint32 time; // {s}
        uint64 price; // {u/lot} in force from `time`
        uint112 cumulative; // {u/lot s} up to `time`
        // slot: 4 + 8 + 14 = 26
    }

    struct Market {
        Source source;
        Bounds bounds;
        Price live;
        Round round;
        Held held;
        Second second;
        address sequencer;
        uint32 since; // {s} the aggregator was configured at
        Sample[RING_SIZE] ring;
    }

    /// @dev The five words of a feed; `ok` is false when it did not give them.
    struct Round5 {
        bool ok;
        uint256 roundId;
        int256 answer;
        uint256 startedAt; // {s}
        uint256 updatedAt; // {s}
    }

    /// @dev A newer valid answer; price zero: there is none.
    struct Answer {
        uint64 price; // {u/lot}
        uint32 updatedAt; // {s}
        uint80 roundId;
    }

    mapping(uint8 market => Market state) private _markets;
    mapping(uint8 market => SecondConfig config) public second;
    mapping(uint8 market => uint256 time) public secondSince; // {s}
    /// @inheritdoc IOracle
    mapping(uint8 market => mapping(uint32 from => uint64 price)) public secondPrice;

    constructor(address authority_) AccessManaged(authority_) {}

    /* PRICES */

    /// @inheritdoc IOracle
    function sync(uint8 market) external returns (Quote memory) {
        return _sync(market);
    }

    /* SECOND SOURCE */

    /// @inheritdoc IOracle
    function updateSecond(uint8 market, bytes[] calldata updates) external payable {
        SecondConfig memory config = second[market];
        uint256 fee = _feeOf(market, config, updates);
        IPyth(config.pyth).updatePriceFeeds{value: fee}(updates);
        PythStructs.Price memory signed = IPyth(config.pyth).getPriceUnsafe(config.priceId);

        Market storage m = _known(market);
        uint32 publishTime = uint32(signed.publishTime.min(block.timestamp)); // clocks of chains differ by seconds
        if (publishTime > m.second.publishTime) {
            uint8 lotDecimals = m.source.lotDecimals;
            uint64 price = _secondPrice(signed, lotDecimals);
            uint64 confidence = uint64(_scaled(signed.conf, signed.expo, lotDecimals, true).min(type(uint64).max));
            m.second = Second(price, confidence, publishTime);
            emit SecondUpdated(market, price, confidence, publishTime);
        }
        _refund(fee);
    }

    /// @inheritdoc IOracle
    function recordSecondPrice(uint8 market, uint32 from, bytes[] calldata updates) external payable {
        SecondConfig memory config = second[market];
        uint256 fee = _feeOf(market, config, updates);
        require(secondSince[market] + SECOND_TIME <= from, SecondSourceTooNew(secondSince[market], from));
        require(from <= block.timestamp, FromInFuture(from, block.timestamp));
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = config.priceId;

        PythStructs.Price memory signed = IPyth(config.pyth).parsePriceFeedUpdatesUnique{value: fee}(
            updates,
            ids,
            from,
            uint64(from + SECOND_WINDOW)
        )[0].price;
        bool isSure = signed.price > 0 && signed.conf * BPS <= uint256(uint64(signed.price)) * MAX_CONFIDENCE;
        require(isSure, SecondPriceUnusable(signed.price, signed.conf, signed.expo));
        uint64 price = _secondPrice(signed, _known(market).source.lotDecimals);
        secondPrice[market][from] = price;
        emit SecondPriceRecorded(market, from, price, signed.publishTime);

        _refund(fee);
    }

    /* GOVERNANCE */

    /// @inheritdoc IOracle
    function configure(uint8 market, FeedConfig calldata config) external restricted {
        require(market < MAX_MARKETS, UnknownMarket(market));
        require(
            config.maxAge >= MIN_MAX_AGE && config.maxAge <= MAX_MAX_AGE,
            MaxAgeOutOfRange(config.maxAge, MIN_MAX_AGE, MAX_MAX_AGE)
        );
        require(config.edgeBps <= MAX_EDGE, EdgeTooWide(config.edgeBps, MAX_EDGE));
        require(config.jumpBps >= MIN_JUMP, JumpTooSmall(config.jumpBps, MIN_JUMP));
        require(config.minAnswer < config.maxAnswer, AnswerBoundsCrossed(config.minAnswer, config.maxAnswer));
        Market storage m = _markets[market];
        uint8 lotDecimals = m.source.lotDecimals;
        require(
            m.live.price == 0 || config.lotDecimals == lotDecimals,
            LotDecimalsChanged(config.lotDecimals, lotDecimals)
        );
        (bool isRead, uint256 feedDecimals) = _tryDecimals(config.aggregator);
        require(isRead, FeedInvalid(config.aggregator, PriceState.BAD));
        require(
            feedDecimals <= MAX_FEED_DECIMALS && config.lotDecimals <= MAX_LOT_DECIMALS,
            DecimalsUnsupported(uint8(feedDecimals.min(type(uint8).max)), config.lotDecimals)
        );

        if (config.aggregator != m.source.aggregator) m.since = uint32(block.timestamp); // other limits do not make it a feed of the moment
        m.source = Source(
            config.aggregator,
            config.maxAge,
            config.edgeBps,
            config.jumpBps,
            config.lotDecimals,
            uint8(feedDecimals),
            m.source.hasSecond,
            config.sequencer != address(0)
        );
        m.sequencer = config.sequencer;
        m.bounds = Bounds(config.minAnswer, config.maxAnswer);
        delete m.held;
        m.live.updatedAt = 0; // so that whatever the feed says now is newer, and no step
        m.round.roundId = 0;
        emit FeedConfigured(market, config);

        PriceState state = _sync(market).state;
        require(state <= PriceState.WIDE, FeedInvalid(config.aggregator, state));
    }

    /// @inheritdoc IOracle
    function configureSecond(uint8 market, SecondConfig calldata config) external restricted {
        Market storage m = _known(market);
        second[market] = config;
        secondSince[market] = block.timestamp;
        m.source.hasSecond = config.pyth != address(0);
        delete m.second;
        emit SecondConfigured(market, config);
    }

    /* VIEWS */

    /// @inheritdoc IOracle
    function isCurrent(uint8 market, uint64 price, uint32 validUntil) external view returns (bool) {
        Market storage m = _markets[market];
        Source memory source = m.source;
        require(source.aggregator != address(0), UnknownMarket(market));
        if (source.hasSequencer && !_isUp(m.sequencer)) return false;
        Round5 memory round = _latestRound(source.aggregator);
        bool isShown = round.ok && round.answer > 0 && round.updatedAt <= block.timestamp;
        if (!isShown || round.updatedAt + source.maxAge != validUntil) return false;
        return !source.hasSecond || block.timestamp > validUntil || _doubt(m.second, price) <= source.edgeBps;
    }

    /// @inheritdoc IOracle
    function quote(uint8 market) external view returns (Quote memory) {
        Market storage m = _known(market);
        (Source memory source, Price memory live, Answer memory answer, PriceState state) = _read(m);
        if (state == PriceState.OK && answer.price != 0) live = _next(live, answer);
        return _quote(m, source, live, state);
    }

    /// @inheritdoc IOracle
    function twap(uint8 market, uint32 window) external view returns (uint64 price, uint256 samples) {
        return _twap(_known(market), block.timestamp, window);
    }

    /// @inheritdoc IOracle
    function lastTwap(uint8 market, uint32 window) external view returns (uint64 price) {
        Market storage m = _known(market);
        (price, ) = _twap(m, m.live.sampledAt, window);
    }

    /// @inheritdoc IOracle
    function feedSince(uint8 market) external view returns (uint256) {
        return _known(market).since;
    }

    /// @inheritdoc IOracle
    function secondNow(uint8 market) external view returns (uint64 price, uint64 confidence, uint32 publishTime) {
        Second memory said = _known(market).second;
        return (said.price, said.confidence, said.publishTime);
    }

    /// @inheritdoc IOracle
    function heldPrice(uint8 market) external view returns (uint64 price, uint32 since) {
        Market storage m = _known(market);
        Held memory held = m.held;
        if (held.after_ == m.live.updatedAt) return (held.price, held.since);
    }

    /// @inheritdoc IOracle
    function feed(uint8 market) external view returns (FeedConfig memory) {
        Source memory source = _markets[market].source;
        Bounds memory bounds = _markets[market].bounds;
        return
            FeedConfig(
                source.aggregator,
                source.maxAge,
                source.edgeBps,
                source.jumpBps,
                source.lotDecimals,
                bounds.minAnswer,
                bounds.maxAnswer,
                _markets[market].sequencer
            );
    }

    /* READING */

    function _sync(uint8 market) private returns (Quote memory) {
        Market storage m = _known(market);
        (Source memory source, Price memory live, Answer memory answer, PriceState state) = _read(m);
        if (state == PriceState.JUMP) {
            _hold(m, market, source, live, answer.price);
        } else if (state == PriceState.OK && answer.price != 0) {
            Price memory next = _next(live, answer);
            _record(m, live, next, answer.roundId);
            emit PriceRecorded(market, next.price, next.emaShort, next.emaSlow, next.updatedAt);
            live = next;
        }
        return _quote(m, source, live, state);
    }

    /// @dev Asks the feed. Bounds and round of the market are only read for a newer answer, what is held only for a step.
    /// @return source as stored
    /// @return live   as stored
    /// @return answer the newer one; to be recorded when the state is OK, held when it is JUMP
    /// @return state  OK, JUMP, BOUND or BAD
    function _read(
        Market storage m
    ) private view returns (Source memory source, Price memory live, Answer memory answer, PriceState state) {
        (source, live) = (m.source, m.live);
        if (source.hasSequencer && !_isUp(m.sequencer)) return (source, live, answer, PriceState.BAD);

        Round5 memory round = _latestRound(source.aggregator);
        uint256 updatedAt = round.updatedAt;
        // A date of zero is Chainlink's mark of a round that is not complete.
        bool isDated = updatedAt != 0 && updatedAt <= block.timestamp && updatedAt >= live.updatedAt;
        if (!round.ok || round.answer <= 0 || !isDated) return (source, live, answer, PriceState.BAD);
        if (updatedAt == live.updatedAt) return (source, live, answer, PriceState.OK);

        if (round.roundId < m.round.roundId) return (source, live, answer, PriceState.BAD);
        Bounds memory bounds = m.bounds;
        uint256 value = uint256(round.answer);
        if (value <= bounds.minAnswer || value >= bounds.maxAnswer) return (source, live, answer, PriceState.BOUND);
        uint256 price = _price(value, source);
        if (price == 0 || price >= PRICE_LIMIT) return (source, live, answer, PriceState.BAD);
        // Casts: price < 2^62; updatedAt is not after now; _latestRound has checked roundId.
        answer = Answer(uint64(price), uint32(updatedAt), uint80(round.roundId));
        if (live.updatedAt == 0 || !_isStep(source, live.price, price, 0)) {
            return (source, live, answer, PriceState.OK);
        }
        (bool isRead, uint256 decimals) = _tryDecimals(source.aggregator);
        if (!isRead || decimals != source.feedDecimals) return (source, live, answer, PriceState.BAD);
        bool isAllowed = !_isStep(source, live.price, price, updatedAt - live.updatedAt);
        bool isBelieved = !_isContradicted(m, source, price) && (isAllowed || _isConfirmed(m, source, live, answer));
        state = isBelieved ? PriceState.OK : PriceState.JUMP;
    }

    /// @dev More than `jumpBps` between two prices, and as much again for each hour between them, at most four times.
    function _isStep(Source memory source, uint256 from, uint256 to, uint256 elapsed) private pure returns (bool) {
        uint256 apart = from.dist(to);
        uint256 allowed = source.jumpBps * (HOUR + elapsed.min(3 * HOUR)); // {bps s}
        return apart * BPS * HOUR > from * allowed;
    }

    /// @dev Whether the second source says something else.
    function _isContradicted(Market storage m, Source memory source, uint256 price) private view returns (bool) {
        return source.hasSecond && _doubt(m.second, price) > MAX_EDGE;
    }

    /// @dev Whether somebody else says the same as a step that is not contradicted: see STEPS. The second source must be nearer to it
    /// than to the price in force, and speak now: who brings it could else choose the second at which they agreed.
    function _isConfirmed(
        Market storage m,
        Source memory source,
        Price memory live,
        Answer memory answer
    ) private view returns (bool) {
        if (source.hasSecond) {
            Second memory said = m.second;
            uint256 theirs = said.price;
            bool isNearer = theirs.dist(answer.price) < theirs.dist(live.price);
            bool isPrompt = block.timestamp <= said.publishTime + CONFIRM_AGE && said.publishTime >= answer.updatedAt;
            if (isPrompt && isNearer) return true;
        }
        Held memory held = m.held;
        if (held.after_ != live.updatedAt || _isStep(source, held.price, answer.price, 0)) return false;
        return block.timestamp >= held.since + JUMP_TIME;
    }

    /// @dev {bps} by how much the second source doubts a price, up: their distance or its confidence, the larger. Zero when it is old.
    function _doubt(Second memory said, uint256 price) private view returns (uint256) {
        if (block.timestamp > said.publishTime + SECOND_AGE) return 0;
        return price.dist(said.price).max(said.confidence).mulDivUp(BPS, price);
    }

    /// @dev The sequencer's feed says 0 while it is up, and since when.
    function _isUp(address sequencer) private view returns (bool) {
        Round5 memory round = _latestRound(sequencer);
        bool isSince = round.startedAt != 0 && round.startedAt <= block.timestamp;
        return round.ok && round.answer == 0 && isSince && block.timestamp - round.startedAt > GRACE_TIME;
    }

    /// @dev Cannot revert but for InsufficientGas: gas and copied bytes are limited, and words are decoded without range checks.
    /// The gas check keeps a caller from starving an honest feed; a blob longer than five words is not copied.
    function _latestRound(address aggregator) private view returns (Round5 memory round) {
        (bool success, bytes memory result) = _ask(
            aggregator,
            ROUND_BYTES,
            abi.encodeCall(IAggregatorV3.latestRoundData, ())
        );
        if (!success) return round;
        uint256 answeredInRound;
        (round.roundId, round.answer, round.startedAt, round.updatedAt, answeredInRound) = abi.decode(
            result,
            (uint256, int256, uint256, uint256, uint256)
        );
        round.ok = round.roundId <= type(uint80).max && answeredInRound <= type(uint80).max;
    }

    function _tryDecimals(address aggregator) private view returns (bool ok, uint256 decimals) {
        bytes memory result;
        (ok, result) = _ask(aggregator, 32, abi.encodeCall(IAggregatorV3.decimals, ()));
        if (ok) decimals = abi.decode(result, (uint256));
    }

    /// @dev Whether a feed answered with exactly `size` bytes.
    function _ask(address aggregator, uint16 size, bytes memory call) private view returns (bool, bytes memory) {
        require(gasleft() >= FEED_GAS_NEEDED, InsufficientGas(gasleft(), FEED_GAS_NEEDED));
        (bool success, bool tooLong, bytes memory result) = aggregator.tryStaticCall(FEED_GAS, size, call);
        return (success && !tooLong && result.length == size, result);
    }

    /// @dev {u/lot} = {answer} * 10^(12 - feedDecimals - lotDecimals), down. An answer is below 2^128 here and the exponent within
    /// -14 and 12, so nothing overflows.
    function _price(uint256 answer, Source memory source) private pure returns (uint256) {
        unchecked {
            uint256 decimals = uint256(source.feedDecimals) + source.lotDecimals;
            if (decimals <= PRICE_DECIMALS) return answer * 10 ** (PRICE_DECIMALS - decimals);
            return answer / 10 ** (decimals - PRICE_DECIMALS);
        }
    }

    /// @dev Of the `window` seconds up to `end`, which is not before the live sample. Binary search over the ring: six steps at most.
    function _twap(Market storage m, uint256 end, uint256 window) private view returns (uint64 price, uint256 samples) {
        Price memory live = m.live;
        Round memory round = m.round;
        uint256 start = end.zeroFloorSub(window);
        start -= start % SAMPLE_INTERVAL;
        uint256 size = uint256(round.closed).min(RING_SIZE);
        if (start >= live.sampledAt || size == 0) return (live.price, 1);

        // Sample `first + i` is the i-th oldest. i = low is not after `start`, or the oldest; i = high is after it, or the live one.
        uint256 first = round.closed - size;
        uint256 low;
        uint256 high = size;
        while (high - low > 1) {
            uint256 middle = (low + high) / 2;
            if (m.ring[(first + middle) % RING_SIZE].time <= start) low = middle;
            else high = middle;
        }
        Sample memory sample = m.ring[(first + low) % RING_SIZE];
        start = start.max(sample.time);

        // start < live.sampledAt <= end, since a closed sample lies in an earlier minute: the divisor is not zero.
        uint256 atStart = sample.cumulative + sample.price * (start - sample.time);
        uint256 atEnd = round.cumulative + live.price * (end - live.sampledAt);
        price = uint64((atEnd - atStart) / (end - start)); // down; a mean of prices, so below 2^62
        samples = size - low + 1;
    }

    function _known(uint8 market) private view returns (Market storage m) {
        m = _markets[market];
        require(m.source.aggregator != address(0), UnknownMarket(market));
    }

    /// @dev {u/lot} a price of the second source, down.
    function _secondPrice(PythStructs.Price memory signed, uint8 lotDecimals) private pure returns (uint64) {
        uint256 price = signed.price <= 0 ? 0 : _scaled(uint64(signed.price), signed.expo, lotDecimals, false);
        bool isUsable = price != 0 && price < PRICE_LIMIT;
        require(isUsable, SecondPriceUnusable(signed.price, signed.conf, signed.expo));
        return uint64(price);
    }

    /// @dev {u/lot} = value * 10^(12 + exponent - lotDecimals); zero for an exponent that no price has.
    function _scaled(uint64 value, int32 exponent, uint8 lotDecimals, bool up) private pure returns (uint256) {
        int256 places = int256(PRICE_DECIMALS) + exponent - int256(uint256(lotDecimals));
        if (places < -18 || places > 12) return 0;
        if (places >= 0) return value * 10 ** uint256(places);
        uint256 unit = 10 ** uint256(-places);
        return up ? uint256(value).divUp(unit) : value / unit;
    }

    /// @dev What the second source wants for `updates`; it must have been sent.
    function _feeOf(
        uint8 market,
        SecondConfig memory config,
        bytes[] calldata updates
    ) private view returns (uint256 fee) {
        require(config.pyth != address(0), NoSecondSource(market));
        fee = IPyth(config.pyth).getUpdateFee(updates);
        require(msg.value >= fee, FeeTooLow(msg.value, fee));
    }

    function _refund(uint256 fee) private {
        if (msg.value == fee) return; // a sender that takes no ether may pay exactly
        (bool refunded, ) = msg.sender.call{value: msg.value - fee}("");
        require(refunded, RefundFailed(msg.sender));
    }

    /* RECORDING */

    /// @dev The live sample after `answer`: the EMAs take in what was in force until now, not the answer.
    function _next(Price memory live, Answer memory answer) private view returns (Price memory next) {
        next.price = answer.price;
        (next.emaShort, next.emaSlow) = live.price == 0 ? (answer.price, answer.price) : _emas(live);
        next.sampledAt = uint32(block.timestamp);
        next.updatedAt = answer.updatedAt;
    }

    /// @dev Keeps a step to be confirmed, since the first of the answers near it.
    function _hold(Market storage m, uint8 market, Source memory source, Price memory live, uint64 price) private {
        Held memory held = m.held;
        bool isNear = held.after_ == live.updatedAt && !_isStep(source, held.price, price, 0);
        bool goesOn = isNear && !_isContradicted(m, source, price);
        uint32 since = goesOn ? held.since : uint32(block.timestamp);
        if (isNear && held.price == price && held.since == since) return;

        m.held = Held(price, since, live.updatedAt);
        emit PriceHeld(market, price, since);
    }

    function _record(Market storage m, Price memory live, Price memory next, uint80 roundId) private {
        Round memory round = m.round;
        if (live.price != 0) {
            if (next.sampledAt / SAMPLE_INTERVAL != live.sampledAt / SAMPLE_INTERVAL) {
                m.ring[round.closed % RING_SIZE] = Sample(live.sampledAt, live.price, round.cumulative);
                ++round.closed;
            }
            round.cumulative += uint112(live.price) * (next.sampledAt - live.sampledAt);
        }
        round.roundId = roundId;
        m.round = round;
        m.live = next;
    }

    /* QUOTING */

    function _quote(
        Market storage m,
        Source memory source,
        Price memory live,
        PriceState state
    ) private view returns (Quote memory q) {
        (uint64 emaShort, uint64 emaSlow) = _emas(live);
        q.price = live.price;
        q.slow = emaSlow;
        q.validUntil = live.updatedAt + source.maxAge;
        (q.edgeBps, q.state) = (source.edgeBps, state);
        if (state == PriceState.OK) {
            if (block.timestamp > q.validUntil) q.state = PriceState.STALE;
            else if (source.hasSecond) (q.edgeBps, q.state) = _doubted(source, _doubt(m.second, live.price));
        }
        // Casts: at most 2^62 * 1.05.
        q.low = uint64(uint256(live.price).min(emaShort).mulDiv(BPS - q.edgeBps, BPS)); // down: against a long
        q.high = uint64(uint256(live.price).max(emaShort).mulDivUp(BPS + q.edgeBps, BPS)); // up: against a short
    }

    /// @dev Edge and state of a fresh price that the second source doubts by `doubt` {bps}.
    function _doubted(Source memory source, uint256 doubt) private pure returns (uint16, PriceState) {
        if (doubt <= source.edgeBps) return (source.edgeBps, PriceState.OK);
        return doubt > MAX_EDGE ? (MAX_EDGE, PriceState.JUMP) : (uint16(doubt), PriceState.WIDE);
    }

    /// @dev Both EMAs now, decayed toward the price in force.
    function _emas(Price memory live) private view returns (uint64 emaShort, uint64 emaSlow) {
        uint256 elapsed = block.timestamp - live.sampledAt;
        emaShort = EmaLib.decay(live.emaShort, live.price, elapsed, SHORT_HALF_LIFE);
        emaSlow = EmaLib.decay(live.emaSlow, live.price, elapsed, SLOW_HALF_LIFE);
    }
}
