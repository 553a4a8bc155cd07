// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {CapitalStack} from "../../../contracts/CapitalStack.sol";
import {MarketParams, MarketRules} from "../../../contracts/interfaces/IMarginEngine.sol";
import {FeedConfig} from "../../../contracts/interfaces/IOracle.sol";
import {MarginEngine} from "../../../contracts/MarginEngine.sol";
import {MockAggregator} from "../../../contracts/mocks/MockAggregator.sol";
import {MockToken} from "../../../contracts/mocks/MockToken.sol";
import {Oracle} from "../../../contracts/Oracle.sol";
import {BaseTest} from "../../helpers/Base.t.sol";
import {Deployer} from "../../helpers/Deployer.sol";

/// @notice What a campaign plays with.
struct System {
    MockToken token;
    Oracle oracle;
    MarginEngine engine;
    CapitalStack stack;
    MockAggregator[] feeds;
}

/// @notice A market as a campaign starts it.
struct Listing {
    int256 answer; // {1e-8 USD/coin}
    uint8 lotDecimals;
    uint16 edgeBps; // {bps}
    uint32 maxAge; // {s}
    MarketParams params;
    MarketRules rules;
}

/// @notice Deploys the contracts around a handler, which is the engine's exchange and holds every role.
abstract contract SystemTest is BaseTest {
    uint256 internal constant START = 1_750_000_000; // {s}

    function _deploy(
        address handler,
        uint8 tokenDecimals,
        Listing[] memory listings
    ) internal returns (System memory system) {
        vm.warp(START);
        AccessManager manager = new AccessManager(address(this));
        manager.grantRole(manager.ADMIN_ROLE(), handler, 0);
        system.token = new MockToken("USD", tokenDecimals);
        system.oracle = Deployer.oracle(address(manager));
        system.engine = Deployer.engine(address(system.token), address(system.oracle), address(manager));
        system.stack = Deployer.stack(address(system.token), address(system.engine), address(manager));
        vm.mockCall(handler, abi.encodeWithSignature("engine()"), abi.encode(system.engine)); // it learns that later
        Deployer.wire(system.engine, address(system.stack), handler, address(manager));
        vm.clearMockedCalls();
        system.stack.setTranches(0, 20_000, 0);
        system.stack.senior().setExitClocks(1 days, 2 days);

        system.feeds = new MockAggregator[](listings.length);
        for (uint8 m; m < listings.length; ++m) {
            Listing memory listing = listings[m];
            system.feeds[m] = new MockAggregator(8, listing.answer);
            system.oracle.configure(
                m,
                FeedConfig({
                    aggregator: address(system.feeds[m]),
                    maxAge: listing.maxAge,
                    edgeBps: listing.edgeBps,
                    jumpBps: type(uint16).max,
                    lotDecimals: listing.lotDecimals,
                    minAnswer: 0,
                    maxAnswer: type(uint128).max,
                    sequencer: address(0)
                })
            );
            system.engine.setMarket(m, listing.params, listing.rules);
        }
    }

    function _defaultParams() internal pure returns (MarketParams memory) {
        return
            MarketParams({
                initialBps: 500,
                maintenanceBps: 310,
                rampNotional: 50_000_000,
                bandBps: 500,
                minLots: 100,
                takerFeePpm: 500,
                makerRebatePpm: 100,
                discountBps: 50,
                liquidatorShareBps: 5000,
                takeoverReward: 5e12
            });
    }

    function _defaultRules() internal pure returns (MarketRules memory) {
        return
            MarketRules({
                shockBps: 3000,
                stakeShareBps: 10_000,
                interestRate: 100_000,
                skewFactor: 1_000_000,
                fundingCap: 4_000_000,
                premiumRate: 25_000,
                bucketTarget: 500,
                maintenanceTargetBps: 310,
                maintenanceFromBps: 0,
                rampStartedAt: 0
            });
    }
}
