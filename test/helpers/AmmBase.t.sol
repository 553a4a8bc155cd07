// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {BackstopAMM} from "../../contracts/BackstopAMM.sol";
import {AmmOrder} from "../../contracts/interfaces/IMarginEngine.sol";
import {EngineBase} from "./EngineBase.t.sol";

/// @notice An engine whose first market has a curve of one provider.
abstract contract AmmBase is EngineBase {
    uint256 internal constant PROVIDED = 1_000_000; // {USD}

    BackstopAMM internal amm;
    uint256 internal provider;
    uint256 internal curve;

    function setUp() public virtual override {
        super.setUp();
        amm = BackstopAMM(engine.amm());
        curve = amm.accountOf(ETH);
        known.push(curve);
        provider = _account("provider");
        _provide(provider, PROVIDED);
        _deposit(alice, 1_000_000);
        _deposit(bob, 1_000_000);
    }

    function _provide(uint256 id, uint256 usd) internal returns (uint256 shares) {
        _deposit(id, usd);
        vm.prank(_owner(id));
        return amm.addLiquidity(ETH, id, uint128(usd * USD), 0);
    }

    function _order(uint256 id, int64 lots) internal view returns (AmmOrder memory) {
        return AmmOrder(id, ETH, lots, lots > 0 ? type(uint128).max : 0, uint32(vm.getBlockTimestamp()), false);
    }

    /// @return {u} paid or received
    function _swap(uint256 id, int64 lots) internal returns (uint256) {
        AmmOrder memory order = _order(id, lots);
        vm.prank(_owner(id));
        return engine.trade(order);
    }

    function _share(uint256 id) internal view returns (uint256) {
        return amm.balanceOf(_owner(id), amm.shareId(ETH));
    }
}
