// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {BackstopPool} from "../../contracts/BackstopPool.sol";
import {MarginEngine} from "../../contracts/MarginEngine.sol";
import {MockToken} from "../../contracts/mocks/MockToken.sol";
import {Oracle} from "../../contracts/Oracle.sol";

/// @notice Deploys in the caller's name. A linked library, so that the compiler optimises the contracts once and not again inside
/// every test contract.
library Deployer {
    function core(
        uint8 decimals
    ) external returns (MockToken token, AccessManager manager, Oracle oracle, MarginEngine) {
        token = new MockToken("USDC", decimals);
        manager = new AccessManager(address(this));
        oracle = new Oracle(address(manager));
        return (token, manager, oracle, new MarginEngine(address(token), address(oracle), address(manager)));
    }

    function pool(address asset, address engine_, address manager) external returns (BackstopPool) {
        return new BackstopPool(asset, engine_, manager, "Backstop share", "BACK");
    }

    function engine(address token, address oracle, address manager) external returns (MarginEngine) {
        return new MarginEngine(token, oracle, manager);
    }
}
