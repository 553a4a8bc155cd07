// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Market, MarketParams, Valuation} from "../../contracts/interfaces/IMarginEngine.sol";
import {FeedConfig} from "../../contracts/interfaces/IOracle.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

/// @notice The two consequences of the limit of a loss share that docs/mechanism.md names. The feed has no edge here, so that accounts can
/// stand exactly at a margin.
contract MarginEngineLossSharePropertiesTest is RecoveryBase {
    uint256 private constant LOTS = 1_000_000; // {lot} $200,000 of ETH
    uint8 private constant BTC = 2;
    uint256 private constant ACCOUNTS = 6;

    uint256 private loser;

    function setUp() public override {
        super.setUp();
        pool.setStake(STAKE * 1e6, 0);
        _list(BTC, 40_000e8);
        loser = _account("loser");
    }

    function _feed(MockAggregator feed) internal pure override returns (FeedConfig memory) {
        return FeedConfig(address(feed), 3600, 0, type(uint16).max, 4, 1, type(uint128).max, address(0));
    }

    /* HE WHO HAS ONLY WON */

    /// @dev Bob has come to maintenance margin at P_ref, up to a token unit; `loser` holds the other side and has lost all it had
    /// elsewhere, so that whatever the price does now, the limit binds.
    function _winnerAtMaintenance(bool isLong) private {
        uint64 ref = isLong ? 1_956e8 : 2_044e8; // {u/lot} P_ref
        uint256 n = LOTS * ref;
        uint256 rate = 0.03e18 + (n * 6e5 + 1e9 - 1) / 1e9;
        uint256 mm = (n * rate + 1e18 - 1) / 1e18;
        uint256 moved = LOTS * 44e8;
        _depositTokens(bob, (mm + moved + 1e6 - 1) / 1e6);
        _deposit(carol, 1_000_000);
        _deposit(keeper, 1_000_000);
        if (isLong) _trade(bob, carol, uint56(LOTS));
        else _trade(carol, bob, uint56(LOTS));
        _setPriceLongAgo(ETH, ref);
        _warp(2 days); // the average is there
        engine.sync(ETH);
        assertEq(engine.markets(ETH).slow, ref);
        assertEq(_mm(bob), mm);
        assertApproxEqAbs(_equity(bob), int256(mm), 1e6);

        _deposit(loser, 22_000);
        if (isLong) _trade(carol, loser, uint56(LOTS));
        else _trade(loser, carol, uint56(LOTS));
        _trade(ALT, loser, keeper, 10_000_000); // $100,000
        _setPriceLongAgo(ALT, 80e8); // - 20,000
        assertLt(_equity(loser), int256(_mm(loser) / 2));
    }

    function testFuzz_LossShare_WinnerAtMaintenanceIsAboveItAfterAFall(uint256 price) public {
        _winnerAtMaintenance(false);
        uint256 ref = engine.markets(ETH).slow;
        _setPrice(ETH, uint64(bound(price, 1e8, 1_900e8)));
        engine.takeover(loser, keeper);
        Market memory m = engine.markets(ETH);
        assertEq(m.slow, ref);
        assertGt(engine.deficit(ETH), 0); // the limit binds
        assertEq(-int256(m.indexShort), int256(ref - m.price - (ref * 300 + 9_999) / 10_000));
        assertGe(_equity(bob), int256((2 * LOTS * ref * 300) / 10_000));
        assertGt(_equity(bob), int256(_mm(bob)));
        _assertWhole();
    }

    function testFuzz_LossShare_WinnerAtMaintenanceIsSolventAfterARise(uint256 price) public {
        _winnerAtMaintenance(true);
        uint256 ref = engine.markets(ETH).slow;
        uint256 before = _mm(bob);
        price = bound(price, 2_100e8, 40_000e8);
        _setPrice(ETH, uint64(price));
        engine.takeover(loser, keeper);
        assertGt(engine.deficit(ETH), 0);
        uint256 borne = (LOTS * ref * 300) / 10_000;
        assertGe(_equity(bob), int256(before + borne)); // solvent at any price
        // mm(xN) x <= mm(N) + mm, in u
        bool isInRange = _mm(bob) <= before + borne;
        if (price * 199 <= ref * 200 * 2) assertTrue(isInRange); // to about x = 2 at this size
        if (isInRange) assertGe(_equity(bob), int256(_mm(bob)));
        else assertGt(price, (ref * 19) / 10);
        _assertWhole();
    }

    /* IF EVERYBODY WAS AT MAINTENANCE */

    /// @dev A random book of three markets in which everybody then stands at maintenance margin, up to a token unit.
    function _book(uint256 seed) private returns (uint256[ACCOUNTS] memory ids) {
        MarketParams memory p = _params();
        (p.initialBps, p.rampNotional, p.minLots) = (375, type(uint40).max, 1); // any size
        for (uint8 m; m < 3; ++m) {
            engine.setMarket(m, p, _rules());
        }
        for (uint256 i; i < ACCOUNTS; ++i) {
            ids[i] = _account(string(abi.encodePacked("trader", bytes1(uint8(48 + i)))));
            _deposit(ids[i], 1_000_000);
        }
        for (uint256 i; i < 10; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 long = seed % ACCOUNTS;
            uint256 short = (long + 1 + ((seed >> 8) % (ACCOUNTS - 1))) % ACCOUNTS;
            uint8 m = uint8((seed >> 16) % 3);
            uint256 usd = 10_000 + ((seed >> 32) % 190_000);
            _trade(m, ids[long], ids[short], uint56((usd * USD) / engine.markets(m).price));
        }
        for (uint256 i; i < ACCOUNTS; ++i) {
            uint256 spare = uint256(_equity(ids[i])) - engine.health(ids[i], Valuation.UNFAVOURABLE).initial;
            uint256 floor = uint256(_cash(ids[i])) - spare; // it all stays in cash, whatever was closed
            _take(ids[i], spare / 1e6);
            assertLt(uint256(_cash(ids[i])) - floor, 1e6);
        }
        (p.initialBps, p.maintenanceBps) = (1000, 375);
        for (uint8 m; m < 3; ++m) {
            engine.setMarket(m, p, _rules());
        }
        _warp(8 hours); // 75 bps in 6 minutes each
        for (uint8 m; m < 3; ++m) {
            engine.sync(m);
            assertEq(engine.marketParams(m).maintenanceBps, 375);
        }
    }

    /// @dev {u/lot} the limit of eq. (19)
    function _perLot(uint8 m) private view returns (uint256) {
        Market memory market = engine.markets(m);
        (uint256 p, uint256 slow) = (market.price, market.slow);
        uint256 adverse = p > slow ? p - slow : slow - p;
        uint256 borne = (slow * 375 + 9_999) / 10_000;
        return adverse > borne ? adverse - borne : 0;
    }

    /// @dev All prices jump at once; everybody below zero is taken over, in any order, and so is who falls below by paying.
    /// forge-config: default.fuzz.runs = 100
    function testFuzz_LossShare_CoversEverythingIfAllWereAtMaintenance(uint256 seed, uint256[3] memory moves) public {
        uint256[ACCOUNTS] memory ids = _book(seed);
        for (uint256 i; i < ACCOUNTS; ++i) {
            assertApproxEqAbs(_equity(ids[i]), int256(_mm(ids[i])), USD); // initial margin grows a little faster
        }
        _warp(1);
        for (uint8 m; m < 3; ++m) {
            uint64 to = uint64((uint256(engine.markets(m).price) * bound(moves[m], 40, 160)) / 100);
            feeds[m].setRound(1_000, int256(uint256(to)), vm.getBlockTimestamp());
        }
        for (uint8 m; m < 3; ++m) {
            engine.sync(m);
        }

        uint256[3] memory interest;
        for (uint8 m; m < 3; ++m) {
            interest[m] = engine.markets(m).openInterest;
        }
        uint256 rounding; // {u} a unit a lot, a token unit of margin, each time
        for (uint256 round; round < 3; ++round) {
            for (uint256 i; i < ACCOUNTS; ++i) {
                uint256 id = ids[(i + (seed % ACCOUNTS)) % ACCOUNTS];
                if (_equity(id) >= 0) continue;
                engine.takeover(id, keeper);
                for (uint8 m; m < 3; ++m) {
                    rounding += interest[m] + 1e6;
                }
                for (uint8 m; m < 3; ++m) {
                    // lots that met inside the inventory no longer pay: without them nothing is left beyond rounding
                    uint256 met = interest[m] - engine.markets(m).openInterest;
                    assertLe(engine.deficit(m), met * _perLot(m) + rounding, "left beyond what has met");
                }
            }
        }
        for (uint256 i; i < ACCOUNTS; ++i) {
            assertGe(_equity(ids[i]), 0);
        }
        _assertWhole();
    }
}
