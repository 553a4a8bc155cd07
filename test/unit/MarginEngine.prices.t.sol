// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {MockPyth} from "@pythnetwork/pyth-sdk-solidity/MockPyth.sol";
import {
    Fill,
    Health,
    IMarginEngine,
    InventoryCap,
    Market,
    Valuation
} from "../../contracts/interfaces/IMarginEngine.sol";
import {FeedConfig, PriceState, SecondConfig} from "../../contracts/interfaces/IOracle.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {EngineBase} from "../helpers/EngineBase.t.sol";

/// @notice What each price state allows, and what nobody gets by waiting for one or bringing one about. ETH has a second source, a
/// sequencer and steps of more than 10 %.
contract MarginEnginePricesTest is EngineBase {
    enum Situation {
        OK,
        WIDE,
        WIDEST,
        STALE,
        HELD,
        CONTRADICTED,
        UNSURE,
        BOUND,
        BAD,
        DOWN,
        GRACE
    }

    struct Action {
        string name;
        address caller;
        bytes data;
        bool always; // in every state
    }

    bytes32 internal constant ID = "ETH/USD";
    uint256 internal constant FEE = 1; // {wei}
    uint64 internal constant PRICE = 1_900e8; // {u/lot} in force, for eight hours
    uint64 internal constant FIFTH = 1_918e8; // {u/lot} within a fifth of the band
    uint64 internal constant BEYOND = 1_920e8; // {u/lot} within the band, not within a fifth

    uint256 internal constant DELEVERAGE = 13; // its place among the actions

    MockPyth internal pyth;
    MockAggregator internal sequencer;
    uint256 internal sick; // below maintenance margin at any edge
    uint256 internal marginal; // half a percent of its notional below it
    uint256 internal dead; // hardly anything left
    uint256 internal idle; // no position

    function setUp() public override {
        super.setUp();
        _warp(1 days);
        pyth = new MockPyth(60, FEE);
        sequencer = new MockAggregator(0, 0);
        sequencer.setRound(1, 0, vm.getBlockTimestamp() - 1 hours);
        FeedConfig memory config = _feed(feeds[ETH]);
        (config.jumpBps, config.sequencer) = (1000, address(sequencer));
        oracle.configure(ETH, config);
        oracle.configureSecond(ETH, SecondConfig(address(pyth), ID));
        engine.sync(ETH);
    }

    /* THE TABLE */

    function test_Actions_GoodPricesAllowEverything() public {
        _checkAll(Situation.OK, PriceState.OK, true);
        _checkAll(Situation.WIDE, PriceState.WIDE, true);
        _checkAll(Situation.WIDEST, PriceState.WIDE, true);
    }

    function test_Actions_AStalePriceAllowsDepositsAndReductions() public {
        _checkAll(Situation.STALE, PriceState.STALE, false);
    }

    function test_Actions_AHeldPriceAllowsDepositsAndReductions() public {
        _checkAll(Situation.HELD, PriceState.JUMP, false);
    }

    function test_Actions_AContradictedPriceAllowsDepositsAndReductions() public {
        _checkAll(Situation.CONTRADICTED, PriceState.JUMP, false);
        _checkAll(Situation.UNSURE, PriceState.JUMP, false);
    }

    function test_Actions_ABoundPriceAllowsDepositsAndReductions() public {
        _checkAll(Situation.BOUND, PriceState.BOUND, false);
    }

    function test_Actions_ABadPriceAllowsDepositsAndReductions() public {
        _checkAll(Situation.BAD, PriceState.BAD, false);
        _checkAll(Situation.DOWN, PriceState.BAD, false);
        _checkAll(Situation.GRACE, PriceState.BAD, false);
    }

    /* WIDE */

    function test_Wide_AsksHalfAsMuchInitialMarginAgain() public {
        _populate();
        Health memory before = engine.health(alice, Valuation.UNFAVOURABLE);
        _enter(Situation.WIDE);
        engine.sync(ETH);
        Health memory wide = engine.health(alice, Valuation.UNFAVOURABLE);
        assertApproxEqAbs(wide.initial, (before.initial * 3) / 2, 1);
        assertGe(wide.initial, (before.initial * 3) / 2);
        assertEq(wide.maintenance, before.maintenance);
        assertLt(wide.equity, before.equity);
        Market memory m = engine.markets(ETH);
        assertEq(m.edgeBps, 75, "a quarter of maintenance");
        assertEq(m.low, (uint256(PRICE) * 9_800) / 10_000, "all of the doubt");
    }

    /// @dev What the margin of an OK price just carries a WIDE one does not.
    function test_Wide_RefusesWhatOnlyTheUsualMarginCarries() public {
        _populate();
        _deposit(carol, 11_000); // 5.8 % of 190,000
        uint256 snapshot = vm.snapshotState();
        _trade(carol, bob, 1_000_000);
        vm.revertToState(snapshot);
        _enter(Situation.WIDE);
        vm.expectPartialRevert(IMarginEngine.InitialMarginNotMet.selector);
        engine.fill(_fill(ETH, carol, bob, 1_000_000, PRICE));
    }

    /* HELD PRICES */

    function test_Attack_NobodyIsClosedOrOpensAtAHeldPrice() public {
        _populate();
        _warp(61);
        _say(PRICE / 2); // alice would be far below zero
        bytes memory refused = abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.JUMP);
        vm.expectRevert(refused);
        engine.flag(alice);
        vm.expectRevert(refused);
        engine.takeover(alice, keeper);
        vm.prank(_owner(keeper));
        vm.expectRevert(refused);
        engine.liquidate(alice, ETH, keeper, type(uint56).max, 0);
        vm.expectRevert(refused);
        engine.fill(_fill(ETH, carol, bob, 1_000, PRICE));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceOutsideBand.selector, PRICE / 2, 1_881e8, 1_919e8));
        engine.fill(_fill(ETH, carol, bob, 1_000, PRICE / 2));

        _sign(PRICE / 2, 0, vm.getBlockTimestamp()); // and it is true
        assertLt(engine.takeover(alice, keeper), 0);
        _assertConserved();
    }

    /// @dev A feed that changes its unit liquidates nobody and pays nobody, whoever syncs how often.
    function test_Attack_AnotherUnitIsNoPriceToBeTakenOverAt() public {
        _populate();
        _warp(61);
        feeds[ETH].setDecimals(7);
        _say(PRICE / 10);
        oracle.sync(ETH);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.BAD));
        engine.takeover(alice, keeper);
        assertEq(engine.markets(ETH).price, PRICE);
    }

    /// @dev The feed takes it back: who was there before is as he was.
    function test_Attack_AStepThatIsTakenBackLeavesNoTrace() public {
        _populate();
        Health memory before = engine.health(alice, Valuation.MARK);
        _warp(61);
        _say(PRICE / 2);
        engine.sync(ETH);
        vm.warp(vm.getBlockTimestamp() + 9 minutes);
        _say(PRICE);
        engine.sync(ETH);
        assertEq(abi.encode(engine.health(alice, Valuation.MARK)), abi.encode(before));
        assertEq(engine.markets(ETH).slow, oracle.quote(ETH).slow);
    }

    /// @dev A known limit: liquidation judges other markets at their price in force, held or not. That alice's second position has doubled
    /// is not known yet, and saves her nothing.
    function test_Liquidate_JudgesOtherMarketsAtTheirPriceInForce() public {
        _deposit(alice, 17_000);
        _deposit(bob, 5_000_000);
        _deposit(keeper, 1_000_000);
        _trade(ALT, alice, bob, 1_000_000); // 100 coins of 100 USD
        _trade(alice, bob, 1_000_000);
        _setPriceLongAgo(ETH, 1_860e8);
        _setPriceLongAgo(ALT, 100e8);
        FeedConfig memory config = _feed(feeds[ALT]);
        config.jumpBps = 1000;
        oracle.configure(ALT, config);
        _warp(61);
        feeds[ALT].setRound(1_000_000, 200e8, vm.getBlockTimestamp());
        assertEq(uint8(oracle.quote(ALT).state), uint8(PriceState.JUMP));
        (uint56 lots, ) = _liquidate(alice, ETH);
        assertGt(lots, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ALT, PriceState.JUMP));
        engine.takeover(alice, keeper);
    }

    /* WHO BRINGS PRICES */

    /// @dev In a second in which somebody has synced at a contradiction, a newer price of the second source opens the market again.
    function test_Attack_AGrieferCannotFixAStateForTheSecond() public {
        _populate();
        _warp(61);
        uint256 time = vm.getBlockTimestamp();
        _sign(PRICE + PRICE / 10, 0, time - 100); // true then, chosen for that
        engine.sync(ETH);
        _sign(PRICE, 0, time); // the keeper's: the newest there is
        assertEq(uint8(oracle.quote(ETH).state), uint8(PriceState.OK));
        (uint56 lots, ) = _liquidate(sick, ETH);
        assertGt(lots, 0);
    }

    /// @dev The same where the griefer makes edges wider, so that an account below maintenance margin looks sound.
    function test_Attack_AGrieferCannotFixWideEdgesForTheSecond() public {
        _populate();
        _warp(61);
        uint256 time = vm.getBlockTimestamp();
        _sign(PRICE + PRICE / 50, 0, time - 100);
        engine.sync(ETH);
        _sign(PRICE, 0, time);
        (uint56 lots, ) = _liquidate(marginal, ETH);
        assertGt(lots, 0);
    }

    /// @dev An old price that contradicts counts until SECOND_AGE after it was signed, and not a second once a newer one is there.
    function test_Griefer_DelaysByTwoMinutesOrNotAtAll() public {
        _populate();
        _warp(61);
        uint256 signed = vm.getBlockTimestamp();
        _sign(PRICE + PRICE / 10, 0, signed);
        uint256 snapshot = vm.snapshotState();

        _warp(1);
        _sign(PRICE, 0, signed + 1);
        _liquidate(sick, ETH); // in the transaction that brings it

        vm.revertToState(snapshot);
        _warp(oracle.SECOND_AGE());
        _expectClosed(sick);
        _warp(1);
        _liquidate(sick, ETH);
    }

    /// @dev While the second source really is further away, the griefer goes on for as long: the price of one update each two minutes. The
    /// limit of what is documented.
    function test_Griefer_BlocksWhileTheSourcesReallyDiffer() public {
        _populate();
        for (uint256 i; i < 30; ++i) {
            _warp(121);
            _sign(PRICE + PRICE / 19, 0, vm.getBlockTimestamp()); // 5.3 % above: good news for the account, even
            _expectClosed(sick);
        }
        _sign(PRICE + PRICE / 20, 0, vm.getBlockTimestamp() + 1); // dated now: not newer
        _expectClosed(sick);
        _warp(1);
        _sign(PRICE + PRICE / 20, 0, vm.getBlockTimestamp()); // five percent
        _liquidate(sick, ETH);
    }

    /// @dev Stakers are told of all that the market may cost, here 27 % of its notional, by anybody who brings a contradiction; and that it
    /// is over by whoever syncs after it.
    function test_Griefer_PutsTheWholeMarketAtRiskWhileTheSourcesDiffer() public {
        _populate();
        (, , uint256 before) = pool.reported(ETH);
        assertEq(before, 0);
        _warp(61);
        _sign(PRICE, PRICE / 19, vm.getBlockTimestamp());
        engine.sync(ETH);
        (, , uint256 atRisk) = pool.reported(ETH);
        uint256 notional = uint256(engine.markets(ETH).openInterest) * PRICE;
        assertEq(atRisk, (notional * 2_700) / 10_000 / 1e6);
        _warp(1);
        _sign(PRICE, 0, vm.getBlockTimestamp());
        engine.sync(ETH);
        (, , atRisk) = pool.reported(ETH);
        assertEq(atRisk, 0);
    }

    /// @dev A price that is wrong for the account in both sources saves it from nobody but the keeper who waits.
    function test_Griefer_CannotOpenOrWithdrawAtTheOldPrice() public {
        _populate();
        _warp(61);
        _sign(PRICE - PRICE / 10, 0, vm.getBlockTimestamp());
        bytes memory refused = abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.JUMP);
        vm.expectRevert(refused);
        engine.fill(_fill(ETH, carol, bob, 1_000, PRICE));
        vm.prank(_owner(alice));
        vm.expectRevert(refused);
        engine.withdraw(alice, 1, 0, _owner(alice));
    }

    /* INCIDENTS */

    /// @dev Mango, December 2021: the price was unsure by far more than the margin that was missing.
    function test_B11_NobodyIsLiquidatedWithinTheFavourableEdge() public {
        _populate();
        _warp(61);
        uint256 snapshot = vm.snapshotState();
        _liquidate(marginal, ETH); // while the price is sure
        vm.revertToState(snapshot);
        _sign(PRICE, PRICE / 50, vm.getBlockTimestamp());
        vm.prank(_owner(keeper));
        vm.expectPartialRevert(IMarginEngine.Healthy.selector);
        engine.liquidate(marginal, ETH, keeper, type(uint56).max, 0);
        _warp(1);
        _sign(PRICE, PRICE / 19, vm.getBlockTimestamp()); // and nobody at all while it is unsure by more than 5 %
        _expectClosed(marginal);
    }

    /// @dev The L2 stood still for an hour in which the price fell by 8 %. Ten minutes to cure, then liquidation.
    function test_SequencerOutage_LeavesTimeToCure() public {
        _populate();
        _deposit(carol, 11_200);
        _trade(carol, bob, 1_000_000);
        uint256 lazy = _account("lazy");
        _deposit(lazy, 11_200);
        _trade(lazy, bob, 1_000_000);

        sequencer.setRound(2, 1, vm.getBlockTimestamp());
        vm.warp(vm.getBlockTimestamp() + 1 hours);
        uint256 back = vm.getBlockTimestamp();
        sequencer.setRound(3, 0, back);
        _say(1_748e8);
        _sign(1_748e8, 0, back);
        _expectClosedBad(carol);
        _deposit(carol, 20_000); // cured
        vm.warp(back + oracle.GRACE_TIME());
        _say(1_748e8);
        _expectClosedBad(lazy);

        vm.warp(back + oracle.GRACE_TIME() + 1);
        assertLt(engine.takeover(lazy, keeper), 0);
        vm.prank(_owner(keeper));
        vm.expectPartialRevert(IMarginEngine.Healthy.selector);
        engine.liquidate(carol, ETH, keeper, type(uint56).max, 0);
        _assertConserved();
    }

    /// @dev JELLY, Mango 2022: forty answers of 9.9 %, a second apart. The oracle cannot know, and follows. In the engine the winner takes
    /// nothing out that has not been paid in, and nobody joins him; what the losers lack the pool pays, up to its open interest.
    function test_PumpInSmallSteps_IsBelievedButNotPaidOut() public {
        _deposit(alice, 20_000);
        _deposit(bob, 20_000);
        _deposit(carol, 1_000_000);
        _deposit(keeper, 1_000_000);
        _trade(alice, bob, 1_000_000);
        uint256 price = ETH_PRICE;
        for (uint256 i; i < 40; ++i) {
            vm.warp(vm.getBlockTimestamp() + 1);
            price += (price * 990) / 10_000;
            _say(uint64(price));
            assertEq(uint8(oracle.sync(ETH).state), uint8(PriceState.OK));
        }
        engine.sync(ETH);
        assertEq(engine.markets(ETH).price, price);
        assertGt(price, 40 * uint256(ETH_PRICE));
        assertLt(oracle.quote(ETH).low, 4_500e8, "what a long is worth is what it was worth for some time");

        vm.prank(_owner(alice));
        vm.expectPartialRevert(IMarginEngine.CashNegative.selector);
        engine.withdraw(alice, 20_001e6, 0, _owner(alice));
        vm.expectPartialRevert(IMarginEngine.WinningSideClosed.selector);
        engine.fill(_fill(ETH, carol, alice, 100, uint64(price)));
        vm.expectPartialRevert(IMarginEngine.WinningSideClosed.selector);
        engine.fill(_fill(ETH, carol, keeper, 100, uint64(price)));

        // with the second source at hand it ends at the first step that is wrong by 5 %
        _sign(ETH_PRICE, 0, vm.getBlockTimestamp());
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.JUMP));
        engine.takeover(bob, keeper);
    }

    /* HELPERS */

    /// @dev At 1,900 for eight hours. The pool holds a million lots, twice its cap.
    function _populate() private {
        sick = _account("sick");
        marginal = _account("marginal");
        dead = _account("dead");
        idle = _account("idle");
        uint256 broke = _account("broke");
        _deposit(alice, 20_000);
        _deposit(bob, 5_000_000);
        _deposit(carol, 1_000);
        _deposit(keeper, 1_000_000);
        _deposit(idle, 1_000);
        _deposit(sick, 12_400);
        _deposit(marginal, 14_771);
        _deposit(dead, 10_600);
        _deposit(broke, 10_600);
        _trade(alice, bob, 500_000);
        _trade(sick, bob, 1_000_000);
        _trade(marginal, bob, 1_000_000);
        _trade(dead, bob, 1_000_000);
        _trade(broke, bob, 1_000_000);
        _setPriceLongAgo(ETH, PRICE);
        engine.takeover(broke, keeper);
        engine.setInventoryCap(ETH, InventoryCap(500_000, 3500));
        token.mint(_owner(alice), 1e6);
        vm.prank(_owner(alice));
        token.approve(address(engine), 1e6);
    }

    function _enter(Situation s) private {
        _warp(61);
        uint256 time = vm.getBlockTimestamp();
        if (s == Situation.WIDE) _sign(PRICE + PRICE / 50, 0, time);
        if (s == Situation.WIDEST) _sign(PRICE, PRICE / 20, time);
        if (s == Situation.HELD) _say(PRICE + PRICE / 5);
        if (s == Situation.CONTRADICTED) _sign(PRICE - PRICE / 20 - 1, 0, time);
        if (s == Situation.UNSURE) _sign(PRICE, PRICE / 20 + 1, time);
        if (s == Situation.BOUND) _say(1);
        if (s == Situation.BAD) _say(0);
        if (s == Situation.DOWN) sequencer.setRound(2, 1, time);
        if (s == Situation.GRACE) sequencer.setRound(2, 0, time - oracle.GRACE_TIME());
        if (s == Situation.STALE) {
            vm.warp(time + 3601);
            feeds[ALT].setAnswer(100e8);
        }
    }

    function _checkAll(Situation s, PriceState state, bool isGood) private {
        uint256 start = vm.snapshotState();
        _populate();
        _enter(s);
        assertEq(uint8(oracle.quote(ETH).state), uint8(state), "situation");
        Action[] memory actions = _actions();
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < actions.length; ++i) {
            Action memory a = actions[i];
            vm.prank(a.caller);
            (bool ok, bytes memory reason) = address(engine).call(a.data);
            assertEq(ok, isGood || a.always, a.name);
            if (!ok) assertEq(reason, _reason(i, state), a.name);
            else if (i != DELEVERAGE) _assertConserved(); // which is not settled yet
            vm.revertToState(snapshot);
        }
        vm.revertToState(start);
    }

    function _reason(uint256 i, PriceState state) private pure returns (bytes memory) {
        if (i == 2) return abi.encodeWithSelector(IMarginEngine.PriceOutsideBand.selector, BEYOND, 1_881e8, 1_919e8);
        return abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, state);
    }

    function _actions() private view returns (Action[] memory a) {
        a = new Action[](16);
        address owner = _owner(alice);
        address exchange = address(this);
        a[0] = Action("deposit", owner, abi.encodeCall(IMarginEngine.deposit, (alice, 1e6)), true);
        a[1] = _fillAction("reduce in a fifth of the band", bob, alice, 1_000, FIFTH, true);
        a[2] = _fillAction("reduce beyond", bob, alice, 1_000, BEYOND, false);
        a[3] = _fillAction("close", bob, alice, 500_000, PRICE, true);
        a[4] = _fillAction("open", carol, bob, 1_000, PRICE, false);
        a[5] = _fillAction("increase", alice, bob, 1_000, PRICE, false);
        a[6] = _fillAction("turn round", bob, alice, 600_000, PRICE, false);
        a[7] = Action("withdraw", owner, abi.encodeCall(IMarginEngine.withdraw, (alice, 1e6, 0, owner)), false);
        a[8] = Action(
            "withdraw without position",
            _owner(idle),
            abi.encodeCall(IMarginEngine.withdraw, (idle, 1_000e6, 0, _owner(idle))),
            true
        );
        a[9] = Action("transfer", owner, abi.encodeCall(IMarginEngine.transfer, (alice, idle, 1e12)), false);
        a[10] = Action("flag", exchange, abi.encodeCall(IMarginEngine.flag, (sick)), false);
        a[11] = Action(
            "liquidate",
            _owner(keeper),
            abi.encodeCall(IMarginEngine.liquidate, (sick, ETH, keeper, type(uint56).max, 0)),
            false
        );
        a[12] = Action("take over", exchange, abi.encodeCall(IMarginEngine.takeover, (dead, keeper)), false);
        a[13] = Action("deleverage", exchange, abi.encodeCall(IMarginEngine.deleverage, (ETH)), false);
        a[14] = Action("cover inventory", exchange, abi.encodeCall(IMarginEngine.coverInventory, (ETH)), false);
        a[15] = Action("collect income", exchange, abi.encodeCall(IMarginEngine.collectIncome, (ETH)), true);
    }

    function _fillAction(
        string memory name,
        uint256 buyer,
        uint256 seller,
        uint56 lots,
        uint64 price,
        bool always
    ) private view returns (Action memory) {
        Fill memory order = _fill(ETH, buyer, seller, lots, price);
        return Action(name, address(this), abi.encodeCall(IMarginEngine.fill, (order)), always);
    }

    /// @dev The feed's next answer, dated now. The second of the answer before must be over.
    function _say(uint64 answer) private {
        (uint80 id, , , uint256 updatedAt, ) = feeds[ETH].latestRoundData();
        if (updatedAt == vm.getBlockTimestamp()) vm.warp(updatedAt + 1);
        feeds[ETH].setRound(id + 1, int256(uint256(answer)), vm.getBlockTimestamp());
    }

    function _sign(uint64 price, uint64 confidence, uint256 publishTime) private {
        bytes[] memory updates = new bytes[](1);
        uint64 time = uint64(publishTime);
        int64 mantissa = int64(price);
        updates[0] = pyth.createPriceFeedUpdateData(ID, mantissa, confidence, -8, mantissa, 0, time, time - 1);
        oracle.updateSecond{value: FEE}(ETH, updates);
    }

    function _expectClosed(uint256 id) private {
        _expectRefused(id, PriceState.JUMP);
    }

    function _expectClosedBad(uint256 id) private {
        _expectRefused(id, PriceState.BAD);
    }

    function _expectRefused(uint256 id, PriceState state) private {
        bytes memory refused = abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, state);
        vm.prank(_owner(keeper));
        vm.expectRevert(refused);
        engine.liquidate(id, ETH, keeper, type(uint56).max, 0);
        vm.expectRevert(refused);
        engine.takeover(id, keeper);
    }
}
