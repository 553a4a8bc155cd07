// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

/// @notice The probability that a market's price falls by its `dropBps` within HORIZON, as reporters sign it. EIP-712 type:
/// Signal(bytes32 modelHash,uint8 market,uint16 probability,uint32 validFrom,uint32 expiry,uint32 nonce)
struct Signal {
    bytes32 modelHash; // of the model that governance has set for the market
    uint8 market;
    uint16 probability; // {1e-4} 10,000 is certain
    uint32 validFrom; // {s} when it was computed: at most MAX_AGE ago, not in the future
    uint32 expiry; // {s} in force before it, at most MAX_LIFE after `validFrom`
    uint32 nonce; // the market's last plus one
}

/// @notice A reporter's signature.
struct Attestation {
    address reporter;
    bytes signature; // 65-byte ECDSA, or whatever the reporter's ERC-1271 accepts
}

/// @notice What a market's signals say, may do and have been worth.
struct SignalState {
    bytes32 modelHash; // zero when no model is set
    uint16 dropBps; // {bps}
    uint16 threshold; // {1e-4} least probability that is put in force
    uint16 baseRate; // {1e-4} what the model is measured against
    bool isRaised; // one level is added now
    bool isSuspended;
    uint32 until; // {s} in force before it; zero or in the past: nothing is
    uint32 nonce; // of the last accepted signal
    uint32 acceptedAt; // {s} of the last signal of this model; 0 when there is none
    uint16 probability; // {1e-4} of the last accepted signal
    uint8 open; // signals whose horizon has not been scored yet
    uint256 activationsLeft; // that could begin now
    uint256 secondsLeft; // {s} that could be put in force now
    uint32 matured; // signals of this model in the score
    uint256 brier; // D18{1} sum of (p - o)^2, older ones forgotten at 1/200 a signal
    uint256 brierBase; // D18{1} sum of (b - o)^2, likewise
    int256 skill; // D18{1} 1 - brier / brierBase, down; 0 when nothing has matured
}

/// @notice An accepted signal that is not scored yet.
struct OpenSignal {
    uint64 trigger; // {u/lot} a price at or below it is the fall; 0 without a start, its largest value when it has fallen
    uint32 acceptedAt; // {s} its horizon is HORIZON from here
    uint16 probability; // {1e-4}
    uint16 seen; // bit i: somebody observed a price in the i-th quarter hour
}

/// @title Signals
/// @notice Forecasts of a price fall, signed by k of n reporters, that may raise a market's intervention level by one for a while.
/// @dev {1e-4} is a probability, 10,000 is certain. Nothing here lowers a level, moves tokens or trades.
/// @dev Equations, decisions and what is left: docs/decisions/0016-signals.md.
interface ISignals {
    /// @notice A signal was accepted. It will be scored. Whether it is in force is in {SignalArmed}.
    event SignalAccepted(
        uint8 indexed market,
        uint32 indexed nonce,
        bytes32 indexed modelHash,
        uint16 probability,
        uint32 validFrom,
        uint32 expiry
    );
    /// @notice The market's level is one higher in [from, until). `from` is now for an activation; when it continues one, the end of that.
    event SignalArmed(uint8 indexed market, uint32 indexed nonce, uint32 from, uint32 until);
    /// @notice The signal's fall is measured from `start`: a price at or below `trigger` before `end` is one. {u/lot}, {s}
    event HorizonBegan(uint8 indexed market, uint32 indexed nonce, uint64 start, uint64 trigger, uint32 end);
    /// @notice The price has fallen to the trigger.
    event FallSeen(uint8 indexed market, uint32 indexed nonce, uint64 price);
    /// @notice A signal was scored: `hasFallen` is its outcome, `isObserved` whether every quarter hour of its horizon was.
    event SignalScored(
        uint8 indexed market,
        uint32 indexed nonce,
        uint16 probability,
        bool hasFallen,
        bool isObserved,
        uint256 brier,
        uint256 brierBase,
        uint32 matured
    );
    /// @notice A signal that expected less than the base rate was not scored, as its horizon was not observed.
    event SignalUnscored(uint8 indexed market, uint32 indexed nonce, uint16 probability, uint16 seen);
    /// @notice The model has done worse than its base rate: nothing of it is in force any more, until governance sets another.
    event SignalsSuspended(uint8 indexed market, bytes32 indexed modelHash, uint256 brier, uint256 brierBase);
    /// @notice Ends what was in force, and drops the score and open signals of the model before. A zero hash: no model.
    event ModelSet(uint8 indexed market, bytes32 indexed modelHash, uint16 dropBps, uint16 baseRate, uint16 threshold);
    event ThresholdSet(uint8 indexed market, uint16 threshold);
    event ReportersSet(address[] reporters, uint256 needed);

