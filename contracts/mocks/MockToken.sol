// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @notice A plain OpenZeppelin ERC-20 with permit, chosen decimals and a mint that is open to anyone.
contract MockToken is ERC20, ERC20Permit {
    uint8 private immutable tokenDecimals;

    constructor(string memory name_, uint8 decimals_) ERC20(name_, name_) ERC20Permit(name_) {
        tokenDecimals = decimals_;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public view override returns (uint8) {
        return tokenDecimals;
    }
}
