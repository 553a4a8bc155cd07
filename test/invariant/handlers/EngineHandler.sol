// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {KeeperActions} from "./KeeperActions.sol";
import {StakerActions} from "./StakerActions.sol";
import {TraderActions} from "./TraderActions.sol";

/// @title EngineHandler
/// @notice Traders, keepers, stakers and governance in markets of different price scales, in weather that is often bad.
contract EngineHandler is TraderActions, KeeperActions, StakerActions {
    /// @notice The actions of a campaign. In the order of a day: trading first, then losses.
    function actions() external pure virtual returns (bytes4[] memory list) {
        list = new bytes4[](25);
        list[0] = this.deposit.selector;
        list[1] = this.stake.selector;
        list[2] = this.open.selector;
        list[3] = this.openMore.selector;
        list[4] = this.movePrice.selector;
        list[5] = this.flip.selector;
        list[6] = this.sync.selector;
        list[7] = this.reduce.selector;
        list[8] = this.flag.selector;
        list[9] = this.wait_.selector;
        list[10] = this.unflag.selector;
        list[11] = this.jump.selector;
        list[12] = this.liquidate.selector;
        list[13] = this.takeover.selector;
        list[14] = this.rescue.selector;
        list[15] = this.coverInventory.selector;
        list[16] = this.withdraw.selector;
        list[17] = this.transfer.selector;
        list[18] = this.collectIncome.selector;
        list[19] = this.requestExit.selector;
        list[20] = this.cancelExit.selector;
        list[21] = this.claimExit.selector;
        list[22] = this.donate.selector;
        list[23] = this.pause.selector;
        list[24] = this.govern.selector;
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
