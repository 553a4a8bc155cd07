// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BackstopPool} from "./BackstopPool.sol";
import {IBackstopPool} from "./interfaces/IBackstopPool.sol";
import {DrawReason, ICapitalStack, Pending, Split} from "./interfaces/ICapitalStack.sol";

/// @title CapitalStack
/// @notice What stands behind the margin engine: a junior and a senior pool, and the rules between them.
///
/// LOSSES. A draw is bounded by a budget for each market and aligned day, a budget of all and a cap of the reason for each aligned
/// window, and the tranches' floors. The junior tranche pays down to its floor, then the senior one. A draw at the end of one
/// window and another at the start of the next may take both budgets.
///
/// INCOME. What positions taken over have earned first repays what the tranches have paid for such positions, the senior one first. Of the
/// rest the treasury gets its part; the tranches share the remainder by what they hold, the junior one weighted. This is the one
/// place where income is divided.
///
/// PENDING. Each sync reports what the inventory has gained and lost and what accounts may have lost beyond their margin since the short
/// EMA, which nobody has taken over yet. Joiners of either tranche pay for all of the gain, as nobody knows yet who will get it; leavers
/// leave the losses behind, the junior ones first. While more than LOSS_BPS of the capital is known to be lost nobody joins.
///
/// GATE. While accounts may have lost more than GATE_BPS of the capital nobody claims and nobody joins, for GATE_TIME at most; time in
/// which it is open gives back a third of itself, and it shuts only when MIN_SHUT is left. The clocks of exit requests stand still
/// meanwhile.
///
/// ATTACHMENT. The senior tranche takes no more than what leaves the junior one `attachmentBps` of both, as of the last join or claim
/// of the junior one or the last report of something pending. What is there already stays.
///
/// REPAYMENT. What the engine loses of its own tokens is recorded by the tranches that pay for it. Who repays it, the engine when they
/// turn up or anybody, repays those who held shares then, the senior ones first; the money waits here for them.
///
/// ROLES. Engine and tranches are fixed at deployment; tokens go from a tranche to the engine, from the engine through here to
/// tranches and treasury, and nowhere else. Governance sets budgets of at least MIN_BUDGET_BPS, and shares within constant bounds.
///
/// LIVENESS. `absorb` and `report` do not revert for lack of money or for what stakers do.
contract CapitalStack is ICapitalStack, AccessManaged, ReentrancyGuardTransient {
    using Math for uint256;
    using SafeERC20 for IERC20;

    /// @dev Parameters, and what the window has used. One slot.
    struct Rules {
        uint80 drawn; // {asset} by all markets in `window`; sums stop at their limit
        uint80 counted; // {asset} losses of the pool's own positions in `window`
        uint16 window; // number of the aligned window
        uint16 marketDayBps; // {bps}
        uint16 windowBps; // {bps}
        uint16 attachmentBps; // {bps}
        uint16 juniorWeightBps; // {bps}
        uint16 treasuryBps; // {bps}
        // 32 bytes
    }

    /// @dev What one market has used in a day, or one reason in a window. One slot.
    struct Day {
        uint80 drawn; // {asset} in `day`
        uint80 counted; // {asset}
        uint32 day; // number of the aligned day or window
        // 24 bytes
    }

    /// @dev The gate, and what the tranches have paid for the inventory and not got back. One slot.
    struct State {
        uint32 since; // {s} the last report
        uint32 used; // {s/3} of GATE_TIME used up by then
        bool isShut;
        uint80 juniorPaid; // {asset}
        uint80 seniorPaid; // {asset}
        // 29 bytes
    }

    /// @dev Tokens held here, and what may still come. One slot.
    struct Books {
        uint80 treasury; // {asset} owed to it
        uint80 repayments; // {asset} of recorded losses, waiting for holders
        uint80 unrepaid; // {asset} of recorded losses
        // 30 bytes
    }

    uint256 private constant BPS = 10_000;
    uint256 private constant MAX_ASSETS = type(uint80).max; // {asset}
    uint256 public constant WINDOW = 7 days; // {s} aligned to the epoch
    uint16 public constant MIN_BUDGET_BPS = 500; // 5%: governance cannot switch the capital off
    uint16 public constant MAX_ATTACHMENT_BPS = 5000;
    uint16 public constant MAX_JUNIOR_WEIGHT_BPS = 50_000;
    uint16 public constant MAX_TREASURY_BPS = 2000;
    uint256 public constant GATE_BPS = 100; // {bps} of both tranches' books at risk that shut the gate
    uint256 public constant LOSS_BPS = 50; // {bps} of both tranches' books known to be lost that keep joiners out
    uint256 public constant MIN_TOKENS = 1000; // {whole token} less than this does neither
    uint256 public constant GATE_TIME = 3 days; // {s}
    uint256 public constant MIN_SHUT = 6 hours; // {s} of GATE_TIME left, or it stays open

    address public immutable asset;
    address public immutable engine;
    address public immutable treasury;
    IBackstopPool public immutable junior;
    IBackstopPool public immutable senior;
    uint256 private immutable floor; // {asset} of each tranche

    Rules private rules;
    State private state;
    Pending private total;
    mapping(uint8 market => Pending) private pendings;
    mapping(uint8 market => Day) private days_;
    mapping(DrawReason reason => Day) private reasons; // of reasons with a cap of their own
    Books private books;
    /// @inheritdoc ICapitalStack
    mapping(bool isJunior => mapping(uint256 id => uint256 assets)) public repaidOf; // {asset}
    mapping(bool isJunior => uint256 id) private settled; // every recorded loss up to here is repaid
    mapping(bool isJunior => mapping(uint256 id => mapping(address holder => uint256 assets))) private collected; // {asset}

    modifier onlyEngine() {
        require(msg.sender == engine, NotEngine(msg.sender));
        _;
    }

    /// @param name_   of the senior share; the junior one is called the same with "Junior" before it
    /// @param symbol_ of the senior share; the junior one has a "j" before it
    constructor(
        address asset_,
        address engine_,
        address treasury_,
        address accessManager,
        string memory name_,
        string memory symbol_
    ) AccessManaged(accessManager) {
        require(engine_ != address(0) && treasury_ != address(0), ZeroAddress());
        (asset, engine, treasury) = (asset_, engine_, treasury_);
        string memory juniorName = string.concat("Junior ", name_);
        string memory juniorSymbol = string.concat("j", symbol_);
        junior = new BackstopPool(asset_, address(this), engine_, true, accessManager, juniorName, juniorSymbol);
        senior = new BackstopPool(asset_, address(this), engine_, false, accessManager, name_, symbol_);
        floor = senior.MIN_ASSETS();
        _setBudgets(5_000, 8_000);
        _setTranches(2_000, 20_000, 0);
    }

    /* ENGINE */

    /// @inheritdoc ICapitalStack
    function absorb(
        uint8 market,
        uint256 requested,
        DrawReason reason
    ) external onlyEngine nonReentrant returns (uint256 paid) {
        (Rules memory r, Day memory d) = (_rulesNow(), _dayNow(market));
        (uint256 byJunior, uint256 bySenior) = _booked();
        uint256 booked = byJunior + bySenior;
        (byJunior, bySenior) = (byJunior.saturatingSub(floor), bySenior.saturatingSub(floor));

        paid = requested.min(byJunior + bySenior).min(_budgetLeft(booked, r, d));
        uint256 capBps = reasonCapBps(reason);
        if (capBps < BPS) {
            Day memory w = reasons[reason];
            if (w.day != r.window) (w.day, w.drawn) = (r.window, 0);
            paid = paid.min(_left(booked, w.drawn, 0, capBps));
            w.drawn = _plus(w.drawn, paid);
            reasons[reason] = w;
        }
        uint256 below = byJunior;
        byJunior = byJunior.min(paid);
        bySenior = paid - byJunior;

        r.drawn = _plus(r.drawn, paid);
        d.drawn = _plus(d.drawn, paid);
        (rules, days_[market]) = (r, d);
        if (reason == DrawReason.INVENTORY) {
            state.juniorPaid = _plus(state.juniorPaid, byJunior);
            state.seniorPaid = _plus(state.seniorPaid, bySenior);
        }

        emit LossAbsorbed(market, reason, requested, byJunior, bySenior);
        bool isRecorded = reason == DrawReason.ENGINE_DEFICIT;
        if (isRecorded) books.unrepaid = _plus(books.unrepaid, paid);
        if (byJunior != 0) junior.take(byJunior, isRecorded);
        if (bySenior != 0) senior.take(bySenior, isRecorded);
        Pending memory all = total;
        if (uint256(all.loss) + all.atRisk > below - byJunior) {
            (uint256 inJunior, uint256 inSenior) = _booked();
            _tell(all, state, inJunior, inSenior); // more of it is the senior tranche's now
        }
    }

    /// @inheritdoc ICapitalStack
    function countLoss(uint8 market, uint256 assets) external onlyEngine nonReentrant {
        (Rules memory r, Day memory d) = (_rulesNow(), _dayNow(market));
        r.counted = _plus(r.counted, assets);
        d.counted = _plus(d.counted, assets);
        (rules, days_[market]) = (r, d);

        emit LossCounted(market, assets);
    }

    /// @inheritdoc ICapitalStack
    function receiveIncome(uint256 assets, uint256 recovered) external onlyEngine nonReentrant {
        if (assets == 0) return;
        Books memory b = books;
        _requireBacked(b, assets);
        Split memory parts = split(assets, recovered);

        if (parts.toTreasury != 0) books.treasury = _plus(b.treasury, parts.toTreasury);
        if (recovered != 0) {
            state.juniorPaid -= uint80(parts.juniorRepaid); // at most that
            state.seniorPaid -= uint80(parts.seniorRepaid);
        }

        emit IncomeSplit(parts);
        _give(junior, parts.toJunior);
        _give(senior, parts.toSenior);
    }

    /// @inheritdoc ICapitalStack
    function report(uint8 market, uint256 gain, uint256 loss, uint256 atRisk) external onlyEngine {
        (Pending memory before, Pending memory all) = (pendings[market], total);
        // sums of 64 markets, each kept below 2^74
        (gain, loss, atRisk) = (gain.min(MAX_ASSETS >> 6), loss.min(MAX_ASSETS >> 6), atRisk.min(MAX_ASSETS >> 6));
        all.gain = uint80(all.gain - before.gain + gain);
        all.loss = uint80(all.loss - before.loss + loss);
        all.atRisk = uint80(all.atRisk - before.atRisk + atRisk);
        (pendings[market], total) = (Pending(uint80(gain), uint80(loss), uint80(atRisk)), all);
        emit Reported(market, gain, loss, atRisk);

        (uint256 below, uint256 above) = _booked();
        State memory g = state;
        bool wasShut = g.isShut;
        bool isInForce = wasShut && block.timestamp < _gateEnd(g);
        g.used = uint32(_used(g));
        g.since = uint32(block.timestamp);
        bool mayShut = isInForce || g.used + 3 * MIN_SHUT <= 3 * GATE_TIME;
        g.isShut = mayShut && all.atRisk > _most(below + above, GATE_BPS);
        state = g;
        if (g.isShut != wasShut) emit GateMoved(g.isShut, all.atRisk);
        _tell(all, g, below, above);
    }

    /* ANYONE */

    /// @inheritdoc ICapitalStack
    function updateLimit() public {
        uint256 below = junior.bookedAssets();
        (uint256 lost, ) = _lossesOf(total, below);
        _setLimit(below - lost);
    }

    /// @inheritdoc ICapitalStack
    function repay(uint256 assets) external nonReentrant returns (uint256 repaid) {
        Books memory b = books;
        repaid = assets.min(b.unrepaid);
        require(repaid != 0, NothingOwed());
        b.unrepaid -= uint80(repaid);
        repaid -= _repay(junior, true, _repay(senior, false, repaid)); // without what was lost after the last record
        b.repayments = _plus(b.repayments, repaid);
        books = b;

        IERC20(asset).safeTransferFrom(msg.sender, address(this), repaid);
        _requireBacked(b, 0);
    }

    /// @inheritdoc ICapitalStack
    function payRepayment(bool isJunior, uint256 id, address holder) external nonReentrant returns (uint256 assets) {
        assets = repaymentOf(isJunior, id, holder);
        require(assets != 0, NothingOwed());
        collected[isJunior][id][holder] += assets;
        books.repayments -= uint80(assets); // a part of it

        emit RepaymentPaid(isJunior, id, holder, assets);
        IERC20(asset).safeTransfer(holder, assets);
    }

    /// @inheritdoc ICapitalStack
    function payTreasury() external nonReentrant returns (uint256 assets) {
        assets = books.treasury;
        require(assets != 0, NothingOwed());
        books.treasury = 0;

        emit TreasuryPaid(treasury, assets);
        IERC20(asset).safeTransfer(treasury, assets);
    }

    /* GOVERNANCE */

    /// @inheritdoc ICapitalStack
    function setBudgets(uint16 marketDayBps, uint16 windowBps) external restricted {
        _setBudgets(marketDayBps, windowBps);
    }

    /// @inheritdoc ICapitalStack
    function setTranches(uint16 attachmentBps, uint16 juniorWeightBps, uint16 treasuryBps) external restricted {
        _setTranches(attachmentBps, juniorWeightBps, treasuryBps);
    }

    /* VIEWS */

    /// @inheritdoc ICapitalStack
    function totalAssets() external view returns (uint256) {
        return junior.totalAssets() + senior.totalAssets();
    }

    /// @inheritdoc ICapitalStack
    function freeStake() public view returns (uint256) {
        return (junior.freeStake() + senior.freeStake()).saturatingSub(total.loss);
    }

    /// @inheritdoc ICapitalStack
    function absorbable(uint8 market) external view returns (uint256) {
        (uint256 below, uint256 above) = _booked();
        return
            (below.saturatingSub(floor) + above.saturatingSub(floor)).min(
                _budgetLeft(below + above, _rulesNow(), _dayNow(market))
            );
    }

    /// @inheritdoc ICapitalStack
    function drawn(uint8 market) external view returns (uint256 today, uint256 inWindow) {
        (Rules memory r, Day memory d) = (_rulesNow(), _dayNow(market));
        return (uint256(d.drawn) + d.counted, uint256(r.drawn) + r.counted);
    }

    /// @inheritdoc ICapitalStack
    function reasonCapBps(DrawReason reason) public pure returns (uint256) {
        if (reason == DrawReason.INVENTORY) return 5000;
        if (reason == DrawReason.ORACLE_FAILURE) return 3000;
        if (reason == DrawReason.ENGINE_DEFICIT) return 2000;
        return BPS; // a liquidation: the budget of the window
    }

    /// @inheritdoc ICapitalStack
    function budgets() external view returns (uint16 marketDayBps, uint16 windowBps) {
        return (rules.marketDayBps, rules.windowBps);
    }

    /// @inheritdoc ICapitalStack
    function tranches() external view returns (uint16 attachmentBps, uint16 juniorWeightBps, uint16 treasuryBps) {
        return (rules.attachmentBps, rules.juniorWeightBps, rules.treasuryBps);
    }

    /// @inheritdoc ICapitalStack
    function split(uint256 assets, uint256 recovered) public view returns (Split memory parts) {
        (uint256 below, uint256 above) = _booked();
        Rules memory r = rules;

        recovered = recovered.min(assets);
        parts.seniorRepaid = recovered.min(state.seniorPaid);
        parts.juniorRepaid = (recovered - parts.seniorRepaid).min(state.juniorPaid);
        uint256 rest = assets - parts.seniorRepaid - parts.juniorRepaid;
        parts.toTreasury = rest.mulDiv(r.treasuryBps, BPS);
        rest -= parts.toTreasury;
        // {asset} = {asset} * {asset} * {bps} / ({asset} * {bps}), down
        uint256 weight = above * BPS + below * r.juniorWeightBps;
        uint256 bySize = weight == 0 ? rest : rest.mulDiv(above * BPS, weight);
        (parts.toJunior, parts.toSenior) = (rest - bySize + parts.juniorRepaid, bySize + parts.seniorRepaid);
    }

    /// @inheritdoc ICapitalStack
    function inventoryLosses() external view returns (uint256 byJunior, uint256 bySenior) {
        return (state.juniorPaid, state.seniorPaid);
    }

    /// @inheritdoc ICapitalStack
    function treasuryOwed() external view returns (uint256) {
        return books.treasury;
    }

    /// @inheritdoc ICapitalStack
    function unrepaid() external view returns (uint256) {
        return books.unrepaid;
    }

    /// @inheritdoc ICapitalStack
    function repaymentOf(bool isJunior, uint256 id, address holder) public view returns (uint256) {
        IBackstopPool tranche = isJunior ? junior : senior;
        uint256 held = tranche.sharesAt(holder, id);
        if (held == 0) return 0;
        (, uint256 shares) = tranche.recordedLoss(id);
        // {asset} = {asset} * {share} / {share}, down
        return repaidOf[isJunior][id].mulDiv(held, shares).saturatingSub(collected[isJunior][id][holder]);
    }

    /// @inheritdoc ICapitalStack
    function pendingOf(uint8 market) external view returns (Pending memory) {
        return pendings[market];
    }

    /// @inheritdoc ICapitalStack
    function pending() external view returns (Pending memory) {
        return total;
    }

    /* INTERNAL */

    /// @dev Tells the tranches what is pending, and when claims and joins may go on.
    /// @param g as of the last report
    /// @param below {asset} on the junior tranche's books
    /// @param above {asset} on the senior one's
    function _tell(Pending memory all, State memory g, uint256 below, uint256 above) private {
        (uint256 byJunior, uint256 bySenior) = _lossesOf(all, below);
        uint256 gateEnd = _gateEnd(g);
        bool isJoinable = all.loss <= _most(below + above, LOSS_BPS);
        // where nobody is, nobody is to be paid for it
        uint256 gain = all.gain != 0 && junior.totalSupply() + senior.totalSupply() == 0 ? 0 : all.gain;
        junior.setPending(gain, byJunior, gateEnd, isJoinable);
        senior.setPending(gain, bySenior, gateEnd, isJoinable);
        _setLimit(below - byJunior);
    }

    /// @dev Limits the senior tranche to what `below` {asset} of the junior one can stand under.
    function _setLimit(uint256 below) private {
        uint256 attachmentBps = rules.attachmentBps;
        uint256 limit =
            attachmentBps == 0 ? type(uint256).max : below.mulDiv(BPS - attachmentBps, attachmentBps) / floor; // {whole token}
        senior.setLimit(limit);
    }

    /// @dev {asset} on the books of the junior and of the senior tranche
    function _booked() private view returns (uint256, uint256) {
        return (junior.bookedAssets(), senior.bookedAssets());
    }

    /// @dev {s} until when the gate is shut by what was last reported, down
    function _gateEnd(State memory g) private pure returns (uint256) {
        return g.isShut ? g.since + (3 * GATE_TIME - g.used) / 3 : g.since;
    }

    /// @dev {s/3} of GATE_TIME used up by now: three for each second shut, one given back for each open
    function _used(State memory g) private view returns (uint256) {
        uint256 elapsed = block.timestamp - g.since;
        uint256 shut = elapsed.min(_gateEnd(g) - g.since);
        return (g.used + 3 * shut).saturatingSub(elapsed - shut).min(3 * GATE_TIME);
    }

    /// @dev {asset} what is pending against each tranche
    /// @param below {asset} on the junior one's books
    function _lossesOf(Pending memory all, uint256 below) private view returns (uint256 byJunior, uint256 bySenior) {
        uint256 loss = uint256(all.loss) + all.atRisk;
        byJunior = below.saturatingSub(floor).min(loss);
        bySenior = loss - byJunior;
    }

    /// @dev {asset} a share of the capital, at least MIN_TOKENS
    function _most(uint256 booked, uint256 bps) private view returns (uint256) {
        return booked.mulDiv(bps, BPS).max(MIN_TOKENS * floor);
    }

    /// @dev Repays the recorded losses of a tranche, oldest first: at most 255 steps in all its life.
    /// @return {asset} left when all are repaid
    function _repay(IBackstopPool tranche, bool isJunior, uint256 assets) private returns (uint256) {
        uint256 id = settled[isJunior] + 1;
        uint256 last = tranche.recordedLosses();
        for (; assets != 0 && id <= last; ++id) {
            (uint256 lost, ) = tranche.recordedLoss(id);
            uint256 part = assets.min(lost - repaidOf[isJunior][id]);
            repaidOf[isJunior][id] += part;
            assets -= part;
            emit LossRepaid(isJunior, id, part);
            if (repaidOf[isJunior][id] == lost) settled[isJunior] = id;
        }
        return assets;
    }

    /// @dev What is owed here is held here, and `more` with it.
    function _requireBacked(Books memory b, uint256 more) private view {
        uint256 expected = uint256(b.treasury) + b.repayments + more;
        uint256 held = IERC20(asset).balanceOf(address(this));
        require(held >= expected, TokenShort(held, expected));
    }

    function _give(IBackstopPool tranche, uint256 assets) private {
        if (assets == 0) return;
        IERC20(asset).safeTransfer(address(tranche), assets);
        tranche.receiveIncome(assets);
    }

    /// @dev {asset} left of the day's and of the window's budget
    function _budgetLeft(uint256 booked, Rules memory r, Day memory d) private pure returns (uint256) {
        return _left(booked, d.drawn, d.counted, r.marketDayBps).min(_left(booked, r.drawn, r.counted, r.windowBps));
    }

    /// @dev {asset} = ({asset} + {asset}) * {bps} / BPS - {asset} - {asset}, down: a share of what there would be without the draws so far.
    function _left(uint256 booked, uint256 drawn_, uint256 counted, uint256 bps) private pure returns (uint256) {
        return (booked + drawn_).mulDiv(bps, BPS).saturatingSub(drawn_ + counted);
    }

    /// @dev {asset} the sum, or the most there is
    function _plus(uint80 sum, uint256 assets) private pure returns (uint80) {
        return uint80(assets.saturatingAdd(sum).min(MAX_ASSETS));
    }

    /// @dev Rules with the draws of the current window: none when the last draw was in an earlier one.
    function _rulesNow() private view returns (Rules memory r) {
        r = rules;
        uint16 window = uint16(block.timestamp / WINDOW); // for a thousand years
        if (r.window != window) (r.window, r.drawn, r.counted) = (window, 0, 0);
    }

    function _dayNow(uint8 market) private view returns (Day memory d) {
        d = days_[market];
        uint32 day = uint32(block.timestamp / 1 days);
        if (d.day != day) (d.day, d.drawn, d.counted) = (day, 0, 0);
    }

    function _setBudgets(uint16 marketDayBps, uint16 windowBps) private {
        _requireBudget(marketDayBps);
        _requireBudget(windowBps);

        (rules.marketDayBps, rules.windowBps) = (marketDayBps, windowBps);

        emit BudgetsSet(marketDayBps, windowBps);
    }

    function _requireBudget(uint16 bps) private pure {
        require(bps >= MIN_BUDGET_BPS && bps <= BPS, BudgetOutOfRange(bps, MIN_BUDGET_BPS, uint16(BPS)));
    }

    function _setTranches(uint16 attachmentBps, uint16 juniorWeightBps, uint16 treasuryBps) private {
        _requireShare("attachmentBps", attachmentBps, 0, MAX_ATTACHMENT_BPS);
        _requireShare("juniorWeightBps", juniorWeightBps, uint16(BPS), MAX_JUNIOR_WEIGHT_BPS);
        _requireShare("treasuryBps", treasuryBps, 0, MAX_TREASURY_BPS);

        (rules.attachmentBps, rules.juniorWeightBps, rules.treasuryBps) = (attachmentBps, juniorWeightBps, treasuryBps);

        emit TranchesSet(attachmentBps, juniorWeightBps, treasuryBps);
        updateLimit();
    }

    function _requireShare(bytes32 name, uint16 bps, uint16 min, uint16 max) private pure {
        require(bps >= min && bps <= max, ShareOutOfRange(name, bps, min, max));
    }
}
