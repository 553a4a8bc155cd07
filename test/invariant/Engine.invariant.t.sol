// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IRiskEngine, VolatilityLimits} from "../../contracts/interfaces/IRiskEngine.sol";
import {EngineHandler} from "./handlers/EngineHandler.sol";
import {LedgerChecks} from "./handlers/LedgerChecks.sol";
import {Listing, System, SystemTest} from "./handlers/System.sol";
import {Tally} from "./handlers/Tally.sol";

/// @notice Random days of traders, keepers and stakers. Ids: docs/invariants.md.
contract EngineInvariantTest is SystemTest, LedgerChecks {
    EngineHandler internal handler;

    function setUp() public {
        handler = new EngineHandler();
        System memory system = _deploy(address(handler), 6, _listings());
        // as far apart as prices here move
        VolatilityLimits memory limits = VolatilityLimits(20_000, 30_000, 45_000, 65_000, 12_000);
        for (uint8 m; m < 2; ++m) IRiskEngine(system.engine.risk()).setVolatilityLimits(m, limits);
        handler.start(system, 5_000e6, 2_000e6); // a pool that is small against the books
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: handler.actions()}));
    }

    /// forge-config: default.invariant.runs = 22
    /// forge-config: default.invariant.depth = 100
    function invariant_I1_I2_I3_I4_EN_BP_HoldAfterEveryCall() public {
        _assertAll(handler);
    }

    /// @dev Fixed sequences that meet every layer and every way out.
    function test_Campaign_ReachesEveryLayerAndEveryWayOut() public {
        for (uint256 i; i < 6; ++i) {
            if (i != 0) setUp();
            _play(handler, 300, i + 31);
        }
        for (uint256 k; k <= uint256(type(Tally).max); ++k) _assertReached(Tally(k));
    }

    /* FOUND: sequences that once failed */

    /// @dev The last of a side to settle ends what the mean prices of the others have rounded off.
    function test_Found_LastToSettleEndsTheRounding() public {
        _act(handler.flag.selector, 0x2ecc);
        _act(handler.reduce.selector, 0x1146a41506c66);
        _act(handler.collectIncome.selector, 0x1);
        _act(handler.unflag.selector, 0x002996ee03fb0c142fbc37a464a446c8ca87a98d6a601f89d9e7409ca0f79a1e);
        _act(handler.crowd.selector, 0x124c);
        _act(handler.open.selector, 0x265f);
        _act(handler.coverInventory.selector, 0x0008f0255dcf8d1398d487d7507886cd1349d2ac9f3d1c7a2f275d531aeae71f);
        _act(handler.settle.selector, 0x0171a7eb732ccee24d40057926cad1744f66993bb129582c2fe35ec67d5b65b1);
        _act(handler.flag.selector, 0x5bf019d8b48a34dd9704921338b33b8b36f649400a0100016949b71e5bd7077d);
        _act(handler.requestExit.selector, 0x00000000002b89ad1ee1790223c689b91ede3b7d4cead1c5e73e217c4c757e76);
        _act(handler.takeover.selector, 0x4da106c23a76cf5);
        _act(handler.crash.selector, 0x1);
        _act(handler.settle.selector, 0x00000001d7fe312d0db6fbb6836f9e0199505b14f41efa80ced05fad1851e7a8);
        _act(handler.rescue.selector, 0x000000000000000007125115215b7252d8983df7d56f495e3d05ae093c1274ac);
        _act(handler.whiplash.selector, 0x75b238fc);
        _act(handler.squeeze.selector, 0x6494755b87fc9af9921e0f6c8a13787);
        _act(handler.close.selector, 0x16e44);
        _act(handler.liquidate.selector, 0xab523a156a6dda7ce3aac50622b84975be334);
        _act(handler.rescue.selector, 0x1415c03b);
        _act(handler.crash.selector, 0x19b7);
        _act(handler.liquidate.selector, 0xca02f4e6e8c76786f814cf);
        _act(handler.windDown.selector, 0x7016901c1f8f7aab0296001e9d1eb11);
        _act(handler.reduce.selector, 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc);
        _act(handler.claimExit.selector, 0x3);
        _act(handler.deleverage.selector, 0x4a1b);
        _act(handler.recover.selector, 0xe754fe3c1f01060bfa424eb77d6ed091601e62e27f484b8a62e1a29bd6aad6f4);
        _act(handler.movePrice.selector, 0xff00000000000000000000000000000000000000000000000000000100000000);
        _act(handler.requestExit.selector, 0x7bcdb87f);
        _act(handler.coverInventory.selector, 0x319c);
        _act(handler.takeover.selector, 0x0000000000001e435f826655ea2f9457b0d9adbba02e34c8835f12f3745d3b82);
        _act(handler.squeeze.selector, 0x23de4f8a5);
        _act(handler.recover.selector, 0x000000000000000000000001a5d81c9959b8b53b7fc134c8ec54c1579695d548);
        _act(handler.windDown.selector, 0xabc7400cb308226aa0901c1b37ce);
        _act(handler.crowd.selector, 0x39f);
        _act(handler.requestExit.selector, 0x97bfc784f06d5389cfc);
        _act(handler.requestExit.selector, 0x2281d0c9);
    }

    /// @dev A liquidation syncs what the liquidator holds elsewhere, as a fill does.
    function test_Found_LiquidatorHoldsAnotherMarket() public {
        _act(handler.open.selector, 0x1f97);
        _act(handler.crowd.selector, 0x39a93ddb59c77743aa7875cc0e9c236e617a7bb082c7);
        _act(handler.takeover.selector, 0x117bdf3);
        _act(handler.liquidate.selector, 0x7dfdabf242f0fdd78afe01);
    }

    /// @dev What a refused call would have settled is no event.
    function test_Found_TakeoverIsRefusedWhileAStepIsHeld() public {
        _act(handler.jump.selector, 0x2427);
        _act(handler.open.selector, 0xdf5);
        _act(handler.liquidateToAmm.selector, 0x7a0ea39c8dac72ea3fbe49ad5);
        _act(handler.squeeze.selector, 0xfb8f41b1ffffffffffffffffffffffffffffffffffffffffffffffffffffffff);
        _act(handler.hold.selector, 0x3b6c);
    }

    /// @dev The curve has six lots, and the next would bring it past the pool's price and the discount.
    function test_Found_NoLotOfACurveIsPastTheDiscount() public {
        _act(handler.join.selector, 0x000000000000000000000000000000000000000000000000000007a4c04636b1);
        _act(handler.open.selector, 0x000000000000000000000000000000000000000000000000000e84d647127032);
        _act(handler.join.selector, 0x0000000000000000000000000000000000000000000000000000000000003d46);
        _act(handler.govern.selector, 0x0000000000000000000000000000000000000000000000000000000000002549);
        _act(handler.breakEngine.selector, 0x000000000000000000000000000000000000000000000000000e775d35c0bdc6);
        _act(handler.setCurveFee.selector, 0x00000000000000000000000000000000000000000000000000000000676e152e);
        _act(handler.crowd.selector, 0x0000000000000000000000000000000000000000000000000000000000000002);
        _act(handler.crowd.selector, 0x003c2d1c9d8f5077a210ed6ca668ae4da66dcd57f142aae7e49c18aec4147cc5);
        _act(handler.repayEngine.selector, 0x00000000000000000000000000000000000000000000000000000000000013fd);
        _act(handler.coverInventory.selector, 0x00000000000000000000000000000000000000000000000000000000000005d0);
        _act(handler.crowd.selector, 0x00000000000000000000000000000000000000002760212c56984913be69d061);
        _act(handler.deposit.selector, 0x00000000000000000000000000000015b3a184451c6c480bab824bdc6788bd16);
        _act(handler.claimExit.selector, 0x00000000000000000000000000000000000000000000000000000000000005fc);
        _act(handler.open.selector, 0x000000000000000000000000000000000000008f9c110623ad5a2c2996398d6e);
        _act(handler.settle.selector, 0x0000000000000000000000000000000000000000000000000000000000004ede);
        _act(handler.liquidate.selector, 0x00000000000001f6fb47ed5686fa007cd644c7aa1605d96bf4126382eaa294de);
        _act(handler.govern.selector, 0x0000000000000000000000000000000000000000000000000000000000000c36);
        _act(handler.hold.selector, 0x00000000000000000000000000000000000000000000000000000000000312a4);
        _act(handler.liquidate.selector, 0x00000000000000000000000000000000000000000000000002e6e27e766924f1);
        _act(handler.claimExit.selector, 0x00000000000000000000000000000000f9c49722f747cd6bfd61f6fab98f48ae);
        _act(handler.rescue.selector, 0x0000000000000000000000000000000000000000000000000000000000000064);
        _act(handler.takeover.selector, 0x000000000000000000000000000000000000000000000000010613a46bfb0f46);
        _act(handler.squeeze.selector, 0x000000000000000000000000000000000000000000007ea391adf90c3a3f1ab8);
        _act(handler.recover.selector, 0x0000000000000000000000000000000000000000000000000000000000001b77);
        _act(handler.crash.selector, 0x00000000000000000000000000000000000000000000000000000000000011ab);
        _act(handler.liquidateToAmm.selector, 0x0000000000000000000000000000000000000000000000000000505d898433a2);
        _act(handler.join.selector, 0x00000000000000000000000000000000000000000000000000000000000011ae);
        _act(handler.donate.selector, 0x000000000056d4c427556d120b3a23f33b386a103f1333eaf682577fc7cf79b8);
        _act(handler.open.selector, 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe);
        _act(handler.collectClaim.selector, 0x00000000000000000000000000000000000000000000000000000000000016db);
        _act(handler.raid.selector, 0x00048130e58ce071b27413e27ce06fd4b8130004ee906238d0882149e332d803);
        _act(handler.takeover.selector, 0x000000000000000000000000000000000000003b3b47373ab78c652f8ac7eb45);
        _act(handler.stake.selector, 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffd);
        _act(handler.breakEngine.selector, 0x000000000000000000713f27a7dff7851a8f9cd3e0485b210bf4a74bdfc7a5d7);
        _act(handler.coverInventory.selector, 0x00000000000000000000000000000000000000000000000000000000000032ec);
        _act(handler.open.selector, 0x0000000000000000000000000000000000000000000000000000051dfd2713e8);
        _act(handler.takeover.selector, 0x0000000000000000000000000000000000000000000000000000000000001f5f);
        _act(handler.setCurveFee.selector, 0x00000000000000000000000000000000000000000000003cef298f7cbc6a9c68);
        _act(handler.swap.selector, 0x0000000000000000000000000000000000000000000000ffffffffffffffffff);
        _act(handler.deposit.selector, 0x002ed8ce8f9c77ce64d4beaadb1fdeeca87c573d7dfef8060fa75105a762c114);
        _act(handler.windDown.selector, 0x000000000000000000000000000000000000000000000000000000000000010e);
        _act(handler.deleverage.selector, 0x000000000000004e6410457499b2505b1d3bd9372d2c3c5cd9085a9329bcb583);
        _act(handler.windDown.selector, 0x0000000000000000000000000000000000000000000000000000000000012404);
        _act(handler.takeover.selector, 0x0000000000000000000000023cd71a73d51cdc629e53cbcf280a8218ad7e6cc5);
        _act(handler.liquidateToAmm.selector, 0x0000000000000000000000000000000000000000000000000000000000000001);
    }

    function _act(bytes4 action, uint256 seed) private {
        _act(handler, action, seed);
    }

    /// @dev Prices of 2e11, 6e14 and 1.2e8 u per lot.
    function _listings() private pure returns (Listing[] memory list) {
        list = new Listing[](3);
        list[0] = Listing(2_000e8, 4, 25, 1 hours, _defaultParams(), _defaultRules());
        list[0].rules.shockBps = 1000;
        list[1] = Listing(60_000e8, 2, 25, 1 hours, _defaultParams(), _defaultRules());
        list[1].params.minLots = 1;
        list[1].rules.shockBps = 1500;
        list[2] = Listing(12_345, 0, 50, 2 hours, _defaultParams(), _defaultRules());
        list[2].params.initialBps = 1000;
        list[2].params.maintenanceBps = 620;
        list[2].params.rampNotional = 5_000_000;
        list[2].params.minLots = 1_000_000;
        list[2].rules.shockBps = 2000;
        list[2].rules.stakeShareBps = 5000;
    }
}
