// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ExitRequest} from "../../../contracts/interfaces/IBackstopPool.sol";
import {Tally} from "./Tally.sol";
import {World} from "./World.sol";

/// @title StakerActions
/// @notice Stakers come and go; strangers send tokens to the contracts.
abstract contract StakerActions is World {
    struct Exit {
        address staker;
        uint256 requestId;
    }

    Exit[] internal exits; // open ones

    function stake(uint256 seed) external act(seed) {
        address staker = stakers[_pick(0, STAKERS - 1)];
        uint256 assets = _pickLog(1e12 / unit, _maxStake());
        uint256 most = pool.maxDeposit(staker);
        assets = assets < most ? assets : most;
        if (pool.previewDeposit(assets) == 0) return;
        (uint256 gain, ) = pool.pending();
        mayRise = gain != 0; // who joins pays for it
        uint256 held = pool.balanceOf(staker);

        uint256 shares = _stake(staker, assets);

        assertEq(pool.balanceOf(staker), held + shares, "BP-3: a stake gives the shares it says");
        assertLe(pool.convertToAssets(shares), assets, "BP-2: a stake is worth no more than it cost");
        _count(Tally.STAKED);
    }

    function requestExit(uint256 seed) external act(seed) {
        address staker = stakers[_pick(0, STAKERS - 1)];
        uint256 shares = pool.balanceOf(staker);
        shares = shares < type(uint104).max ? shares : type(uint104).max;
        if (exits.length >= 24 || pool.convertToAssets(shares / 8) == 0) return;
        shares = _pick(shares / 8, shares);

        vm.prank(staker);
        uint256 id = pool.requestRedeem(shares, staker, staker);

        exits.push(Exit(staker, id));
        _count(Tally.EXIT_REQUESTED);
    }

    function cancelExit(uint256 seed) external act(seed) {
        if (exits.length == 0) return;
        (uint256 i, Exit memory exit) = _pickExit();
        uint256 held = pool.balanceOf(exit.staker);

        vm.prank(exit.staker);
        uint256 shares = pool.cancelExit(exit.staker, exit.requestId);

        assertEq(pool.balanceOf(exit.staker), held + shares, "BP-4: a cancelled exit gives its shares back");
        _close(i);
        _count(Tally.EXIT_CANCELLED);
    }

    /// @notice Claims part or all of a request, after waiting for its window if need be; takes a lapsed one back.
    function claimExit(uint256 seed) external act(seed) {
        if (exits.length == 0) return;
        (uint256 i, Exit memory exit) = _pickExit();
        ExitRequest memory request = pool.exitRequest(exit.staker, exit.requestId);
        if (pool.poolTime() > request.lapsesAt) {
            pool.cancelExit(exit.staker, exit.requestId); // anyone may
            _close(i);
            _count(Tally.EXIT_CANCELLED);
            return;
        }
        if (pool.poolTime() < request.claimableAt) {
            if (_pick(0, 1) == 0) return;
            _wait(request.claimableAt - pool.poolTime());
        }
        if (clock < pool.gateEnd()) {
            if (_pick(0, 1) == 0) return;
            _wait(pool.gateEnd() - clock);
        }
        if (pool.claimableRedeemRequest(exit.requestId, exit.staker) == 0) return; // the gate was closed while it waited
        uint256 shares = _pick(0, 1) == 0 ? request.shares : _pick(1, request.shares);
        (, uint256 loss) = pool.pending();
        uint256 assetsLeft = pool.totalAssets() > loss ? pool.totalAssets() - loss : 0;
        uint256 value = Math.mulDiv(shares, assetsLeft + 1, pool.totalSupply() + 1e6);
        uint256 cap = (uint256(request.valueCap) * shares) / request.shares;
        uint256 expected = value < cap ? value : cap;
        if (expected == 0) return;
        uint256 held = token.balanceOf(exit.staker);

        mayRise = true; // what the claim forgoes stays with the others
        vm.prank(exit.staker);
        uint256 assets = pool.claimExit(exit.staker, exit.requestId, shares, exit.staker);

        assertEq(assets, expected, "BP-6: a claim pays the lower of the two values");
        assertEq(token.balanceOf(exit.staker), held + assets, "BP-1: a claim pays what it says");
        if (shares == request.shares) _close(i);
        _count(Tally.EXIT_CLAIMED);
    }

    function donate(uint256 seed) external act(seed) {
        uint256 amount = _pickLog(1, 10_000e12 / unit);
        bool toEngine = _pick(0, 1) == 0;
        token.mint(toEngine ? address(engine) : address(pool), amount);
        if (toEngine) surplus += int256(amount);
        else poolDonations += amount;
        _count(Tally.DONATED);
    }

    /// @dev {token} of one stake
    function _maxStake() internal view virtual returns (uint256) {
        return 5_000e12 / unit;
    }

    /// @notice {share} in open requests
    function queued() external view returns (uint256 shares) {
        for (uint256 i; i < exits.length; ++i) shares += pool.exitRequest(exits[i].staker, exits[i].requestId).shares;
    }

    function _pickExit() private returns (uint256 i, Exit memory exit) {
        i = _pick(0, exits.length - 1);
        exit = exits[i];
        // rather one that has not lapsed
        for (
            uint256 k;
            k < exits.length && pool.poolTime() > pool.exitRequest(exit.staker, exit.requestId).lapsesAt;
            ++k
        ) {
            i = (i + 1) % exits.length;
            exit = exits[i];
        }
    }

    function _close(uint256 i) private {
        exits[i] = exits[exits.length - 1];
        exits.pop();
        mayRise = true;
    }
}
