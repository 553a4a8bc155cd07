// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IExchange, Match, Order} from "./interfaces/IExchange.sol";
import {Fill, IMarginEngine} from "./interfaces/IMarginEngine.sol";

/// @title Exchange
/// @notice Settles pairs of signed orders in the margin engine.
/// @dev ACCOUNTING. Holds no money and no positions: its only state is how much of which order is filled. Lots are
/// integers and both orders of a pair fill by the same number, so nothing is rounded.
///
/// ROLES. None: no owner, no pause, no upgrade. Whoever settles chooses which crossing orders meet and when, within what
/// their owners signed. The engine trusts this contract to have checked both signatures; price band, margin, fees,
/// reduce-only and the refusal of two orders of one account are the engine's.
///
/// SAFETY. Calls the engine, which is trusted, and the ERC-1271 of an order's owner, which is not: by staticcall, and
/// before anything is written. No token and no feed is called from here, so there is no lock.
///
/// LIVENESS. The owner's contract may change its answer or burn the gas it is given: `settle` is then the settler's
/// loss, in a batch at most PAIR_GAS.
///
/// KNOWN LIMITS. A signed order is a free option for the settler until it expires, is cancelled or replaced; makers keep
/// expiries short. A cancellation can be overtaken by a settlement, as on any chain.
contract Exchange is IExchange, EIP712 {
    /// @dev Two neighbouring lanes, the even one in the low half. A lane is `sequence << 64 | filled`. One slot.
    struct LanePair {
        uint256 lanes; // (uint48 sequence + uint64 filled {lot} + 2 spare) * 2 = 32 bytes
    }

    bytes32 private constant ORDER_TYPEHASH = keccak256(
        "Order(uint256 account,uint8 market,int64 lots,uint64 price,uint32 expiry,uint64 nonce,uint8 flags)"
    );

    uint8 private constant REDUCE_ONLY = 1;
    uint8 private constant POST_ONLY = 2;
    uint8 private constant ALL_FLAGS = REDUCE_ONLY | POST_ONLY;

    uint64 private constant CANCELLED = type(uint64).max; // {lot} as `filled`: above every order, |int64.min| included
    uint256 private constant LANE_MASK = type(uint128).max;

    /// @inheritdoc IExchange
    uint256 public constant PAIR_GAS = 1_000_000;
    /// @dev {gas} left after a failure, it was there before the call too, and 63/64 of it is above PAIR_GAS.
    uint256 private constant RETRY_GAS = PAIR_GAS + PAIR_GAS / 32;

    /// @inheritdoc IExchange
    IMarginEngine public immutable engine;

    mapping(uint256 account => mapping(uint256 lanePair => LanePair)) private _lanePairs;

    constructor(IMarginEngine engine_) EIP712("Backstop Exchange", "1") {
        engine = engine_;
    }

    /* SETTLEMENT */

    /// @inheritdoc IExchange
    function settle(Match calldata pair) external {
        Order memory maker = pair.maker; // in memory, so that each field is decoded and range-checked once
        Order memory taker = pair.taker;
        bool makerBuys = maker.lots > 0;
        require(pair.lots != 0 && maker.lots != 0 && taker.lots != 0, ZeroLots());
        require(makerBuys != (taker.lots > 0), SameSide(maker.lots, taker.lots));
        require(maker.market == taker.market, MarketMismatch(maker.market, taker.market));
        (Order memory buy, Order memory sell) = makerBuys ? (maker, taker) : (taker, maker);
        require(buy.price >= sell.price, NotCrossing(buy.price, sell.price));
        require(block.timestamp <= maker.expiry, OrderExpired(block.timestamp, maker.expiry));
        require(block.timestamp <= taker.expiry, OrderExpired(block.timestamp, taker.expiry));
        require(maker.flags <= ALL_FLAGS, UnknownFlags(maker.flags));
        require(taker.flags <= ALL_FLAGS, UnknownFlags(taker.flags));
        require(taker.flags & POST_ONLY == 0, PostOnlyTaker(_digest(taker)));
        _requireSigned(maker, pair.makerSignature);
        _requireSigned(taker, pair.takerSignature);

        _consume(maker, pair.lots);
        _consume(taker, pair.lots); // after the maker's is stored: lanes of one account may share a slot

        emit OrdersMatched(maker.account, taker.account, maker.nonce, taker.nonce, pair.lots, maker.price);

        engine.fill(
            Fill({
                market: maker.market,
                buyer: buy.account,
                seller: sell.account,
                lots: pair.lots,
                price: maker.price,
                buyerIsTaker: !makerBuys,
                buyerReduceOnly: buy.flags & REDUCE_ONLY != 0,
                sellerReduceOnly: sell.flags & REDUCE_ONLY != 0
            })
        );
    }

    /// @inheritdoc IExchange
    /// @dev `reason` comes from this contract or the engine, never from an owner's contract, whose return data
    /// SignatureChecker does not copy: it is as short as their errors. The length of the loop is the caller's.
    function settleBatch(Match[] calldata pairs) external returns (uint256 settled) {
        for (uint256 i; i < pairs.length; ++i) {
            // A call to itself, so that whatever a failing pair wrote is undone.
            try this.settle{gas: PAIR_GAS}(pairs[i]) {
                ++settled;
            } catch (bytes memory reason) {
                require(gasleft() >= RETRY_GAS, InsufficientGas(gasleft(), RETRY_GAS));
                emit MatchSkipped(i, reason);
            }
        }
    }

    /* ACCOUNTS */

    /// @inheritdoc IExchange
    function cancel(uint256 account, uint64 nonce) external {
        require(engine.isAuthorized(msg.sender, account), NotAuthorized(msg.sender, account));
        (uint16 lane, uint48 sequence) = _split(nonce);
        LanePair storage pair = _lanePairs[account][lane >> 1];
        (uint48 laneSequence, ) = _unpack(pair.lanes, lane);
        require(sequence >= laneSequence, NonceUsed(nonce, laneSequence));

        pair.lanes = _pack(pair.lanes, lane, sequence, CANCELLED);

        emit OrderCancelled(account, nonce);
    }

    /// @inheritdoc IExchange
    function advanceLane(uint256 account, uint16 lane, uint48 sequence) external {
        require(engine.isAuthorized(msg.sender, account), NotAuthorized(msg.sender, account));
        LanePair storage pair = _lanePairs[account][lane >> 1];
        (uint48 laneSequence, ) = _unpack(pair.lanes, lane);
        require(sequence > laneSequence, SequenceNotAhead(sequence, laneSequence));

        pair.lanes = _pack(pair.lanes, lane, sequence, 0);

        emit LaneAdvanced(account, lane, sequence);
    }

    /* VIEWS */

    /// @inheritdoc IExchange
    function remaining(Order calldata order) external view returns (uint256) {
        (uint16 lane, uint48 sequence) = _split(order.nonce);
        (uint48 laneSequence, uint64 filled) = _unpack(_lanePairs[order.account][lane >> 1].lanes, lane);
        if (sequence < laneSequence) return 0;
        return _left(order.lots, sequence == laneSequence ? filled : 0);
    }

    /// @inheritdoc IExchange
    function orderHash(Order calldata order) external view returns (bytes32) {
        return _digest(order);
    }

    /// @inheritdoc IExchange
    function laneState(uint256 account, uint16 lane) external view returns (uint48 sequence, uint64 filled) {
        return _unpack(_lanePairs[account][lane >> 1].lanes, lane);
    }

    /* INTERNALS */

    /// @dev An order is static, so its ABI encoding is the word for word `encodeData` of EIP-712.
    function _digest(Order memory order) private view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ORDER_TYPEHASH, order)));
    }

    /// @dev Who signed is found by ECDSA first, so that operators and delegated accounts (EIP-7702) sign like anybody.
    /// ECDSA refuses the zero address, other lengths than 65 bytes and the upper half of s. A call to an owner without
    /// code returns no word, which SignatureChecker refuses.
    function _requireSigned(Order memory order, bytes calldata signature) private view {
        bytes32 hash = _digest(order);
        address owner = address(uint160(order.account >> 96));

        (address signer, ECDSA.RecoverError failure, ) = ECDSA.tryRecoverCalldata(hash, signature);
        if (failure == ECDSA.RecoverError.NoError) {
            if (signer == owner || engine.isAuthorized(signer, order.account)) return;
        }
        require(
            SignatureChecker.isValidERC1271SignatureNowCalldata(owner, hash, signature),
            BadSignature(hash, order.account)
        );
    }

    /// @dev Books `lots` on an order and moves its lane there. One load and one store.
    function _consume(Order memory order, uint56 lots) private {
        (uint16 lane, uint48 sequence) = _split(order.nonce);
        LanePair storage pair = _lanePairs[order.account][lane >> 1];
        uint256 lanes = pair.lanes;
        (uint48 laneSequence, uint64 filled) = _unpack(lanes, lane);
        require(sequence >= laneSequence, NonceUsed(order.nonce, laneSequence));
        if (sequence > laneSequence) filled = 0;
        uint256 left = _left(order.lots, filled);
        require(lots <= left, Overfilled(lots, left));

        pair.lanes = _pack(lanes, lane, sequence, filled + lots); // at most |order.lots| <= 2^63
    }

    /// @dev The state of `lane` within its pair.
    function _unpack(uint256 lanes, uint16 lane) private pure returns (uint48 sequence, uint64 filled) {
        uint256 state = lanes >> _shift(lane);
        sequence = uint48(state >> 64); // cuts the neighbour off
        filled = uint64(state);
    }

    /// @dev The pair with the state of `lane` replaced.
    function _pack(uint256 lanes, uint16 lane, uint48 sequence, uint64 filled) private pure returns (uint256) {
        uint256 shift = _shift(lane);
        return (lanes & ~(LANE_MASK << shift)) | (((uint256(sequence) << 64) | filled) << shift);
    }

    /// @dev {lot} |lots| - filled, never below zero: orders that share a nonce may differ in size.
    function _left(int64 lots, uint64 filled) private pure returns (uint256) {
        uint256 size = uint256(lots < 0 ? -int256(lots) : int256(lots)); // widened first: |int64.min| fits
        return size > filled ? size - filled : 0;
    }

    function _split(uint64 nonce) private pure returns (uint16 lane, uint48 sequence) {
        lane = uint16(nonce >> 48);
        sequence = uint48(nonce); // the low 48 bits, truncation intended
    }

    /// @dev {bit} odd lanes are in the upper half of their slot.
    function _shift(uint16 lane) private pure returns (uint256) {
        return uint256(lane & 1) * 128;
    }
}