    error NoModel(uint8 market);
    error ModelMismatch(bytes32 modelHash, bytes32 expected);
    error ModelUnchanged(bytes32 modelHash);
    error ProbabilityOutOfRange(uint16 probability, uint16 max);
    error ProbabilityJumps(uint16 probability, uint16 last, uint16 maxStep);
    error ValidFromOutOfRange(uint256 validFrom, uint256 min, uint256 max);
    error ExpiryOutOfRange(uint256 expiry, uint256 min, uint256 max);
    error NonceNotNext(uint32 nonce, uint32 expected);
    error TooManyOpen(uint256 open, uint256 max);
    error TooFewSignatures(uint256 signatures, uint256 needed);
    error NotAscending(address reporter, address previous);
    error NotReporter(address reporter);
    error BadSignature(bytes32 signalHash, address reporter);
    error ReportersOutOfRange(uint256 reporters, uint256 needed, uint256 max);
    error SignalParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);

    /* ANYONE */

    /// @notice Brings a signal: it is recorded for scoring, and put in force when it is likely enough, the model is not suspended and
    /// the budget lasts.
    /// @dev Put in force for [now, expiry), cut to the seconds left. While another is in force it continues: no activation is used and
    /// only the time added is paid for. It never ends earlier than it would have.
    /// @dev Scores first what has come to its end. A reporter's contract is asked by staticcall with SIGNATURE_GAS.
    /// @param attestations of at least the reporters needed, in strictly ascending order of their addresses; each must be valid
    /// @custom:reverts NoModel, ModelMismatch, ValidFromOutOfRange, ExpiryOutOfRange, ProbabilityOutOfRange, NonceNotNext,
    /// ProbabilityJumps when within STEP_TIME of the last one, TooFewSignatures, NotAscending, NotReporter, BadSignature, TooManyOpen
    /// @custom:emits SignalAccepted, SignalArmed when it adds time; SignalScored, SignalUnscored, SignalsSuspended of earlier ones
    function submitSignal(Signal calldata signal, Attestation[] calldata attestations) external;

    /* GOVERNANCE */

    /// @notice Sets who signs.
    /// @dev What the ones before have signed stays in force, at most MAX_LIFE; {setModel} ends it.
    /// @param accounts 1 to MAX_REPORTERS, in strictly ascending order
    /// @param needed   how many of them must sign: 1 to all
    /// @custom:reverts AccessManagedUnauthorized, ReportersOutOfRange, NotAscending
    /// @custom:emits ReportersSet
    function setReporters(address[] calldata accounts, uint256 needed) external;

    /// @notice Sets the model of a market, with an empty score and nothing in force; the budget and the nonce go on.
    /// @param modelHash of the model's description; zero for none, the rest is then zero too
    /// @param dropBps   {bps} the fall it predicts: MIN_DROP_BPS to MAX_DROP_BPS
    /// @param baseRate  {1e-4} how often that happens: MIN_BASE_RATE to MAX_BASE_RATE
    /// @param threshold {1e-4} see {setThreshold}
    /// @custom:reverts AccessManagedUnauthorized, ModelUnchanged, SignalParameterOutOfRange
    /// @custom:emits ModelSet
    function setModel(uint8 market, bytes32 modelHash, uint16 dropBps, uint16 baseRate, uint16 threshold) external;

    /// @notice Sets how likely a fall must be for a signal to be put in force. What is in force stays.
    /// @param threshold {1e-4} MIN_THRESHOLD to NEVER, which no probability reaches: signals are only scored
    /// @custom:reverts AccessManagedUnauthorized, NoModel, SignalParameterOutOfRange
    /// @custom:emits ThresholdSet
    function setThreshold(uint8 market, uint16 threshold) external;

    /* VIEWS */

    /// @notice What is in force, until when, what is left of the budget, the score.
    /// @dev The score is as of the last signal that was scored.
    function signalState(uint8 market) external view returns (SignalState memory);

    /// @notice Signals whose horizon is not scored yet, the oldest first.
    function openSignals(uint8 market) external view returns (OpenSignal[] memory);

    /// @notice Who signs, in ascending order, and how many must.
    function reporters() external view returns (address[] memory accounts, uint256 needed);

    /// @notice What the reporters sign, under EIP-712.
    function signalHash(Signal calldata signal) external view returns (bytes32);
}
