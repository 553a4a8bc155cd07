// SPDX-License-Identifier: MIT
pragma solidity ^0.8.35;

import {IExchange, Match, Order} from "../../contracts/interfaces/IExchange.sol";
import {IMarginEngine} from "../../contracts/interfaces/IMarginEngine.sol";
import {Erc1271Wallet} from "../../contracts/mocks/Erc1271Wallet.sol";
import {ExchangeBaseTest} from "../helpers/ExchangeBase.t.sol";

/// @notice `settleBatch`: bad pairs are left out without a trace, good ones never for want of gas.
contract ExchangeBatchTest is ExchangeBaseTest {
    uint256 private constant RETRY_GAS = 1_031_250;

    function test_SettleBatch_SettlesEveryPair() public {
        Match[] memory pairs = _pairs(10);
        for (uint256 i; i < 10; ++i) _expectMatched(pairs[i]);

        assertEq(exchange.settleBatch(pairs), 10, "settled");

        assertEq(recorder.fillCount(), 10, "fills");
    }

    function test_SettleBatch_AcceptsNoPairs() public {
        assertEq(exchange.settleBatch(new Match[](0)), 0, "settled");
    }

    function test_SettleBatch_SkipsBadPairsInTheMiddle() public {
        Match[] memory pairs = _pairs(5);
        pairs[1].takerSignature = pairs[0].takerSignature;
        pairs[3].lots = 11;
        pairs[3].taker.lots = -11;
        pairs[3].takerSignature = _sign(bobKey, pairs[3].taker);
        bytes memory badSignature = _badSignature(pairs[1].taker);

        _expectMatched(pairs[0]);
        _expectSkipped(1, badSignature);
        _expectMatched(pairs[2]);
        _expectSkipped(3, _overfilled(11, 10));
        _expectMatched(pairs[4]);
        uint256 settled = exchange.settleBatch(pairs);

        assertEq(settled, 3, "settled");
        assertEq(recorder.fillCount(), 3, "fills");
        for (uint16 i; i < 5; ++i) {
            bool isGood = i % 2 == 0;
            _assertLane(pairs[i].maker.account, i, isGood ? 1 : 0, isGood ? 10 : 0);
            _assertLane(pairs[i].taker.account, i, isGood ? 1 : 0, isGood ? 10 : 0);
        }
    }

    function test_SettleBatch_UndoesWhatTheEngineRefuses() public {
        Match[] memory pairs = _pairs(3);
        pairs[1].maker.account = _account(alice, 9);
        pairs[1].makerSignature = _sign(aliceKey, pairs[1].maker);
        bytes memory refusal = abi.encodeWithSelector(
            IMarginEngine.OpenInterestAboveCap.selector,
            uint256(8),
            uint256(5)
        );
        recorder.refuse(pairs[1].maker.account, refusal);

        _expectSkipped(1, refusal);
        assertEq(exchange.settleBatch(pairs), 2, "settled");

        assertEq(exchange.remaining(pairs[1].maker), 10, "left of the refused maker");
        assertEq(exchange.remaining(pairs[1].taker), 10, "left of the refused taker");
        recorder.refuse(0, "");
        exchange.settle(pairs[1]);
        assertEq(recorder.fillCount(), 3, "fills");
    }

    function test_SettleBatch_LimitsADuplicateToWhatRemains() public {
        Match[] memory pairs = new Match[](3);
        for (uint256 i; i < 3; ++i) pairs[i] = _pair(_bid(), _ask(), 4);

        _expectMatched(pairs[0]);
        _expectMatched(pairs[1]);
        _expectSkipped(2, _overfilled(4, 2));
        assertEq(exchange.settleBatch(pairs), 2, "settled");

        assertEq(exchange.remaining(pairs[0].maker), 2, "left");
    }

    function test_SettleBatch_SkipsSelfTrades() public {
        Match[] memory pairs = _pairs(2);
        pairs[0].taker.account = pairs[0].maker.account;
        pairs[0].taker.nonce = _nonce(1, 5);
        pairs[0].takerSignature = _sign(aliceKey, pairs[0].taker);

        _expectSkipped(0, abi.encodeWithSelector(IMarginEngine.SameAccount.selector, pairs[0].maker.account));
        assertEq(exchange.settleBatch(pairs), 1, "settled");

        _assertLane(pairs[0].maker.account, 0, 0, 0);
        _assertLane(pairs[0].maker.account, 1, 1, 10); // of the second pair
    }

    function test_SettleBatch_OutlivesAWalletThatBurnsItsGas() public {
        Match[] memory pairs = _pairs(3);
        Erc1271Wallet wallet = new Erc1271Wallet(alice);
        wallet.setMode(Erc1271Wallet.Mode.BURNING);
        pairs[1].maker.account = _account(address(wallet), 0);
        pairs[1].makerSignature = _sign(aliceKey, pairs[1].maker);

        _expectSkipped(1, _badSignature(pairs[1].maker));
        uint256 gasBefore = gasleft();
        assertEq(exchange.settleBatch(pairs), 2, "settled");
        assertLt(gasBefore - gasleft(), exchange.PAIR_GAS() + 700_000, "a pair used more than PAIR_GAS");
    }

    function test_SettleBatch_OutlivesLongRevertData() public {
        Match[] memory pairs = _pairs(2);
        bytes memory refusal = new bytes(4_096);
        recorder.refuse(pairs[0].maker.account, refusal);
        pairs[1].maker.account = _account(alice, 1);
        pairs[1].makerSignature = _sign(aliceKey, pairs[1].maker);

        _expectSkipped(0, refusal);
        assertEq(exchange.settleBatch(pairs), 1, "settled");
    }

    function test_SettleBatch_SkipsAPairThatNeedsMoreThanItsGas() public {
        recorder.burn(exchange.PAIR_GAS());
        Match[] memory pairs = _pairs(1);

        _expectSkipped(0, "");
        assertEq(exchange.settleBatch(pairs), 0, "settled");

        exchange.settle(pairs[0]); // alone it may have all the gas there is
        assertEq(recorder.fillCount(), 1, "fills");
    }

    function test_RevertWhen_TheBatchIsStarvedOfGas() public {
        recorder.burn(600_000);
        Match[] memory pairs = _pairs(2);

        (bool success, bytes memory returned) = address(exchange).call{gas: 1_300_000}(
            abi.encodeCall(IExchange.settleBatch, (pairs))
        );

        assertFalse(success, "the second pair was called bad for want of gas");
        assertEq(bytes4(returned), IExchange.InsufficientGas.selector, "selector");
        (uint256 available, uint256 needed) = abi.decode(this.withoutSelector(returned), (uint256, uint256));
        assertEq(needed, RETRY_GAS, "needed");
        assertLt(available, 700_000, "available");
        assertEq(recorder.fillCount(), 0, "a reverted batch left a fill");
    }

    /// @dev With any gas at all a good pair is settled or the call reverts; it is never reported as bad.
    function testFuzz_SettleBatch_NeverCallsAGoodPairBad(uint256 gasLimit, uint256 gasToBurn) public {
        gasToBurn = bound(gasToBurn, 0, 700_000);
        gasLimit = bound(gasLimit, 30_000, 2_500_000);
        recorder.burn(gasToBurn);
        Match[] memory pairs = _pairs(2);

        (bool success, bytes memory returned) = address(exchange).call{gas: gasLimit}(
            abi.encodeCall(IExchange.settleBatch, (pairs))
        );

        if (success) assertEq(abi.decode(returned, (uint256)), 2, "a good pair was skipped");
        assertEq(recorder.fillCount(), success ? 2 : 0, "fills");
        // a bound with room to spare: beyond it a revert would be a starvation that was none
        if (gasLimit >= 2 * (gasToBurn + 250_000) + 50_000) assertTrue(success, "refused with enough gas");
    }

    /* HELPERS */

    function withoutSelector(bytes calldata revertData) external pure returns (bytes memory) {
        return revertData[4:];
    }

    /// @dev `count` good pairs, each in a lane of its own.
    function _pairs(uint16 count) private view returns (Match[] memory pairs) {
        pairs = new Match[](count);
        for (uint16 i; i < count; ++i) {
            Order memory bid = _bid();
            Order memory ask = _ask();
            (bid.nonce, ask.nonce) = (_nonce(i, 1), _nonce(i, 1));
            pairs[i] = _pair(bid, ask, 10);
        }
    }

    function _expectSkipped(uint256 index, bytes memory reason) private {
        vm.expectEmit(address(exchange));
        emit IExchange.MatchSkipped(index, reason);
    }
}
