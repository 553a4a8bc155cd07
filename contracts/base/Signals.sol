// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {LibCall} from "solady/src/utils/LibCall.sol";
import {Attestation, ISignals, OpenSignal, Signal, SignalState} from "../interfaces/ISignals.sol";
import {MathLib} from "../libraries/MathLib.sol";

/// @title Signals
/// @notice Signed forecasts of a price fall that may add one level to a market's intervention level, for a while and within a budget,
/// as long as they have been better than always saying the base rate.
/// @dev WORST CASE. Whoever holds the keys of k reporters may make {_raises} true for a market during a sixth of the time and a day, in
/// at most 12 stretches in 30 days, each of at most 28.8 h. What comes of it is one level: initial margin times 1.1 to 1.25 for
/// new positions, and a quarter of the sleeve armed at a discount. Nothing else: no level falls, no account becomes liquidatable, no
/// money moves. Silence changes nothing.
///
/// BUDGET. Two token buckets for each market, each kept as the time when it will be full again. A second in force takes six to come
/// back and a day fits in; an activation takes 3.75 days and four fit in. Seconds are paid for when they are promised, so with r of
/// them still to come tokens + r never exceeds the day: any window W has at most a day + W / 6 in force and 4 + W / 3.75 days
/// activations, which is a fifth of 30 days, and 12; less of any longer one.
///
/// SCORE. Every accepted signal has a horizon of its own, from its acceptance, of which this contract's own observations are the only
/// witnesses. The first one within a quarter of an hour is the start; a price `dropBps` below it, within the horizon, is the fall: o = 1.
/// Without it o = 0 if each quarter hour had an observation. If one had none, nobody knows: a signal above the base rate then counts as
/// a false alarm, one at or below it does not count. So not observing never helps a reporter, and anyone may observe.
/// At most MAX_OPEN signals are open in a market, the next is refused: none goes in force unscored.
///
/// SUSPENSION. When at least SCORE_LENGTH have matured and their Brier score is above the base rate's. For good: only another model, which
/// governance sets, starts again; signals go on being scored meanwhile.
///
/// ROLES. Anyone brings signals. Governance, through the access manager: reporters, models, thresholds within constant bounds.
///
/// SAFETY. A reporter may be a contract: it is asked by staticcall, with bounded gas and return data, before anything is written.
///
/// LIVENESS. Nothing here makes {_observeSignals} or {_raises} revert. Whether horizons are observed is up to those who call the former.
///
/// KNOWN LIMITS. A fall that is gone before the next observation is not seen. Reporters choose when they sign: easy forecasts in calm times
/// pay for false alarms, about 58 at 0 for each at 20 % and a base rate of 2.6 %; the budget is what binds then. Times are uint32: good
/// until the year 2106.
abstract contract Signals is ISignals, AccessManaged, EIP712 {
    using LibCall for address;
    using MathLib for uint256;

    /// @dev All that is asked often about a market. One slot.
    struct MarketSignals {
        uint32 until; // {s} in force before it
        uint32 nonce; // of the last accepted signal
        uint32 acceptedAt; // {s} of the last one of this model, 0: none
        uint32 activationsFullAt; // {s} when all activations will be there again
        uint32 secondsFullAt; // {s} likewise
        uint16 probability; // {1e-4} of the last accepted signal
        uint16 dropBps; // {bps}
        uint16 baseRate; // {1e-4}
        uint16 threshold; // {1e-4}
        uint8 open; // the last `open` nonces are not scored yet
        bool isSuspended;
        // 30 bytes
    }

    /// @dev Of one model in one market. One slot.
    struct Score {
        uint96 brier; // D18{1} at most SCORE_LENGTH and what rounding leaves
        uint96 brierBase; // D18{1} likewise
        uint32 matured;
        // 28 bytes
    }

    bytes32 private constant SIGNAL_TYPEHASH = keccak256(
        "Signal(bytes32 modelHash,uint8 market,uint16 probability,uint32 validFrom,uint32 expiry,uint32 nonce)"
    );

    uint16 private constant CERTAIN = 10_000; // {1e-4}
    uint256 private constant BPS = 10_000; // {bps}
    uint256 private constant SQUARE = 1e10; // D18{1} of a square in 1e-8
    int256 private constant ONE = 1e18; // D18{1}

    uint256 private constant HORIZON = 4 hours;
    uint256 private constant MAX_AGE = 5 minutes;
    uint256 private constant MAX_LIFE = 6 hours;
    uint256 private constant MAX_REPORTERS = 16;
    uint256 private constant SIGNATURE_GAS = 100_000; // {gas} for a reporter that is a contract

    uint256 private constant STEP_TIME = 1 hours;
    uint16 private constant MAX_STEP = 2_000; // {1e-4} between two signals within STEP_TIME

    uint16 private constant MIN_DROP_BPS = 200; // 2%
    uint16 private constant MAX_DROP_BPS = 3_000; // 30%
    uint16 private constant MIN_BASE_RATE = 10; // 0.1%
    uint16 private constant MAX_BASE_RATE = 900; // 9%
    uint16 private constant MIN_THRESHOLD = 1_000; // 10%: above every base rate
    uint16 private constant NEVER = CERTAIN + 1; // {1e-4} a threshold above every probability

    uint256 private constant SECOND_COST = 6; // {s} in which a second in force comes back
    uint256 private constant SECONDS_FULL = SECOND_COST * 1 days; // {s} in which a whole day does
    uint256 private constant ACTIVATION_COST = 30 days / 8; // {s} in which an activation comes back
    uint256 private constant ACTIVATIONS_FULL = 4 * ACTIVATION_COST; // {s} in which all four do

    uint256 private constant MAX_OPEN = 4; // a power of two: a nonce's place is what is left of dividing by it
    uint256 private constant QUARTER = HORIZON / 16; // {s}
    uint16 private constant ALL_SEEN = type(uint16).max; // the sixteen quarter hours
    uint64 private constant FALLEN = type(uint64).max; // {u/lot} as `trigger`
    uint256 private constant PRICE_LIMIT = 1 << 62; // {u/lot} prices are below
    uint256 private constant SCORE_LENGTH = 200; // signals: what the score remembers, and needs

    mapping(uint8 market => MarketSignals) private _markets;
    mapping(uint8 market => uint128[MAX_OPEN]) private _open; // by nonce % MAX_OPEN, see {_pack}. Two in a slot
    mapping(uint8 market => Score) private _scores;
    mapping(uint8 market => bytes32) private _models;

    address[] private _reporters;
    uint256 private _needed; // of them; zero before the first {setReporters}
    mapping(address account => bool) private _isReporter;

    constructor() EIP712("Backstop Signals", "1") {}

    /* ANYONE */

    /// @inheritdoc ISignals
    function submitSignal(Signal calldata signal_, Attestation[] calldata attestations) external {
        Signal memory signal = signal_; // in memory, so that each field is decoded and range-checked once
        MarketSignals memory m = _markets[signal.market];
        _requireDue(signal, m);
        _requireSigned(_digest(signal), attestations);

        _mature(signal.market, m, block.timestamp);
        require(m.open < MAX_OPEN, TooManyOpen(m.open, MAX_OPEN));

        uint32 nowTs = uint32(block.timestamp);
        (m.nonce, m.acceptedAt, m.probability) = (signal.nonce, nowTs, signal.probability);
        ++m.open;
        (uint32 from, uint32 until) = _arm(m, signal);

        _markets[signal.market] = m;
        _open[signal.market][signal.nonce % MAX_OPEN] = _pack(OpenSignal(0, nowTs, signal.probability, 0));

        emit SignalAccepted(
            signal.market,
            signal.nonce,
            signal.modelHash,
            signal.probability,
            signal.validFrom,
            signal.expiry
        );
        if (until != from) emit SignalArmed(signal.market, signal.nonce, from, until);
    }

    /* GOVERNANCE */

    /// @inheritdoc ISignals
    function setReporters(address[] calldata accounts, uint256 needed) external restricted {
        uint256 n = accounts.length;
        require(needed != 0 && needed <= n && n <= MAX_REPORTERS, ReportersOutOfRange(n, needed, MAX_REPORTERS));

        uint256 former = _reporters.length;
        for (uint256 i; i < former; ++i) _isReporter[_reporters[i]] = false;
        address previous; // the zero address cannot be one: it is not above itself
        for (uint256 i; i < n; ++i) {
            require(accounts[i] > previous, NotAscending(accounts[i], previous));
            previous = accounts[i];
            _isReporter[previous] = true;
        }
        _reporters = accounts;
        _needed = needed;

        emit ReportersSet(accounts, needed);
    }

    /// @inheritdoc ISignals
    function setModel(
        uint8 market,
        bytes32 modelHash,
        uint16 dropBps,
        uint16 baseRate,
        uint16 threshold
    ) external restricted {
        require(modelHash != _models[market], ModelUnchanged(modelHash));
        if (modelHash == 0) {
            _requireWithin("dropBps", dropBps, 0, 0);
            _requireWithin("baseRate", baseRate, 0, 0);
            _requireWithin("threshold", threshold, 0, 0);
        } else {
            _requireWithin("dropBps", dropBps, MIN_DROP_BPS, MAX_DROP_BPS);
            _requireWithin("baseRate", baseRate, MIN_BASE_RATE, MAX_BASE_RATE);
            _requireWithin("threshold", threshold, MIN_THRESHOLD, NEVER);
        }

        MarketSignals storage m = _markets[market];
        (m.until, m.acceptedAt, m.probability, m.open, m.isSuspended) = (0, 0, 0, 0, false);
        (m.dropBps, m.baseRate, m.threshold) = (dropBps, baseRate, threshold);
        _models[market] = modelHash;
        delete _scores[market];

        emit ModelSet(market, modelHash, dropBps, baseRate, threshold);
    }

    /// @inheritdoc ISignals
    function setThreshold(uint8 market, uint16 threshold) external restricted {
        require(_models[market] != 0, NoModel(market));
        _requireWithin("threshold", threshold, MIN_THRESHOLD, NEVER);

        _markets[market].threshold = threshold;

        emit ThresholdSet(market, threshold);
    }

    /* VIEWS */

    /// @inheritdoc ISignals
    function signalState(uint8 market) external view returns (SignalState memory) {
        MarketSignals storage m = _markets[market];
        Score memory score = _scores[market];
        int256 skill; // D18{1}, down
        if (score.matured != 0) skill = ONE - int256(uint256(score.brier).mulDivUp(uint256(ONE), score.brierBase));
        return
            SignalState({
                modelHash: _models[market],
                dropBps: m.dropBps,
                threshold: m.threshold,
                baseRate: m.baseRate,
                isRaised: _raises(market),
                isSuspended: m.isSuspended,
                until: m.until,
                nonce: m.nonce,
                acceptedAt: m.acceptedAt,
                probability: m.probability,
                open: m.open,
                activationsLeft: _left(m.activationsFullAt, ACTIVATIONS_FULL) / ACTIVATION_COST,
                secondsLeft: _left(m.secondsFullAt, SECONDS_FULL) / SECOND_COST,
                matured: score.matured,
                brier: score.brier,
                brierBase: score.brierBase,
                skill: skill
            });
    }

    /// @inheritdoc ISignals
    function openSignals(uint8 market) external view returns (OpenSignal[] memory signals) {
        MarketSignals storage m = _markets[market];
        signals = new OpenSignal[](m.open);
        for (uint256 i; i < m.open; ++i) signals[i] = _unpack(_open[market][(m.nonce - m.open + 1 + i) % MAX_OPEN]);
    }

    /// @inheritdoc ISignals
    function reporters() external view returns (address[] memory accounts, uint256 needed) {
        return (_reporters, _needed);
    }

    /// @inheritdoc ISignals
    function signalHash(Signal calldata signal) external view returns (bytes32) {
        return _digest(signal);
    }

    /* FOR THE CONTRACT THAT INHERITS */

    /// @dev Whether one level is to be added to the market's. Reads one slot, never reverts.
    function _raises(uint8 market) internal view returns (bool) {
        MarketSignals storage m = _markets[market];
        return block.timestamp < m.until && !m.isSuspended;
    }

    /// @dev Takes note of an observed price for what is to be scored. Never reverts; reads one slot when nothing is. At most MAX_OPEN
    /// signals are looked at, two in a slot, and written in the first observation of each quarter hour or when the price has fallen.
    /// @param price {u/lot} believed by the oracle; zero or 2^62 and more are not taken note of
    /// @param time  {s} of the observation, never in the future
    function _observeSignals(uint8 market, uint256 price, uint256 time) internal {
        if (_markets[market].open == 0 || price == 0 || price >= PRICE_LIMIT) return;
        MarketSignals memory m = _markets[market];
        if (_mature(market, m, time)) _markets[market] = m;

        unchecked {
            // open <= nonce: both began at zero and each signal adds one to both
            for (uint256 i; i < m.open; ++i) _see(market, m.nonce - uint32(i), m.dropBps, uint64(price), time);
        }
    }

    /* INTERNALS */

    /// @dev What a signal says is in order, apart from who says it.
    function _requireDue(Signal memory signal, MarketSignals memory m) private view {
        bytes32 model = _models[signal.market];
        require(model != 0, NoModel(signal.market));
        require(signal.modelHash == model, ModelMismatch(signal.modelHash, model));
        require(
            signal.validFrom <= block.timestamp && block.timestamp - signal.validFrom <= MAX_AGE,
            ValidFromOutOfRange(signal.validFrom, block.timestamp - MAX_AGE, block.timestamp)
        );
        require(
            signal.expiry > block.timestamp && signal.expiry <= signal.validFrom + MAX_LIFE,
            ExpiryOutOfRange(signal.expiry, block.timestamp + 1, signal.validFrom + MAX_LIFE)
        );
        require(signal.probability <= CERTAIN, ProbabilityOutOfRange(signal.probability, CERTAIN));
        require(signal.nonce == m.nonce + 1, NonceNotNext(signal.nonce, m.nonce + 1));
        if (block.timestamp - m.acceptedAt < STEP_TIME) {
            uint256 step = MathLib.abs(int256(uint256(signal.probability)) - int256(uint256(m.probability)));
            require(step <= MAX_STEP, ProbabilityJumps(signal.probability, m.probability, MAX_STEP));
        }
    }

    /// @dev Strictly ascending, so that nobody counts twice. Every reporter is asked, those above the number needed too.
    function _requireSigned(bytes32 hash, Attestation[] calldata attestations) private view {
        uint256 n = attestations.length;
        uint256 needed = _needed;
        require(n != 0 && n >= needed, TooFewSignatures(n, needed));
        address previous;
        for (uint256 i; i < n; ++i) {
            address reporter = attestations[i].reporter;
            require(reporter > previous, NotAscending(reporter, previous));
            require(_isReporter[reporter], NotReporter(reporter));
            require(_isSigned(reporter, hash, attestations[i].signature), BadSignature(hash, reporter));
            previous = reporter;
        }
    }

    /// @dev By ECDSA first, so that delegated accounts (EIP-7702) sign like anybody. It refuses the zero address, other lengths than
    /// 65 bytes and the upper half of s. A call to a reporter without code returns no word.
    function _isSigned(address reporter, bytes32 hash, bytes calldata signature) private view returns (bool) {
        (address signer, ECDSA.RecoverError failure, ) = ECDSA.tryRecoverCalldata(hash, signature);
        if (failure == ECDSA.RecoverError.NoError && signer == reporter) return true;

        bytes memory call = abi.encodeCall(IERC1271.isValidSignature, (hash, signature));
        (bool success, , bytes memory word) = reporter.tryStaticCall(SIGNATURE_GAS, 32, call);
        return success && word.length == 32 && bytes32(word) == bytes32(IERC1271.isValidSignature.selector);
    }

    /// @dev Puts a signal in force as far as the budget goes; only `m` is written.
    /// @return from  {s} where the time begins that it adds
    /// @return until {s} where it ends; `from` when it adds none
    function _arm(MarketSignals memory m, Signal memory signal) private view returns (uint32 from, uint32 until) {
        bool isActivation = m.until <= block.timestamp;
        from = isActivation ? uint32(block.timestamp) : m.until;
        uint256 added = uint256(signal.expiry).zeroFloorSub(from).min(
            _left(m.secondsFullAt, SECONDS_FULL) / SECOND_COST
        );
        if (signal.probability < m.threshold || m.isSuspended || added == 0) return (from, from);
        if (isActivation) {
            if (_left(m.activationsFullAt, ACTIVATIONS_FULL) < ACTIVATION_COST) return (from, from);
            m.activationsFullAt = _spent(m.activationsFullAt, ACTIVATION_COST);
        }
        m.secondsFullAt = _spent(m.secondsFullAt, added * SECOND_COST);
        until = from + uint32(added);
        m.until = until;
    }

    /// @dev {s} in a bucket that will be full at `fullAt`
    function _left(uint32 fullAt, uint256 full) private view returns (uint256) {
        return full.zeroFloorSub(uint256(fullAt).zeroFloorSub(block.timestamp));
    }

    /// @dev {s} when the bucket will be full with `cost` {s} less in it
    function _spent(uint32 fullAt, uint256 cost) private view returns (uint32) {
        return uint32((fullAt > block.timestamp ? fullAt : block.timestamp) + cost);
    }

    /// @dev Scores what has come to its end, oldest first: acceptance, and so the end, is in the order of nonces. Writes `m`, not its slot.
    /// @return hasMatured `m` has changed
    function _mature(uint8 market, MarketSignals memory m, uint256 time) private returns (bool hasMatured) {
        for (; m.open != 0; --m.open) {
            uint32 nonce = m.nonce - m.open + 1;
            OpenSignal memory signal = _unpack(_open[market][nonce % MAX_OPEN]);
            if (time < signal.acceptedAt + HORIZON) break;
            _score(market, m, nonce, signal);
            hasMatured = true;
        }
    }

    /// @dev S' = S - S / SCORE_LENGTH + x, the quotient down: at most SCORE_LENGTH * max x + SCORE_LENGTH - 1, within uint96.
    function _score(uint8 market, MarketSignals memory m, uint32 nonce, OpenSignal memory signal) private {
        bool hasFallen = signal.trigger == FALLEN;
        bool isObserved = signal.seen == ALL_SEEN;
        if (!hasFallen && !isObserved && signal.probability <= m.baseRate) {
            emit SignalUnscored(market, nonce, signal.probability, signal.seen);
            return;
        }

        Score memory score = _scores[market];
        uint16 outcome = hasFallen ? CERTAIN : 0;
        score.brier = uint96(score.brier - score.brier / SCORE_LENGTH + _square(signal.probability, outcome));
        score.brierBase = uint96(score.brierBase - score.brierBase / SCORE_LENGTH + _square(m.baseRate, outcome));
        ++score.matured; // at most MAX_OPEN in a horizon
        _scores[market] = score;

        emit SignalScored(
            market,
            nonce,
            signal.probability,
            hasFallen,
            isObserved,
            score.brier,
            score.brierBase,
            score.matured
        );
        if (!m.isSuspended && score.matured >= SCORE_LENGTH && score.brier > score.brierBase) {
            m.isSuspended = true;
            emit SignalsSuspended(market, _models[market], score.brier, score.brierBase);
        }
    }

    /// @dev D18{1} (x - y)^2
    function _square(uint16 x, uint16 y) private pure returns (uint256) {
        uint256 difference = x > y ? x - y : y - x;
        return difference * difference * SQUARE;
    }

    /// @dev Takes note of a price in one open signal, which has not come to its end.
    /// @param price {u/lot} below 2^62
    function _see(uint8 market, uint32 nonce, uint16 dropBps, uint64 price, uint256 time) private {
        OpenSignal memory signal = _unpack(_open[market][nonce % MAX_OPEN]);
        if (time < signal.acceptedAt) return;
        uint256 quarter = (time - signal.acceptedAt) / QUARTER; // below 16
        uint16 bit = uint16(1 << quarter);

        if (quarter == 0 && signal.seen == 0) {
            // {u/lot} = {u/lot} * {bps} / BPS, down: a whole price is at or below this if and only if it is at or below the quotient
            signal.trigger = uint64((price * (BPS - dropBps)) / BPS);
            emit HorizonBegan(market, nonce, price, signal.trigger, uint32(signal.acceptedAt + HORIZON));
        } else if (price <= signal.trigger && signal.trigger != FALLEN) {
            signal.trigger = FALLEN;
            emit FallSeen(market, nonce, price);
        } else if (signal.seen & bit != 0) {
            return;
        }

        signal.seen |= bit;
        _open[market][nonce % MAX_OPEN] = _pack(signal);
    }

    function _pack(OpenSignal memory signal) private pure returns (uint128) {
        return
            (uint128(signal.trigger) << 64) |
            (uint128(signal.acceptedAt) << 32) |
            (uint128(signal.probability) << 16) |
            signal.seen;
    }

    /// @dev Truncation intended: each field is the lowest bits of what is left.
    function _unpack(uint128 packed) private pure returns (OpenSignal memory) {
        return OpenSignal(uint64(packed >> 64), uint32(packed >> 32), uint16(packed >> 16), uint16(packed));
    }

    /// @dev An encoded signal is static, so its ABI encoding is the word for word `encodeData` of EIP-712.
    function _digest(Signal memory signal) private view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(SIGNAL_TYPEHASH, signal)));
    }

    function _requireWithin(bytes32 name, uint16 value, uint16 min, uint16 max) private pure {
        require(value >= min && value <= max, SignalParameterOutOfRange(name, value, min, max));
    }
}
