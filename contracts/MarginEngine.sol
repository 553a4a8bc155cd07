// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IBackstopAMM} from "./interfaces/IBackstopAMM.sol";
import {ICapitalStack} from "./interfaces/ICapitalStack.sol";
import {
    Account,
    AmmOrder,
    Fill,
    Health,
    IMarginEngine,
    Inventory,
    InventoryCap,
    Market,
    MarketParams,
    MarketRules,
    MarketStatus,
    Position,
    Recovery,
    Side,
    Valuation
} from "./interfaces/IMarginEngine.sol";
import {IExchange} from "./interfaces/IExchange.sol";
import {IOracle} from "./interfaces/IOracle.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {AmmLib} from "./libraries/AmmLib.sol";
import {CashLib} from "./libraries/CashLib.sol";
import {DeleverageLib} from "./libraries/DeleverageLib.sol";
import {IncomeLib} from "./libraries/IncomeLib.sol";
import {Change, Env, Focus, Ledger, LedgerLib} from "./libraries/LedgerLib.sol";
import {LiquidationLib} from "./libraries/LiquidationLib.sol";
import {MarketLib} from "./libraries/MarketLib.sol";
import {PremiumLib} from "./libraries/PremiumLib.sol";
import {RulesLib} from "./libraries/RulesLib.sol";
import {SettleLib} from "./libraries/SettleLib.sol";
import {SyncLib} from "./libraries/SyncLib.sol";
import {TakeoverLib} from "./libraries/TakeoverLib.sol";
import {WindDownLib} from "./libraries/WindDownLib.sol";

