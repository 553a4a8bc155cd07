// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {DrawReason, ExitRequest, IBackstopPool} from "./interfaces/IBackstopPool.sol";
import {IERC7540Operator, IERC7540Redeem, IERC7575Share} from "./interfaces/IERC7540.sol";

/// @title BackstopPool
/// @notice Stakers' capital behind the margin engine: joins by ERC-4626, leaves by ERC-7540, pays losses, earns premiums.
///
/// ACCOUNTING. `funds.booked` counts every token that came in by a deposit or as income and went out by a claim or a loss;
/// the pool's balance is only looked at to refuse a token that delivers less. Tokens sent here by other ways are surplus and
/// belong to nobody. totalAssets = booked - unvested income. A share is worth (totalAssets + 1) / (totalSupply +
/// VIRTUAL_SHARES): the virtual shares belong to nobody and make a donation attack cost more than it can take.
///
/// ROUNDING. Always against the one who acts: shares minted and assets paid down, assets charged up, unvested income up.
/// So the share price falls only in `absorb`, and rises by income and by what leavers forgo.
///
/// LOSSES. `absorb` takes unvested income first, then the same fraction of every share, queued ones included. What it pays is
/// bounded by a budget for each market and aligned day, a budget of the pool and a cap of the reason for each aligned window,
/// and MIN_ASSETS, which always stay, so that the share price never reaches zero and new stake is never diluted by wiped shares. A draw
/// at the end of one window and another at the start of the next may take both budgets.
///
/// EXIT. A request locks its clocks and its value. Until claimed its shares are slashed like all others and are no coverage;
/// the claim pays the lower of the value at request and at claim. Cancelled or lapsed shares go back with what they have
/// earned, having borne every loss in between. Clocks run in the pool's time, which stands still while it is paused.
///
/// ROLES. The engine, fixed at deployment, may only take what `absorb` allows and add income. Governance sets budgets
/// and clocks within constant bounds; it can neither move tokens nor touch an open request. The guardian may refuse new stake for
/// PAUSE_TIME and then not again for PAUSE_REST; losses, income and what is claimable already know no pause.
///
/// TOKEN ASSUMPTIONS (SAFETY). At most 12 decimals. Fee-on-transfer is refused at deposit; a token whose balances fall by
/// themselves is not supported. Hooks are harmless: state is written before every transfer and all that moves money is
/// non-reentrant.
///
/// LIVENESS ASSUMPTIONS. None on other users: no loop over anybody's requests but the caller's, and at most MAX_REQUESTS of
/// these. A token that blocks the pool or the engine stops what has to move tokens, and nothing else.
///
/// RESCALING. A loss that leaves a share worth less than 2^-SCALE_BITS of the first price divides all shares by 2^SCALE_BITS: the supply
/// at once; balances, requests and allowances, each rounded down, when next touched; views show it at once. So any number of such
/// losses can be refilled: the supply stays below 2^SCALE_BITS * VIRTUAL_SHARES * (assets + 1). What is rounded off belongs to nobody,
/// less than one share a balance and request; the virtual shares gain at most one asset unit.
///
/// KNOWN LIMITS. At most 2^80 - 1 asset units; times until 2106; 2^16 - 1 rescalings, after which the supply may grow until joining
/// stops, and nothing else. A request holds 2^104 - 1 shares: a million tokens of 12 decimals where shares are worth least. Shares are
/// rebased by rescalings: who books numbers of shares must follow `rescalings`, and `mint` needs the limit of `mintWithin`. Income that
/// vests while nobody has shares stays with the virtual ones.
contract BackstopPool is IBackstopPool, ERC20Permit, AccessManaged, ReentrancyGuardTransient {
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @dev Tokens on the books. One slot.
    struct Funds {
        uint80 booked; // {asset} stake and income, unvested income included
        uint80 unvested; // {asset} income that had not vested at `vestStart`
        uint32 vestStart; // {s}
        uint32 vestEnd; // {s} everything has vested from here on
        // 28 bytes
    }

    /// @dev Parameters, and what the window has used. One slot.
    struct Rules {
        uint80 drawn; // {asset} by all markets in `window`; sums stop at their limit
        uint80 counted; // {asset} losses of the pool's own positions in `window`
        uint16 window; // number of the aligned window
        uint16 marketDayBps; // {bps}
        uint16 windowBps; // {bps}
        uint24 cooldown; // {s}
        uint24 claimWindow; // {s}
        // 32 bytes
    }

    /// @dev What one market has used in a day, or one reason in a window. One slot.
    struct Day {
        uint80 drawn; // {asset} in `day`
        uint80 counted; // {asset}
        uint32 day; // number of the aligned day or window
        // 24 bytes
    }

    /// @dev All shares, and the pauses so far: how much time has stood still. One slot.
    struct Supply {
        uint128 shares; // {share}
        uint16 scale; // number of rescalings
        uint32 pauseStart; // {s} of the newest pause
        uint32 pauseEnd; // {s} of the newest; it may lie ahead
        uint32 pausedBefore; // {s} that the pauses before it lasted
        // 30 bytes
    }

    /// @dev Shares of a holder and ids of his requests. One slot.
    struct Holding {
        uint128 shares; // {share} at `scale`
        uint16 scale; // number of rescalings when they were written
        uint56 closed; // every id up to here is closed
        uint56 last; // the newest id; closed <= last <= closed + MAX_REQUESTS
        // 32 bytes
    }

    /// @dev An {ExitRequest} as stored. One slot.
    struct Request {
        uint104 shares; // {share} at `scale`
        uint80 valueCap; // {asset}
        uint32 claimableAt; // {s} in the pool's time
        uint24 window; // {s} from then on
        uint16 scale; // number of rescalings when `shares` was written
        // 32 bytes
    }

    uint8 private constant MAX_DECIMALS = 12;
    uint8 private constant SHARE_DECIMALS_OFFSET = 6;
    uint256 private constant VIRTUAL_SHARES = 10 ** SHARE_DECIMALS_OFFSET; // {share}
    uint256 public constant MAX_ASSETS = type(uint80).max; // {asset}
    uint256 public constant MAX_SHARES = type(uint128).max; // {share} that `mint` accepts; there are never as many
    uint256 public constant SCALE_BITS = 24; // the supply stays below 2^124
    uint256 public constant MAX_REQUESTS = 32; // open ids of one controller: bounds every loop
    uint256 public constant INCOME_PERIOD = 3 days; // {s}
    uint256 public constant WINDOW = 7 days; // {s} aligned to the epoch
    uint256 private constant BPS = 10_000;
    uint16 public constant MIN_BUDGET_BPS = 500; // 5%: governance cannot switch the pool off
    uint32 public constant MIN_COOLDOWN = 1 days;
    uint32 public constant MAX_COOLDOWN = 30 days;
    uint32 public constant MIN_CLAIM_WINDOW = 1 days;
    uint32 public constant MAX_CLAIM_WINDOW = 14 days;
    uint256 public constant PAUSE_TIME = 3 days; // {s} at most
    uint256 public constant PAUSE_REST = 14 days; // {s} after a pause until the next

    /// @inheritdoc IERC4626
    address public immutable asset;
    /// @inheritdoc IBackstopPool
    address public immutable engine;
    /// @inheritdoc IBackstopPool
    // solhint-disable-next-line immutable-vars-naming
    uint256 public immutable MIN_ASSETS; // {asset}
    uint8 private immutable shareDecimals;

    Funds private funds;
    Rules private rules;
    mapping(uint8 market => Day day) private days_;
    mapping(DrawReason reason => Day window) private reasons; // of reasons with a cap of their own
    mapping(address controller => mapping(uint256 requestId => Request request)) private requests;
    Supply private supply;
    mapping(address holder => Holding holding) private holdings;
    mapping(address owner => mapping(address spender => uint256 scale)) private approvedAt;
    /// @inheritdoc IERC7540Operator
    mapping(address controller => mapping(address operator => bool approved)) public isOperator;

    modifier onlyEngine() {
        require(msg.sender == engine, NotEngine(msg.sender));
        _;
    }

    modifier before(uint256 deadline) {
        require(block.timestamp <= deadline, DeadlinePassed(block.timestamp, deadline));
        _;
    }

    constructor(
        address asset_,
        address engine_,
        address accessManager,
        string memory name_,
        string memory symbol_
    ) ERC20(name_, symbol_) ERC20Permit(name_) AccessManaged(accessManager) {
        require(engine_ != address(0), ZeroAddress());
        uint8 assetDecimals = IERC20Metadata(asset_).decimals();
        require(assetDecimals <= MAX_DECIMALS, DecimalsUnsupported(assetDecimals, MAX_DECIMALS));

        (asset, engine) = (asset_, engine_);
        MIN_ASSETS = 10 ** assetDecimals;
        shareDecimals = assetDecimals + SHARE_DECIMALS_OFFSET;
        _setBudgets(5_000, 8_000);
        _setExitClocks(7 days, 3 days);
    }

    /* JOIN */

    /// @inheritdoc IERC4626
    function deposit(uint256 assets, address receiver) external nonReentrant returns (uint256) {
        return _joinByAssets(assets, receiver, 0);
    }

    /// @inheritdoc IERC4626
    function mint(uint256 shares, address receiver) external nonReentrant returns (uint256) {
        return _joinByShares(shares, receiver, type(uint256).max);
    }

    /// @inheritdoc IBackstopPool
    function depositWithin(
        uint256 assets,
        address receiver,
        uint256 minShares,
        uint256 deadline
    ) external nonReentrant before(deadline) returns (uint256) {
        return _joinByAssets(assets, receiver, minShares);
    }

    /// @inheritdoc IBackstopPool
    function depositWithPermit(
        uint256 assets,
        address receiver,
        uint256 minShares,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant before(deadline) returns (uint256) {
        // A permit seen in the mempool can be used up by anyone; the transfer below fails if the allowance is missing.
        try IERC20Permit(asset).permit(msg.sender, address(this), assets, deadline, v, r, s) {} catch {}
        return _joinByAssets(assets, receiver, minShares);
    }

    /// @inheritdoc IBackstopPool
    function mintWithin(
        uint256 shares,
        address receiver,
        uint256 maxAssets,
        uint256 deadline
    ) external nonReentrant before(deadline) returns (uint256) {
        return _joinByShares(shares, receiver, maxAssets);
    }

    /* EXIT */

    /// @inheritdoc IERC7540Operator
    function setOperator(address operator, bool approved) external returns (bool) {
        isOperator[msg.sender][operator] = approved;

        emit OperatorSet(msg.sender, operator, approved);
        return true;
    }

    /// @inheritdoc IERC7540Redeem
    function requestRedeem(
        uint256 shares,
        address controller,
        address owner
    ) external nonReentrant returns (uint256 requestId) {
        require(controller == owner || _isAuthorized(controller), NotAuthorized(msg.sender, controller));
        uint104 queued = shares.toUint104();
        uint256 valueCap = convertToAssets(queued);
        require(valueCap != 0, ZeroAssets(shares));
        if (!_isAuthorized(owner)) _spendAllowance(owner, msg.sender, shares);

        Holding storage holding = holdings[controller];
        (uint256 closed, uint256 last) = (holding.closed, holding.last);
        while (closed != last && requests[controller][closed + 1].shares == 0) ++closed;
        requestId = last + 1;
        require(requestId - closed <= MAX_REQUESTS, TooManyRequests(controller, MAX_REQUESTS));
        uint32 claimableAt = (poolTime() + rules.cooldown).toUint32();
        uint24 window = rules.claimWindow;

        (holding.closed, holding.last) = (uint56(closed), uint56(requestId)); // one more a call
        // `valueCap` is at most `booked`
        requests[controller][requestId] = Request(queued, uint80(valueCap), claimableAt, window, supply.scale);
        _move(owner, address(this), shares); // past `_update`, which refuses the pool as receiver

        emit RedeemRequest(controller, owner, requestId, msg.sender, shares);
        emit ExitRequested(controller, requestId, valueCap, claimableAt, claimableAt + window);
    }

    /// @inheritdoc IBackstopPool
    function cancelExit(address controller, uint256 requestId) external nonReentrant returns (uint256 shares) {
        ExitRequest memory request = _request(controller, requestId);
        require(
            _isAuthorized(controller) || poolTime() > request.lapsesAt,
            RequestNotLapsed(poolTime(), request.lapsesAt)
        );

        shares = request.shares;
        delete requests[controller][requestId];
        _update(address(this), controller, shares);

        emit ExitCancelled(controller, requestId, msg.sender, shares);
    }

    /// @inheritdoc IBackstopPool
    function claimExit(
        address controller,
        uint256 requestId,
        uint256 shares,
        address receiver
    ) external nonReentrant returns (uint256) {
        return _claim(controller, requestId, shares, receiver, 0);
    }

    /// @inheritdoc IBackstopPool
    function claimExitWithin(
        address controller,
        uint256 requestId,
        uint256 shares,
        address receiver,
        uint256 minAssets,
        uint256 deadline
    ) external nonReentrant before(deadline) returns (uint256) {
        return _claim(controller, requestId, shares, receiver, minAssets);
    }

    /// @inheritdoc IERC4626
    function redeem(uint256 shares, address receiver, address controller) external nonReentrant returns (uint256) {
        return _redeem(shares, receiver, controller, 0);
    }

    /// @inheritdoc IBackstopPool
    function redeemWithin(
        uint256 shares,
        address receiver,
        address controller,
        uint256 minAssets,
        uint256 deadline
    ) external nonReentrant before(deadline) returns (uint256) {
        return _redeem(shares, receiver, controller, minAssets);
    }

    /// @inheritdoc IERC4626
    function withdraw(uint256 assets, address receiver, address controller) external nonReentrant returns (uint256) {
        return _withdraw(assets, receiver, controller, type(uint256).max);
    }

    /// @inheritdoc IBackstopPool
    function withdrawWithin(
        uint256 assets,
        address receiver,
        address controller,
        uint256 maxShares,
        uint256 deadline
    ) external nonReentrant before(deadline) returns (uint256) {
        return _withdraw(assets, receiver, controller, maxShares);
    }

    /* ENGINE */

    /// @inheritdoc IBackstopPool
    function absorb(
        uint8 market,
        uint256 requested,
        DrawReason reason
    ) external onlyEngine nonReentrant returns (uint256 paid) {
        (Funds memory f, Rules memory r, Day memory d) = (funds, _rulesNow(), _dayNow(market));

        paid = requested.min(_absorbable(f, r, d));
        uint256 capBps = reasonCapBps(reason);
        if (capBps < BPS) {
            Day memory w = reasons[reason];
            if (w.day != r.window) (w.day, w.drawn) = (r.window, 0);
            paid = paid.min(_budgetLeft(f.booked, w.drawn, 0, capBps));
            w.drawn = _plus(w.drawn, paid);
            reasons[reason] = w;
        }
        uint256 unvested = _unvested(f);

        r.drawn = _plus(r.drawn, paid);
        d.drawn = _plus(d.drawn, paid);
        f.booked -= uint80(paid); // at most booked
        f.unvested = uint80(unvested.saturatingSub(paid)); // what is left goes on vesting until the same end
        f.vestStart = uint32(block.timestamp);
        (funds, rules, days_[market]) = (f, r, d);
        if (paid != 0) _rescale(f.booked - f.unvested);

        emit LossAbsorbed(market, reason, requested, paid);
        if (paid != 0) IERC20(asset).safeTransfer(engine, paid);
    }

    /// @inheritdoc IBackstopPool
    function countLoss(uint8 market, uint256 assets) external onlyEngine nonReentrant {
        (Rules memory r, Day memory d) = (_rulesNow(), _dayNow(market));
        r.counted = _plus(r.counted, assets);
        d.counted = _plus(d.counted, assets);
        (rules, days_[market]) = (r, d);

        emit LossCounted(market, assets);
    }

    /// @inheritdoc IBackstopPool
    function receiveIncome(uint256 assets) external onlyEngine nonReentrant {
        if (assets == 0) return;

        Funds memory f = funds;
        uint256 unvested = _unvested(f);
        uint256 timeLeft = uint256(f.vestEnd).saturatingSub(block.timestamp); // {s}
        // {s} mean of the times left, weighted by amount, down: at least `timeLeft`, at most INCOME_PERIOD
        uint256 period = (unvested * timeLeft + assets * INCOME_PERIOD) / (unvested + assets);

        f.booked = (f.booked + assets).toUint80();
        f.unvested = (unvested + assets).toUint80();
        f.vestStart = block.timestamp.toUint32();
        f.vestEnd = (block.timestamp + period).toUint32();
        funds = f;

        _requireBacked(f.booked);
        emit IncomeReceived(assets, f.unvested, f.vestEnd);
    }

    /* GOVERNANCE */

    /// @inheritdoc IBackstopPool
    function setBudgets(uint16 marketDayBps, uint16 windowBps) external restricted {
        _setBudgets(marketDayBps, windowBps);
    }

    /// @inheritdoc IBackstopPool
    function setExitClocks(uint32 cooldown, uint32 claimWindow) external restricted {
        _setExitClocks(cooldown, claimWindow);
    }

    /* GUARDIAN */

    /// @inheritdoc IBackstopPool
    function pause() external restricted {
        Supply memory all = supply;
        uint256 earliest = all.pauseEnd + PAUSE_REST;
        require(block.timestamp >= earliest, PauseTooEarly(block.timestamp, earliest));

        all.pausedBefore += all.pauseEnd - all.pauseStart;
        all.pauseStart = block.timestamp.toUint32();
        all.pauseEnd = (block.timestamp + PAUSE_TIME).toUint32();
        supply = all;

        emit Paused(all.pauseEnd);
    }

    /// @inheritdoc IBackstopPool
    function unpause() external restricted {
        uint256 end = supply.pauseEnd;
        require(block.timestamp < end, NotPaused(block.timestamp, end));

        supply.pauseEnd = uint32(block.timestamp); // below `end`

        emit Unpaused();
    }

    /* VIEWS: ERC-4626 */

    /// @inheritdoc IERC4626
    function totalAssets() public view returns (uint256) {
        Funds memory f = funds;
        return f.booked - _unvested(f);
    }

    /// @inheritdoc IERC4626
    function convertToShares(uint256 assets) public view returns (uint256) {
        return _toShares(assets, Math.Rounding.Floor);
    }

    /// @inheritdoc IERC4626
    function convertToAssets(uint256 shares) public view returns (uint256) {
        return _toAssets(shares, Math.Rounding.Floor);
    }

    /// @inheritdoc IERC4626
    function maxDeposit(address) public view returns (uint256) {
        if (block.timestamp < supply.pauseEnd) return 0;
        uint256 max = MAX_ASSETS - funds.booked;
        return convertToShares(max) == 0 ? 0 : max;
    }

    /// @inheritdoc IERC4626
    function maxMint(address) public view returns (uint256) {
        if (block.timestamp < supply.pauseEnd) return 0;
        return _toShares(MAX_ASSETS - funds.booked, Math.Rounding.Floor);
    }

    /// @inheritdoc IERC4626
    function previewDeposit(uint256 assets) external view returns (uint256) {
        return convertToShares(assets);
    }

    /// @inheritdoc IERC4626
    function previewMint(uint256 shares) external view returns (uint256) {
        return _toAssets(shares, Math.Rounding.Ceil);
    }

    /// @inheritdoc IERC4626
    function maxRedeem(address controller) external view returns (uint256 shares) {
        uint256 assets;
        (shares, assets) = _claimable(controller);
        if (assets == 0) shares = 0; // a claim that pays nothing is refused
    }

    /// @inheritdoc IERC4626
    function maxWithdraw(address controller) external view returns (uint256 assets) {
        (, assets) = _claimable(controller);
    }

    /// @inheritdoc IERC4626
    function previewRedeem(uint256) external pure returns (uint256) {
        revert PreviewUnsupported();
    }

    /// @inheritdoc IERC4626
    function previewWithdraw(uint256) external pure returns (uint256) {
        revert PreviewUnsupported();
    }

    /* VIEWS: ERC-7540 */

    /// @inheritdoc IERC7540Redeem
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        ExitRequest memory request = exitRequest(controller, requestId);
        return poolTime() < request.claimableAt ? request.shares : 0;
    }

    /// @inheritdoc IERC7540Redeem
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        ExitRequest memory request = exitRequest(controller, requestId);
        return _isClaimable(request, poolTime()) ? request.shares : 0;
    }

    /// @inheritdoc IERC7575Share
    function share() external view returns (address) {
        return address(this);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return
            interfaceId == type(IERC165).interfaceId ||
            interfaceId == type(IERC7540Operator).interfaceId ||
            interfaceId == type(IERC7540Redeem).interfaceId ||
            interfaceId == 0x2f0a18c5; // ERC-7575 vault: ERC-4626 without its ERC-20, and share()
    }

    /* VIEWS: POOL */

    /// @inheritdoc IBackstopPool
    function freeStake() external view returns (uint256) {
        return convertToAssets(totalSupply() - queuedShares()).saturatingSub(MIN_ASSETS);
    }

    /// @inheritdoc IBackstopPool
    function absorbable(uint8 market) external view returns (uint256) {
        return _absorbable(funds, _rulesNow(), _dayNow(market));
    }

    /// @inheritdoc IBackstopPool
    function drawn(uint8 market) external view returns (uint256 today, uint256 inWindow) {
        (Rules memory r, Day memory d) = (_rulesNow(), _dayNow(market));
        return (uint256(d.drawn) + d.counted, uint256(r.drawn) + r.counted);
    }

    /// @inheritdoc IBackstopPool
    function unvestedIncome() external view returns (uint256) {
        return _unvested(funds);
    }

    /// @inheritdoc IBackstopPool
    function reasonCapBps(DrawReason reason) public pure returns (uint256) {
        if (reason == DrawReason.INVENTORY) return 5000;
        if (reason == DrawReason.ORACLE_FAILURE) return 3000;
        if (reason == DrawReason.ENGINE_DEFICIT) return 2000;
        return BPS; // a liquidation: the budget of the window
    }

    /// @inheritdoc IBackstopPool
    function budgets() external view returns (uint16 marketDayBps, uint16 windowBps) {
        return (rules.marketDayBps, rules.windowBps);
    }

    /// @inheritdoc IBackstopPool
    function exitClocks() external view returns (uint32 cooldown, uint32 claimWindow) {
        return (rules.cooldown, rules.claimWindow);
    }

    /// @inheritdoc IBackstopPool
    function pausedUntil() external view returns (uint256) {
        return supply.pauseEnd;
    }

    /// @inheritdoc IBackstopPool
    function poolTime() public view returns (uint256) {
        Supply memory all = supply;
        return block.timestamp - all.pausedBefore - (block.timestamp.min(all.pauseEnd) - all.pauseStart);
    }

    /// @inheritdoc IBackstopPool
    /// @dev The pool's own share balance is the queue: `_update` refuses every other way in.
    function queuedShares() public view returns (uint256) {
        return balanceOf(address(this));
    }

    /// @inheritdoc IBackstopPool
    function exitRequest(address controller, uint256 requestId) public view returns (ExitRequest memory) {
        Request memory r = requests[controller][requestId];
        return
            ExitRequest(_atScale(r.shares, r.scale, supply.scale), r.valueCap, r.claimableAt, r.claimableAt + r.window);
    }

    /// @inheritdoc IBackstopPool
    function requestIds(address controller) external view returns (uint256 closed, uint256 last) {
        return (holdings[controller].closed, holdings[controller].last);
    }

    /// @inheritdoc IERC20
    function totalSupply() public view override(ERC20, IERC20) returns (uint256) {
        return supply.shares;
    }

    /// @inheritdoc IERC20
    function balanceOf(address holder) public view override(ERC20, IERC20) returns (uint256) {
        Holding memory held = holdings[holder];
        return _atScale(held.shares, held.scale, supply.scale);
    }

    /// @inheritdoc IERC20
    /// @dev Divided like the shares it is for; an endless one stays so.
    function allowance(address owner, address spender) public view override(ERC20, IERC20) returns (uint256) {
        uint256 shares = super.allowance(owner, spender);
        return shares == type(uint256).max ? shares : _atScale(shares, approvedAt[owner][spender], supply.scale);
    }

    /// @inheritdoc IBackstopPool
    function rescalings() external view returns (uint256) {
        return supply.scale;
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC20, IERC20Metadata) returns (uint8) {
        return shareDecimals;
    }

    /* INTERNAL: JOIN */

    function _joinByAssets(uint256 assets, address receiver, uint256 minShares) private returns (uint256 shares) {
        require(assets <= MAX_ASSETS, AssetsAboveMax(assets, MAX_ASSETS));
        shares = _toShares(assets, Math.Rounding.Floor);
        require(shares != 0, ZeroShares(assets));
        require(shares >= minShares, SlippageExceeded(shares, minShares));

        _join(assets, shares, receiver);
    }

    function _joinByShares(uint256 shares, address receiver, uint256 maxAssets) private returns (uint256 assets) {
        require(shares <= MAX_SHARES, SharesAboveMax(shares, MAX_SHARES));
        assets = _toAssets(shares, Math.Rounding.Ceil);
        require(shares != 0, ZeroShares(assets));
        require(assets <= maxAssets, SlippageExceeded(assets, maxAssets));

        _join(assets, shares, receiver);
    }

    /// @dev Mints before it is paid, so that views are right inside a token's hook; a token that does not pay undoes all.
    function _join(uint256 assets, uint256 shares, address receiver) private {
        uint256 pauseEnd = supply.pauseEnd;
        require(block.timestamp >= pauseEnd, DepositsPaused(pauseEnd));
        uint256 booked = funds.booked + assets;
        require(booked <= MAX_ASSETS, AssetsAboveMax(assets, MAX_ASSETS - funds.booked));

        funds.booked = uint80(booked);
        _mint(receiver, shares);

        emit Deposit(msg.sender, receiver, assets, shares);
        IERC20(asset).safeTransferFrom(msg.sender, address(this), assets);
        _requireBacked(booked);
    }

    function _requireBacked(uint256 booked) private view {
        uint256 held = IERC20(asset).balanceOf(address(this));
        require(held >= booked, TokenShort(held, booked));
    }

    /* INTERNAL: EXIT */

    /// @dev The heart of `claimExit`: one request, by id.
    function _claim(
        address controller,
        uint256 requestId,
        uint256 shares,
        address receiver,
        uint256 minAssets
    ) private returns (uint256 assets) {
        require(_isAuthorized(controller), NotAuthorized(msg.sender, controller));
        require(shares != 0, ZeroAssets(shares));
        ExitRequest memory request = _request(controller, requestId);
        uint256 time = poolTime();
        require(time >= request.claimableAt, NotClaimableYet(time, request.claimableAt));
        require(time <= request.lapsesAt, RequestLapsed(time, request.lapsesAt));
        require(shares <= request.shares, SharesExceedRequest(shares, request.shares));

        assets = _payout(request, shares);
        require(assets >= minAssets, SlippageExceeded(assets, minAssets));

        _take(controller, requestId, request, shares, assets);
        _pay(controller, receiver, shares, assets);
    }

    /// @dev Takes `shares` from the claimable requests of `controller`, oldest first. All are valued at the price before
    /// the claim: the books change once, in `_pay`.
    function _redeem(
        uint256 shares,
        address receiver,
        address controller,
        uint256 minAssets
    ) private returns (uint256 assets) {
        require(_isAuthorized(controller), NotAuthorized(msg.sender, controller));
        Holding memory holding = holdings[controller];
        uint256 time = poolTime();

        uint256 missing = shares;
        for (uint256 id = holding.closed + 1; id <= holding.last && missing != 0; ++id) {
            ExitRequest memory request = exitRequest(controller, id);
            if (!_isClaimable(request, time)) continue;
            uint256 part = missing.min(request.shares);
            uint256 partAssets = _payout(request, part);
            _take(controller, id, request, part, partAssets);
            missing -= part;
            assets += partAssets;
        }
        require(missing == 0, SharesExceedRequest(shares, shares - missing));
        require(assets >= minAssets, SlippageExceeded(assets, minAssets));

        _pay(controller, receiver, shares, assets);
    }

    /// @dev As `_redeem`, for an exact amount. Shares are rounded up; a request that would pay nothing is passed over.
    function _withdraw(
        uint256 assets,
        address receiver,
        address controller,
        uint256 maxShares
    ) private returns (uint256 shares) {
        require(_isAuthorized(controller), NotAuthorized(msg.sender, controller));
        Holding memory holding = holdings[controller];
        uint256 time = poolTime();

        uint256 missing = assets;
        for (uint256 id = holding.closed + 1; id <= holding.last && missing != 0; ++id) {
            ExitRequest memory request = exitRequest(controller, id);
            if (!_isClaimable(request, time)) continue;
            uint256 whole = _payout(request, request.shares);
            if (whole == 0) continue;
            uint256 partAssets = missing.min(whole);
            // {share} = {share} * {asset} / {asset}, up: these shares are worth at least `partAssets`, cap included
            uint256 part = request.shares.mulDiv(partAssets, whole, Math.Rounding.Ceil);
            _take(controller, id, request, part, partAssets);
            missing -= partAssets;
            shares += part;
        }
        require(missing == 0, AssetsExceedRequests(assets, assets - missing));
        require(shares <= maxShares, SlippageExceeded(shares, maxShares));

        _pay(controller, receiver, shares, assets);
    }

    /// @dev Takes `shares` with their part of the cap out of a request. The part is rounded down for the claim and so the
    /// rest up, but all claims of a request together never pay more than its cap.
    function _take(
        address controller,
        uint256 requestId,
        ExitRequest memory request,
        uint256 shares,
        uint256 assets
    ) private {
        if (shares == request.shares) {
            delete requests[controller][requestId];
        } else {
            // The casts hold: shares < request.shares, and so the part of the cap <= valueCap.
            Request storage stored = requests[controller][requestId];
            stored.valueCap = uint80(request.valueCap - _capOf(request, shares));
            (stored.shares, stored.scale) = (uint104(request.shares - shares), supply.scale);
        }

        emit ExitClaimed(controller, requestId, shares, assets);
    }

    /// @dev Burns claimed shares and sends their assets. The subtraction holds: a payout is at most the shares' value.
    function _pay(address controller, address receiver, uint256 shares, uint256 assets) private {
        require(assets != 0, ZeroAssets(shares));
        require(receiver != address(0) && receiver != address(this), ERC20InvalidReceiver(receiver));

        funds.booked -= uint80(assets);
        _burn(address(this), shares);

        emit Withdraw(msg.sender, receiver, controller, assets, shares);
        IERC20(asset).safeTransfer(receiver, assets);
    }

    /// @dev {asset} lower of the value now and the part of the cap, both down; shares <= request.shares, which is not zero.
    function _payout(ExitRequest memory request, uint256 shares) private view returns (uint256) {
        return convertToAssets(shares).min(_capOf(request, shares));
    }

    function _capOf(ExitRequest memory request, uint256 shares) private pure returns (uint256) {
        return request.valueCap.mulDiv(shares, request.shares); // {asset} = {asset} * {share} / {share}, down
    }

    function _claimable(address controller) private view returns (uint256 shares, uint256 assets) {
        Holding memory holding = holdings[controller];
        uint256 time = poolTime();
        for (uint256 id = holding.closed + 1; id <= holding.last; ++id) {
            ExitRequest memory request = exitRequest(controller, id);
            if (!_isClaimable(request, time)) continue;
            shares += request.shares;
            assets += _payout(request, request.shares);
        }
    }

    function _request(address controller, uint256 requestId) private view returns (ExitRequest memory request) {
        require(requests[controller][requestId].shares != 0, UnknownRequest(controller, requestId));
        return exitRequest(controller, requestId);
    }

    /// @dev False for a closed request, and for one of which rescaling has left nothing.
    function _isClaimable(ExitRequest memory request, uint256 time) private pure returns (bool) {
        return request.shares != 0 && request.claimableAt <= time && time <= request.lapsesAt;
    }

    function _isAuthorized(address controller) private view returns (bool) {
        return msg.sender == controller || isOperator[controller][msg.sender];
    }

    /* INTERNAL: LOSSES AND INCOME */

    /// @dev {asset} least of the day's budget, the window's budget and what lies above the floor. Unvested income can be
    /// drawn, so it counts.
    function _absorbable(Funds memory f, Rules memory r, Day memory d) private view returns (uint256) {
        uint256 aboveFloor = uint256(f.booked).saturatingSub(MIN_ASSETS);
        return
            aboveFloor.min(_budgetLeft(f.booked, d.drawn, d.counted, r.marketDayBps)).min(
                _budgetLeft(f.booked, r.drawn, r.counted, r.windowBps)
            );
    }

    /// @dev {asset} = ({asset} + {asset}) * {bps} / BPS - {asset} - {asset}, down: a share of what there would be without the draws so far.
    function _budgetLeft(uint256 booked, uint256 drawn_, uint256 counted, uint256 bps) private pure returns (uint256) {
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

    /// @dev {asset} = {asset} * {s} / {s}, up: income vests late rather than early. vestEnd > vestStart while it is running.
    function _unvested(Funds memory f) private view returns (uint256) {
        if (block.timestamp >= f.vestEnd) return 0;
        return uint256(f.unvested).mulDiv(f.vestEnd - block.timestamp, f.vestEnd - f.vestStart, Math.Rounding.Ceil);
    }

    /* INTERNAL: SHARES */

    /// @dev {share} = {asset} * {share} / {asset}
    function _toShares(uint256 assets, Math.Rounding rounding) private view returns (uint256) {
        return assets.mulDiv(totalSupply() + VIRTUAL_SHARES, totalAssets() + 1, rounding);
    }

    /// @dev {asset} = {share} * {asset} / {share}
    function _toAssets(uint256 shares, Math.Rounding rounding) private view returns (uint256) {
        return shares.mulDiv(totalAssets() + 1, totalSupply() + VIRTUAL_SHARES, rounding);
    }

    /// @dev Shares reach the pool only by `requestRedeem`; any others would be lost and count as queued.
    function _update(address from, address to, uint256 shares) internal override {
        require(to != address(this), ERC20InvalidReceiver(to));
        _move(from, to, shares);
    }

    function _approve(address owner, address spender, uint256 shares, bool emitEvent) internal override {
        super._approve(owner, spender, shares, emitEvent);
        approvedAt[owner][spender] = supply.scale;
    }

    /// @dev Mints when `from` is zero, burns when `to` is.
    function _move(address from, address to, uint256 shares) private {
        Supply memory all = supply;
        if (from == address(0)) {
            all.shares = (all.shares + shares).toUint128();
        } else {
            uint256 held = balanceOf(from);
            require(held >= shares, ERC20InsufficientBalance(from, held, shares));
            _setShares(from, held - shares, all.scale);
        }
        if (to == address(0)) {
            all.shares -= uint128(shares); // somebody held them
        } else {
            _setShares(to, balanceOf(to) + shares, all.scale);
        }
        if (from == address(0) || to == address(0)) supply = all;

        emit Transfer(from, to, shares);
    }

    /// @param shares {share} at most the supply
    function _setShares(address holder, uint256 shares, uint16 scale) private {
        Holding storage holding = holdings[holder];
        (holding.shares, holding.scale) = (uint128(shares), scale);
    }

    /// @dev After a loss: while a share is worth less than 2^-SCALE_BITS of the first price, there are 2^SCALE_BITS times fewer.
    /// @param assets {asset} of all shares
    function _rescale(uint256 assets) private {
        uint256 most = ((assets + 1) * VIRTUAL_SHARES) << SCALE_BITS;
        uint256 shares = supply.shares;
        if (shares + VIRTUAL_SHARES <= most) return;

        uint16 scale = supply.scale;
        while (shares + VIRTUAL_SHARES > most && scale != type(uint16).max) {
            shares >>= SCALE_BITS;
            ++scale;
            emit SharesRescaled(scale);
        }
        (supply.shares, supply.scale) = (uint128(shares), scale);
    }

    /// @dev {share} of scale `from` at scale `to`, which is not before it, down
    function _atScale(uint256 shares, uint256 from, uint256 to) private pure returns (uint256) {
        return shares >> (SCALE_BITS * (to - from));
    }

    /* INTERNAL: GOVERNANCE */

    function _setBudgets(uint16 marketDayBps, uint16 windowBps) private {
        _requireBudget(marketDayBps);
        _requireBudget(windowBps);

        (rules.marketDayBps, rules.windowBps) = (marketDayBps, windowBps);

        emit BudgetsSet(marketDayBps, windowBps);
    }

    function _requireBudget(uint16 bps) private pure {
        require(bps >= MIN_BUDGET_BPS && bps <= BPS, BudgetOutOfRange(bps, MIN_BUDGET_BPS, uint16(BPS)));
    }

    function _setExitClocks(uint32 cooldown, uint32 claimWindow) private {
        _requireClock(cooldown, MIN_COOLDOWN, MAX_COOLDOWN);
        _requireClock(claimWindow, MIN_CLAIM_WINDOW, MAX_CLAIM_WINDOW);

        (rules.cooldown, rules.claimWindow) = (uint24(cooldown), uint24(claimWindow)); // at most MAX_COOLDOWN

        emit ExitClocksSet(cooldown, claimWindow);
    }

    function _requireClock(uint32 value, uint32 min, uint32 max) private pure {
        require(value >= min && value <= max, ClockOutOfRange(value, min, max));
    }
}
