// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {MockPyth} from "@pythnetwork/pyth-sdk-solidity/MockPyth.sol";
import {FeedConfig, PriceState, Quote, SecondConfig} from "../../contracts/interfaces/IOracle.sol";
import {BadFeed} from "../../contracts/mocks/BadFeed.sol";
import {Oracle} from "../../contracts/Oracle.sol";
import {BaseTest} from "./Base.t.sol";
import {Deployer} from "./Deployer.sol";

/// @notice One market at 2000 USD, lots of 1e-4 coin, so that {u/lot} is the answer and the mantissa of the second source at exponent -8.
/// Steps of more than 10 %, edges of 0.5 %. Nothing but the feed unless a test adds it.
abstract contract OracleBase is BaseTest {
    uint8 internal constant ETH = 0;
    uint32 internal constant MAX_AGE = 1 hours;
    uint16 internal constant EDGE = 50; // {bps}
    uint16 internal constant JUMP = 1000; // {bps}
    uint64 internal constant P0 = 2000e8; // {u/lot}
    uint64 internal constant HIGH = 3000e8; // {u/lot} a step up
    uint64 internal constant MIN_ANSWER = 1e8;
    uint64 internal constant MAX_ANSWER = 1_000_000e8;
    uint256 internal constant START = 1_700_000_040; // a whole minute
    uint256 internal constant FEE = 7; // {wei} of one update
    bytes32 internal constant ID = "ETH/USD";

    Oracle internal oracle;
    BadFeed internal feed;
    BadFeed internal sequencer;
    MockPyth internal pyth;
    uint80 internal round = 1;

    function setUp() public virtual {
        vm.warp(START);
        oracle = Deployer.oracle(address(new AccessManager(address(this))));
        feed = new BadFeed(abi.encode(8), _round(P0, START));
        sequencer = new BadFeed(abi.encode(0), _status(0, START - 1 days));
        pyth = new MockPyth(60, FEE);
        oracle.configure(ETH, _config());
    }

    receive() external payable {}

    /* SETTINGS */

    function _config() internal view returns (FeedConfig memory) {
        return FeedConfig(address(feed), MAX_AGE, EDGE, JUMP, 4, MIN_ANSWER, MAX_ANSWER, address(0));
    }

    function _addSecond() internal {
        oracle.configureSecond(ETH, SecondConfig(address(pyth), ID));
    }

    function _addSequencer() internal {
        FeedConfig memory config = _config();
        config.sequencer = address(sequencer);
        oracle.configure(ETH, config);
    }

    /* FEEDS */

    function _now() internal view returns (uint256) {
        return vm.getBlockTimestamp();
    }

    function _wait(uint256 delay) internal {
        vm.warp(_now() + delay);
    }

    function _round(uint64 answer, uint256 updatedAt) internal view returns (bytes memory) {
        return abi.encode(round, answer, updatedAt, updatedAt, round);
    }

    /// @param answer 0: up
    function _status(int256 answer, uint256 since) internal pure returns (bytes memory) {
        return abi.encode(1, answer, since, since, 1);
    }

    /// @dev The feed's next round, dated now.
    function _answer(uint64 price) internal {
        _answer(price, _now());
    }

    function _answer(uint64 price, uint256 updatedAt) internal {
        ++round;
        feed.setRound(_round(price, updatedAt));
    }

    function _updates(uint64 price, uint64 confidence, uint256 publishTime) internal view returns (bytes[] memory all) {
        all = new bytes[](1);
        int64 mantissa = int64(price);
        all[0] = pyth.createPriceFeedUpdateData(
            ID,
            mantissa,
            confidence,
            -8,
            mantissa,
            confidence,
            uint64(publishTime),
            uint64(publishTime) - 1
        );
    }

    /// @dev Somebody brings a price of the second source.
    function _sign(uint64 price, uint64 confidence, uint256 publishTime) internal {
        oracle.updateSecond{value: FEE}(ETH, _updates(price, confidence, publishTime));
    }

    function _sign(uint64 price) internal {
        _sign(price, 0, _now());
    }

    /* CHECKS */

    /// @dev Syncs. What the view said before is what comes back, and neither a second sync nor the view afterwards say otherwise.
    function _sync() internal returns (Quote memory q) {
        bytes memory expected = abi.encode(oracle.quote(ETH));
        q = oracle.sync(ETH);
        assertEq(abi.encode(q), expected, "sync returns what quote said");
        vm.recordLogs();
        vm.record();
        assertEq(abi.encode(oracle.sync(ETH)), expected, "a second sync returns the same");
        (, bytes32[] memory writes) = vm.accesses(address(oracle));
        assertEq(writes.length, 0, "a second sync writes nothing");
        assertEq(vm.getRecordedLogs().length, 0, "a second sync emits nothing");
        assertEq(abi.encode(oracle.quote(ETH)), expected, "the view still says the same");
    }

    function _check(uint64 price, PriceState state) internal returns (Quote memory q) {
        q = _sync();
        assertEq(uint8(q.state), uint8(state), "state");
        assertEq(q.price, price, "price");
    }

    function _checkHeld(uint64 price, uint256 since) internal view {
        (uint64 heldPrice, uint32 heldSince) = oracle.heldPrice(ETH);
        assertEq(heldPrice, price, "held price");
        assertEq(heldSince, since, "held since");
    }
}
