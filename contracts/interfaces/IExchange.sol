// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

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
interface IExchange {
    /// @notice `lots` of both orders were settled at `price` {u/lot}.
    event OrdersMatched(bytes32 indexed makerHash, bytes32 indexed takerHash, uint56 lots, uint64 price);
    /// @notice A pair of a batch was left out; `reason` is the revert data.
    event MatchSkipped(uint256 indexed index, bytes reason);
    event OrderCancelled(uint256 indexed account, uint64 nonce);
    event LaneAdvanced(uint256 indexed account, uint16 indexed lane, uint48 sequence);

    error ZeroLots();
    error SameSide(int64 makerLots, int64 takerLots);
    error MarketMismatch(uint8 maker, uint8 taker);
    error NotCrossing(uint64 buyPrice, uint64 sellPrice);
    error OrderExpired(uint256 nowTs, uint32 expiry);
    error PostOnlyTaker(bytes32 orderHash);
    error UnknownFlags(uint8 flags);
    error BadSignature(bytes32 orderHash, uint256 account);
    error NonceUsed(uint64 nonce, uint48 laneSequence);
    error Overfilled(uint256 requested, uint256 remaining);
    error NotAuthorized(address caller, uint256 account);
    error SequenceNotAhead(uint48 sequence, uint48 laneSequence);

    /// @notice Settles one pair. The taker pays the market's taker fee, the maker earns its rebate.
    /// @dev Everything a signature must bind is in the domain (chain, contract) and the struct (account).
    /// @custom:reverts see the errors above, in the order listed, then those of IMarginEngine.fill
    /// @custom:emits OrdersMatched
    function settle(Match calldata pair) external;

    /// @notice Settles many pairs; one that fails is skipped and reported, the others stand.
    /// @return settled number of pairs that were settled
    /// @custom:emits OrdersMatched or MatchSkipped once for each pair
    function settleBatch(Match[] calldata pairs) external returns (uint256 settled);

    /// @notice Cancels one order by its nonce. The caller is the account's owner or operator.
    /// @custom:reverts NotAuthorized, NonceUsed when the lane has already moved past it
    function cancel(uint256 account, uint64 nonce) external;

    /// @notice Cancels every order of a lane with a sequence below `sequence`.
    /// @custom:reverts NotAuthorized, SequenceNotAhead
    function advanceLane(uint256 account, uint16 lane, uint48 sequence) external;

    /// @notice The EIP-712 digest that the owner signs.
    function orderHash(Order calldata order) external view returns (bytes32);

    /// @notice {lot} what is left of an order: 0 when filled, cancelled or replaced; expiry is not looked at.
    function remaining(Order calldata order) external view returns (uint256);

    /// @notice State of a lane: highest sequence seen and how much of that order is filled.
    function laneState(uint256 account, uint16 lane) external view returns (uint48 sequence, uint64 filled);
}
