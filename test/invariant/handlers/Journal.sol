// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {TestBase} from "forge-std/Base.sol";
import {StdAssertions} from "forge-std/StdAssertions.sol";
import {Vm} from "forge-std/Vm.sol";
import {BackstopAMM} from "../../../contracts/BackstopAMM.sol";
import {BackstopPool} from "../../../contracts/BackstopPool.sol";
import {CapitalStack} from "../../../contracts/CapitalStack.sol";
import {IBackstopAMM} from "../../../contracts/interfaces/IBackstopAMM.sol";
import {ICapitalStack} from "../../../contracts/interfaces/ICapitalStack.sol";
import {IMarginEngine} from "../../../contracts/interfaces/IMarginEngine.sol";
import {IRiskEngine} from "../../../contracts/interfaces/IRiskEngine.sol";
import {Survival} from "../../../contracts/libraries/SurvivalLib.sol";
import {LedgerLib} from "../../../contracts/libraries/LedgerLib.sol";
import {MarginEngine} from "../../../contracts/MarginEngine.sol";
import {MockToken} from "../../../contracts/mocks/MockToken.sol";
import {RawLedger} from "./RawLedger.sol";
import {Tally} from "./Tally.sol";

/// @title Journal
/// @notice Ghost sums of everything that moves tokens, deficits, claims and pending lots, kept from the events alone.
/// @dev `_digest` takes the logs since the last one; each waterfall in them must add up by itself.
abstract contract Journal is TestBase, StdAssertions {
    /// @dev What the events of some calls say, summed. All in {u} but `drawn`.
    struct Layers {
        uint256 shortfall;
        uint256 byBucket;
        uint256 byPool;
        uint256 byShare;
        uint256 toDeficit;
        uint256 excess;
        uint256 drawn; // {token}
        uint256 collected; // of the winning sides
        uint256 claimed; // withheld from withdrawals
        uint256 repaid; // of claims, to accounts
        uint256 toClaims; // of income
        uint256 reduced; // of deficits
        Share[] shares;
    }

    struct Share {
        uint8 market;
        bool isLong;
        uint256 perLot; // {u/lot}
    }

    MockToken public token;
    MarginEngine public engine;
    CapitalStack public stack;
    BackstopAMM public amm;
    BackstopPool public junior;
    BackstopPool public pool; // the senior one
    uint256 public marketCount;
    uint256 public unit; // {u/token}

    uint256 public tokensIn; // {token} that the ledger booked
    uint256 public tokensOut; // {token} that left the ledger
    int256 public surplus; // {token} held by the engine and booked by nobody
    mapping(uint8 market => uint256) public deficits; // {u}, 64 is the engine's own
    uint256 public claimsLeft; // {u} withheld and not paid
    int256 public claimsCash; // {u} paid and not collected
    mapping(uint8 market => mapping(bool isLong => uint256)) public acts; // that round K or a checkpoint, since nothing was pending
    mapping(uint8 market => int256) public poolLots; // {lot} what fills and settlements moved to the inventory
    mapping(uint8 market => mapping(bool isLong => uint256)) public dropped; // {lot} bound of what closed positions owed
    uint256[71] internal tallies;
    bool internal absorbed; // the pool lost something in this action

    uint256 private loose; // {token} drawn by the waterfall under way
    uint256 private shared; // {u} collected by the waterfall under way
    mapping(uint8 market => mapping(bool isLong => uint256)) private epochs;

    function tally(Tally kind) external view returns (uint256) {
        return tallies[uint256(kind)];
    }

    function _count(Tally kind) internal {
        ++tallies[uint256(kind)];
    }

    /// @dev Books the logs since the last digest.
    function _digest() internal returns (Layers memory sum) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        sum.shares = new Share[](logs.length);
        uint256 shares;
        for (uint256 i; i < logs.length; ++i) {
            Vm.Log memory log = logs[i];
            bytes32 topic = log.topics[0];
            if (topic == IMarginEngine.LossShared.selector) {
                sum.shares[shares++] = _onShare(log, sum);
            } else if (topic == IMarginEngine.ShortfallCovered.selector) {
                _onShortfall(log, sum);
            } else if (log.emitter == address(stack)) {
                if (topic == ICapitalStack.LossAbsorbed.selector) _onDraw(log, sum);
                else if (topic == ICapitalStack.LossCounted.selector) _count(Tally.OWN_SHARE_COUNTED);
                else if (topic == ICapitalStack.LossRepaid.selector) surplus -= int256(abi.decode(log.data, (uint256)));
            } else if (topic == IRiskEngine.LevelSet.selector) {
                (uint8 from, uint8 to) = abi.decode(log.data, (uint8, uint8));
                _count(to > from ? Tally.LEVEL_ROSE : Tally.LEVEL_FELL);
            } else if (topic == IBackstopAMM.Disarmed.selector) {
                _count(Tally.BANDS_DISARMED);
            } else if (topic == IBackstopAMM.Jumped.selector) {
                _count(Tally.CURVE_JUMPED);
            } else if (log.emitter == address(engine)) {
                _onMoney(topic, log, sum);
                _onPosition(topic, log);
            }
        }
    }

    function _onDraw(Vm.Log memory log, Layers memory sum) private {
        (, uint256 byJunior, uint256 bySenior) = abi.decode(log.data, (uint256, uint256, uint256));
        uint256 paid = byJunior + bySenior;
        if (paid != 0) absorbed = true;
        if (uint256(log.topics[1]) == LedgerLib.ENGINE) {
            surplus += int256(paid);
            return;
        }
        loose += paid;
        sum.drawn += paid;
        tokensIn += paid;
    }

    function _onShare(Vm.Log memory log, Layers memory sum) private returns (Share memory share) {
        share.market = uint8(uint256(log.topics[1]));
        share.isLong = uint256(log.topics[2]) != 0;
        (share.perLot, shared) = abi.decode(log.data, (uint256, uint256));
        sum.collected += shared;
        _count(Tally.LOSS_SHARED);
    }

    function _onShortfall(Vm.Log memory log, Layers memory sum) private {
        (uint256 shortfall, uint256 byBucket, uint256 byPool, uint256 byShare, uint256 toDeficit, uint256 excess) = abi
            .decode(log.data, (uint256, uint256, uint256, uint256, uint256, uint256));
        uint8 m = uint8(uint256(log.topics[1]));
        assertEq(byBucket + byPool + byShare + toDeficit, shortfall, "EN-3: the layers sum to the shortfall");
        assertEq(loose * unit + shared, byPool + byShare + excess, "EN-3: what came in is booked to the last unit");
        assertLe(byPool, loose * unit, "BP-5: the pool pays what it was drawn for");
        assertLe(byShare, shared, "EN-3: winners pay what was collected");
        if (shared == 0) assertLt(excess, unit, "BP-5: a draw brings less than a token unit too much");
        else assertEq(loose * unit, byPool, "EN-3: winners are asked after the pool alone");
        (loose, shared) = (0, 0);
        sum.shortfall += shortfall;
        sum.byBucket += byBucket;
        sum.byPool += byPool;
        sum.byShare += byShare;
        sum.toDeficit += toDeficit;
        sum.excess += excess;
        deficits[m] += toDeficit;
        if (byBucket != 0) _count(Tally.BUCKET_PAID);
        if (byPool != 0) _count(Tally.POOL_PAID);
        if (toDeficit != 0) _count(Tally.DEFICIT_RAISED);
    }

    /// @dev Tokens, claims and deficits.
    function _onMoney(bytes32 topic, Vm.Log memory log, Layers memory sum) private {
        if (topic == IMarginEngine.Deposited.selector) {
            tokensIn += abi.decode(log.data, (uint256));
        } else if (topic == IMarginEngine.Withdrawn.selector) {
            (uint256 paid, uint256 claimed) = abi.decode(log.data, (uint256, uint256));
            tokensOut += paid;
            claimsLeft += claimed;
            sum.claimed += claimed;
        } else if (topic == IMarginEngine.ClaimsPaid.selector) {
            (uint256 amount, uint256 left) = abi.decode(log.data, (uint256, uint256));
            claimsLeft -= amount;
            claimsCash += int256(amount);
            sum.toClaims += amount;
            assertEq(claimsLeft, left, "CL-1: claims are what was withheld less what was paid");
            _count(Tally.CLAIMS_PAID);
        } else if (topic == IMarginEngine.ClaimCollected.selector) {
            (uint256 amount, ) = abi.decode(log.data, (uint256, uint256));
            claimsCash -= int256(amount);
            sum.repaid += amount;
        } else if (topic == IMarginEngine.DeficitReduced.selector) {
            (uint256 amount, uint256 left) = abi.decode(log.data, (uint256, uint256));
            uint8 m = uint8(uint256(log.topics[1]));
            deficits[m] -= amount;
            sum.reduced += amount;
            assertEq(deficits[m], left, "EN-2: a deficit is what was raised less what was reduced");
        } else if (topic == IMarginEngine.IncomeCollected.selector) {
            (, , , , uint256 paid) = abi.decode(log.data, (uint256, uint256, uint256, uint256, uint256));
            tokensOut += paid;
        } else if (topic == IMarginEngine.EngineDeficitCovered.selector) {
            (uint256 shortfall, uint256 paid, uint256 off) = abi.decode(log.data, (uint256, uint256, uint256));
            assertEq(paid + off, shortfall, "DF-1: what the pool does not pay is written off");
            tokensOut += off;
            surplus += int256(off);
            deficits[LedgerLib.ENGINE] += off * unit;
        } else if (topic == IMarginEngine.EngineDeficitRepaid.selector) {
            uint256 amount = abi.decode(log.data, (uint256));
            tokensIn += amount;
            surplus -= int256(amount);
        }
    }

    /// @dev Pending lots, and what rounding and closed positions leave of them.
    function _onPosition(bytes32 topic, Vm.Log memory log) private {
        if (topic == IMarginEngine.Deleveraged.selector) {
            (, , Survival memory survival) = abi.decode(log.data, (uint256, uint256, Survival));
            uint8 m = uint8(uint256(log.topics[1]));
            bool isLong = uint256(log.topics[2]) != 0;
            ++acts[m][isLong];
            uint256 epoch = epochs[m][isLong] == 0 ? 1 : epochs[m][isLong];
            if (survival.epoch > epoch) _count(Tally.EPOCH_ENDED);
            epochs[m][isLong] = survival.epoch;
            _count(Tally.DELEVERAGED);
        } else if (topic == IMarginEngine.PositionSettled.selector) {
            _noteAct(uint8(uint256(log.topics[1])), uint256(log.topics[2]));
            (bool isLong, uint256 lots, ) = abi.decode(log.data, (bool, uint256, int256));
            poolLots[uint8(uint256(log.topics[1]))] += isLong ? int256(lots) : -int256(lots);
            _count(Tally.SETTLED);
        } else if (topic == IMarginEngine.Filled.selector) {
            uint8 m = uint8(uint256(log.topics[1]));
            _noteAct(m, uint256(log.topics[2]));
            _noteAct(m, uint256(log.topics[3]));
            (uint256 lots, , , ) = abi.decode(log.data, (uint256, uint256, int256, int256));
            if (uint256(log.topics[2]) == m) poolLots[m] += int256(lots);
            if (uint256(log.topics[3]) == m) poolLots[m] -= int256(lots);
        }
    }

    /// @dev A single lot may owe more than a checkpoint can carry: the rest of that part of a lot is forgiven.
    function _noteAct(uint8 m, uint256 id) private {
        int64 lots = RawLedger.position(address(engine), id, m).lots;
        if (lots != 0) ++acts[m][lots > 0];
        if (lots == 1 || lots == -1) ++dropped[m][lots > 0];
    }
}
