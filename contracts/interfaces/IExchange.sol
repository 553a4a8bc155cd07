// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IMarginEngine} from "./IMarginEngine.sol";

/// @notice A signed intent to trade. EIP-712 type:
/// Order(uint256 account,uint8 market,int64 lots,uint64 price,uint32 expiry,uint64 nonce,uint8 flags)
struct Order {
    uint256 account; // owner << 96 | subId; signed by the owner or by one of the owner's operators
    uint8 market;
    int64 lots; // {lot} positive buys, negative sells; not zero
    uint64 price; // {u/lot} a buyer pays at most this, a seller receives at least this
    uint32 expiry; // {s} last second at which it may be settled
    uint64 nonce; // lane << 48 | sequence; a higher sequence in a lane replaces every lower one
    uint8 flags; // bit 0 reduce-only, bit 1 post-only (never the taker)
}

/// @notice Two crossing orders and how much of them to settle, at the maker's price.
struct Match {
    Order maker;
    Order taker;
    uint56 lots; // {lot} more than zero
    bytes makerSignature; // 65-byte ECDSA, or whatever the owner's ERC-1271 accepts
    bytes takerSignature;
}

/// @title Exchange
/// @notice Settles pairs of signed orders in the margin engine. Anyone may settle; nobody is owed a settlement.
/// @dev Every account has 65,536 lanes. A lane knows one sequence and how much of it is filled: `(sequence, filled)`,
/// from (0, 0). An order may be settled while its sequence is the lane's, up to what is left, or ahead of it, and the
/// lane then moves there for good. So:
/// - settling, cancelling or advancing to n + 1 ends whatever was left of n; orders that should live side by side
///   go in lanes of their own;
/// - orders of one account that share a nonce share their fill, whatever else they say: signing a second one with
///   the same nonce replaces the first in part only, for the settler chooses which of them to present;
/// - the highest sequence of a lane, 2^48 - 1, is its last.
/// Lanes are reused for ever, so an account that has traded in a lane writes no fresh slot in it or its neighbour.
interface IExchange {
    /// @notice `lots` of both orders were settled at `price` {u/lot}. The engine's Filled follows it.
    /// @dev Account and nonce name an order, as in OrderCancelled: the lanes can be replayed from these events alone.
    event OrdersMatched(
        uint256 indexed makerAccount,
        uint256 indexed takerAccount,
        uint64 makerNonce,
        uint64 takerNonce,
        uint56 lots,
        uint64 price
    );
    /// @notice A pair of a batch was left out; `reason` is the revert data, empty if it ran out of PAIR_GAS.
    event MatchSkipped(uint256 indexed index, bytes reason);
    event OrderCancelled(uint256 indexed account, uint64 nonce);
    event LaneAdvanced(uint256 indexed account, uint16 indexed lane, uint48 sequence);

    error ZeroLots();
    error SameSide(int64 makerLots, int64 takerLots);
    error MarketMismatch(uint8 maker, uint8 taker);
    error NotCrossing(uint64 buyPrice, uint64 sellPrice);
    error OrderExpired(uint256 nowTs, uint32 expiry);
    error UnknownFlags(uint8 flags);
    error PostOnlyTaker(bytes32 orderHash);
    error BadSignature(bytes32 orderHash, uint256 account);
    error NonceUsed(uint64 nonce, uint48 laneSequence);
    error Overfilled(uint256 requested, uint256 remaining);
    error NotAuthorized(address caller, uint256 account);
    error SequenceNotAhead(uint48 sequence, uint48 laneSequence);
    error InsufficientGas(uint256 available, uint256 needed);

    /* SETTLEMENT */

    /// @notice Settles one pair at the maker's price: the taker keeps the difference. The taker pays the market's taker
    /// fee, the maker earns its rebate.
    /// @dev Everything a signature must bind is in the domain (chain, contract) and the struct (account). An order of
    /// an operator is good for as long as its signer is one; a contract signs through ERC-1271 as owner only.
    /// @param pair `lots` at most what is left of either order; the engine refuses two orders of one account
    /// @custom:reverts ZeroLots, SameSide, MarketMismatch, NotCrossing, OrderExpired, UnknownFlags, PostOnlyTaker,
    /// BadSignature, NonceUsed, Overfilled (also for a cancelled order: nothing remains), each for the maker first,
    /// then those of IMarginEngine.fill
    /// @custom:emits OrdersMatched
    function settle(Match calldata pair) external;

    /// @notice Settles many pairs in turn; one that fails is skipped and reported, the others stand.
    /// @dev A pair gets PAIR_GAS and no more, so what an owner's contract does with gas harms its own pair only, and a
    /// pair is never called bad for want of gas: after a failure the gas for another attempt must be left. A pair that
    /// needs more than PAIR_GAS is for `settle`.
    /// @return settled number of pairs that were settled
    /// @custom:reverts InsufficientGas
    /// @custom:emits OrdersMatched or MatchSkipped once for each pair
    function settleBatch(Match[] calldata pairs) external returns (uint256 settled);

    /* ACCOUNTS */

    /// @notice Cancels one order by its nonce, whether or not it was ever seen. Like a settlement it ends every lower
    /// sequence of the lane. Cancelling twice, or after the fill, changes nothing.
    /// @param account the caller's, or one the caller operates
    /// @custom:reverts NotAuthorized, NonceUsed when the lane has already moved past it
    /// @custom:emits OrderCancelled
    function cancel(uint256 account, uint64 nonce) external;

    /// @notice Cancels every order of a lane with a sequence below `sequence`.
    /// @param account the caller's, or one the caller operates
    /// @custom:reverts NotAuthorized, SequenceNotAhead
    /// @custom:emits LaneAdvanced
    function advanceLane(uint256 account, uint16 lane, uint48 sequence) external;

    /* VIEWS */

    /// @notice The ledger in which pairs are settled.
    function engine() external view returns (IMarginEngine);

    /// @notice {gas} what one pair of a batch may use.
    // solhint-disable-next-line func-name-mixedcase
    function PAIR_GAS() external view returns (uint256);

    /// @notice The EIP-712 digest that the owner signs.
    function orderHash(Order calldata order) external view returns (bytes32);

    /// @notice {lot} what is left of an order: 0 when filled, cancelled or replaced; expiry is not looked at.
    function remaining(Order calldata order) external view returns (uint256);

    /// @notice State of a lane: highest sequence seen and how much of that order is filled.
    /// @return sequence the only sequence of the lane that may be partly filled; lower ones are over
    /// @return filled   {lot} 2^64 - 1 when it was cancelled
    function laneState(uint256 account, uint16 lane) external view returns (uint48 sequence, uint64 filled);
}
