// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

/// @title AggregatorV3
/// @notice The part of Chainlink's AggregatorV3Interface that the oracle reads.
interface IAggregatorV3 {
    /// @notice Decimals of every answer.
    function decimals() external view returns (uint8);

    /// @notice The newest round.
    /// @return roundId          phase << 64 | round of that phase; grows
    /// @return answer           {10^-decimals USD/coin}
    /// @return startedAt        {s} not used by the oracle
    /// @return updatedAt        {s} when the answer was computed
    /// @return answeredInRound  deprecated by Chainlink, not used by the oracle
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
