// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Take, Taken} from "../interfaces/IBackstopAMM.sol";
import {
    Account,
    AmmOrder,
    Health,
    IMarginEngine,
    MarketStatus,
    Position,
    Valuation
} from "../interfaces/IMarginEngine.sol";
import {CurveLib} from "./CurveLib.sol";
import {DeleverageLib} from "./DeleverageLib.sol";
import {PriceState} from "../interfaces/IOracle.sol";
import {Change, Env, Focus, Ledger, LedgerLib} from "./LedgerLib.sol";
import {LiquidationLib} from "./LiquidationLib.sol";
import {MarginLib} from "./MarginLib.sol";
import {MarketLib} from "./MarketLib.sol";
import {MathLib} from "./MathLib.sol";
import {RulesLib} from "./RulesLib.sol";
import {SettleLib} from "./SettleLib.sol";
import {SyncLib} from "./SyncLib.sol";

/// @notice One account's part of what it takes of a market's depth, and the two who give it.
struct Deal {
    bool isBuy; // the account buys
    uint256 id;
    uint256 curve; // account of the AMM's curve
    Taken taken;
    uint256 lots; // {lot} in all
    uint256 quote; // {u} in all
}

/// @title AmmLib
/// @notice Trades and liquidations against the backstop AMM, and its providers' cash. Linked into the engine, whose NatSpec documents
/// the calls. The AMM says how many lots at which price; here they move, under the rules of any fill.
library AmmLib {
    using LedgerLib for Ledger;
    using DeleverageLib for Ledger;
    using MarketLib for Ledger;
    using RulesLib for Ledger;
    using SettleLib for Ledger;
    using SyncLib for Ledger;

    function trade(Ledger storage ledger, Env memory env, AmmOrder calldata o) external returns (uint256 total) {
        uint8 m = o.market;
        require(block.timestamp <= o.deadline, IMarginEngine.TooLate(block.timestamp, o.deadline));
        require(o.lots != 0, IMarginEngine.ZeroAmount());
        LedgerLib.requireUser(o.account);
        require(m < 64, IMarginEngine.UnknownMarket(m));
        Deal memory deal;
        (deal.isBuy, deal.id, deal.curve) = (o.lots > 0, o.account, _curveOf(ledger, m));
        ledger.settleAll(env, deal.id);
        ledger.settleAll(env, deal.curve);
        ledger.syncDue(env, ledger.accounts[deal.id].markets);
        ledger.refresh(env, m);
        Focus memory at = Focus(m, ledger.markets[m], ledger.params[m]);
        require(at.market.status < MarketStatus.SETTLING, IMarginEngine.MarketNotActive(m, at.market.status));

        uint256 before = at.market.openInterest;
        uint256 wanted = MathLib.abs(o.lots);
        _take(ledger, at, deal, wanted, deal.isBuy ? type(uint64).max : 0, false);
        require(deal.lots == wanted, IMarginEngine.DepthTooSmall(wanted, deal.lots));
        uint256 fee = RulesLib.takerFee(at.params, at.market.level, deal.quote);
        total = RulesLib.totalOf(deal.isBuy, deal.quote, fee + deal.taken.fee);
        bool isWithin = deal.isBuy ? total <= o.limit : total >= o.limit;
        require(isWithin, IMarginEngine.QuoteBeyondLimit(total, o.limit));
        bool priceOk = SyncLib.isPriceOk(at.market);
        if (deal.taken.curveLots != 0) {
            (uint256 quote, uint256 lots) = (deal.taken.curveQuote, deal.taken.curveLots);
            // toward the mark: a curve that is beyond the band deals at its end
            uint256 average = deal.isBuy ? MathLib.mulDivUp(quote, 1, lots) : quote / lots;
            RulesLib.requireInBand(average, at.market.price, RulesLib.bandBps(at.params, priceOk));
        }
        (Change memory taker, Change memory curve) = _execute(ledger, at, deal, int256(fee));

        bool isMore = at.market.openInterest > before;
        at.market.openInterest = ledger.effectiveInterest(m, at.market.openInterest); // in effect; the stored one is written already
        bool grows = ledger.settleSide(at, taker, o.reduceOnly);
        if (grows) ledger.requireOpen(at, deal.isBuy, !deal.isBuy, priceOk, env.tokenUnit);
        if (deal.taken.curveLots != 0) _requireCurve(ledger, at, curve, !deal.isBuy, priceOk);
        if (isMore) RulesLib.requireBelowCap(at.market);
        if (deal.taken.bandLots != 0) ledger.report(env, m);
    }

    function liquidateToAmm(
        Ledger storage ledger,
        Env memory env,
        uint256 id,
        uint8 m,
        uint256 rewardId,
        uint56 maxLots,
        uint256 minDiscount
    ) external returns (uint56 lots, uint256 penalty) {
        LedgerLib.requireUser(rewardId);
        require(id != rewardId, IMarginEngine.SameAccount(id));
        Deal memory deal;
        deal.id = id;
        deal.curve = _curveOf(ledger, m);
        require(id != deal.curve, IMarginEngine.SameAccount(id));
        ledger.settleAll(env, deal.curve);
        (Focus memory at, Health memory mark, Account memory account) = LiquidationLib.begin(
            ledger,
            env,
            id,
            m,
            maxLots
        );
        int256 held = ledger.positions[id][m].lots;
        deal.isBuy = held < 0;
        uint256 discount;
        {
            uint256 wanted;
            uint256 age = LiquidationLib.age(account);
            (wanted, discount) = LiquidationLib.size(at, mark, MathLib.abs(held), age, maxLots, minDiscount);
            _take(ledger, at, deal, wanted, _stop(at.market.price, deal.isBuy, discount), true);
            require(deal.lots != 0, IMarginEngine.DepthTooSmall(wanted, 0));
        }
        lots = uint56(deal.lots); // at most the position
        uint256 atMark = deal.lots * at.market.price;
        penalty = LiquidationLib.penaltyOf(mark, atMark, discount);

        // what the depth did not cost of it pays its providers and is shared like any penalty
        uint256 slippage =
            deal.isBuy ? MathLib.zeroFloorSub(deal.quote, atMark) : MathLib.zeroFloorSub(atMark, deal.quote);
        uint256 left = MathLib.zeroFloorSub(penalty, slippage);
        deal.taken.fee = uint128(MathLib.min(deal.taken.fee, left));
        left -= deal.taken.fee;
        uint256 reward = MathLib.mulDivDown(left, at.params.liquidatorShareBps, MarginLib.BPS);
        if (reward != 0) {
            ledger.pay(id, -int256(reward));
            ledger.pay(rewardId, int256(reward));
            emit IMarginEngine.Transferred(id, rewardId, reward);
        }
        (Change memory closed, Change memory curve) = _execute(ledger, at, deal, int256(left - reward));

        RulesLib.requireSize(at, closed);
        if (deal.taken.curveLots != 0) _requireCurve(ledger, at, curve, !deal.isBuy, true);
        LiquidationLib.end(ledger, at, closed, mark, account);
        if (deal.taken.bandLots != 0) ledger.report(env, m);
        emit IMarginEngine.Liquidated(id, m, rewardId, lots, penalty);
    }

    function moveLiquidity(
        Ledger storage ledger,
        Env memory env,
        uint8 m,
        uint256 id,
        int256 lots,
        int256 cash
    ) external {
        require(msg.sender == address(ledger.amm), IMarginEngine.NotAmm(msg.sender));
        LedgerLib.requireUser(id);
        uint256 curve = _curveOf(ledger, m);
        require(id != curve, IMarginEngine.SameAccount(id));
        ledger.settleAll(env, id);
        ledger.settleAll(env, curve);
        ledger.pay(id, -cash);
        ledger.pay(curve, cash);
        if (cash > 0) {
            ledger.refreshAll(env, ledger.accounts[id].markets);
            ledger.requireWithdrawable(id);
            emit IMarginEngine.Transferred(id, curve, uint256(cash));
            return;
        }
        emit IMarginEngine.Transferred(curve, id, uint256(-cash));
        if (lots == 0) {
            ledger.requireWithdrawable(curve);
            return;
        }
        // in kind: what stays has the same share of position and equity
        Focus memory at = Focus(m, ledger.markets[m], ledger.params[m]);
        require(at.market.status < MarketStatus.SETTLING, IMarginEngine.MarketNotActive(m, at.market.status));
        require(SyncLib.isPriceOk(at.market), IMarginEngine.PriceNotValid(m, at.market.state));
        ledger.syncDue(env, ledger.accounts[id].markets);
        (uint256 buyer, uint256 seller) = lots > 0 ? (id, curve) : (curve, id);
        (Change memory bought, Change memory sold) = ledger.fill(
            m,
            at.market,
            buyer,
            seller,
            MathLib.abs(lots),
            at.market.price,
            0,
            0
        );
        ledger.rebaseBoth(m, bought, sold);
        Change memory got = lots > 0 ? bought : sold;
        RulesLib.requireSize(at, got);
        ledger.requireMargin(at, got, RulesLib.increases(got), false);
    }

    /// @dev Asks the AMM what `wanted` lots get, and fills in the deal.
    function _take(
        Ledger storage ledger,
        Focus memory at,
        Deal memory deal,
        uint256 wanted,
        uint64 stop,
        bool isLiquidation
    ) private {
        bool isPriceOk = SyncLib.isPriceOk(at.market);
        Position memory position = ledger.positions[deal.curve][at.m];
        Taken memory t = ledger.amm.take(
            at.m,
            Take({
                isBuy: deal.isBuy,
                isLiquidation: isLiquidation,
                isPriceOk: isPriceOk,
                isWide: at.market.state == PriceState.WIDE,
                level: at.market.level,
                price: at.market.price,
                slackBps: isLiquidation ? 0 : RulesLib.bandBps(at.params, isPriceOk),
                lots: uint56(wanted), // checked by the AMM's answer, which is at most this
                stop: stop,
                position: position.lots,
                pool: int64(ledger.inventoryLots(at.m)), // below 2^56
                most: _mostOf(at, ledger.accounts[deal.curve].cash, position)
            })
        );
        deal.taken = t;
        deal.lots = uint256(t.curveLots) + t.bandLots;
        deal.quote = uint256(t.curveQuote) + t.bandQuote;
    }

    /// @dev Moves the lots: from or to the curve, then from or to the pool.
    /// @param fee {u} that the account pays to the bucket, beside the providers' fee
    /// @return taker the account, before the first and after the last of them
    /// @return curve the curve's account, when it takes part
    function _execute(
        Ledger storage ledger,
        Focus memory at,
        Deal memory deal,
        int256 fee
    ) private returns (Change memory taker, Change memory curve) {
        Taken memory t = deal.taken;
        if (t.curveLots != 0) {
            int256 providers = int256(uint256(t.fee));
            (taker, curve) = _fill(
                ledger,
                at,
                deal,
                deal.curve,
                t.curveLots,
                t.curveQuote,
                fee + providers,
                -providers
            );
        }
        if (t.bandLots != 0) {
            _requirePoolPrice(deal.isBuy, t.bandQuote, uint256(t.bandLots) * at.market.price);
            int256 rest = t.curveLots == 0 ? fee : int256(0);
            (Change memory last, ) = _fill(ledger, at, deal, at.m, t.bandLots, t.bandQuote, rest, 0);
            if (t.curveLots == 0) return (last, curve);
            (taker.account, taker.position) = (last.account, last.position);
        }
    }

    /// @dev One fill of `lots` for exactly `quote`: what a whole price leaves over goes from buyer to seller with the fees.
    function _fill(
        Ledger storage ledger,
        Focus memory at,
        Deal memory deal,
        uint256 giver,
        uint256 lots,
        uint256 quote,
        int256 fee,
        int256 giverFee
    ) private returns (Change memory taker, Change memory other) {
        int256 rest = int256(quote % lots);
        if (deal.isBuy) {
            (taker, other) = ledger.fill(
                at.m,
                at.market,
                deal.id,
                giver,
                lots,
                quote / lots,
                fee + rest,
                giverFee - rest
            );
        } else {
            (other, taker) = ledger.fill(
                at.m,
                at.market,
                giver,
                deal.id,
                lots,
                quote / lots,
                giverFee + rest,
                fee - rest
            );
        }
        if (LedgerLib.has(ledger.deleveraged, at.m)) {
            ledger.rebase(at.m, taker);
            if (giver != at.m) ledger.rebase(at.m, other);
        }
    }

    /// @dev Whatever the AMM says: the pool never deals at more than MAX_DISCOUNT worse than the mark.
    /// @param atMark {u} of the same lots
    function _requirePoolPrice(bool isBuy, uint256 quote, uint256 atMark) private pure {
        uint256 scaled = quote * MarginLib.BPS;
        bool isFair =
            isBuy
                ? scaled >= atMark * (MarginLib.BPS - CurveLib.MAX_DISCOUNT)
                : scaled <= atMark * (MarginLib.BPS + CurveLib.MAX_DISCOUNT);
        require(isFair, IMarginEngine.QuoteBeyondLimit(quote, atMark));
    }

    /// @dev The curve's account grows like a liquidator's: free of the factors of open interest and level, not on the winning side.
    function _requireCurve(
        Ledger storage ledger,
        Focus memory at,
        Change memory c,
        bool isLong,
        bool priceOk
    ) private view {
        bool grows = RulesLib.increases(c);
        if (grows) {
            require(priceOk, IMarginEngine.PriceNotValid(at.m, at.market.state));
            RulesLib.requireNotWinning(at.m, at.market, at.params, isLong);
        }
        ledger.requireMargin(at, c, grows, false);
    }

    /// @dev {u/lot} the mark less the discount for who sells, and with it for who buys; no lot is closed beyond it
    function _stop(uint256 price, bool isBuy, uint256 discount) private pure returns (uint64) {
        return
            isBuy
                ? uint64(MathLib.mulDivDown(price, MarginLib.ONE + discount, MarginLib.ONE)) // prices are below 2^62, discounts below 1
                : uint64(MathLib.mulDivUp(price, MarginLib.ONE - discount, MarginLib.ONE));
    }

    /// @dev {lot} see {CurveLib-mostOf}. The curve's account has no other market.
    function _mostOf(Focus memory at, int256 cash, Position memory position) private pure returns (uint56) {
        Health memory h;
        MarginLib.addPosition(h, position, at.market, at.params, Valuation.UNFAVOURABLE, false);
        return CurveLib.mostOf(at.params, cash, cash + h.equity, at.market.price);
    }

    function _curveOf(Ledger storage ledger, uint8 m) private view returns (uint256) {
        return (uint256(uint160(address(ledger.amm))) << 96) | m;
    }
}
