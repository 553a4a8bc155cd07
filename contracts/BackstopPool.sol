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
import {RescaledShares} from "./base/RescaledShares.sol";
import {ExitRequest, IBackstopPool} from "./interfaces/IBackstopPool.sol";
import {ICapitalStack} from "./interfaces/ICapitalStack.sol";
import {IERC7540Operator, IERC7540Redeem, IERC7575Share} from "./interfaces/IERC7540.sol";

/// @title BackstopPool
/// @notice One tranche of the stakers' capital: joins by ERC-4626, leaves by ERC-7540, pays losses, earns income. The capital stack
/// holds two of it, a junior one that pays first and a senior one.
///
/// ACCOUNTING. `funds.booked` counts every token that came in by a deposit or as income and went out by a claim or a loss;
/// the pool's balance is only looked at to refuse a token that delivers less. Tokens sent here by other ways are surplus and
/// belong to nobody. totalAssets = booked - unvested income. A share is worth (totalAssets + 1) / (totalSupply +
/// VIRTUAL_SHARES): the virtual shares belong to nobody and make a donation attack cost more than it can take.
///
/// TWO PRICES. What the pool's inventory has gained and lost is not on the books until it is collected or covered. The stack keeps
/// both here as of the last sync, each at the edge that is worse for the one who acts. Who joins pays for the gain and for unvested
/// income, and what he pays for them vests: nothing that has already come is his for less, nor anybody's sooner. Who leaves
/// leaves his part of the losses and of unvested income behind. While a loss worth speaking of is pending, or a shortfall may be
/// unprocessed (the gate), nobody joins.
///
/// ROUNDING. Always against the one who acts: shares minted and assets paid down, assets charged up, unvested income up.
/// So the share price falls only in `take`, and rises by income and by what joiners and leavers forgo.
///
/// LOSSES. `take` uses up unvested income first, then the same fraction of every share, queued ones included. How much is asked of
/// which tranche is the stack's matter; MIN_ASSETS always stay, so that the share price never reaches zero and new stake is never
/// diluted by wiped shares.
///
/// EXIT. A request locks its clocks and its value. Until claimed its shares are slashed like all others and are no coverage;
/// the claim pays the lower of the value at request and at claim. Cancelled or lapsed shares go back as far as they are worth no
/// more than at request: queued stake bears every loss and earns nothing. Clocks run in the pool's time, which stands still while
/// the pool is paused or the gate is closed. Claims wait for the gate, and for nothing else.
///
/// REPAYMENT. A loss that may be repaid one day (the engine lost its tokens) is recorded: what comes back goes to those who held
/// shares then, queued ones included, and not to those who hold them now. The stack keeps the money.
///
/// ROLES. The stack, fixed at deployment, may take a loss that the engine drew, add income and say what is pending. Governance sets
/// clocks within constant bounds; it can neither move tokens nor touch an open request. The guardian may refuse new stake for
/// PAUSE_TIME and then not again for PAUSE_REST; losses, income and what is claimable already know no pause.
///
/// TOKEN ASSUMPTIONS (SAFETY). At most 12 decimals. Fee-on-transfer is refused at deposit; a token whose balances fall by
/// themselves is not supported. Hooks are harmless: state is written before every transfer and all that moves money is
/// non-reentrant.
///
/// LIVENESS ASSUMPTIONS. None on other users: no loop over anybody's requests but the caller's, and at most MAX_REQUESTS of
/// these. A token that blocks the pool or the engine stops what has to move tokens, and nothing else.
///
/// KNOWN LIMITS. At most 2^80 - 1 asset units; times until 2106; 255 rescalings (decision 0010), after which the supply may grow
/// until joining stops, and nothing else. A request holds 2^104 - 1 shares: a million tokens of 12 decimals where shares are worth least.
/// Shares are rebased by rescalings: who books numbers of shares must follow `rescalings`, and `mint` needs the limit of `mintWithin`.
/// Income that vests while nobody has shares stays with the virtual ones. Gate, gain and loss are as of the last sync of each
/// market: a claim between a price and its sync is paid as if the price had not come.
contract BackstopPool is IBackstopPool, RescaledShares, AccessManaged, ReentrancyGuardTransient {
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @dev Tokens on the books. One slot.
    struct Funds {
        uint80 booked; // {asset} stake and income, unvested income included
        uint80 unvested; // {asset} income that had not vested at `vestStart`
        uint32 vestStart; // {s}
        uint32 vestEnd; // {s} everything has vested from here on
        uint32 joinsFrom; // {s} nobody joins before
        // 32 bytes
    }

    /// @dev What exits run by. Pause and gate both stop the pool's time: `stoppedAt` is when it last stopped. One slot.
    struct Clock {
        uint80 loss; // {asset} pending: leavers leave their part behind
        uint32 stoppedAt; // {s}
        uint32 pauseEnd; // {s} of the newest pause; it may lie ahead
        uint32 gateEnd; // {s} of the gate's newest closing; it may lie ahead
        uint32 stoppedBefore; // {s} that time had stood still before `stoppedAt`
        uint24 cooldown; // {s} of requests from now on
        uint24 claimWindow; // {s}
        // 32 bytes
    }

    /// @dev An {ExitRequest} as stored. One slot.
    struct Request {
        uint104 shares; // {share} at `scale`
        uint80 valueCap; // {asset}
        uint32 claimableAt; // {s} in the pool's time
        uint24 window; // {s} from then on
        uint8 scale; // number of rescalings when `shares` was written
        // 31 bytes
    }

    uint8 private constant MAX_DECIMALS = 12;
    uint256 public constant MAX_ASSETS = type(uint80).max; // {asset}
    uint256 public constant MAX_SHARES = type(uint128).max; // {share} that `mint` accepts; there are never as many
    uint256 public constant MAX_REQUESTS = 32; // open ids of one controller: bounds every loop
    uint256 public constant INCOME_PERIOD = 3 days; // {s}
    uint32 private constant NEVER = type(uint32).max; // {s}
    uint32 public constant MIN_COOLDOWN = 1 days;
    uint32 public constant MAX_COOLDOWN = 30 days;
    uint32 public constant MIN_CLAIM_WINDOW = 1 days;
    uint32 public constant MAX_CLAIM_WINDOW = 14 days;
    uint256 public constant PAUSE_TIME = 3 days; // {s} at most
    uint256 public constant PAUSE_REST = 14 days; // {s} after a pause until the next

    /// @inheritdoc IERC4626
    address public immutable asset;
    /// @inheritdoc IBackstopPool
    address public immutable stack;
    /// @inheritdoc IBackstopPool
    address public immutable engine;
    /// @inheritdoc IBackstopPool
    bool public immutable isJunior;
    /// @inheritdoc IBackstopPool
    // solhint-disable-next-line immutable-vars-naming
    uint256 public immutable MIN_ASSETS; // {asset}
    uint8 private immutable shareDecimals;

    Funds private funds;
    Clock private clock;
    mapping(address controller => mapping(uint256 requestId => Request request)) private requests;
    /// @inheritdoc IERC7540Operator
    mapping(address controller => mapping(address operator => bool approved)) public isOperator;

    modifier onlyStack() {
        require(msg.sender == stack, NotStack(msg.sender));
        _;
    }

    modifier before(uint256 deadline) {
        require(block.timestamp <= deadline, DeadlinePassed(block.timestamp, deadline));
        _;
    }

    constructor(
        address asset_,
        address stack_,
        address engine_,
        bool isJunior_,
        address accessManager,
        string memory name_,
        string memory symbol_
    ) ERC20(name_, symbol_) ERC20Permit(name_) AccessManaged(accessManager) {
        uint8 assetDecimals = IERC20Metadata(asset_).decimals();
        require(assetDecimals <= MAX_DECIMALS, DecimalsUnsupported(assetDecimals, MAX_DECIMALS));

        (asset, stack, engine, isJunior) = (asset_, stack_, engine_, isJunior_);
        MIN_ASSETS = 10 ** assetDecimals;
        shareDecimals = assetDecimals + SHARE_DECIMALS_OFFSET;
        supply.limit = type(uint32).max;
        _setExitClocks(isJunior_ ? 21 days : 7 days, 3 days);
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
        if (supply.records != 0) {
            _remember(owner);
            _remember(controller);
        }

        Holding storage holding = holdings[controller];
        (uint256 closed, uint256 last) = (holding.closed, holding.last);
        while (closed != last && requests[controller][closed + 1].shares == 0) ++closed;
        requestId = last + 1;
        require(requestId - closed <= MAX_REQUESTS, TooManyRequests(controller, MAX_REQUESTS));
        uint32 claimableAt = (poolTime() + clock.cooldown).toUint32();
        uint24 window = clock.claimWindow;

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
        if (!_isAuthorized(controller)) {
            uint256 time = poolTime();
            require(time > request.lapsesAt, RequestNotLapsed(time, request.lapsesAt));
        }

        shares = request.shares;
        uint256 forgone = convertToAssets(shares).saturatingSub(request.valueCap);
        if (supply.records != 0) _remember(controller);
        delete requests[controller][requestId];
        if (forgone > 1) shares = _forgo(shares, request.valueCap, forgone); // more than rounding
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

    /* STACK */

    /// @inheritdoc IBackstopPool
    function take(uint256 assets, bool isRecorded) external onlyStack nonReentrant {
        uint256 booked = funds.booked;
        uint256 most = booked.saturatingSub(MIN_ASSETS);
        require(assets <= most, AssetsAboveMax(assets, most));
        uint256 unvested = _unvested();

        if (isRecorded) _record(assets);
        booked -= assets;
        funds.booked = uint80(booked);
        if (unvested != 0) {
            unvested = unvested.saturatingSub(assets); // what is left goes on vesting until the same end
            (funds.unvested, funds.vestStart) = (uint80(unvested), uint32(block.timestamp));
        }
        _rescale(booked - unvested);

        emit LossTaken(assets);
        IERC20(asset).safeTransfer(engine, assets);
    }

    /// @inheritdoc IBackstopPool
    function receiveIncome(uint256 assets) external onlyStack nonReentrant {
        if (assets == 0) return;

        uint256 booked = funds.booked + assets;
        funds.booked = booked.toUint80();
        _vest(assets);
        _requireBacked(booked);
    }

    /// @inheritdoc IBackstopPool
    function setPending(uint256 gain, uint256 loss, uint256 gateEnd_, bool isJoinable) external onlyStack {
        bool isClosed = gateEnd_ > block.timestamp;
        if (isClosed) _stopTime();
        // an end that has passed stays: it is part of how long time has stood still
        if (isClosed || _isGateClosed()) clock.gateEnd = gateEnd_.max(block.timestamp).toUint32();
        clock.loss = uint80(loss.min(MAX_ASSETS));
        supply.gain = uint80(gain.min(MAX_ASSETS));
        _setJoins(isJoinable);

        emit PendingSet(gain, loss, clock.gateEnd);
    }

    /// @inheritdoc IBackstopPool
    function setLimit(uint256 tokens) external onlyStack {
        supply.limit = uint32(tokens.min(type(uint32).max));

        emit LimitSet(tokens);
    }

    /* GOVERNANCE */

    /// @inheritdoc IBackstopPool
    function setExitClocks(uint32 cooldown, uint32 claimWindow) external restricted {
        _setExitClocks(cooldown, claimWindow);
    }

    /* GUARDIAN */

    /// @inheritdoc IBackstopPool
    function pause() external restricted {
        uint256 earliest = clock.pauseEnd + PAUSE_REST;
        require(block.timestamp >= earliest, PauseTooEarly(block.timestamp, earliest));

        _stopTime();
        uint32 end = (block.timestamp + PAUSE_TIME).toUint32();
        clock.pauseEnd = end;
        _setJoins(funds.joinsFrom != NEVER);

        emit Paused(end);
    }

    /// @inheritdoc IBackstopPool
    function unpause() external restricted {
        require(block.timestamp < clock.pauseEnd, NotPaused(block.timestamp, clock.pauseEnd));

        clock.pauseEnd = uint32(block.timestamp); // below the end it had
        _setJoins(funds.joinsFrom != NEVER);

        emit Unpaused();
    }

    /* VIEWS: ERC-4626 */

    /// @inheritdoc IERC4626
    function totalAssets() public view returns (uint256) {
        return funds.booked - _unvested();
    }

    /// @inheritdoc IERC4626
    function convertToShares(uint256 assets) external view returns (uint256) {
        return assets.mulDiv(totalSupply() + VIRTUAL_SHARES, totalAssets() + 1);
    }

    /// @inheritdoc IERC4626
    function convertToAssets(uint256 shares) public view returns (uint256) {
        return shares.mulDiv(totalAssets() + 1, totalSupply() + VIRTUAL_SHARES);
    }

    /// @inheritdoc IERC4626
    function maxDeposit(address) public view returns (uint256) {
        uint256 max = _room();
        return _sharesFor(max) == 0 ? 0 : max;
    }

    /// @inheritdoc IERC4626
    function maxMint(address) public view returns (uint256) {
        return _sharesFor(_room());
    }

    /// @inheritdoc IERC4626
    function previewDeposit(uint256 assets) external view returns (uint256) {
        return _sharesFor(assets);
    }

    /// @inheritdoc IERC4626
    function previewMint(uint256 shares) external view returns (uint256) {
        return _costOf(shares);
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
        uint256 time = poolTime();
        return time < request.claimableAt || (time <= request.lapsesAt && _isGateClosed()) ? request.shares : 0;
    }

    /// @inheritdoc IERC7540Redeem
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        ExitRequest memory request = exitRequest(controller, requestId);
        return _isClaimable(request, poolTime()) && !_isGateClosed() ? request.shares : 0;
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
    function bookedAssets() external view returns (uint256) {
        return funds.booked;
    }

    /// @inheritdoc IBackstopPool
    function pending() external view returns (uint256 gain, uint256 loss) {
        return (supply.gain, clock.loss);
    }

    /// @inheritdoc IBackstopPool
    function incomeRate() external view returns (uint256) {
        Funds memory f = funds;
        if (block.timestamp >= f.vestEnd) return 0;
        return uint256(f.unvested).mulDiv(1 days, f.vestEnd - f.vestStart);
    }

    /// @inheritdoc IBackstopPool
    function unvestedIncome() external view returns (uint256) {
        return _unvested();
    }

    /// @inheritdoc IBackstopPool
    function exitClocks() external view returns (uint32 cooldown, uint32 claimWindow) {
        return (clock.cooldown, clock.claimWindow);
    }

    /// @inheritdoc IBackstopPool
    function pausedUntil() external view returns (uint256) {
        return clock.pauseEnd;
    }

    /// @inheritdoc IBackstopPool
    function gateEnd() external view returns (uint256) {
        return clock.gateEnd;
    }

    /// @inheritdoc IBackstopPool
    function joinsFrom() external view returns (uint256) {
        return funds.joinsFrom;
    }

    /// @inheritdoc IBackstopPool
    function poolTime() public view returns (uint256) {
        return block.timestamp - _stopped();
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
    function recordedLosses() external view returns (uint256) {
        return supply.records;
    }

    /// @inheritdoc IBackstopPool
    function recordedLoss(uint256 id) external view returns (uint256 assets, uint256 shares) {
        return (records[id].assets, records[id].shares);
    }

    /// @inheritdoc IBackstopPool
    function sharesAt(address holder, uint256 id) external view returns (uint256) {
        return id == 0 || id > supply.records ? 0 : _sharesAt(holder, id);
    }

    /// @inheritdoc IBackstopPool
    function requestIds(address controller) external view returns (uint256 closed, uint256 last) {
        return (holdings[controller].closed, holdings[controller].last);
    }

    /// @inheritdoc IERC20
    function totalSupply() public view override(RescaledShares, IERC20) returns (uint256) {
        return super.totalSupply();
    }

    /// @inheritdoc IERC20
    function balanceOf(address holder) public view override(RescaledShares, IERC20) returns (uint256) {
        return super.balanceOf(holder);
    }

    /// @inheritdoc IERC20
    function allowance(address owner, address spender) public view override(RescaledShares, IERC20) returns (uint256) {
        return super.allowance(owner, spender);
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
        shares = _sharesFor(assets);
        require(shares != 0, ZeroShares(assets));
        require(shares >= minShares, SlippageExceeded(shares, minShares));

        _join(assets, shares, receiver);
    }

    function _joinByShares(uint256 shares, address receiver, uint256 maxAssets) private returns (uint256 assets) {
        require(shares <= MAX_SHARES, SharesAboveMax(shares, MAX_SHARES));
        assets = _costOf(shares);
        require(shares != 0, ZeroShares(assets));
        require(assets <= maxAssets, SlippageExceeded(assets, maxAssets));

        _join(assets, shares, receiver);
    }

    /// @dev Mints before it is paid, so that views are right inside a token's hook; a token that does not pay undoes all.
    function _join(uint256 assets, uint256 shares, address receiver) private {
        require(block.timestamp >= funds.joinsFrom, JoinsClosed(funds.joinsFrom));
        (uint256 booked, uint256 most) = (funds.booked, _most());
        require(booked + assets <= most, AssetsAboveMax(assets, most.saturatingSub(booked)));
        uint256 unvested = _unvested();

        if (unvested + supply.gain != 0) {
            // what is paid above the price vests as well, and nobody's shares are worth more at once
            uint256 worth = shares.mulDiv(booked - unvested + 1, supply.shares + VIRTUAL_SHARES, Math.Rounding.Ceil);
            funds.unvested = uint80(unvested + assets.saturatingSub(worth)); // at most what is booked
            funds.vestStart = uint32(block.timestamp);
            if (unvested == 0) funds.vestEnd = (block.timestamp + INCOME_PERIOD).toUint32();
        }
        funds.booked = uint80(booked + assets);
        _mint(receiver, shares);

        emit Deposit(msg.sender, receiver, assets, shares);
        IERC20(asset).safeTransferFrom(msg.sender, address(this), assets);
        _requireBacked(booked + assets);
        if (isJunior) ICapitalStack(stack).updateLimit();
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
        _requireMayClaim(controller);
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
        _requireMayClaim(controller);
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
        _requireMayClaim(controller);
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
        if (supply.records != 0) _remember(controller);
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

    /// @dev Burns what queued shares have earned: the rest is worth `valueCap` when `forgone` {asset} has vested for all.
    /// @return kept {share} down
    function _forgo(uint256 shares, uint256 valueCap, uint256 forgone) private returns (uint256 kept) {
        uint256 all = totalAssets();
        // {share} = {asset} * {share} / {asset}, down: kept / (others + kept) = valueCap / (all + 1)
        kept = valueCap.mulDiv(totalSupply() + VIRTUAL_SHARES - shares, all + 1 - valueCap);
        _burn(address(this), shares - kept);
        uint256 vesting = forgone.mulDiv(all.saturatingSub(clock.loss), all + 1); // it bears its part of pending losses
        if (vesting != 0) _vest(vesting);
    }

    /// @dev Burns claimed shares and sends their assets. The subtraction holds: a payout is at most the shares' value.
    function _pay(address controller, address receiver, uint256 shares, uint256 assets) private {
        require(assets != 0, ZeroAssets(shares));
        require(receiver != address(0) && receiver != address(this), ERC20InvalidReceiver(receiver));

        funds.booked -= uint80(assets);
        _burn(address(this), shares);

        emit Withdraw(msg.sender, receiver, controller, assets, shares);
        if (isJunior) ICapitalStack(stack).updateLimit();
        IERC20(asset).safeTransfer(receiver, assets);
    }

    /// @dev {asset} lower of the value now, without the part of the pending loss, and the part of the cap, both down;
    /// shares <= request.shares, which is not zero.
    function _payout(ExitRequest memory request, uint256 shares) private view returns (uint256) {
        uint256 rest = totalAssets().saturatingSub(clock.loss) + 1;
        return shares.mulDiv(rest, totalSupply() + VIRTUAL_SHARES).min(_capOf(request, shares));
    }

    function _capOf(ExitRequest memory request, uint256 shares) private pure returns (uint256) {
        return request.valueCap.mulDiv(shares, request.shares); // {asset} = {asset} * {share} / {share}, down
    }

    function _claimable(address controller) private view returns (uint256 shares, uint256 assets) {
        if (_isGateClosed()) return (0, 0);
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

    function _requireMayClaim(address controller) private view {
        require(_isAuthorized(controller), NotAuthorized(msg.sender, controller));
        require(!_isGateClosed(), GateClosed(clock.gateEnd));
    }

    function _isGateClosed() private view returns (bool) {
        return block.timestamp < clock.gateEnd;
    }

    function _isAuthorized(address controller) private view returns (bool) {
        return msg.sender == controller || isOperator[controller][msg.sender];
    }

    /* INTERNAL: TIME AND INCOME */

    /// @dev Counts what has been until now, before time stops, or goes on standing still for another reason.
    function _stopTime() private {
        if (block.timestamp < _goesOn()) return;
        // less than all time
        (clock.stoppedBefore, clock.stoppedAt) = (uint32(_stopped()), uint32(block.timestamp));
    }

    /// @dev {s} that the pool's time has stood still
    function _stopped() private view returns (uint256) {
        return clock.stoppedBefore + (block.timestamp.min(_goesOn()) - clock.stoppedAt);
    }

    /// @dev {s} when the pool's time goes on, or went on last
    function _goesOn() private view returns (uint256) {
        return uint256(clock.pauseEnd).max(clock.gateEnd);
    }

    function _setJoins(bool isJoinable) private {
        funds.joinsFrom = isJoinable ? uint32(_goesOn()) : NEVER;
    }

    /// @dev `assets` on the books vest together with what has not vested yet.
    function _vest(uint256 assets) private {
        uint256 unvested = _unvested();
        uint256 timeLeft = uint256(funds.vestEnd).saturatingSub(block.timestamp); // {s}
        // {s} mean of the times left, weighted by amount, down: at least `timeLeft`, at most INCOME_PERIOD
        uint256 period = (unvested * timeLeft + assets * INCOME_PERIOD) / (unvested + assets);

        unvested += assets;
        uint32 end = (block.timestamp + period).toUint32();
        (funds.unvested, funds.vestStart, funds.vestEnd) = (unvested.toUint80(), uint32(block.timestamp), end);

        emit IncomeReceived(assets, unvested, end);
    }

    /// @dev {asset} = {asset} * {s} / {s}, up: income vests late rather than early. vestEnd > vestStart while it is running.
    function _unvested() private view returns (uint256) {
        uint256 end = funds.vestEnd;
        if (block.timestamp >= end) return 0;
        return uint256(funds.unvested).mulDiv(end - block.timestamp, end - funds.vestStart, Math.Rounding.Ceil);
    }

    /* INTERNAL: SHARES */

    /// @dev {share} = {asset} * {share} / {asset}, down: who joins pays for unvested income and pending gains
    function _sharesFor(uint256 assets) private view returns (uint256) {
        return assets.mulDiv(supply.shares + VIRTUAL_SHARES, uint256(funds.booked) + supply.gain + 1);
    }

    /// @dev {asset} = {share} * {asset} / {share}, up
    function _costOf(uint256 shares) private view returns (uint256) {
        uint256 price = uint256(funds.booked) + supply.gain + 1;
        return shares.mulDiv(price, supply.shares + VIRTUAL_SHARES, Math.Rounding.Ceil);
    }

    /// @dev {asset} that may be booked at most
    function _most() private view returns (uint256) {
        uint256 limit = supply.limit;
        return limit == type(uint32).max ? MAX_ASSETS : (limit * MIN_ASSETS).min(MAX_ASSETS);
    }

    /// @dev {asset} that may join now
    function _room() private view returns (uint256) {
        return block.timestamp < funds.joinsFrom ? 0 : _most().saturatingSub(funds.booked);
    }

    /// @dev His balance and what is in his open requests. At most MAX_REQUESTS steps.
    function _sharesOf(address holder) internal view override returns (uint256 shares) {
        Holding memory holding = holdings[holder];
        shares = balanceOf(holder);
        for (uint256 id = holding.closed + 1; id <= holding.last; ++id) shares += exitRequest(holder, id).shares;
    }

    /// @dev Shares reach the pool only by `requestRedeem`; any others would be lost and count as queued.
    function _update(address from, address to, uint256 shares) internal override {
        require(to != address(this), ERC20InvalidReceiver(to));
        _move(from, to, shares);
    }

    /* INTERNAL: GOVERNANCE */

    function _setExitClocks(uint32 cooldown, uint32 claimWindow) private {
        _requireClock(cooldown, MIN_COOLDOWN, MAX_COOLDOWN);
        _requireClock(claimWindow, MIN_CLAIM_WINDOW, MAX_CLAIM_WINDOW);

        (clock.cooldown, clock.claimWindow) = (uint24(cooldown), uint24(claimWindow)); // at most MAX_COOLDOWN

        emit ExitClocksSet(cooldown, claimWindow);
    }

    function _requireClock(uint32 value, uint32 min, uint32 max) private pure {
        require(value >= min && value <= max, ClockOutOfRange(value, min, max));
    }
}
