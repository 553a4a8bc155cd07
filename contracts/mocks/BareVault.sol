// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";

/// @notice OpenZeppelin's ERC-4626 with nothing added: what a vault costs that neither pays losses nor makes leavers wait.
contract BareVault is ERC4626 {
    constructor(IERC20 asset_) ERC20("Bare vault", "BARE") ERC4626(asset_) {}
}