/// @title MarginEngine
/// @notice The ledger of cross-margined perpetual swaps and its rules. Equations: docs/mechanism.md.
/// @dev ACCOUNTING. Two functions of LedgerLib write balances: `fill` (n lots at a price, with fees) and `pay` (cash). Buckets and
/// deficits are accounts in everything but place: they sit in their market. I1-I4 of docs/invariants.md hold after
/// every call. Donated tokens belong to nobody.
/// @dev ROUNDING. Fills are exact. Fees and penalties round up, rebates and shares of penalties down, margins up, edges against
/// the account when it opens or withdraws and for it when it is liquidated.
/// @dev LOSSES. A shortfall is paid by the market's bucket, then the pool within its budgets, then the winners of the move, within it;
/// the rest is the market's deficit, and while there is one every withdrawal is cut by the same h. What the pool's inventory
/// holds above its cap is closed against the other side, pro rata. Nothing here reverts because a layer is empty.
/// @dev ROLES. Governance lists markets and sets parameters within bounds; it cannot move a balance, choose a price or raise
/// maintenance margin by more than 1 bps per 6 minutes. The guardian can stop new risk. See docs/roles.md.
/// @dev TOKEN AND ORACLE ASSUMPTIONS. The token moves what it is told and has at most 12 decimals; a token that delivers less is
/// refused on deposit. Prices come from `oracle` alone; a wrong but valid price is not detected here.
/// @dev LIVENESS. Somebody syncs prices and calls liquidate or takeover; both pay for themselves.
/// @dev KNOWN LIMITS. A fill is checked at prices synced less than 60 seconds ago. An account with a position in a market whose
/// price is not OK is not taken over until it is, or until the market is wound down.
contract MarginEngine is IMarginEngine, AccessManaged, Multicall, ReentrancyGuardTransient {
    using AmmLib for Ledger;
    using CashLib for Ledger;
    using DeleverageLib for Ledger;
    using IncomeLib for Ledger;
    using LedgerLib for Ledger;
    using LiquidationLib for Ledger;
    using MarketLib for Ledger;
    using RulesLib for Ledger;
    using SafeERC20 for IERC20;
    using SettleLib for Ledger;
    using SyncLib for Ledger;
    using TakeoverLib for Ledger;
    using WindDownLib for Ledger;

    uint256 internal constant MAX_DECIMALS = 12;
    uint256 internal constant MAX_AMOUNT = type(uint64).max; // {token} of one deposit or withdrawal

    address public immutable token;
    uint256 public immutable tokenUnit;
    IOracle public immutable oracle;

    Ledger internal ledger;
    mapping(address owner => mapping(address operator => bool)) public isOperator;

    constructor(address token_, address oracle_, address manager) AccessManaged(manager) {
        uint8 decimals = IERC20Metadata(token_).decimals();
        require(decimals <= MAX_DECIMALS, DecimalsUnsupported(decimals, uint8(MAX_DECIMALS)));
        token = token_;
        tokenUnit = 10 ** (MAX_DECIMALS - decimals);
        oracle = IOracle(oracle_);
    }

    /* USER */

    /// @inheritdoc IMarginEngine
    function deposit(uint256 account, uint256 amount) public nonReentrant {
        LedgerLib.requireUser(account);
        _requireAmount(amount);
        ledger.settleAll(_env(), account);

        uint256 balance = ledger.internalBalance + amount;
        ledger.internalBalance = uint128(balance); // the token's supply bounds it; each deposit is below 2^64
        ledger.pay(account, int256(amount * tokenUnit));
        if (ledger.accounts[account].unhealthySince != 0) ledger.unflagIfHealthy(_env(), account);
        emit Deposited(account, msg.sender, amount);

        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = IERC20(token).balanceOf(address(this));
        require(held >= balance, TokenShort(held, balance));
    }

    /// @inheritdoc IMarginEngine
    function depositWithPermit(
        uint256 account,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        // a permit that somebody else submitted first left the allowance it was meant to give
        try IERC20Permit(token).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        deposit(account, amount);
    }

    /// @inheritdoc IMarginEngine
    function withdraw(
        uint256 account,
        uint256 amount,
        uint256 minPaid,
        address receiver
    ) external nonReentrant returns (uint256 paid) {
        _requireAuthorized(account);
        require(receiver != address(0) && receiver != address(this), BadReceiver(receiver));
        _requireAmount(amount);
        uint256 claimed;
        (paid, claimed) = ledger.withdraw(_env(), account, amount);
        require(paid >= minPaid, PaidTooLittle(paid, minPaid));
        emit Withdrawn(account, receiver, paid, claimed);

        IERC20(token).safeTransfer(receiver, paid);
    }

    /// @inheritdoc IMarginEngine
    function transfer(uint256 from, uint256 to, uint128 amount) external nonReentrant {
        _requireAuthorized(from);
        LedgerLib.requireUser(to);
        require(from != to, SameAccount(from));
        require(amount != 0, ZeroAmount());
        ledger.transfer(_env(), from, to, amount);
        if (ledger.accounts[to].unhealthySince != 0) ledger.unflagIfHealthy(_env(), to);
        emit Transferred(from, to, amount);
    }

    /// @inheritdoc IMarginEngine
    function setOperator(address operator, bool approved) external {
        isOperator[msg.sender][operator] = approved;
        emit OperatorSet(msg.sender, operator, approved);
    }

    /* EXCHANGE */

    /// @inheritdoc IMarginEngine
    function fill(Fill calldata order) external nonReentrant {
        require(msg.sender == ledger.exchange, NotExchange(msg.sender));
        require(order.lots != 0, ZeroAmount());
        require(order.buyer != order.seller, SameAccount(order.buyer));
        LedgerLib.requireUser(order.buyer);
        LedgerLib.requireUser(order.seller);
        uint8 m = order.market;
        require(m < 64 && ledger.markets[m].syncedAt != 0, UnknownMarket(m));
        ledger.settleAll(_env(), order.buyer);
        ledger.settleAll(_env(), order.seller);
        ledger.syncDue(_env(), (1 << m) | ledger.accounts[order.buyer].markets | ledger.accounts[order.seller].markets);
        if (_isOpening(m, order)) ledger.refresh(_env(), m); // new risk at the newest price, or a pair opens at one it knows is gone
        Market memory market = ledger.markets[m];
        require(market.status < MarketStatus.SETTLING, MarketNotActive(m, market.status));
        Focus memory at = Focus(m, market, ledger.params[m]);
        bool priceOk = SyncLib.isPriceOk(market);
        RulesLib.requireInBand(order.price, market.price, RulesLib.bandBps(at.params, priceOk));

        uint256 before = market.openInterest;
        (int256 buyerFee, int256 sellerFee) = RulesLib.fees(at, order);
        (Change memory bought, Change memory sold) = ledger.fill(
            m,
            market,
            order.buyer,
            order.seller,
            order.lots,
            order.price,
            buyerFee,
            sellerFee
        );

        ledger.rebaseBoth(m, bought, sold);
        bool isMore = market.openInterest > before;
        market.openInterest = ledger.effectiveInterest(m, market.openInterest); // in effect; the stored one is written already
        bool buyerGrows = ledger.settleSide(at, bought, order.buyerReduceOnly);
        bool sellerGrows = ledger.settleSide(at, sold, order.sellerReduceOnly);
        if (buyerGrows || sellerGrows) ledger.requireOpen(at, buyerGrows, sellerGrows, priceOk, tokenUnit);
        if (isMore) RulesLib.requireBelowCap(market);
    }

    /* AMM */

    /// @inheritdoc IMarginEngine
    function trade(AmmOrder calldata order) external nonReentrant returns (uint256 total) {
        _requireAuthorized(order.account);
        return ledger.trade(_env(), order);
    }

    /// @inheritdoc IMarginEngine
    function liquidateToAmm(
        uint256 account,
        uint8 m,
        uint256 rewardAccount,
        uint56 maxLots,
        uint256 minDiscount
    ) external nonReentrant returns (uint56 lots, uint256 penalty) {
        return ledger.liquidateToAmm(_env(), account, m, rewardAccount, maxLots, minDiscount);
    }

    /// @inheritdoc IMarginEngine
    function moveLiquidity(uint8 m, uint256 account, int256 lots, int256 cash) external nonReentrant {
        ledger.moveLiquidity(_env(), m, account, lots, cash);
    }

    /* KEEPER */

    /// @inheritdoc IMarginEngine
    function sync(uint8 m) external nonReentrant {
        ledger.sync(_env(), m);
    }

    /// @inheritdoc IMarginEngine
    function flag(uint256 account) external nonReentrant {
        ledger.flag(_env(), account);
    }

    /// @inheritdoc IMarginEngine
    function unflag(uint256 account) external nonReentrant {
        ledger.unflag(_env(), account);
    }

    /// @inheritdoc IMarginEngine
    function liquidate(
        uint256 account,
        uint8 m,
        uint256 into,
        uint56 maxLots,
        uint256 minDiscount
    ) external nonReentrant returns (uint56 lots, uint256 penalty) {
        _requireAuthorized(into);
        return ledger.liquidate(_env(), account, m, into, maxLots, minDiscount);
    }

    /// @inheritdoc IMarginEngine
    function takeover(uint256 account, uint256 rewardAccount) external nonReentrant returns (int256 equity) {
        return ledger.takeover(_env(), account, rewardAccount);
    }

    /// @inheritdoc IMarginEngine
    function coverInventory(uint8 m) external nonReentrant returns (uint256 shortfall) {
        return ledger.coverInventory(_env(), m);
    }

    /// @inheritdoc IMarginEngine
    function collectIncome(uint8 m) external nonReentrant returns (uint256 paid) {
        uint256 recovered;
        (paid, recovered) = ledger.collectIncome(_env(), m);
        if (paid != 0) {
            IERC20(token).safeTransfer(address(ledger.stack), paid);
            ledger.stack.receiveIncome(paid, recovered);
        }
    }

    /// @inheritdoc IMarginEngine
    function collectClaim(uint256 account) external nonReentrant returns (uint256 amount) {
        return ledger.collectClaim(account);
    }

    /// @inheritdoc IMarginEngine
    function coverEngine() external nonReentrant {
        ledger.coverEngine(_env(), IERC20(token));
    }

    /// @inheritdoc IMarginEngine
    function deleverage(uint8 m) external nonReentrant returns (uint256 lots) {
        return ledger.deleverage(_env(), m);
    }

    /// @inheritdoc IMarginEngine
    function settle(uint256 account) external nonReentrant {
        LedgerLib.requireUser(account);
        ledger.settleAll(_env(), account);
    }

    /* WIND-DOWN */

    /// @inheritdoc IMarginEngine
    function windDown(uint8 m) external restricted {
        ledger.start(m);
    }

    /// @inheritdoc IMarginEngine
    function windDownDead(uint8 m) external nonReentrant {
        ledger.startDead(_env(), m);
    }

    /// @inheritdoc IMarginEngine
    function fixSettlementPrice(uint8 m) external nonReentrant {
        ledger.fixPrice(_env(), m);
    }

    /// @inheritdoc IMarginEngine
    function challengeSettlementPrice(uint8 m) external nonReentrant {
        ledger.challenge(_env(), m);
    }

    /// @inheritdoc IMarginEngine
    function close(uint8 m, uint256 account) external nonReentrant {
        ledger.close(_env(), m, account);
    }

    /* GOVERNANCE */

    /// @inheritdoc IMarginEngine
    function wire(address stack_, address exchange_, address risk_, address amm_) external restricted {
        require(address(ledger.stack) == address(0), AlreadyConnected(address(ledger.stack)));
        address asset = ICapitalStack(stack_).asset();
        require(asset == token, AssetMismatch(asset, token));
        require(ICapitalStack(stack_).engine() == address(this), NotOurs(stack_));
        require(address(IExchange(exchange_).engine()) == address(this), NotOurs(exchange_));
        require(IRiskEngine(risk_).engine() == address(this), NotOurs(risk_));
        require(IBackstopAMM(amm_).engine() == address(this), NotOurs(amm_));

        ledger.stack = ICapitalStack(stack_);
        ledger.exchange = exchange_;
        ledger.risk = IRiskEngine(risk_);
        ledger.amm = IBackstopAMM(amm_);
        emit Connected(stack_, exchange_, risk_, amm_);
    }

    /// @inheritdoc IMarginEngine
    function setMarket(uint8 m, MarketParams calldata params, MarketRules calldata rules) external restricted {
        ledger.set(_env(), m, params, rules);
    }

    /// @inheritdoc IMarginEngine
    function setStatus(uint8 m, MarketStatus status) external restricted {
        ledger.setStatus(m, status);
    }

    /// @inheritdoc IMarginEngine
    function pauseMarket(uint8 m) external restricted {
        ledger.setStatus(m, MarketStatus.REDUCE_ONLY);
    }

    /// @inheritdoc IMarginEngine
    function setInventoryCap(uint8 m, InventoryCap calldata cap) external restricted {
        ledger.setInventoryCap(m, cap);
    }

    /* VIEWS */

    /// @inheritdoc IMarginEngine
    function stack() external view returns (address) {
        return address(ledger.stack);
    }

    /// @inheritdoc IMarginEngine
    function exchange() external view returns (address) {
        return ledger.exchange;
    }

    /// @inheritdoc IMarginEngine
    function risk() external view returns (address) {
        return address(ledger.risk);
    }

    /// @inheritdoc IMarginEngine
    function amm() external view returns (address) {
        return address(ledger.amm);
    }

    /// @inheritdoc IMarginEngine
    function internalBalance() external view returns (uint256) {
        return ledger.internalBalance;
    }

    /// @inheritdoc IMarginEngine
    function totalDeficit() external view returns (uint256) {
        return ledger.totalDeficit;
    }

    /// @inheritdoc IMarginEngine
    function deficit(uint8 m) external view returns (uint256) {
        return ledger.deficits[m];
    }

    /// @inheritdoc IMarginEngine
    function claims(uint256 account) external view returns (uint256) {
        return ledger.claimOf(account);
    }

    /// @inheritdoc IMarginEngine
    function totalClaims() external view returns (uint256) {
        return ledger.totalClaims;
    }

    /// @inheritdoc IMarginEngine
    function accounts(uint256 account) external view returns (Account memory) {
        return ledger.account(account);
    }

    /// @inheritdoc IMarginEngine
    function positions(uint256 account, uint8 m) external view returns (Position memory) {
        return ledger.position(account, m);
    }

    /// @inheritdoc IMarginEngine
    function sides(uint8 m, bool isLong) external view returns (Side memory) {
        return ledger.sides[m][isLong];
    }

    /// @inheritdoc IMarginEngine
    function recovery(uint8 m) external view returns (Recovery memory) {
        return ledger.recovery[m];
    }

    /// @inheritdoc IMarginEngine
    function inventory(uint8 m) external view returns (Inventory memory) {
        return ledger.inventory(_env(), m);
    }

    /// @inheritdoc IMarginEngine
    function markets(uint8 m) external view returns (Market memory) {
        return ledger.markets[m];
    }

    /// @inheritdoc IMarginEngine
    function marketParams(uint8 m) external view returns (MarketParams memory) {
        return ledger.params[m];
    }

    /// @inheritdoc IMarginEngine
    function marketRules(uint8 m) external view returns (MarketRules memory) {
        return ledger.rules[m];
    }

    /// @inheritdoc IMarginEngine
    function premiumOf(uint8 m) external view returns (uint256 used, uint256 rate) {
        Market storage market = ledger.markets[m];
        if (market.status >= MarketStatus.SETTLING) return (0, 0);
        used = PremiumLib.utilisation(market.openInterest, market.openInterestCap);
        rate = PremiumLib.rate(ledger.rules[m].premiumRate, used, market.level);
    }

    /// @inheritdoc IMarginEngine
    function isAuthorized(address caller, uint256 account) public view returns (bool) {
        address owner = address(uint160(account >> 96));
        return caller == owner || isOperator[owner][caller];
    }

    /// @inheritdoc IMarginEngine
    function health(uint256 account, Valuation valuation) external view returns (Health memory) {
        return ledger.healthOf(account, valuation);
    }

    /* INTERNAL */

    /// @dev Whether a side of the fill will grow or turn round.
    function _isOpening(uint8 m, Fill calldata order) internal view returns (bool) {
        int256 lots = int256(uint256(order.lots));
        return ledger.positions[order.buyer][m].lots + lots > 0 || ledger.positions[order.seller][m].lots < lots;
    }

    function _env() internal view returns (Env memory) {
        return Env(oracle, tokenUnit);
    }

    function _requireAuthorized(uint256 account) internal view {
        require(isAuthorized(msg.sender, account), NotAuthorized(msg.sender, account));
    }

    function _requireAmount(uint256 amount) internal pure {
        require(amount != 0, ZeroAmount());
        require(amount <= MAX_AMOUNT, AmountTooLarge(amount, MAX_AMOUNT));
    }
}
