// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC6909TokenSupply} from "@openzeppelin/contracts/token/ERC6909/extensions/ERC6909TokenSupply.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Curve, IBackstopAMM, Sample, Take, Taken} from "./interfaces/IBackstopAMM.sol";
import {ICapitalStack} from "./interfaces/ICapitalStack.sol";
import {IMarginEngine, Inventory, Market, MarketParams, MarketStatus, Valuation} from "./interfaces/IMarginEngine.sol";
import {PriceState} from "./interfaces/IOracle.sol";
import {CurveLib, Step} from "./libraries/CurveLib.sol";
import {EmaLib} from "./libraries/EmaLib.sol";
import {LevelLib} from "./libraries/LevelLib.sol";
import {MathLib} from "./libraries/MathLib.sol";
import {RulesLib} from "./libraries/RulesLib.sol";
import {SyncLib} from "./libraries/SyncLib.sol";
import {VolatilityLib} from "./libraries/VolatilityLib.sol";

/// @title BackstopAMM
/// @notice Depth that does not run away: docs/mechanism.md, "Backstop AMM".
///
/// CURVE. Constant product with virtual reserves, LEVERAGE times as deep as what its providers put in. Its position and cash are an
/// ordinary margin account of this contract, one a market: it pays funding, can be liquidated and taken over like anybody's. It takes no
/// lot that would make its position worth more than three times its equity.
///
/// BANDS. The pool's own depth: four constant prices around the index, each used when the curve's marginal price has reached it or the
/// curve can take no more. How deep the ladder is used is the pool's position itself, so nothing has to be booked and nothing can
/// disagree. Liquidations always may use them; anybody from level OPEN_LEVEL, BLOCK_BPS of them in a block. What reduces the pool's
/// position is sold on a Dutch auction when the market has been calm for CALM_TIME.
///
/// ACCOUNTING. Holds no money. Shares are ERC-6909, 12 decimals; rounding is in favour of those who stay.
///
/// ROLES. Governance, through the access manager: {setFee}. Nobody chooses a price or moves a reserve.
///
/// LIVENESS. {take} and {sample} are part of liquidations and syncs. They call the engine's and the stack's views and have no loop that
/// grows.
///
/// KNOWN LIMITS. The curve's reserves follow its trades, not its position: what liquidation or deleveraging takes of the position leaves
/// them as they are. Reserves do not grow with fees.
contract BackstopAMM is IBackstopAMM, ERC6909TokenSupply, AccessManaged {
    using CurveLib for Curve;
    using SafeCast for uint256;

    /// @dev What was last seen of a market. One slot.
    struct Pulse {
        int24 premium; // {1e-7} of the marginal price, saturated, in force since `sampledAt`
        int24 before; // {1e-7} in force until then
        int32 average; // {1e-9}
        uint32 sampledAt; // {s}
        uint64 price; // {u/lot} index at the last sync
        uint40 depth; // {USD} average of a week, moved on as an hour begins
        uint32 calmSince; // {s} 0: the level is above CALM_LEVEL; later as the pool's position grows
        bool hasPool; // it had a position at the last sync
        // 32 bytes
    }

    /// @dev What only jumps and the bands touch. One slot.
    struct Guard {
        uint24 jumpPpm; // {ppm}
        uint32 jumpAt; // {s}
        uint32 disarmedUntil; // {s}
        uint32 usedAt; // {s} block of `used`
        uint56 used; // {lot} of the bands by anybody in that block
        // 22 bytes
    }

    /// @dev The auction of the pool's position. One slot.
    struct Auction {
        int64 pool; // {lot} the position when last seen
        uint24 hour; // number of the aligned hour of `sold`
        uint56 sold; // {lot} in that hour
        // 18 bytes
    }

    /// @dev What the pool would do.
    struct PoolSide {
        Step[] steps; // best first, the first reduces its position
        bool isAuction; // of the first step
        bool disarms; // the bands are shut from now on
    }

    uint256 public constant LEVERAGE = 4; // reserves over what providers put in
    uint256 public constant MIN_CASH = 1_000e12; // {u} of the first provider of an epoch
    uint256 public constant LOCKED = 1e12; // {share} of the first provider that nobody holds
    uint24 public constant DEFAULT_FEE = 500; // {ppm}
    uint24 public constant MAX_FEE = 10_000; // {ppm}
    uint256 public constant JUMP_TIME = 120; // {s} in which the fee of a jump falls to none
    uint8 public constant OPEN_LEVEL = 2; // from which anybody may use the bands
    uint256 public constant BLOCK_BPS = 500; // {bps} of the armed bands that anybody may use in a block
    uint8 public constant CALM_LEVEL = 1; // at most, for the auction of the pool's position
    uint256 public constant CALM_TIME = 30 minutes;
    uint256 public constant AUCTION_TIME = 6 hours; // {s} from its best to its worst price
    uint256 public constant MAX_LOSS = 15; // {%} of the sleeve in a day, then the bands are shut for one

    uint256 public constant MAX_JUMP_FEE = 200_000; // {ppm}
    uint256 public constant MAX_DIVERGENCE = 100; // {bps} of the curve from the index when somebody joins

    uint256 private constant BPS = 10_000;
    uint256 private constant BPS2 = BPS * BPS; // {bps^2}
    uint256 private constant PPM = 1e6;
    uint256 private constant JUMP = 100; // a hundredth
    int256 private constant ONE = 1e7;
    uint256 private constant PER_BPS = 1e3; // {1e-7}
    int256 private constant MAX_PREMIUM = 5e6; // {1e-9} that counts of one sample
    uint256 private constant MIN_DEPTH = 100_000e12; // {u} of the reserve of a curve that speaks for its market
    uint256 private constant DEPTH_DECAY = 0xfef229e3445e42db3441f1038e28a647; // floor(2^(128 - 1/168)), an hour of a week's half-life
    uint256 private constant MAX_HOURS = 1 << 14; // after which nothing is left of an average
    uint256 private constant USD = 1e12; // {u}
    uint256 private constant MIN_WORTH = 1e6; // a share is worth a millionth of a unit at least, or the epoch is over
    uint256 private constant PACE = 48; // hours in which the whole cap may be sold at least

    /// @inheritdoc IBackstopAMM
    address public immutable engine;
    mapping(uint8 market => Curve) private curves_;
    mapping(uint8 market => Pulse) private pulses;
    mapping(uint8 market => Guard) private guards;
    mapping(uint8 market => Auction) private auctions;

    modifier onlyEngine() {
        require(msg.sender == engine, NotEngine(msg.sender));
        _;
    }

    constructor(address engine_, address manager) AccessManaged(manager) {
        engine = engine_;
    }

    /* ENGINE */

    /// @inheritdoc IBackstopAMM
    function take(uint8 m, Take calldata wish) external onlyEngine returns (Taken memory t) {
        Curve memory c = curves_[m];
        PoolSide memory side;
        (t, side) = _plan(m, c, wish);
        if (t.bandLots != 0 || side.disarms) _book(m, wish.isLiquidation, side, t.bandLots);
        if (t.curveLots != 0) {
            Pulse memory p = pulses[m];
            _age(p, c);
            c.move(wish.isBuy, t.curveLots, wish.isBuy ? c.cost(t.curveLots) : c.proceeds(t.curveLots));
            curves_[m] = c;
            p.premium = _premium(c, wish.price);
            pulses[m] = p;
            emit CurveMoved(m, c.base, c.quote);
        }
    }

    /// @inheritdoc IBackstopAMM
    function sample(
        uint8 m,
        uint64 price,
        uint8 level,
        int64 pool,
        uint56 openInterest
    ) external onlyEngine returns (Sample memory s) {
        Pulse memory p = pulses[m];
        Curve memory c = curves_[m];
        _age(p, c);
        if (level > CALM_LEVEL) p.calmSince = 0;
        else if (p.calmSince == 0) p.calmSince = uint32(block.timestamp);
        _seePool(m, p, pool);
        if (p.price != 0) _seeJump(m, p.price, price);
        p.price = price;
        p.premium = _premium(c, price);
        pulses[m] = p;

        // a curve speaks for a market as far as it is deep enough for it
        uint256 notional = uint256(openInterest) * price; // {u}
        uint256 matters = MathLib.max(notional / 10, MIN_DEPTH);
        s.premium = p.average;
        if (c.quote < notional) s.premium = int32((s.premium * int256(uint256(c.quote))) / int256(notional));
        if (c.quote >= matters) {
            uint256 apart = MathLib.min(MathLib.abs(p.premium), MathLib.abs(p.before)); // nobody pushes it for a moment
            s.divergence = uint16(apart / PER_BPS); // below 2^23 / 1000
        }
        uint256 depth = c.quote / USD;
        if (depth < p.depth && p.depth * USD >= matters) s.depletion = uint16(BPS - (depth * BPS) / p.depth);
    }

    /* PROVIDERS */

    /// @inheritdoc IBackstopAMM
    function addLiquidity(uint8 m, uint256 account, uint128 cash, uint256 minShares) external returns (uint256 shares) {
        _requireAuthorized(account);
        IMarginEngine(engine).sync(m);
        Market memory market = IMarginEngine(engine).markets(m);
        require(SyncLib.isPriceOk(market), PriceNotValid(m));
        Curve memory c = curves_[m];
        uint256 supply = totalSupply(_id(m, c.epoch));
        int256 equity = IMarginEngine(engine).health(accountOf(m), Valuation.FAVOURABLE).equity;
        bool isWorthless = equity * int256(MIN_WORTH) < int256(supply);
        if (supply == 0 || isWorthless) {
            bool isFlat = IMarginEngine(engine).positions(accountOf(m), m).lots == 0;
            require(isFlat && equity >= 0, CurveWorthless(m, equity)); // until somebody closes its position
            if (supply != 0) ++c.epoch;
            require(cash >= MIN_CASH, TooLittleCash(cash, MIN_CASH));
            shares = cash - LOCKED;
            c.quote = (LEVERAGE * cash).toUint128();
            c.base = uint256(c.quote / market.price).toUint64();
            if (c.feePpm == 0) c.feePpm = DEFAULT_FEE;
            _mint(address(1), _id(m, c.epoch), LOCKED);
        } else {
            shares = MathLib.mulDivDown(cash, supply, uint256(equity));
            _deepen(c, shares, supply, LEVERAGE * (uint256(equity) + cash), market.price);
        }
        require(shares != 0 && shares >= minShares, TooFewShares(shares, MathLib.max(minShares, 1)));
        curves_[m] = c;
        _mint(msg.sender, _id(m, c.epoch), shares);
        emit LiquidityAdded(m, account, shares, cash, c);

        IMarginEngine(engine).moveLiquidity(m, account, 0, int256(uint256(cash)));
    }

    /// @inheritdoc IBackstopAMM
    function removeLiquidity(
        uint8 m,
        uint256 account,
        uint256 shares,
        bool inKind,
        uint256 minCash
    ) external returns (int256 lots, uint256 cash) {
        _requireAuthorized(account);
        if (IMarginEngine(engine).markets(m).status < MarketStatus.SETTLING) IMarginEngine(engine).sync(m);
        Curve memory c = curves_[m];
        uint256 supply = totalSupply(_id(m, c.epoch));
        _burn(msg.sender, _id(m, c.epoch), shares);

        Valuation at = inKind ? Valuation.MARK : Valuation.UNFAVOURABLE;
        uint256 equity = MathLib.positive(IMarginEngine(engine).health(accountOf(m), at).equity);
        if (inKind) {
            // toward zero; |lots| < 2^56
            lots = (IMarginEngine(engine).positions(accountOf(m), m).lots * int256(shares)) / int256(supply);
        }
        cash = (equity * shares) / supply;
        require(cash >= minCash, TooLittlePaid(cash, minCash));
        if (!inKind) _requireExposure(m, equity - cash);
        c.base = uint64((c.base * (supply - shares)) / supply);
        c.quote = uint128((c.quote * (supply - shares)) / supply);
        curves_[m] = c;
        emit LiquidityRemoved(m, account, shares, lots, cash, c);

        IMarginEngine(engine).moveLiquidity(m, account, lots, -int256(cash));
    }

    /* GOVERNANCE */

    /// @inheritdoc IBackstopAMM
    function setFee(uint8 m, uint24 feePpm) external restricted {
        require(feePpm != 0 && feePpm <= MAX_FEE, FeeOutOfRange(feePpm, 1, MAX_FEE));
        curves_[m].feePpm = feePpm;
        emit FeeSet(m, feePpm);
    }

    /* VIEWS */

    /// @inheritdoc IBackstopAMM
    function accountOf(uint8 m) public view returns (uint256) {
        return (uint256(uint160(address(this))) << 96) | m;
    }

    /// @inheritdoc IBackstopAMM
    function shareId(uint8 m) external view returns (uint256) {
        return _id(m, curves_[m].epoch);
    }

    /// @inheritdoc IBackstopAMM
    function curves(uint8 m) external view returns (Curve memory) {
        return curves_[m];
    }

    /// @inheritdoc IBackstopAMM
    function jumpFeeOf(uint8 m) public view returns (uint256) {
        Guard storage g = guards[m];
        uint256 age = block.timestamp - g.jumpAt;
        return age < JUMP_TIME ? MathLib.mulDivUp(g.jumpPpm, JUMP_TIME - age, JUMP_TIME) : 0;
    }

    /// @inheritdoc IBackstopAMM
    function disarmedUntil(uint8 m) external view returns (uint256) {
        return guards[m].disarmedUntil;
    }

    /// @inheritdoc IBackstopAMM
    function quote(uint8 m, int64 lots) external view returns (Taken memory t, uint256 total) {
        Take memory wish = _wish(m, lots > 0, false);
        wish.lots = uint56(MathLib.abs(lots));
        (t, ) = _plan(m, curves_[m], wish);
        uint256 filled = uint256(t.curveLots) + t.bandLots;
        require(filled == MathLib.abs(lots), TooManyLots(MathLib.abs(lots), filled));
        MarketParams memory params = IMarginEngine(engine).marketParams(m);
        total = uint256(t.curveQuote) + t.bandQuote;
        uint256 fees = t.fee + RulesLib.takerFee(params, wish.level, total);
        total = RulesLib.totalOf(wish.isBuy, total, fees);
    }

    /// @inheritdoc IBackstopAMM
    function bands(
        uint8 m,
        bool isBuy,
        bool isLiquidation
    ) external view returns (uint256[] memory prices, uint256[] memory lots) {
        Step[] memory steps = _side(m, _wish(m, isBuy, isLiquidation)).steps;
        (prices, lots) = (new uint256[](steps.length), new uint256[](steps.length));
        for (uint256 i; i < steps.length; ++i) (prices[i], lots[i]) = (steps[i].price, steps[i].lots);
    }

    /* INTERNAL: PROVIDERS */

    /// @dev Scales the reserves by the shares that join, to at most `most`. What is left of a curve that nobody can arbitrage is set anew.
    /// @param most {u} of quote reserve
    function _deepen(Curve memory c, uint256 shares, uint256 supply, uint256 most, uint256 price) private pure {
        if (c.quote < LEVERAGE * MIN_CASH) {
            require(most >= LEVERAGE * MIN_CASH, TooLittleCash(most / LEVERAGE, MIN_CASH));
            c.quote = most.toUint128();
            c.base = (most / price).toUint64();
            return;
        }
        uint256 divergence = MathLib.abs(_premium(c, price)) / PER_BPS;
        require(divergence <= MAX_DIVERGENCE, CurveOffIndex(divergence, MAX_DIVERGENCE)); // or arbitrage takes it from who joins
        uint256 base = c.base + MathLib.mulDivDown(c.base, shares, supply);
        uint256 quoted = c.quote + MathLib.mulDivDown(c.quote, shares, supply);
        if (quoted > most) (base, quoted) = (MathLib.mulDivDown(base, most, quoted), most);
        (c.base, c.quote) = (base.toUint64(), quoted.toUint128());
    }

    /// @dev Who leaves in cash leaves the position to those who stay: no more of it than a trade could have brought.
    /// @param left {u} at the unfavourable edge
    function _requireExposure(uint8 m, uint256 left) private view {
        uint256 size = MathLib.abs(IMarginEngine(engine).positions(accountOf(m), m).lots);
        uint256 notional = size * IMarginEngine(engine).markets(m).price;
        uint256 max = CurveLib.MAX_EXPOSURE * left;
        require(notional <= max, CurveOverexposed(notional, max));
    }

    /* INTERNAL: DEPTH */

    /// @dev What a wish gets, and the pool's side if it was asked.
    function _plan(
        uint8 m,
        Curve memory c,
        Take memory wish
    ) private view returns (Taken memory t, PoolSide memory side) {
        uint256 room = _room(wish);
        uint256 worst = _bandPrice(wish, 1); // nothing that makes the pool's position grow is better
        worst = wish.isBuy ? MathLib.min(worst, wish.stop) : MathLib.max(worst, wish.stop);
        if (_held(wish) >= 0) t = c.plan(side.steps, wish.isBuy, wish.lots, room, worst);
        if (t.curveLots < wish.lots) {
            side = _side(m, wish);
            t = c.plan(side.steps, wish.isBuy, wish.lots, room, wish.stop);
        }
        if (t.curveLots == 0) return (t, side);
        // providers deal no worse than `slackBps` from the mark, however far the curve is; below 2^128
        uint256 atMark = uint256(t.curveLots) * wish.price;
        t.curveQuote = uint128(
            wish.isBuy
                ? MathLib.max(t.curveQuote, MathLib.mulDivUp(atMark, BPS - wish.slackBps, BPS))
                : MathLib.min(t.curveQuote, MathLib.mulDivDown(atMark, BPS + wish.slackBps, BPS))
        );
        uint256 feePpm = c.feePpm + (wish.isLiquidation ? 0 : jumpFeeOf(m));
        t.fee = uint128(MathLib.mulDivUp(t.curveQuote, feePpm, PPM));
    }

    /// @dev {lot} the curve may take: what reduces its position, then what its account may carry.
    function _room(Take memory wish) private pure returns (uint256) {
        int256 held = wish.isBuy ? -int256(wish.position) : int256(wish.position); // on the side that would grow
        return MathLib.positive(MathLib.max(int256(uint256(wish.most)) - held, -held));
    }

    /// @dev {lot} the pool's, on the side that would grow
    function _held(Take memory wish) private pure returns (int256) {
        return wish.isBuy ? -int256(wish.pool) : int256(wish.pool);
    }

    /// @dev The pool's side, best first: what reduces its position, then the bands from where its position stands.
    function _side(uint8 m, Take memory wish) private view returns (PoolSide memory side) {
        bool isOpen = wish.isLiquidation || (wish.level >= OPEN_LEVEL && !wish.isWide);
        uint256 calm = _calmTime(m, wish);
        int256 held = _held(wish);
        if (!wish.isPriceOk || !(isOpen || (calm != 0 && held < 0))) return side;
        Guard memory g = guards[m];
        Inventory memory i = IMarginEngine(engine).inventory(m);
        side.steps = new Step[](5);
        if (held < 0) {
            side.isAuction = calm != 0;
            side.steps[0] =
                side.isAuction
                    ? _auction(m, wish, uint256(-held), i.cap, calm - CALM_TIME)
                    : Step(_bandPrice(wish, 1), uint256(-held));
        }
        if (!isOpen) return side;
        // what the pace of an auction leaves of its position
        side.steps[1] = Step(_bandPrice(wish, 1), MathLib.positive(-held) - side.steps[0].lots);
        if (block.timestamp < g.disarmedUntil) return side;
        side.disarms = _isCostly(m, wish, i);
        if (side.disarms) return side;

        uint256 armed = MathLib.mulDivDown(i.cap, LevelLib.armedBps(wish.level), BPS);
        uint256 free = armed;
        if (!wish.isLiquidation) {
            uint256 used = g.usedAt == block.timestamp ? g.used : 0;
            free = MathLib.zeroFloorSub(MathLib.mulDivDown(armed, BLOCK_BPS, BPS), used);
        }
        uint256 from = MathLib.positive(held);
        for (uint256 j = 1; j < 5; ++j) {
            uint256 end = MathLib.mulDivDown(armed, LevelLib.bandEndBps(j), BPS);
            uint256 lots = MathLib.min(MathLib.zeroFloorSub(end, from), free);
            side.steps[j] = Step(_bandPrice(wish, j), lots + side.steps[j].lots);
            (from, free) = (MathLib.max(from, end), free - lots);
        }
    }

    /// @dev {u/lot} of a band, rounded for the pool. A level raises the discounts for anybody's trades: a liquidation pays its own at most.
    function _bandPrice(Take memory wish, uint256 j) private pure returns (uint256) {
        uint256 factor = wish.isLiquidation ? BPS : LevelLib.discountBps(wish.level);
        return _off(wish, int256(LevelLib.bandBps(j) * factor));
    }

    /// @dev {u/lot} the index moved by `part` {bps^2} against who trades, rounded for the pool
    function _off(Take memory wish, int256 part) private pure returns (uint256) {
        return
            wish.isBuy
                ? MathLib.mulDivUp(wish.price, uint256(int256(BPS2) + part), BPS2)
                : MathLib.mulDivDown(wish.price, uint256(int256(BPS2) - part), BPS2);
    }

    /// @dev What reduces the pool's position when it has been calm: from 1 % against who trades to half a percent for him, and up to
    /// CurveLib.MAX_DISCOUNT the more of its cap the pool holds.
    /// @param size {lot} of the pool
    /// @param age  {s} of the auction
    function _auction(
        uint8 m,
        Take memory wish,
        uint256 size,
        uint256 cap,
        uint256 age
    ) private view returns (Step memory step) {
        uint256 most = CurveLib.MAX_DISCOUNT;
        uint256 discount = cap == 0 ? most : MathLib.min(most, 50 + (most * size) / cap);
        uint256 moved = ((100 + discount) * BPS * MathLib.min(age, AUCTION_TIME)) / AUCTION_TIME; // {bps^2}
        step.price = _off(wish, int256(100 * BPS) - int256(moved));
        // {lot} in an hour: a tenth of what moves the curve by 2 %, or what sells the cap in PACE hours
        uint256 pace = MathLib.max((pulses[m].depth * USD) / wish.price / 1000, cap / PACE + 1);
        step.lots = MathLib.min(size, MathLib.zeroFloorSub(pace, _soldOf(auctions[m])));
    }

    /// @dev {lot} in this hour
    function _soldOf(Auction memory a) private view returns (uint256) {
        return a.hour == block.timestamp / 1 hours ? a.sold : 0;
    }

    /// @dev {s} for which the market has been calm and the pool's position has not grown; 0 when not for CALM_TIME
    function _calmTime(uint8 m, Take memory wish) private view returns (uint256) {
        uint256 since = pulses[m].calmSince;
        bool isCalm = wish.level <= CALM_LEVEL && !wish.isWide && since != 0 && block.timestamp >= since + CALM_TIME;
        return isCalm && !_grows(auctions[m].pool, wish.pool) ? block.timestamp - since : 0;
    }

    /// @dev Whether what the market has cost the pool today, with what its position has lost, is above MAX_LOSS of the sleeve.
    function _isCostly(uint8 m, Take memory wish, Inventory memory i) private view returns (bool) {
        (uint256 today, ) = ICapitalStack(IMarginEngine(engine).stack()).drawn(m);
        uint256 loss = today * IMarginEngine(engine).tokenUnit() + MathLib.positive(-i.equity);
        return loss * 100 > i.cap * wish.price * MAX_LOSS;
    }

    /// @dev What a take of the pool's side leaves: use of the block and of the hour, or that the bands are shut.
    function _book(uint8 m, bool isLiquidation, PoolSide memory side, uint256 lots) private {
        uint256 closed = lots == 0 ? 0 : MathLib.min(lots, side.steps[0].lots);
        if (side.isAuction) {
            Auction memory a = auctions[m];
            uint256 sold = _soldOf(a) + closed; // at most the pace
            int256 left = a.pool > 0 ? a.pool - int256(closed) : a.pool + int256(closed);
            auctions[m] = Auction(int64(left), uint24(block.timestamp / 1 hours), uint56(sold));
        }
        if (isLiquidation && !side.disarms) return;
        Guard memory g = guards[m];
        if (side.disarms) {
            g.disarmedUntil = uint32(block.timestamp + 1 days);
            emit Disarmed(m, g.disarmedUntil);
        }
        if (!isLiquidation) {
            uint256 used = lots - closed + (g.usedAt == block.timestamp ? g.used : 0); // at most what is armed
            (g.usedAt, g.used) = (uint32(block.timestamp), uint56(used));
        }
        guards[m] = g;
    }

    /// @dev A wish of no lots, at the stored price.
    function _wish(uint8 m, bool isBuy, bool isLiquidation) private view returns (Take memory) {
        Market memory market = IMarginEngine(engine).markets(m);
        bool isPriceOk = SyncLib.isPriceOk(market);
        MarketParams memory params = IMarginEngine(engine).marketParams(m);
        return
            Take({
                isBuy: isBuy,
                isLiquidation: isLiquidation,
                isPriceOk: isPriceOk,
                isWide: market.state == PriceState.WIDE,
                level: market.level,
                price: market.price,
                slackBps: isLiquidation ? 0 : RulesLib.bandBps(params, isPriceOk),
                lots: 0,
                stop: isBuy ? type(uint64).max : 0,
                position: IMarginEngine(engine).positions(accountOf(m), m).lots,
                pool: int64(IMarginEngine(engine).inventory(m).lots), // below 2^56
                most: CurveLib.mostOf(
                    params,
                    IMarginEngine(engine).accounts(accountOf(m)).cash,
                    IMarginEngine(engine).health(accountOf(m), Valuation.UNFAVOURABLE).equity,
                    market.price
                )
            });
    }

    /* INTERNAL: WHAT IT SEES */

    /// @dev Brings the averages of premium and depth up to now.
    function _age(Pulse memory p, Curve memory c) private view {
        if (block.timestamp == p.sampledAt) return;
        int256 held = MathLib.clamp(int256(p.premium) * 100, -MAX_PREMIUM, MAX_PREMIUM); // {1e-9}
        int256 weight = int256(EmaLib.weight(block.timestamp - p.sampledAt)); // a tick a second: a half-life of an hour
        p.average = int32(held + ((int256(p.average) - held) * weight) / (1 << 128)); // between the two
        uint256 elapsed = block.timestamp / 1 hours - p.sampledAt / 1 hours;
        if (elapsed != 0) {
            int256 depth = int256(MathLib.min(c.quote / USD, type(uint40).max));
            weight = int256(VolatilityLib.power(DEPTH_DECAY, MathLib.min(elapsed, MAX_HOURS)));
            p.depth = uint40(uint256(depth + ((int256(uint256(p.depth)) - depth) * weight) / (1 << 128))); // between the two
        }
        (p.before, p.sampledAt) = (p.premium, uint32(block.timestamp));
    }

    /// @dev {1e-7} of the marginal price above the index, saturated; 0 without a curve
    function _premium(Curve memory c, uint256 price) private pure returns (int24) {
        if (c.base == 0) return 0;
        uint256 ratio = MathLib.mulDivDown(c.quote, uint256(ONE), c.base * price); // below 2^152
        return int24(MathLib.clamp(int256(ratio) - ONE, type(int24).min + 1, type(int24).max));
    }

    /// @dev A pool's position that has grown makes its auction younger in proportion.
    function _seePool(uint8 m, Pulse memory p, int64 pool) private {
        if (pool == 0 && !p.hasPool) return;
        int64 before = auctions[m].pool;
        if (p.calmSince != 0 && _grows(before, pool)) {
            // what was there keeps its age, what has come has none
            bool isSameSide = (before > 0) == (pool > 0);
            uint256 age = block.timestamp - p.calmSince;
            age = isSameSide ? (age * MathLib.abs(before)) / MathLib.abs(pool) : 0;
            p.calmSince = uint32(block.timestamp - age);
        }
        if (pool != before) auctions[m].pool = pool;
        p.hasPool = pool != 0;
    }

    function _grows(int64 before, int64 pool) private pure returns (bool) {
        return pool > 0 ? pool > before : pool < before;
    }

    /// @dev Whoever knows a jump before the curve does pays it to the providers: 1 - (low / high)^3.
    function _seeJump(uint8 m, uint256 from, uint256 to) private {
        (uint256 low, uint256 high) = from < to ? (from, to) : (to, from);
        if ((high - low) * JUMP <= low) return;
        uint256 fee = PPM - MathLib.mulDivDown(low ** 3, PPM, high ** 3); // prices are below 2^62
        fee = MathLib.min(fee, MAX_JUMP_FEE);
        if (fee <= jumpFeeOf(m)) return;
        (guards[m].jumpPpm, guards[m].jumpAt) = (uint24(fee), uint32(block.timestamp));
        emit Jumped(m, from, to, fee);
    }

    function _requireAuthorized(uint256 account) private view {
        require(IMarginEngine(engine).isAuthorized(msg.sender, account), NotAuthorized(msg.sender, account));
    }

    function _id(uint8 m, uint32 epoch) private pure returns (uint256) {
        return (uint256(epoch) << 8) | m;
    }
}
