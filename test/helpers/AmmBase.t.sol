// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {BackstopAMM} from "../../contracts/BackstopAMM.sol";
import {AmmOrder} from "../../contracts/interfaces/IMarginEngine.sol";
import {CurveLib} from "../../contracts/libraries/CurveLib.sol";
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

    /// @dev Long `lots` with about `permille` of maintenance margin left after the index fell; the curve has followed.
    function _unhealthy(uint56 lots, uint256 permille) internal returns (uint256 id) {
        _warp(8 hours); // nobody has won
        engine.sync(ETH);
        uint256 price = engine.markets(ETH).price;
        id = _account(string(abi.encodePacked("unhealthy", vm.toString(price))));
        _deposit(bob, 10_000_000);
        _deposit(id, (53 * lots * price) / 1000 / USD + 1);
        _trade(id, bob, lots);
        _setPriceLongAgo(ETH, uint64((price * (1_000_000 - 53_000 + 30 * permille)) / 1_000_000));
        _align();
    }

    /// @dev Bob brings the curve to the index.
    function _align() internal {
        uint256 price = engine.markets(ETH).price;
        uint256 lots = CurveLib.lotsTo(amm.curves(ETH), false, price);
        if (lots != 0) _swap(bob, -int64(uint64(lots)));
        lots = CurveLib.lotsTo(amm.curves(ETH), true, price);
        if (lots != 0) _swap(bob, int64(uint64(lots)));
    }

    /// @dev The curve is short 190,000 USD and most of its provider's shares have left in cash: 2.9 times what stays.
    function _lever() internal {
        _swap(alice, 450_000);
        _setPriceLongAgo(ETH, 2_094e8);
        _swap(bob, 450_000);
        uint256 shares = _share(provider);
        vm.prank(_owner(provider));
        amm.removeLiquidity(ETH, provider, (shares * 934) / 1000, false, 0);
    }

    /// @dev The provider leaves in cash with as much as he is let, to a thousandth.
    function _leaveAsFarAsAllowed() internal {
        uint256 shares = _share(provider);
        for (uint256 i = 1_000; i != 0; --i) {
            vm.prank(_owner(provider));
            try amm.removeLiquidity(ETH, provider, (shares * i) / 1_000, false, 0) {
                break;
            } catch {}
        }
    }
}
