// SPDX-License-Identifier: MIT
pragma solidity ^0.8.35;

import {IExchange, Match, Order} from "../../contracts/interfaces/IExchange.sol";
import {Fill, IMarginEngine} from "../../contracts/interfaces/IMarginEngine.sol";
import {Erc1271Wallet} from "../../contracts/mocks/Erc1271Wallet.sol";
import {ExchangeBaseTest} from "../helpers/ExchangeBase.t.sol";
import {Deployer} from "../helpers/Deployer.sol";

/// @notice `settle`: what fills, at which price, and everything that must not.
contract ExchangeTest is ExchangeBaseTest {
    uint256 private constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    /* FILLS */

    function test_Settle_FillsBothOrdersInFull() public {
        Match memory pair = _pair();

        _expectMatched(pair);
        vm.prank(carol); // anyone
        exchange.settle(pair);

        assertEq(recorder.fillCount(), 1, "fills");
        _assertLastFill(
            Fill({
                market: 3,
                buyer: _account(alice, 0),
                seller: _account(bob, 0),
                lots: 10,
                price: BID,
                buyerIsTaker: false,
                buyerReduceOnly: false,
                sellerReduceOnly: false
            })
        );
        _assertLane(pair.maker.account, 0, 1, 10);
        _assertLane(pair.taker.account, 0, 1, 10);
        assertEq(exchange.remaining(pair.maker), 0, "left of the maker");
        assertEq(exchange.remaining(pair.taker), 0, "left of the taker");
    }

    function test_Settle_GivesThePriceImprovementToABuyingTaker() public {
        Match memory pair = _pair(_ask(), _bid(), 10);
        pair.makerSignature = _sign(bobKey, pair.maker);
        pair.takerSignature = _sign(aliceKey, pair.taker);

        _expectMatched(pair);
        exchange.settle(pair);

        _assertLastFill(
            Fill({
                market: 3,
                buyer: _account(alice, 0),
                seller: _account(bob, 0),
                lots: 10,
                price: ASK, // alice offered BID
                buyerIsTaker: true,
                buyerReduceOnly: false,
                sellerReduceOnly: false
            })
        );
    }

    function test_Settle_FillsAtEqualPrices() public {
        Order memory ask = _ask();
        ask.price = BID;

        exchange.settle(_pair(_bid(), ask, 10));

        assertEq(recorder.fillAt(0).price, BID, "price");
    }

    function test_Settle_AccumulatesPartialFills() public {
        Order memory bid = _bid();
        for (uint48 i = 1; i <= 10; ++i) {
            Order memory ask = _ask();
            ask.nonce = _nonce(0, i);
            exchange.settle(_pair(bid, ask, 1));
            assertEq(exchange.remaining(bid), 10 - i, "left of the maker");
            assertEq(exchange.remaining(ask), 9, "left of the taker");
            _assertLane(bid.account, 0, 1, i);
        }

        Order memory last = _ask();
        last.nonce = _nonce(0, 11);
        _expectSettleReverts(_pair(bid, last, 1), _overfilled(1, 0));
        assertEq(recorder.fillCount(), 10, "fills");
    }

    function test_Settle_FillsTheLargestOrders() public {
        Order memory bid = _bid();
        Order memory ask = _ask();
        (bid.lots, ask.lots) = (type(int64).max, type(int64).min);
        assertEq(exchange.remaining(bid), 2 ** 63 - 1, "the largest bid");
        assertEq(exchange.remaining(ask), 2 ** 63, "the largest ask");

        exchange.settle(_pair(bid, ask, type(uint56).max));
        exchange.settle(_pair(bid, ask, type(uint56).max));

        assertEq(exchange.remaining(ask), 2 ** 63 - 2 * (2 ** 56 - 1), "left of the ask");
    }

    function test_Settle_PassesReduceOnlyToTheEngine() public {
        Order memory bid = _bid();
        Order memory ask = _ask();
        bid.flags = 3; // reduce-only, and post-only as it may be for a maker

        exchange.settle(_pair(bid, ask, 1));
        assertTrue(recorder.fillAt(0).buyerReduceOnly, "the buyer's flag is lost");
        assertFalse(recorder.fillAt(0).sellerReduceOnly, "the seller has the buyer's flag");

        (bid.flags, ask.flags) = (2, 1);
        exchange.settle(_pair(bid, ask, 1));
        assertFalse(recorder.fillAt(1).buyerReduceOnly, "post-only became reduce-only");
        assertTrue(recorder.fillAt(1).sellerReduceOnly, "the seller's flag is lost");
    }

    function test_Settle_FillsInTheLastSecond() public {
        Match memory pair = _pair();

        vm.warp(pair.maker.expiry);
        exchange.settle(pair);

        assertEq(recorder.fillCount(), 1, "fills");
    }

    /* TERMS */

    function test_RevertWhen_ThereAreNoLots() public {
        bytes memory zeroLots = abi.encodeWithSelector(IExchange.ZeroLots.selector);
        _expectSettleReverts(_pair(_bid(), _ask(), 0), zeroLots);
        Order memory nothing = _bid();
        nothing.lots = 0;
        _expectSettleReverts(_pair(nothing, _ask(), 1), zeroLots);
        nothing = _ask();
        nothing.lots = 0;
        _expectSettleReverts(_pair(_bid(), nothing, 1), zeroLots);
    }

    function test_RevertWhen_BothAreOnOneSide() public {
        Order memory ask = _ask();
        ask.lots = 4;
        _expectSettleReverts(
            _pair(_bid(), ask, 1),
            abi.encodeWithSelector(IExchange.SameSide.selector, int64(10), int64(4))
        );
        Order memory bid = _bid();
        bid.lots = -7;
        _expectSettleReverts(
            _pair(bid, _ask(), 1),
            abi.encodeWithSelector(IExchange.SameSide.selector, int64(-7), int64(-10))
        );
    }

    function test_RevertWhen_MarketsDiffer() public {
        Order memory ask = _ask();
        ask.market = 4;
        _expectSettleReverts(
            _pair(_bid(), ask, 1),
            abi.encodeWithSelector(IExchange.MarketMismatch.selector, uint8(3), uint8(4))
        );
    }

    function test_RevertWhen_PricesMissByOne() public {
        Order memory ask = _ask();
        ask.price = BID + 1;
        bytes memory notCrossing = abi.encodeWithSelector(IExchange.NotCrossing.selector, BID, BID + 1);
        _expectSettleReverts(_pair(_bid(), ask, 1), notCrossing);
        _expectSettleReverts(_pair(ask, _bid(), 1), notCrossing); // with the roles exchanged
    }

    function test_RevertWhen_AnOrderHasExpired() public {
        Match memory pair = _pair();
        pair.taker.expiry += 1; // the maker's is the first to be over
        vm.warp(uint256(pair.maker.expiry) + 1);
        _expectSettleReverts(
            pair,
            abi.encodeWithSelector(IExchange.OrderExpired.selector, block.timestamp, pair.maker.expiry)
        );

        pair.maker.expiry += 2;
        vm.warp(uint256(pair.taker.expiry) + 1);
        _expectSettleReverts(
            pair,
            abi.encodeWithSelector(IExchange.OrderExpired.selector, block.timestamp, pair.taker.expiry)
        );
    }

    function test_RevertWhen_FlagsAreUnknown() public {
        Order memory bid = _bid();
        bid.flags = 4;
        _expectSettleReverts(_pair(bid, _ask(), 1), abi.encodeWithSelector(IExchange.UnknownFlags.selector, uint8(4)));
        Order memory ask = _ask();
        ask.flags = 129;
        _expectSettleReverts(
            _pair(_bid(), ask, 1),
            abi.encodeWithSelector(IExchange.UnknownFlags.selector, uint8(129))
        );
    }

    function test_RevertWhen_ThePostOnlyOrderTakes() public {
        Order memory ask = _ask();
        ask.flags = 2;
        bytes memory postOnly = abi.encodeWithSelector(IExchange.PostOnlyTaker.selector, exchange.orderHash(ask));
        _expectSettleReverts(_pair(_bid(), ask, 1), postOnly);
    }

    function test_RevertWhen_LotsExceedEitherOrder() public {
        Order memory ask = _ask();
        ask.lots = -11;
        _expectSettleReverts(_pair(_bid(), ask, 11), _overfilled(11, 10));
        Order memory bid = _bid();
        bid.lots = 11;
        _expectSettleReverts(_pair(bid, _ask(), 11), _overfilled(11, 10));
        _assertLane(bid.account, 0, 0, 0); // what was booked on the maker is undone
    }

    function test_RevertGiven_TheEngineRefuses() public {
        Match memory pair = _pair();
        bytes memory refusal = abi.encodeWithSelector(
            IMarginEngine.InitialMarginNotMet.selector,
            pair.taker.account,
            int256(-5),
            uint256(7)
        );
        recorder.refuse(pair.taker.account, refusal);

        _expectSettleReverts(pair, refusal);

        _assertLane(pair.maker.account, 0, 0, 0);
        _assertLane(pair.taker.account, 0, 0, 0);
    }

    function test_RevertWhen_AnAccountTradesWithItself() public {
        Order memory bid = _bid();
        Order memory ask = _ask();
        (ask.account, ask.nonce) = (bid.account, _nonce(1, 1)); // in the neighbouring lane: one slot for both
        Match memory pair = _pair(bid, ask, 10);
        pair.takerSignature = _sign(aliceKey, ask);

        _expectSettleReverts(pair, abi.encodeWithSelector(IMarginEngine.SameAccount.selector, bid.account));

        _assertLane(bid.account, 0, 0, 0);
        _assertLane(bid.account, 1, 0, 0);
    }

    /* SIGNATURES */

    function test_OrderHash_IsTheEip712Digest() public view {
        Order memory ask = _ask();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Backstop Exchange"),
                keccak256("1"),
                block.chainid,
                address(exchange)
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Order(uint256 account,uint8 market,int64 lots,uint64 price,uint32 expiry,uint64 nonce,uint8 flags)"
                ),
                ask.account,
                uint256(ask.market),
                int256(ask.lots),
                uint256(ask.price),
                uint256(ask.expiry),
                uint256(ask.nonce),
                uint256(ask.flags)
            )
        );
        assertEq(exchange.orderHash(ask), keccak256(abi.encodePacked("\x19\x01", domain, structHash)), "digest");
        assertEq(address(exchange.engine()), address(recorder), "engine");
    }

    function test_RevertWhen_AStrangerSigned() public {
        Match memory pair = _pair();
        pair.makerSignature = _sign(carolKey, pair.maker);
        _expectSettleReverts(pair, _badSignature(pair.maker));

        pair = _pair();
        pair.takerSignature = pair.makerSignature;
        _expectSettleReverts(pair, _badSignature(pair.taker));
    }

    /// @dev Each field in turn is what the signature does not cover if this passes wrongly.
    function testFuzz_RevertWhen_AFieldIsChangedAfterSigning(uint256 field) public {
        Match memory pair = _pair();
        field = bound(field, 0, 6);
        if (field == 0) pair.maker.account += 1; // another account of the same owner
        if (field == 1) (pair.maker.market, pair.taker.market) = (4, 4);
        if (field == 2) pair.maker.lots += 1;
        if (field == 3) pair.maker.price += 1;
        if (field == 4) pair.maker.expiry += 1;
        if (field == 5) pair.maker.nonce += 1;
        if (field == 6) pair.maker.flags = 1;

        _expectSettleReverts(pair, _badSignature(pair.maker));
    }

    function test_RevertWhen_ReplayedOnAnotherChain() public {
        Match memory pair = _pair();

        vm.chainId(block.chainid + 1);

        _expectSettleReverts(pair, _badSignature(pair.maker));
    }

    function test_RevertWhen_ReplayedOnAnotherExchange() public {
        Match memory pair = _pair();

        exchange = Deployer.exchange(address(recorder));

        _expectSettleReverts(pair, _badSignature(pair.maker));
    }

    function test_RevertWhen_ReplayedForAnotherOwner() public {
        Match memory pair = _pair();

        pair.maker.account = _account(carol, 0);

        _expectSettleReverts(pair, _badSignature(pair.maker));
    }

    function test_RevertWhen_ReplayedAfterTheFill() public {
        Match memory pair = _pair();
        exchange.settle(pair);

        _expectSettleReverts(pair, _overfilled(10, 0));
    }

    function test_RevertWhen_TheSignatureIsMalleated() public {
        Match memory pair = _pair();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, exchange.orderHash(pair.maker));
        pair.makerSignature = abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));

        _expectSettleReverts(pair, _badSignature(pair.maker));
    }

    function test_RevertWhen_TheSignatureHasAnotherLength() public {
        Match memory pair = _pair();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, exchange.orderHash(pair.maker));
        pair.makerSignature = abi.encodePacked(r, bytes32(uint256(s) | (uint256(v - 27) << 255))); // ERC-2098
        assertEq(pair.makerSignature.length, 64, "compact signature");
        _expectSettleReverts(pair, _badSignature(pair.maker));

        pair.makerSignature = abi.encodePacked(r, s, v, uint8(0));
        _expectSettleReverts(pair, _badSignature(pair.maker));

        pair.makerSignature = "";
        _expectSettleReverts(pair, _badSignature(pair.maker));
    }

    function test_RevertWhen_NobodySignedForTheZeroOwner() public {
        Match memory pair = _pair();
        pair.maker.account = 7; // owner zero
        pair.makerSignature = abi.encodePacked(bytes32(0), bytes32(0), uint8(27)); // recovers zero

        _expectSettleReverts(pair, _badSignature(pair.maker));
    }

    function test_Settle_AcceptsTheOperatorUntilItIsRevoked() public {
        Match memory pair = _pair(_bid(), _ask(), 1);
        pair.makerSignature = _sign(carolKey, pair.maker);
        vm.prank(alice);
        recorder.setOperator(carol, true);
        exchange.settle(pair);

        vm.prank(alice);
        recorder.setOperator(carol, false);

        _expectSettleReverts(pair, _badSignature(pair.maker));
    }

    function test_RevertWhen_TheOperatorOfAnotherOwnerSigned() public {
        vm.prank(bob);
        recorder.setOperator(carol, true);
        Match memory pair = _pair();
        pair.makerSignature = _sign(carolKey, pair.maker);

        _expectSettleReverts(pair, _badSignature(pair.maker));
    }

    function test_Settle_AcceptsTheErc1271OfTheOwner() public {
        (, Match memory pair) = _walletPair();

        exchange.settle(pair);

        assertEq(recorder.fillAt(0).buyer, pair.maker.account, "buyer");
    }

    function test_RevertGiven_TheErc1271OfTheOwnerRefuses() public {
        (Erc1271Wallet wallet, Match memory pair) = _walletPair();
        for (uint256 mode = 1; mode <= uint256(type(Erc1271Wallet.Mode).max); ++mode) {
            wallet.setMode(Erc1271Wallet.Mode(mode));
            bytes memory refusal = _badSignature(pair.maker);
            vm.expectRevert(refusal);
            exchange.settle{gas: 1_000_000}(pair); // bounds what BURNING takes
        }

        wallet.setMode(Erc1271Wallet.Mode.HONEST);
        pair.makerSignature = _sign(carolKey, pair.maker);
        _expectSettleReverts(pair, _badSignature(pair.maker));
    }

    /// @dev alice's wallet as the maker, signed by alice.
    function _walletPair() private returns (Erc1271Wallet wallet, Match memory pair) {
        wallet = new Erc1271Wallet(alice);
        Order memory bid = _bid();
        bid.account = _account(address(wallet), 0);
        pair = _pair(bid, _ask(), 10);
    }
}
