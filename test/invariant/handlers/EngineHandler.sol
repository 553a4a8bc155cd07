// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AmmActions} from "./AmmActions.sol";
import {DeleverageActions} from "./DeleverageActions.sol";
import {KeeperActions} from "./KeeperActions.sol";
import {StakerActions} from "./StakerActions.sol";
import {TraderActions} from "./TraderActions.sol";
import {WindDownActions} from "./WindDownActions.sol";

/// @title EngineHandler
/// @notice Traders, keepers, stakers, guardian and governance in markets of different price scales, in weather that is often bad.
contract EngineHandler is TraderActions, KeeperActions, StakerActions, DeleverageActions, WindDownActions, AmmActions {
    /// @notice The actions of a campaign; what is listed twice is twice as likely.
    function actions() external pure virtual returns (bytes4[] memory list) {
        bytes4[78] memory all = [
            this.deposit.selector,
            this.withdraw.selector,
            this.withdraw.selector,
            this.transfer.selector,
            this.open.selector,
            this.open.selector,
            this.open.selector,
            this.open.selector,
            this.crowd.selector,
            this.crowd.selector,
            this.crowd.selector,
            this.crowd.selector,
            this.reduce.selector,
            this.reduce.selector,
            this.flip.selector,
            this.movePrice.selector,
            this.jump.selector,
            this.wait_.selector,
            this.sync.selector,
            this.flag.selector,
            this.unflag.selector,
            this.unflag.selector,
            this.liquidate.selector,
            this.liquidate.selector,
            this.liquidate.selector,
            this.takeover.selector,
            this.takeover.selector,
            this.takeover.selector,
            this.rescue.selector,
            this.crash.selector,
            this.crash.selector,
            this.crash.selector,
            this.coverInventory.selector,
            this.coverInventory.selector,
            this.collectIncome.selector,
            this.stake.selector,
            this.requestExit.selector,
            this.requestExit.selector,
            this.cancelExit.selector,
            this.claimExit.selector,
            this.claimExit.selector,
            this.pausePool.selector,
            this.donate.selector,
            this.pause.selector,
            this.govern.selector,
            this.setCap.selector,
            this.deleverage.selector,
            this.squeeze.selector,
            this.whiplash.selector,
            this.whiplash.selector,
            this.whiplash.selector,
            this.whiplash.selector,
            this.settle.selector,
            this.settle.selector,
            this.collectClaim.selector,
            this.breakEngine.selector,
            this.repayEngine.selector,
            this.recover.selector,
            this.recover.selector,
            this.recover.selector,
            this.recover.selector,
            this.windDown.selector,
            this.windDown.selector,
            this.close.selector,
            this.hold.selector,
            this.join.selector,
            this.join.selector,
            this.join.selector,
            this.leave.selector,
            this.leave.selector,
            this.setCurveFee.selector,
            this.swap.selector,
            this.swap.selector,
            this.swap.selector,
            this.raid.selector,
            this.auction.selector,
            this.liquidateToAmm.selector,
            this.liquidateToAmm.selector
        ];
        list = new bytes4[](all.length);
        for (uint256 i; i < all.length; ++i) list[i] = all[i];
    }

    function _answerRange(uint256 m) internal view virtual override returns (uint256 low, uint256 high) {
        // ETH at 2,000, BTC at 60,000, a coin at 0.00012345: {1e-8 USD}
        uint256 first =
            m == 0
                ? 2_000e8
                : m == 1
                    ? 60_000e8
                    : 12_345;
        return (first / 50, first * 50);
    }
}
