// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {ExitRequest} from "../../contracts/interfaces/IBackstopPool.sol";
import {MockToken} from "../../contracts/mocks/MockToken.sol";
import {PoolTest} from "../helpers/PoolTest.sol";

/// @notice What must hold over any sequence of calls, for tokens of 6, 8 and 12 decimals.
contract BackstopPoolPropertiesTest is PoolTest {
    uint256 private constant STEPS = 40;

    address[3] private stakers;
    uint256 private unit; // {asset} one whole token
    uint256 private entropy;
    uint256 private staked;
    uint256 private income;
    uint256 private lost;
    uint256 private claimed;
    uint256 private donated;

    function _start(uint256 seed) private {
        uint8[3] memory decimals = [6, 8, 12];
        entropy = seed;
        token = new MockToken("USD", decimals[seed % 3]);
        (stack, pool) = _newPool(address(token));
        unit = 10 ** decimals[seed % 3];
        stakers = [alice, bob, carol];
    }

    function _random(uint256 min, uint256 max) private returns (uint256) {
        entropy = uint256(keccak256(abi.encode(entropy)));
        return min + (entropy % (max - min + 1));
    }

    /// @dev Price and books after any step: who may have lowered or raised the share price, and what must add up.
    function testFuzz_Sequence_PriceFallsOnlyByAbsorbAndBooksAddUp(uint256 seed) public {
        _start(seed);
        for (uint256 i; i < STEPS; ++i) {
            (uint256 assets, uint256 shares) = (pool.totalAssets() + 1, pool.totalSupply() + VIRTUAL_SHARES);
            uint256 rescalings = pool.rescalings();
            (bool mayFall, bool mayRise) = _step();
            uint256 bits = 24 * (pool.rescalings() - rescalings);
            uint256 before = assets * ((pool.totalSupply() + VIRTUAL_SHARES) << bits);
            uint256 afterwards = (pool.totalAssets() + 1) * shares;
            if (!mayFall) assertGe(afterwards, before, "share price fell");
            // without income or leavers it rises only by what a joiner loses to rounding: less than one share
            if (!mayRise) assertLt(afterwards, before + assets, "share price rose");
            _assertBooks();
        }
        _unwind();
    }

    function _step() private returns (bool mayFall, bool mayRise) {
        address staker = stakers[_random(0, 2)];
        uint256 kind = _random(0, 8);
        if (kind <= 1) {
            uint256 assets = _random(1, 1_000_000 * unit);
            if (pool.previewDeposit(assets) == 0) return (false, false);
            mayRise = pool.unvestedIncome() != 0; // who joins pays for it
            _stake(staker, assets);
            staked += assets;
        } else if (kind == 2) {
            _requestSome(staker);
        } else if (kind == 3) {
            mayRise = _exitSome(staker);
        } else if (kind == 4) {
            (uint256 closed, uint256 last) = pool.requestIds(staker);
            uint256 id = _random(closed, last);
            if (pool.exitRequest(staker, id).shares == 0) return (false, false);
            vm.prank(staker);
            pool.cancelExit(staker, id);
            mayRise = true; // queued stake earns nothing
        } else if (kind == 5) {
            lost += _absorb(_random(0, 2) == 0 ? type(uint128).max : _random(0, 100_000 * unit));
            mayFall = true;
        } else if (kind == 6) {
            uint256 assets = _random(0, 10_000 * unit);
            _income(assets);
            income += assets;
        } else if (kind == 7) {
            skip(_random(1, 4 days));
            mayRise = true; // income vests
        } else {
            uint256 assets = _random(1, 1_000 * unit);
            token.mint(address(pool), assets);
            donated += assets;
        }
    }

    function _requestSome(address staker) private {
        uint256 shares = _random(0, pool.balanceOf(staker));
        (uint256 closed, uint256 last) = pool.requestIds(staker);
        if (shares > type(uint104).max) shares = type(uint104).max;
        if (pool.convertToAssets(shares) == 0 || last - closed == 32) return;
        _request(staker, shares);
    }

    function _exitSome(address staker) private returns (bool) {
        uint256 max = pool.maxWithdraw(staker);
        if (max == 0) return false;
        uint256 assets;
        vm.startPrank(staker);
        if (_random(0, 1) == 0) {
            assets = _random(1, max);
            pool.withdraw(assets, staker, staker);
        } else {
            assets = pool.redeem(pool.maxRedeem(staker), staker, staker);
            assertEq(assets, max, "maxWithdraw is not what maxRedeem pays");
        }
        vm.stopPrank();
        claimed += assets;
        return true; // what the request gained stays with the others
    }

    function _assertBooks() private view {
        uint256 booked = _booked();
        assertEq(booked, staked + income - lost - claimed, "booked is not what came in less what went out");
        assertEq(token.balanceOf(address(pool)), booked + donated, "balance is not books plus surplus");

        uint256 redeemable;
        uint256 queued;
        uint256 shares;
        for (uint256 i; i < 3; ++i) {
            (uint256 closed, uint256 last) = pool.requestIds(stakers[i]);
            for (uint256 id = closed + 1; id <= last; ++id) {
                ExitRequest memory request = pool.exitRequest(stakers[i], id);
                queued += request.shares;
                redeemable += pool.convertToAssets(request.shares);
            }
            shares += pool.balanceOf(stakers[i]);
            redeemable += pool.convertToAssets(pool.balanceOf(stakers[i]));
        }
        // each rescaling rounds the shares of three stakers, and of their requests, down
        uint256 dust = pool.rescalings() * 3 * 32;
        assertLe(queued, pool.queuedShares(), "more is queued than the pool holds");
        assertLe(pool.queuedShares(), queued + dust, "the pool holds more than the queue");
        assertLe(shares + pool.queuedShares(), pool.totalSupply(), "more shares than the supply");
        assertLe(pool.totalSupply(), shares + queued + dust + 4 * pool.rescalings(), "shares do not sum to the supply");
        assertLe(redeemable, pool.totalAssets(), "more is redeemable than there is");
        assertLe(pool.freeStake(), pool.totalAssets(), "free stake above assets");
        assertLe(stack.absorbable(MARKET), booked, "more can be drawn than there is");
    }

    /// @dev From wherever the sequence has led: everybody out, one after the other.
    function _unwind() private {
        skip(30 days);
        for (uint256 i; i < 3; ++i) {
            address staker = stakers[i];
            (uint256 closed, uint256 last) = pool.requestIds(staker);
            for (uint256 id = closed + 1; id <= last; ++id) {
                if (pool.exitRequest(staker, id).shares != 0) pool.cancelExit(staker, id); // lapsed: anyone may
            }
            while (pool.convertToAssets(pool.balanceOf(staker)) != 0) {
                uint256 shares = pool.balanceOf(staker);
                if (shares > type(uint104).max) shares = type(uint104).max;
                if (pool.convertToAssets(shares) == 0) break;
                uint256 requestId = _request(staker, shares);
                skip(7 days);
                claimed += _claim(staker, requestId);
            }
        }
        _assertBooks();
        assertLe(pool.queuedShares(), pool.rescalings() * 3 * 32, "somebody is stuck in the queue");
    }

    function testFuzz_RoundTrip_NeverProfits(uint256 seed, uint256 assets) public {
        _start(seed);
        _openBudgets();
        _stake(bob, _random(2 * unit, 1_000_000 * unit));
        _income(_random(1, 10_000 * unit));
        skip(3 days);
        _absorb(_random(0, 1_000_000 * unit));
        assets = bound(assets, unit, 1_000_000 * unit);

        uint256 shares = _stake(alice, assets);
        uint256 requestId = _matured(alice);
        uint256 back = _claim(alice, requestId);
        assertLe(back, assets);
        assertGe(back + 1 + pool.convertToAssets(shares) / shares, assets); // a unit for each rounding at most

        token.mint(alice, assets);
        vm.startPrank(alice);
        token.approve(address(pool), type(uint256).max);
        uint256 cost = pool.mint(shares, alice);
        pool.requestRedeem(shares, alice, alice);
        skip(7 days);
        back = pool.maxWithdraw(alice);
        assertLe(back, cost);
        pool.withdraw(back, alice, alice);
    }
}
