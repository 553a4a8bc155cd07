// SPDX-License-Identifier: MIT
pragma solidity ^0.8.35;

import {Exchange} from "../../contracts/Exchange.sol";
import {IExchange, Match, Order} from "../../contracts/interfaces/IExchange.sol";
import {Fill} from "../../contracts/interfaces/IMarginEngine.sol";
import {FillRecorder} from "../../contracts/mocks/FillRecorder.sol";
import {BaseTest} from "./Base.t.sol";
import {Deployer} from "./Deployer.sol";

/// @notice An exchange on a recording engine, two traders, and orders with defaults: alice bids 10 lots at 2,000 as the
/// maker, bob asks 10 lots at 1,990 as the taker.
abstract contract ExchangeBaseTest is BaseTest {
    uint64 internal constant BID = 2_000;
    uint64 internal constant ASK = 1_990;
    int64 internal constant LOTS = 10;
    uint64 internal constant CANCELLED = type(uint64).max;
    uint256 internal constant START = 1_790_000_000; // {s}

    FillRecorder internal recorder;
    Exchange internal exchange;
    address internal alice;
    address internal bob;
    address internal carol; // trades nothing
    uint256 internal aliceKey;
    uint256 internal bobKey;
    uint256 internal carolKey;

    function setUp() public virtual {
        vm.warp(START);
        (alice, aliceKey) = makeAddrAndKey("alice");
        (bob, bobKey) = makeAddrAndKey("bob");
        (carol, carolKey) = makeAddrAndKey("carol");
        recorder = new FillRecorder();
        exchange = Deployer.exchange(address(recorder));
    }

    /* BUILDING */

    function _account(address owner, uint96 subId) internal pure returns (uint256) {
        return (uint256(uint160(owner)) << 96) | subId;
    }

    function _nonce(uint16 lane, uint48 sequence) internal pure returns (uint64) {
        return (uint64(lane) << 48) | sequence;
    }

    function _bid() internal view returns (Order memory) {
        return _order(alice, LOTS, BID);
    }

    function _ask() internal view returns (Order memory) {
        return _order(bob, -LOTS, ASK);
    }

    function _order(address owner, int64 lots, uint64 price) internal view returns (Order memory) {
        return
            Order({
                account: _account(owner, 0),
                market: 3,
                lots: lots,
                price: price,
                expiry: uint32(block.timestamp + 1 hours),
                nonce: _nonce(0, 1),
                flags: 0
            });
    }

    /// @dev Signed by alice and bob.
    function _pair(Order memory maker, Order memory taker, uint56 lots) internal view returns (Match memory) {
        return
            Match({
                maker: maker,
                taker: taker,
                lots: lots,
                makerSignature: _sign(aliceKey, maker),
                takerSignature: _sign(bobKey, taker)
            });
    }

    function _pair() internal view returns (Match memory) {
        return _pair(_bid(), _ask(), uint56(uint64(LOTS)));
    }

    function _sign(uint256 key, Order memory order) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, exchange.orderHash(order));
        return abi.encodePacked(r, s, v);
    }

    /* EXPECTING */

    function _expectSettleReverts(Match memory pair, bytes memory revertData) internal {
        uint256 fills = recorder.fillCount();

        vm.expectRevert(revertData);
        exchange.settle(pair);

        assertEq(recorder.fillCount(), fills, "a refused pair reached the engine");
    }

    function _badSignature(Order memory order) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IExchange.BadSignature.selector, exchange.orderHash(order), order.account);
    }

    function _overfilled(uint256 requested, uint256 left) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IExchange.Overfilled.selector, requested, left);
    }

    function _nonceUsed(uint64 nonce, uint48 laneSequence) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IExchange.NonceUsed.selector, nonce, laneSequence);
    }

    function _expectMatched(Match memory pair) internal {
        vm.expectEmit(address(exchange));
        emit IExchange.OrdersMatched(
            pair.maker.account,
            pair.taker.account,
            pair.maker.nonce,
            pair.taker.nonce,
            pair.lots,
            pair.maker.price
        );
    }

    function _assertLane(uint256 account, uint16 lane, uint48 sequence, uint64 filled) internal view {
        (uint48 actualSequence, uint64 actualFilled) = exchange.laneState(account, lane);
        assertEq(actualSequence, sequence, "lane sequence");
        assertEq(actualFilled, filled, "lane filled");
    }

    function _assertLastFill(Fill memory expected) internal view {
        Fill memory actual = recorder.fillAt(recorder.fillCount() - 1);
        assertEq(abi.encode(actual), abi.encode(expected), "last fill");
    }
}
