// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {FeedConfig, PriceState, Quote} from "../../contracts/interfaces/IOracle.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {Oracle} from "../../contracts/Oracle.sol";
import {BaseTest} from "../helpers/Base.t.sol";
import {Deployer} from "../helpers/Deployer.sol";

contract OracleAveragesTest is BaseTest {
    struct Print {
        uint256 time; // {s}
        uint256 price; // {u/lot}
    }

    uint8 private constant ETH = 0;
    uint256 private constant START = 1_700_000_040; // a whole minute
    uint256 private constant KEPT = 65; // minutes with a sample: 64 in the ring and the live one

    Oracle private _oracle;
    MockAggregator private _feed;
    Print[] private _prints; // everything recorded
    Print[] private _minutes; // the last of each minute

    function setUp() public {
        vm.warp(START);
        _oracle = Deployer.oracle(address(new AccessManager(address(this))));
        _feed = new MockAggregator(8, 2000e8);
        _configure();
        _remember(2000e8);
    }

    /* EMA */

    function test_Quote_GivesTheShortAverageInTheEdges() public {
        _print(60, 1000e8);
        assertEq(_oracle.quote(ETH).high, 2020e8, "a new price has no weight yet");
        assertEq(_oracle.quote(ETH).low, 990e8);
        vm.warp(START + 60 + 600);
        assertEq(_oracle.quote(ETH).high, 1515e8, "half way after ten minutes");
        assertEq(_oracle.quote(ETH).low, 990e8);
        vm.warp(START + 60 + 1200);
        assertEq(_oracle.quote(ETH).high, 1262.5e8);
    }

    function test_Quote_GivesTheSlowAverage() public {
        _print(60, 1000e8);
        assertEq(_oracle.quote(ETH).slow, 2000e8);
        vm.warp(START + 60 + 1 hours);
        assertEq(_oracle.quote(ETH).slow, 1500e8);
        vm.warp(START + 60 + 2 hours);
        assertEq(_oracle.quote(ETH).slow, 1250e8);
    }

    function test_Sync_GivesAPrintOfOneBlockTheWeightOfOneBlock() public {
        _print(60, 200_000e8); // 100x
        _print(12, 2000e8);
        assertEq(_oracle.quote(ETH).slow, 245_694_904_765); // up, toward the print: 245694904764.94
        _print(0, 3000e8); // a second answer in the same block replaces it without weight; it has a later date
        assertEq(_oracle.quote(ETH).price, 2000e8, "the same date: the first stands");
    }

    function test_Quote_RoundsTheEdgesApart() public {
        _print(60, 2001e8 - 1);
        vm.warp(START + 2 days);
        Quote memory q = _oracle.quote(ETH);
        assertEq(q.slow, 2001e8 - 1, "reached"); // 48 half-lives
        assertEq(q.low, 198_098_999_999); // 198,098,999,999.01
        assertEq(q.high, 202_100_999_999); // 202,100,999,998.99
    }

    function testFuzz_Sync_SplitsAnIntervalWithinTwoUnits(uint64 price, uint32 first, uint32 second) public {
        price = uint64(bound(price, 1e8, 1e15));
        first = uint32(bound(first, 1, 4 hours));
        second = uint32(bound(second, 1, 4 hours));
        _print(60, int256(uint256(price)));
        uint256 snapshot = vm.snapshotState();
        vm.warp(START + 60 + first + second);
        Quote memory once = _oracle.quote(ETH);
        vm.revertToState(snapshot);

        _print(first, int256(uint256(price)));
        vm.warp(START + 60 + first + second);
        Quote memory twice = _oracle.quote(ETH);

        assertApproxEqAbs(twice.slow, once.slow, 2);
        assertApproxEqAbs(twice.low, once.low, 3); // and a rounding of the edge
        assertApproxEqAbs(twice.high, once.high, 3);
        assertGe(twice.high, twice.low);
    }

    /* TWAP */

    function test_Twap_GivesTheOnlyPrice() public {
        _checkTwap(0, 2000e8, 1);
        _checkTwap(1 hours, 2000e8, 1);
        vm.warp(START + 1 days);
        _checkTwap(1 hours, 2000e8, 1);
        _checkTwap(2 days, 2000e8, 1);
        _checkTwap(type(uint32).max, 2000e8, 1);
    }

    function test_Twap_WeighsByTime() public {
        _print(120, 1000e8);
        _print(240, 3000e8);
        vm.warp(START + 480); // 120 s at 2000, 240 s at 1000, 120 s at 3000
        _checkTwap(0, 3000e8, 1);
        _checkTwap(120, 3000e8, 1);
        _checkTwap(180, uint256(3000e8 * 120 + 1000e8 * 60) / 180, 2);
        _checkTwap(121, uint256(3000e8 * 120 + 1000e8 * 60) / 180, 2); // starts on a whole minute
        _checkTwap(360, uint256(3000e8 * 120 + 1000e8 * 240) / 360, 2);
        _checkTwap(420, uint256(3000e8 * 120 + 1000e8 * 240 + 2000e8 * 60) / 420, 3);
        _checkTwap(480, uint256(3000e8 * 120 + 1000e8 * 240 + 2000e8 * 120) / 480, 3);
        _checkTwap(1 days, uint256(3000e8 * 120 + 1000e8 * 240 + 2000e8 * 120) / 480, 3); // longer than history
    }

    function test_Twap_GivesThePrintOfThisSecondNoWeight() public {
        _print(600, 1e8);
        _checkTwap(600, 2000e8, 2);
        _checkTwap(0, 1e8, 1); // no length
    }

    function test_Twap_CountsEveryPrintOfAMinute() public {
        _print(90, 1000e8);
        _print(10, 3000e8);
        _print(10, 500e8);
        vm.warp(START + 180);
        // The minute from 60 on: 30 s at 2000, 10 s at 1000, 10 s at 3000, then 500.
        _checkTwap(120, uint256(2000e8 * 30 + 1000e8 * 10 + 3000e8 * 10 + 500e8 * 70) / 120, 2);
    }

    function test_Twap_ForgetsWhatLeftTheRing() public {
        for (uint256 i = 1; i <= 64; ++i) _print(60, int256(2000e8 + i * 1e8));
        (, uint256 samples) = _oracle.twap(ETH, 1 days);
        assertEq(samples, 65);
        _checkTwap(1 days, _naive(1 days), 65);
        _print(60, 5000e8); // the very first falls out
        vm.warp(_now() + 30);
        _checkTwap(1 days, _naive(1 days), 65);
        assertEq(_naive(1 days), (uint256(2032.5e8) * 64 * 60 + uint256(5000e8) * 30) / (64 * 60 + 30));
    }

    /// hardhat-config: fuzz.runs = 64
    function testFuzz_Twap_MatchesANaiveReference(uint256 seed, uint256 count, uint256 pace, uint32 window) public {
        count = bound(count, 0, 160);
        pace = bound(pace, 1, 200); // {s} longest gap
        for (uint256 i; i < count; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            _print(1 + (random % pace), int256(1e8 + ((random >> 128) % 1e13)));
        }
        vm.warp(_now() + (seed % 150));
        window = uint32(bound(window, 0, 4 hours));

        (uint64 price, uint256 samples) = _oracle.twap(ETH, window);
        assertEq(price, _naive(window));
        assertEq(samples, _naiveSamples(window));
        (price, samples) = _oracle.twap(ETH, type(uint32).max);
        assertEq(price, _naive(type(uint32).max));
        assertEq(samples, _minutes.length < KEPT ? _minutes.length : KEPT);
    }

    /* HELPERS */

    /// @dev Whatever the feed says now is no step.
    function _configure() private {
        _oracle.configure(
            ETH,
            FeedConfig(address(_feed), 1 hours, 100, type(uint16).max, 4, 0, type(uint128).max, address(0))
        );
    }

    function _print(uint256 gap, int256 answer) private {
        vm.warp(_now() + gap);
        _feed.setAnswer(answer);
        if (_oracle.sync(ETH).state == PriceState.JUMP) _configure();
        if (gap != 0) _remember(uint256(answer));
    }

    /// @dev The optimizer takes `block.timestamp` for constant in a call, which `warp` belies.
    function _now() private view returns (uint256) {
        return vm.getBlockTimestamp();
    }

    function _remember(uint256 price) private {
        Print memory p = Print(_now(), price);
        _prints.push(p);
        uint256 n = _minutes.length;
        if (n != 0 && _minutes[n - 1].time / 60 == p.time / 60) _minutes[n - 1] = p;
        else _minutes.push(p);
    }

    function _checkTwap(uint32 window, uint256 price, uint256 samples) private view {
        (uint64 actual, uint256 count) = _oracle.twap(ETH, window);
        assertEq(actual, price);
        assertEq(count, samples);
    }

    function _naiveStart(uint256 window) private view returns (uint256 start) {
        uint256 n = _minutes.length;
        start = window > _now() ? 0 : ((_now() - window) / 60) * 60;
        uint256 oldest = _minutes[n > KEPT ? n - KEPT : 0].time;
        if (start < oldest) start = oldest;
    }

    /// @dev Walks over every print ever made.
    function _naive(uint256 window) private view returns (uint256) {
        uint256 start = _naiveStart(window);
        uint256 n = _prints.length;
        if (start >= _now()) return _prints[n - 1].price;
        uint256 sum;
        for (uint256 i; i < n; ++i) {
            uint256 from = _prints[i].time < start ? start : _prints[i].time;
            uint256 to = i + 1 < n ? _prints[i + 1].time : _now();
            if (to > from) sum += _prints[i].price * (to - from);
        }
        return sum / (_now() - start);
    }

    function _naiveSamples(uint256 window) private view returns (uint256 samples) {
        uint256 start = _naiveStart(window);
        samples = 1;
        for (uint256 i; i < _minutes.length; ++i) if (_minutes[i].time > start) ++samples;
    }
}
