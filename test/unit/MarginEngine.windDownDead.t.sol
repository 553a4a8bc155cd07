// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IPyth} from "@pythnetwork/pyth-sdk-solidity/IPyth.sol";
import {MockPyth} from "@pythnetwork/pyth-sdk-solidity/MockPyth.sol";
import {PythErrors} from "@pythnetwork/pyth-sdk-solidity/PythErrors.sol";
import {IMarginEngine, MarketStatus} from "../../contracts/interfaces/IMarginEngine.sol";
import {IOracle, PriceState, SecondConfig} from "../../contracts/interfaces/IOracle.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

/// @notice The end of a market whose feed has died, and the one challenge of its last average.
contract MarginEngineWindDownDeadTest is RecoveryBase {
    uint56 private constant LOTS = 1_000_000;
    bytes32 private constant ID = keccak256("ETH/USD");
    uint256 private constant FEE = 7; // {wei}

    MockPyth private pyth;
    uint256 private lastValid; // {s} of the last answer that was valid

    function setUp() public override {
        super.setUp();
        pyth = new MockPyth(60, FEE);
        oracle.configureSecond(ETH, SecondConfig(address(pyth), ID));
        vm.deal(friend, 1 ether);
        _warp(15 days); // a new second source is none
        engine.sync(ETH);
        _open(11_000, LOTS);
        _warp(1 hours);
        _setPrice(ETH, 1_900e8);
        _warp(10 minutes);
        _setPrice(ETH, 1_800e8);
        lastValid = vm.getBlockTimestamp();
    }

    /// @dev Time without an answer of ETH.
    function _pass(uint256 delay) private {
        vm.warp(vm.getBlockTimestamp() + delay);
        feeds[ALT].setAnswer(100e8);
    }

    /// @dev {u/lot} of the half hour up to the last valid price: a second short of eleven minutes at 1,900, the rest at 2,000
    function _lastMean() private view returns (uint64) {
        uint256 start = lastValid - 30 minutes;
        start -= start % 60;
        uint256 at1900 = 10 minutes + 2; // _setPrice takes two seconds
        return uint64((2_000e8 * (lastValid - start - at1900) + 1_900e8 * at1900) / (lastValid - start));
    }

    function _dead() private returns (uint32 since) {
        _pass(3600 + 7 days + 1);
        engine.windDownDead(ETH);
        _pass(1 days);
        engine.fixSettlementPrice(ETH);
        assertEq(uint8(engine.markets(ETH).status), uint8(MarketStatus.SETTLING));
        return uint32(vm.getBlockTimestamp());
    }

    function _signed(bytes32 id, int64 price, uint64 conf, uint256 time) private view returns (bytes[] memory updates) {
        updates = new bytes[](1);
        updates[0] = pyth.createPriceFeedUpdateData(id, price, conf, -8, price, conf, uint64(time), uint64(time - 1));
    }

    /* BEGIN */

    function test_WindDownDead_ByAnyoneAfterSevenDays() public {
        uint256 validUntil = lastValid + 3600;
        _pass(3600 + 7 days);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceAlive.selector, ETH, validUntil));
        engine.windDownDead(ETH);
        _pass(1);
        uint256 snapshot = vm.snapshotState();
        feeds[ETH].setAnswer(1_800e8); // it lives
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceAlive.selector, ETH, vm.getBlockTimestamp() + 3600));
        engine.windDownDead(ETH);
        vm.revertToState(snapshot);
        vm.expectEmit(address(engine));
        emit IMarginEngine.StatusSet(ETH, MarketStatus.WINDING_DOWN);
        vm.prank(makeAddr("anybody"));
        engine.windDownDead(ETH);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 9));
        engine.windDownDead(9);
    }

    function test_Settling_StartsAtTheLastValidAverage() public {
        _pass(3600 + 7 days + 1);
        engine.windDownDead(ETH);
        uint256 earliest = vm.getBlockTimestamp() + 1 days;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.TooEarly.selector, vm.getBlockTimestamp(), earliest));
        engine.fixSettlementPrice(ETH);
        _pass(1 days);
        vm.expectEmit(address(engine));
        emit IMarginEngine.SettlementPriceSet(ETH, _lastMean(), false);
        vm.expectEmit(address(engine));
        emit IMarginEngine.StatusSet(ETH, MarketStatus.SETTLING);
        engine.fixSettlementPrice(ETH);
        assertEq(engine.markets(ETH).price, _lastMean());
        assertEq(uint8(engine.markets(ETH).state), uint8(PriceState.STALE));
    }

    function test_RevertWhen_FeedIsLateButNotDead() public {
        engine.windDown(ETH);
        _pass(3600 + 1 days - 1);
        uint256 earliest = lastValid + 3600 + 1 days;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.TooEarly.selector, vm.getBlockTimestamp(), earliest));
        engine.fixSettlementPrice(ETH);
        uint256 snapshot = vm.snapshotState();
        feeds[ETH].setAnswer(1_700e8); // it comes back: the mean of what was in force
        engine.fixSettlementPrice(ETH);
        assertEq(uint8(engine.markets(ETH).status), uint8(MarketStatus.SETTLED));
        assertEq(engine.markets(ETH).price, 1_800e8);
        vm.revertToState(snapshot);
        _pass(1);
        engine.fixSettlementPrice(ETH);
        assertEq(uint8(engine.markets(ETH).status), uint8(MarketStatus.SETTLING));
    }

    /* SETTLING */

    function test_RevertGiven_PriceMayStillBeChallenged() public {
        _trade(ALT, keeper, bob, 1_000);
        _dead();
        bytes memory settling = abi.encodeWithSelector(
            IMarginEngine.MarketNotActive.selector,
            ETH,
            MarketStatus.SETTLING
        );
        bytes memory notValid = abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.STALE);
        uint64 price = engine.markets(ETH).price;
        vm.expectRevert(settling);
        engine.sync(ETH);
        vm.expectRevert(settling);
        engine.fill(_fill(ETH, bob, alice, 100, price));
        vm.expectRevert(settling);
        engine.deleverage(ETH);
        vm.expectRevert(settling);
        engine.close(ETH, alice);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceAlive.selector, ETH, type(uint32).max));
        engine.windDownDead(ETH);
        vm.expectRevert(settling);
        engine.setStatus(ETH, MarketStatus.ACTIVE);
        vm.expectRevert(notValid);
        engine.takeover(alice, keeper);
        vm.expectRevert(notValid);
        engine.coverInventory(ETH);
        vm.expectRevert(notValid);
        vm.prank(_owner(bob));
        engine.withdraw(bob, 1, 0, friend);
        vm.expectRevert(notValid);
        vm.prank(_owner(keeper));
        engine.liquidate(alice, ETH, keeper, type(uint56).max, 0);
        _trade(ALT, bob, keeper, 1_000); // other markets are left
        _deposit(alice, 1);
        feeds[ETH].setAnswer(500e8); // too late
        assertEq(engine.markets(ETH).price, price);
        _assertWhole();
    }

    function test_Settled_UnchallengedAfterADay() public {
        uint32 since = _dead();
        _pass(1 days - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IMarginEngine.TooEarly.selector, vm.getBlockTimestamp(), since + 1 days)
        );
        engine.fixSettlementPrice(ETH);
        _pass(1);
        vm.expectEmit(address(engine));
        emit IMarginEngine.SettlementPriceSet(ETH, _lastMean(), true);
        vm.prank(makeAddr("anybody"));
        engine.fixSettlementPrice(ETH);
        _pass(1 hours);
        engine.close(ETH, alice);
        engine.close(ETH, bob);
        assertEq(engine.markets(ETH).openInterest, 0);
        assertEq(engine.accounts(ETH).markets, 0);
        _assertWhole();
    }

    /* CHALLENGE */

    function test_Challenge_SubstitutesTheSecondSourcesPriceOnce() public {
        uint32 since = _dead();
        _pass(2 hours);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NoSecondPrice.selector, ETH, since));
        engine.challengeSettlementPrice(ETH);

        bytes[] memory updates = _signed(ID, 1_750.12345678e8, 1e8, since + 3);
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = ID;
        // the variant that accepts only the first price in the window, and the fee alone
        vm.expectCall(
            address(pyth),
            FEE,
            abi.encodeCall(IPyth.parsePriceFeedUpdatesUnique, (updates, ids, since, uint64(since + 1 hours)))
        );
        vm.expectEmit(address(oracle));
        emit IOracle.SecondPriceRecorded(ETH, since, 1_750.12345678e8, since + 3);
        vm.prank(friend);
        oracle.recordSecondPrice{value: 1 ether}(ETH, since, updates);
        assertEq(friend.balance, 1 ether - FEE);
        assertEq(address(oracle).balance, 0);

        vm.expectEmit(address(engine));
        emit IMarginEngine.SettlementPriceSet(ETH, 1_750.12345678e8, true);
        vm.expectEmit(address(engine));
        emit IMarginEngine.StatusSet(ETH, MarketStatus.SETTLED);
        vm.prank(makeAddr("anybody"));
        engine.challengeSettlementPrice(ETH);
        assertEq(engine.markets(ETH).price, 1_750.12345678e8);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.MarketNotActive.selector, ETH, MarketStatus.SETTLED));
        engine.challengeSettlementPrice(ETH);
        assertEq(engine.takeover(alice, keeper), _lossOf(alice, 1_750.12345678e8));
        _assertWhole();
    }

    function _lossOf(uint256, int256 price) private pure returns (int256) {
        return int256(11_000 * USD) - (2_000e8 - price) * int256(uint256(LOTS));
    }

    function test_RevertWhen_ChallengeComesTooLate() public {
        uint32 since = _dead();
        bytes[] memory updates = _signed(ID, 1_750e8, 1e8, since);
        vm.prank(friend);
        oracle.recordSecondPrice{value: FEE}(ETH, since, updates);
        _pass(1 days);
        vm.expectRevert(
            abi.encodeWithSelector(IMarginEngine.TooLate.selector, vm.getBlockTimestamp(), since + 1 days - 1)
        );
        engine.challengeSettlementPrice(ETH);
        vm.warp(vm.getBlockTimestamp() - 1);
        engine.challengeSettlementPrice(ETH);
        assertEq(engine.markets(ETH).price, 1_750e8);
    }

    function test_RevertWhen_SecondPriceIsNotOfTheFirstHour() public {
        uint32 since = _dead();
        _pass(3 hours);
        bytes[] memory updates;
        bytes memory missing = abi.encodeWithSelector(PythErrors.PriceFeedNotFoundWithinRange.selector);
        updates = _signed(ID, 1_750e8, 1e8, since - 1);
        vm.expectRevert(missing);
        vm.prank(friend);
        oracle.recordSecondPrice{value: FEE}(ETH, since, updates);
        updates = _signed(ID, 1_750e8, 1e8, since + 1 hours + 1);
        vm.expectRevert(missing);
        vm.prank(friend);
        oracle.recordSecondPrice{value: FEE}(ETH, since, updates);
        updates = _signed(keccak256("BTC/USD"), 1_750e8, 1e8, since);
        vm.expectRevert(missing);
        vm.prank(friend);
        oracle.recordSecondPrice{value: FEE}(ETH, since, updates);
        vm.expectRevert(missing);
        vm.prank(friend);
        oracle.recordSecondPrice(ETH, since, new bytes[](0));
        // a price of another moment is none for this market
        updates = _signed(ID, 1_750e8, 1e8, since + 1);
        vm.prank(friend);
        oracle.recordSecondPrice{value: FEE}(ETH, since + 1, updates);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NoSecondPrice.selector, ETH, since));
        engine.challengeSettlementPrice(ETH);
    }

    function test_RevertWhen_SecondPriceIsUnusable() public {
        uint32 since = _dead();
        bytes[] memory updates;
        bytes4 unusable = IOracle.SecondPriceUnusable.selector;
        int64[4] memory prices = [int64(1_750e8), 0, -1, 1_750e8];
        uint64[4] memory confs = [uint64(17.50000001e8), 0, 0, type(uint64).max / 10_000];
        for (uint256 i; i < 4; ++i) {
            updates = _signed(ID, prices[i], confs[i], since);
            vm.expectRevert(abi.encodeWithSelector(unusable, prices[i], confs[i], -8));
            vm.prank(friend);
            oracle.recordSecondPrice{value: FEE}(ETH, since, updates);
        }
        updates = _signed(ID, 1_750e8, 17.5e8, since);
        vm.prank(friend);
        oracle.recordSecondPrice{value: FEE}(ETH, since, updates); // 1 % is sure enough
        assertEq(oracle.secondPrice(ETH, since), 1_750e8);
    }

    function test_RevertWhen_SecondPriceIsMisdirected() public {
        uint32 since = _dead();
        bytes[] memory updates = _signed(ID, 1_750e8, 1e8, since);
        vm.expectRevert(abi.encodeWithSelector(IOracle.NoSecondSource.selector, ALT));
        vm.prank(friend);
        oracle.recordSecondPrice{value: FEE}(ALT, since, updates);
        vm.expectRevert(abi.encodeWithSelector(IOracle.FromInFuture.selector, since + 1, vm.getBlockTimestamp()));
        vm.prank(friend);
        oracle.recordSecondPrice{value: FEE}(ETH, since + 1, updates);
        vm.expectRevert(abi.encodeWithSelector(IOracle.FeeTooLow.selector, FEE - 1, FEE));
        vm.prank(friend);
        oracle.recordSecondPrice{value: FEE - 1}(ETH, since, updates);
        // this contract takes no ether back
        vm.expectRevert(abi.encodeWithSelector(IOracle.RefundFailed.selector, address(this)));
        oracle.recordSecondPrice{value: FEE + 1}(ETH, since, updates);
        oracle.recordSecondPrice{value: FEE}(ETH, since, updates); // the fee alone needs no refund
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardian));
        vm.prank(guardian);
        oracle.configureSecond(ETH, SecondConfig(address(0), 0));
        vm.expectRevert(abi.encodeWithSelector(IOracle.UnknownMarket.selector, 9));
        oracle.configureSecond(9, SecondConfig(address(pyth), ID));
    }

    /// @dev Nobody brings a source for the occasion.
    function test_RevertWhen_SecondSourceIsTooNew() public {
        oracle.configureSecond(ETH, SecondConfig(address(pyth), ID));
        uint256 configured = vm.getBlockTimestamp();
        uint32 since = _dead();
        assertLt(since, configured + 14 days);
        bytes[] memory updates = _signed(ID, 1_750e8, 1e8, since);
        vm.expectRevert(abi.encodeWithSelector(IOracle.SecondSourceTooNew.selector, configured, since));
        vm.prank(friend);
        oracle.recordSecondPrice{value: FEE}(ETH, since, updates);
    }

    /// @dev Conversion to {u/lot} at every exponent: exact above, down below.
    function testFuzz_SecondPrice_IsInUnitsOfTheLedger(uint64 raw, int32 exponent) public {
        uint32 since = _dead();
        exponent = int32(bound(exponent, -22, 4));
        int64 price = int64(uint64(bound(raw, 1, uint64(type(int64).max))));
        bytes[] memory updates = new bytes[](1);
        updates[0] = pyth.createPriceFeedUpdateData(ID, price, 0, exponent, price, 0, since, since - 1);
        int256 shift = int256(exponent) + 8; // 12 less the four decimals of a lot
        uint256 value = uint256(uint64(price));
        uint256 wanted = shift >= 0 ? value * 10 ** uint256(shift) : value / 10 ** uint256(-shift);
        if (wanted == 0 || wanted >= 1 << 62) {
            vm.expectRevert(abi.encodeWithSelector(IOracle.SecondPriceUnusable.selector, price, 0, exponent));
            vm.prank(friend);
            oracle.recordSecondPrice{value: FEE}(ETH, since, updates);
        } else {
            vm.prank(friend);
            oracle.recordSecondPrice{value: FEE}(ETH, since, updates);
            assertEq(oracle.secondPrice(ETH, since), wanted);
        }
    }
}
