// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {BackstopAMM} from "../../contracts/BackstopAMM.sol";
import {CapitalStack} from "../../contracts/CapitalStack.sol";
import {Exchange} from "../../contracts/Exchange.sol";
import {IMarginEngine} from "../../contracts/interfaces/IMarginEngine.sol";
import {MarginEngine} from "../../contracts/MarginEngine.sol";
import {MockToken} from "../../contracts/mocks/MockToken.sol";
import {Oracle} from "../../contracts/Oracle.sol";
import {RiskEngine} from "../../contracts/RiskEngine.sol";

/// @notice Deploys in the caller's name. A linked library, so that the contracts are compiled here, once and as they go to a chain,
/// and not again inside every test contract.
library Deployer {
    function core(
        uint8 decimals
    ) external returns (MockToken token, AccessManager manager, Oracle oracle_, MarginEngine) {
        token = new MockToken("USDC", decimals);
        manager = new AccessManager(address(this));
        oracle_ = new Oracle(address(manager));
        return (token, manager, oracle_, new MarginEngine(address(token), address(oracle_), address(manager)));
    }

    function oracle(address manager) external returns (Oracle) {
        return new Oracle(manager);
    }

    function exchange(address engine_) external returns (Exchange) {
        return new Exchange(IMarginEngine(engine_));
    }

    /// @dev The treasury is the zero address but one.
    function stack(address asset, address engine_, address manager) external returns (CapitalStack) {
        return new CapitalStack(asset, engine_, address(1), manager, "Backstop share", "BACK");
    }

    function risk(address engine_, address manager) external returns (RiskEngine) {
        return new RiskEngine(engine_, manager);
    }

    function amm(address engine_, address manager) external returns (BackstopAMM) {
        return new BackstopAMM(engine_, manager);
    }

    /// @notice Wires an engine with a risk engine and an AMM of its own.
    function wire(MarginEngine engine_, address stack_, address exchange_, address manager) external {
        address risk_ = address(new RiskEngine(address(engine_), manager));
        engine_.wire(stack_, exchange_, risk_, address(new BackstopAMM(address(engine_), manager)));
    }

    function engine(address token, address oracle_, address manager) external returns (MarginEngine) {
        return new MarginEngine(token, oracle_, manager);
    }
}
