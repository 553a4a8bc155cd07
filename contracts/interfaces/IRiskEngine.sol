// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {PriceState} from "./IOracle.sol";

/// @notice What the margin engine knows of a market when it syncs it.
struct Exposure {
    uint64 price; // {u/lot}
    PriceState state;
    uint256 openInterest; // {lot} in effect
    uint256 capacity; // {lot} most open interest at level 0
    uint256 longs; // {lot} of others than the pool
    uint256 shorts; // {lot} of others than the pool
    int256 fundingRate; // {1e-9 per 8 h} positive: longs pay
    uint16 divergence; // {bps} of the curve's marginal price from the index; 0 without a curve
    uint16 depletion; // {bps} by which the curve's depth is below its average of a week
    uint256 beyondMargin; // {u} open interest at the price times what the shock takes beyond maintenance margin
    uint256 freeStake; // {u} both tranches, without what is queued, pending losses and floors
}

/// @notice From which annualised volatility a market is at which level. One slot.
struct VolatilityLimits {
    uint16 level1; // {bps} 9,000 is 90 % a year
    uint16 level2; // {bps}
    uint16 level3; // {bps}
    uint16 level4; // {bps}
    uint16 initial; // {bps} what an unknown market starts from
    // 10 bytes
}

/// @notice One input of a level, as of the last observation.
struct RiskInput {
    uint256 value;
    uint8 level; // what it asks for
    uint256 upAt; // value from which it asks for more; coverage: below which. Its largest value when it cannot
    uint256 calmAt; // value below which it stops asking for the level in force; coverage: from which
}

/// @notice Why a market is at its level.
struct RiskReport {
    uint8 level; // in force
    uint8 wanted; // by the last observation
    uint32 updatedAt; // {s} last observation
    uint32 calmSince; // {s} since when every input has been calm enough to go down; 0: one is not
    uint32 fallsAt; // {s} when an observation would take it down a step; 0: none would
    RiskInput volatility; // D18{1/year} variance
    RiskInput use; // {bps} of capacity, twice: 20,000 is all
    RiskInput coverage; // {bps} free stake of potential liabilities; its largest value where there are none
    RiskInput divergence; // {bps} of the curve's marginal price from the index
    RiskInput depletion; // {bps} of the curve's depth that has gone
    RiskInput funding; // {1e-9 per 8 h} average of a day, absolute
    bool isCrowded; // funding and open interest agree that a side is: one more
    bool isRaised; // a signal is in force: one more
}

/// @title RiskEngine
/// @notice The intervention level of each market, 0 to 4, from what the chain can see.
interface IRiskEngine {
    /// @notice One observation, at most one a minute: D18{1/year} variance, {bps} use, coverage, divergence and
    /// depletion, {1e-9 per 8 h} funding.
    event Observed(
        uint8 indexed market,
        uint256 variance,
        uint256 use,
        uint256 coverage,
        uint256 divergence,
        uint256 depletion,
        int256 funding,
        uint8 wanted,
        uint8 level
    );
    event LevelSet(uint8 indexed market, uint8 from, uint8 to);
    event VolatilityLimitsSet(uint8 indexed market, VolatilityLimits limits);

    error NotEngine(address caller);
    error ZeroAddress();
    error LimitsNotAscending(uint256 limit, uint256 next);

    /// @notice Observes a market and says its level. The margin engine only, at the first sync of each aligned minute.
    /// @dev Within the minute of the last observation only volatility sees the price, and the level stays. Never reverts for what the
    /// exposure is. A market without limits is at level 0. While the price is neither OK nor WIDE the level is at least BLIND, and
    /// volatility is not observed.
    /// @custom:reverts NotEngine
    /// @custom:emits Observed, LevelSet when it moves, what {ISignals} emits when it scores
    function update(uint8 market, Exposure calldata exposure) external returns (uint8);

    /// @notice Shows volatility and signals another price of the minute last observed, and says the level. The margin engine only.
    /// @custom:reverts NotEngine
    /// @custom:emits what {ISignals} emits when it scores
    function see(uint8 market, uint64 price, PriceState state) external returns (uint8);

    /// @notice A market has its settlement price and is synced no more: it costs nothing from here on. The margin engine only.
    /// @custom:reverts NotEngine
    function close(uint8 market) external;

    /// @notice Sets from which volatility a market is at which level. Governance only.
    /// @custom:reverts AccessManagedUnauthorized, LimitsNotAscending
    function setVolatilityLimits(uint8 market, VolatilityLimits calldata limits) external;

    /// @notice The margin engine, which alone updates.
    function engine() external view returns (address);

    /// @notice The level as of the last observation.
    function level(uint8 market) external view returns (uint8);

    function volatilityLimits(uint8 market) external view returns (VolatilityLimits memory);

    /// @notice D18{1/year} variances of a market: that of its level, both averages, by ranges.
    function variances(
        uint8 market
    ) external view returns (uint256 variance, uint256 fast, uint256 slow, uint256 parkinson);

    /// @notice {u} potential liabilities of all markets without a settlement price, each as of its last observation
    function liabilities() external view returns (uint256);

    /// @notice Every input, its level, the resulting level and what would change it.
    function report(uint8 market) external view returns (RiskReport memory);
}
