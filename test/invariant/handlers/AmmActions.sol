// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Curve, IBackstopAMM, Taken} from "../../../contracts/interfaces/IBackstopAMM.sol";
import {
    AmmOrder,
    Health,
    Inventory,
    Market,
    MarketParams,
    Valuation
} from "../../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../../contracts/interfaces/IOracle.sol";
import {LevelLib} from "../../../contracts/libraries/LevelLib.sol";
import {KeeperActions} from "./KeeperActions.sol";
import {RawLedger} from "./RawLedger.sol";
import {Tally} from "./Tally.sol";
import {TraderActions} from "./TraderActions.sol";

/// @title AmmActions
/// @notice Providers come and go; trades, liquidations and the auction go through the curve and the pool's bands. Every effect on taker,
/// curve, pool, caller and bucket is compared to the unit with what the AMM said before.
abstract contract AmmActions is TraderActions, KeeperActions {
    /// @dev Who may win or lose by a call. {u} at the mark, {lot} in effect.
    struct Books {
        Market market;
        MarketParams params;
        Inventory pool;
        Curve curve;
        int256 curveLots;
        int256 curveEquity;
        int256 equity; // of the account
        int256 reward; // of the caller's account
        uint256[] prices; // of the pool's side
        uint256[] lots;
        uint256 jumpFee; // {ppm}
        bool isExact; // nothing is pending: the pool's figures hold no parts of lots that somebody owes
    }

    /// @dev A provider and the shares of the epoch, before he comes or goes.
    struct Stake {
        uint256 id; // of the shares
        uint256 held; // {share}
        uint256 supply; // {share}
        int256 equity; // {u} of the curve, as shares are priced
        int256 lots; // of the provider's account
    }

    uint256 private constant PPM = 1e6;
    uint256 private constant CALM_TIME = 30 minutes;

    /* PROVIDERS */

    function join(uint256 seed) external act(seed) {
        uint8 m = _openMarket();
        if (_pick(0, 7) != 0) _redateAll();
        if (_pick(0, 15) == 0) _deposit(_curveOf(m), _pickLog(1, cashEach)); // anybody may
        if (_pick(0, 3) != 0) _align(m);
        _join(m);
    }

    function _join(uint8 m) private {
        uint256 id = _pickUser();
        uint256 cash = _pickLog(1_000e12, _maxDeposit() * unit);
        _deposit(id, cash / unit + cashEach);
        Stake memory s = _stakeIn(m, id, Valuation.FAVOURABLE);
        Books memory b = _books(m, id, true, false);
        _flush();
        vm.prank(_owner(id));
        try amm.addLiquidity(m, id, uint128(cash), 0) returns (uint256 shares) {
            _assertJoined(m, id, cash, shares, s, b);
        } catch (bytes memory reason) {
            _refuse(reason);
        }
    }

    function _assertJoined(uint8 m, uint256 id, uint256 cash, uint256 shares, Stake memory s, Books memory b) private {
        _touch(id);
        _touch(_curveOf(m));
        assertEq(_equity(id), b.equity - int256(cash), "AM-5: who joins pays what he says");
        assertEq(_equity(_curveOf(m)), b.curveEquity + int256(cash), "AM-5: and the curve gets it");
        bool isFirst = s.supply == 0 || amm.shareId(m) != s.id;
        if (isFirst && s.supply != 0) _count(Tally.CURVE_RESTARTED);
        if (isFirst) (s.id, s.held, s.supply) = (amm.shareId(m), 0, 0);
        assertEq(amm.balanceOf(_owner(id), s.id), s.held + shares, "AM-5: shares are the provider's");
        uint256 minted = shares + (isFirst ? amm.LOCKED() : 0);
        assertEq(amm.totalSupply(s.id), s.supply + minted, "AM-5: nobody else gets shares");
        uint256 worth = uint256(s.equity) + cash;
        if (!isFirst) {
            assertGe(worth * s.supply, uint256(s.equity) * (s.supply + shares), "AM-5: joining costs nobody");
        }
        assertLe(amm.curves(m).quote, amm.LEVERAGE() * worth, "AM-5: depth is LEVERAGE times the equity at most");
        _count(Tally.JOINED_CURVE);
    }

    function leave(uint256 seed) external act(seed) {
        if (_pick(0, 7) != 0) _redateAll();
        (uint8 m, uint256 id, uint256 held) = _provider();
        if (held == 0) return;
        uint256 shares = _pick(0, 2) == 0 ? held : _pick(1, held);
        bool inKind = !_isStopped(m) && _pick(0, 1) == 0;
        if (inKind) _fund(id);
        Stake memory s = _stakeIn(m, id, inKind ? Valuation.MARK : Valuation.UNFAVOURABLE);
        Books memory b = _books(m, id, true, false);
        _flush();
        vm.prank(_owner(id));
        try amm.removeLiquidity(m, id, shares, inKind, 0) returns (int256 lots, uint256 cash) {
            _assertLeft(m, id, shares, cash, s, b);
            _assertLeftLots(m, id, lots, inKind ? (b.curveLots * int256(shares)) / int256(s.supply) : int256(0), s, b);
            if (!inKind && !_isStopped(m)) _assertExposure(m);
            _count(
                _isStopped(m)
                    ? Tally.LEFT_SETTLED
                    : inKind
                        ? Tally.LEFT_IN_KIND
                        : Tally.LEFT_IN_CASH
            );
        } catch (bytes memory reason) {
            _refuse(reason);
        }
    }

    function _assertLeft(uint8 m, uint256 id, uint256 shares, uint256 cash, Stake memory s, Books memory b) private {
        _touch(id);
        _touch(_curveOf(m));
        uint256 part = s.equity > 0 ? (uint256(s.equity) * shares) / s.supply : 0;
        assertEq(cash, part, "AM-5: a share is its part of the equity");
        assertEq(_equity(id), b.equity + int256(cash), "AM-5: who leaves gets what it says, and lots at the mark");
        assertEq(_equity(_curveOf(m)), b.curveEquity - int256(cash), "AM-5: the curve pays that and no more");
        assertEq(amm.totalSupply(s.id), s.supply - shares, "AM-5: shares are burned");
        assertEq(amm.balanceOf(_owner(id), s.id), s.held - shares, "AM-5: those of who leaves");
        if (s.equity <= 0) return;
        uint256 left = uint256(s.equity) - cash;
        assertGe(left * s.supply, uint256(s.equity) * (s.supply - shares), "AM-5: leaving costs nobody");
    }

    function _assertLeftLots(
        uint8 m,
        uint256 id,
        int256 lots,
        int256 part,
        Stake memory s,
        Books memory b
    ) private view {
        assertEq(lots, part, "AM-5: and its part of the lots, toward zero");
        assertEq(engine.positions(_curveOf(m), m).lots, b.curveLots - lots, "AM-5: which leave the curve");
        assertEq(engine.positions(id, m).lots, s.lots + lots, "AM-5: for the account");
    }

    function _stakeIn(uint8 m, uint256 id, Valuation at) private returns (Stake memory s) {
        _syncAccount(id);
        _sync(m);
        s.id = amm.shareId(m);
        s.held = amm.balanceOf(_owner(id), s.id);
        s.supply = amm.totalSupply(s.id);
        s.equity = _health(_curveOf(m), at).equity;
        s.lots = engine.positions(id, m).lots;
    }

    function setCurveFee(uint256 seed) external act(seed) {
        uint8 m = _pickMarket();
        uint24 fee = uint24(_pickLog(1, amm.MAX_FEE()));
        amm.setFee(m, fee);
        assertEq(amm.curves(m).feePpm, fee);
        _count(Tally.CURVE_FEE_SET);
    }

    /// @dev A provider of the present epoch of some market, or nobody.
    function _provider() private returns (uint8 m, uint256 id, uint256 held) {
        uint256 from = _pick(0, marketCount * OWNERS - 1);
        bool isOver = _pick(0, 2) == 0; // rather one of a market that has ended
        for (uint256 i; i < 2 * marketCount * OWNERS && held == 0; ++i) {
            uint256 k = (from + i) % (marketCount * OWNERS);
            if (isOver && i < marketCount * OWNERS && !_isStopped(uint8(k / OWNERS))) continue;
            (m, id) = (uint8(k / OWNERS), accounts[2 * (k % OWNERS) + _pick(0, 1)]);
            held = amm.balanceOf(_owner(id), amm.shareId(m));
        }
        _bury(id);
    }

    function _assertExposure(uint8 m) private view {
        int256 lots = engine.positions(_curveOf(m), m).lots;
        uint256 notional = uint256(lots < 0 ? -lots : lots) * engine.markets(m).price;
        int256 left = _health(_curveOf(m), Valuation.UNFAVOURABLE).equity;
        assertLe(notional, 3 * uint256(left < 0 ? int256(0) : left), "AM-5: who stays is exposed three times at most");
    }

    /* TRADES */

    /// @notice Anybody trades: sometimes back what he holds, sometimes all the depth there is.
    function swap(uint256 seed) external act(seed) {
        if (_pick(0, 7) != 0) _redateAll();
        uint8 m = _pick(0, 1) == 0 ? _openMarket() : _busyMarket();
        if (_isStopped(m)) return;
        _sync(m);
        if (_pick(0, 1) == 0) _rest(m, 3);
        _revive(m);
        _swapOnce(m, _pick(0, 1) == 0);
    }

    /// @notice A price breaks away and comes to rest: the level is up, and somebody goes through curve and bands.
    function raid(uint256 seed) external act(seed) {
        _redateAll();
        uint8 m = _openMarket();
        if (_isStopped(m)) return;
        _rest(m, 2);
        _revive(m);
        for (uint256 i; i < 12 && engine.markets(m).level < 2; ++i) {
            _move(m, _pick(0, 1) == 0 ? BPS + 250 : BPS - 250);
            _wait(60);
            _redateAll();
            _sync(m);
        }
        bool isBuy = _pick(0, 1) == 0;
        for (uint256 i; i < 3; ++i) {
            _swapOnce(m, isBuy);
            if (_pick(0, 1) == 0) _redateAll();
        }
    }

    /// @notice It has been calm for a while, and somebody buys what the pool holds.
    function auction(uint256 seed) external act(seed) {
        _redateAll();
        uint8 m = _inventoryMarket();
        if (_isStopped(m) || engine.inventory(m).lots == 0) return;
        if (_pick(0, 3) != 0) {
            _wait(_maxWait() / 2);
            _redateAll();
            _sync(m);
            _wait(CALM_TIME + _pick(0, 7 hours));
        }
        _redateAll();
        _sync(m);
        bool isBuy = engine.inventory(m).lots > 0;
        for (uint256 i; i < 2; ++i) {
            _swapOnce(m, isBuy);
            if (_pick(0, 1) == 0) _redateAll();
        }
    }

    /// @dev As many lots as there are and somebody can carry, or fewer.
    function _swapOnce(uint8 m, bool isBuy) private {
        uint256 id = _pick(0, 2) == 0 ? _holder(m) : _pickUser();
        _bury(id);
        int256 held = engine.positions(id, m).lots;
        bool isReducing = held != 0 && (held < 0) == isBuy && _pick(0, 1) == 0;
        if (!isReducing) _fund(id);
        _syncAccount(id);
        _sync(m);
        uint256 lots = isReducing ? uint256(held < 0 ? -held : held) : _carried(m, id);
        uint256 depth = _depth(m, isBuy);
        if (lots > depth) lots = depth;
        uint256 most = _inBand(m, isBuy);
        if (lots > most && _pick(0, 3) != 0) lots = most;
        if (lots == 0) return;
        if (_pick(0, 2) == 0) lots = _pickLog(1, lots);
        uint256 least = engine.marketParams(m).minLots;
        if (lots < least && depth >= least) lots = least;
        if (lots >= 1 << 55) return;
        _trade(m, id, isBuy ? int64(uint64(lots)) : -int64(uint64(lots)), isReducing);
    }

    /// @dev Somebody who can carry it brings the curve to the index.
    function _align(uint8 m) private {
        _sync(m);
        Curve memory c = amm.curves(m);
        uint256 until = Math.sqrt((uint256(c.base) * c.quote) / engine.markets(m).price);
        bool isBuy = until < c.base;
        uint256 lots = isBuy ? c.base - until : until - c.base;
        uint256 depth = _depth(m, isBuy);
        if (lots > depth) lots = depth;
        if (lots < engine.marketParams(m).minLots || lots >= 1 << 55) return;
        uint256 id = _pickUser();
        uint256 missing = (lots * engine.markets(m).price) / unit / 5;
        _deposit(id, missing < _maxDeposit() ? missing + cashEach : _maxDeposit());
        _syncAccount(id);
        _trade(m, id, isBuy ? int64(uint64(lots)) : -int64(uint64(lots)), false);
    }

    /// @dev Time passes until a market is at `level` at most, and nobody has won.
    function _rest(uint8 m, uint8 level) private {
        for (uint256 i; i < 8 && engine.markets(m).level > level; ++i) {
            _wait(_maxWait() / 4);
            _redateAll();
            _sync(m);
        }
        _calm(m);
    }

    /// @dev A market whose curve is worth nothing mostly gets a provider.
    function _revive(uint8 m) private {
        if (_equity(_curveOf(m)) < 1_000e12 && _pick(0, 3) != 0) _join(m);
    }

    /// @dev {lot} that bring the curve's price by less than the band of fills on average, and all of the pool
    function _inBand(uint8 m, bool isBuy) private view returns (uint256 lots) {
        lots = amm.curves(m).base / 25;
        (, uint256[] memory steps) = amm.bands(m, isBuy, false);
        for (uint256 i; i < steps.length; ++i) lots += steps[i];
    }

    function _trade(uint8 m, uint256 id, int64 lots, bool isReducing) private {
        bool isBuy = lots > 0;
        Books memory b = _books(m, id, isBuy, false);
        Taken memory t;
        uint256 quoted;
        _flush();
        try amm.quote(m, lots) returns (Taken memory t_, uint256 quoted_) {
            (t, quoted) = (t_, quoted_);
        } catch (bytes memory reason) {
            _refuse(reason);
            return;
        }
        vm.prank(_owner(id));
        try engine.trade(AmmOrder(id, m, lots, uint128(quoted), uint32(clock), isReducing)) returns (uint256 total) {
            _touch(id);
            if (t.curveLots != 0) _touch(_curveOf(m));
            if (t.bandLots != 0) _touch(m);
            assertEq(total, quoted, "AM-1: a trade is its quote, to the unit");
            _assertFees(b, t, total, isBuy);
            uint256 atMark = (uint256(t.curveLots) + t.bandLots) * b.market.price;
            int256 paid = isBuy ? int256(total) - int256(atMark) : int256(atMark) - int256(total);
            assertEq(_equity(id), b.equity - paid, "AM-1: the taker's equity moves by price and fees");
            _assertCurve(m, b, t.curveLots, t.curveQuote, t.fee, isBuy);
            _assertPool(m, b, t.bandLots, t.bandQuote, isBuy, false);
            if (t.curveLots != 0) _count(Tally.CURVE_TRADED);
        } catch (bytes memory reason) {
            _refuse(reason);
        }
    }

    /// @dev Providers' fee on what the curve trades, the engine's on all, both up; and the curve's price.
    function _assertFees(Books memory b, Taken memory t, uint256 total, bool isBuy) private pure {
        uint256 curveQuote = _curveQuote(b, t.curveLots, isBuy);
        bool isOk = b.market.state <= PriceState.WIDE;
        uint256 slack = isOk ? b.params.bandBps : b.params.bandBps / 5;
        uint256 atMark = uint256(t.curveLots) * b.market.price;
        if (isBuy) {
            uint256 least = _ceil(atMark * (BPS - slack), BPS);
            if (curveQuote < least) curveQuote = least;
        } else {
            uint256 most = (atMark * (BPS + slack)) / BPS;
            if (curveQuote > most) curveQuote = most;
        }
        assertEq(t.curveQuote, curveQuote, "AM-2: the curve's price is (41), within its slack of the mark");
        assertEq(t.fee, _ceil(curveQuote * (b.curve.feePpm + b.jumpFee), PPM), "AM-2: the providers' fee");
        uint256 quote = uint256(t.curveQuote) + t.bandQuote;
        uint256 fee = _ceil(quote * (b.params.takerFeePpm + LevelLib.takerFeePpm(b.market.level)), PPM);
        assertEq(total, isBuy ? quote + fee + t.fee : quote - fee - t.fee, "AM-1: the total is quotes and fees");
    }

    /* LIQUIDATION */

    function liquidateToAmm(uint256 seed) external act(seed) {
        _redateAll();
        (uint256 id, bool found) = _endangered(true, 2_000, 9_000);
        if (!found) return;
        uint8 m = _heldMarket(id);
        if (id == _curveOf(m) || engine.positions(id, m).lots == 0) return;
        if (_pick(0, 1) == 0 && clock > engine.accounts(id).unhealthySince + 600) {
            engine.flag(id); // the discount grows
            _touch(id);
            _wait(_pick(30, 100));
            _redateAll();
        }
        _syncAccount(id);
        _sync(m);
        if (_equity(id) < 0) return; // the wait has cost all
        uint256 to = _pickOther(id);
        _liquidateToAmm(id, m, to, _pick(0, 3) == 0 ? uint56(_pickLog(1, 1e9)) : type(uint56).max);
    }

    function _liquidateToAmm(uint256 id, uint8 m, uint256 to, uint56 most) private {
        bool isBuy = engine.positions(id, m).lots < 0;
        Books memory b = _books(m, id, isBuy, true);
        b.reward = _equity(to);
        _flush();
        try engine.liquidateToAmm(id, m, to, most, 0) returns (uint56 lots, uint256 penalty) {
            _touch(id);
            _touch(to);
            _touch(_curveOf(m));
            _touch(m);
            assertGt(lots, 0, "EN-9: a liquidation closes something");
            assertLe(lots, most, "EN-9: not more lots than allowed");
            assertGe(_equity(id), 0, "EN-9: a penalty creates no insolvency");
            assertLe(int256(penalty), b.equity, "EN-9: a penalty is at most the equity");
            int256 got = engine.positions(_curveOf(m), m).lots - b.curveLots;
            _assertLiquidated(m, id, to, b, [lots, uint256(isBuy ? -got : got), penalty], isBuy);
        } catch (bytes memory reason) {
            _refuse(reason);
        }
    }

    /// @param n lots in all and of the curve, and the penalty {u}
    function _assertLiquidated(
        uint8 m,
        uint256 id,
        uint256 to,
        Books memory b,
        uint256[3] memory n,
        bool isBuy
    ) private {
        (uint256 byCurve, uint256 atMark) = (_curveQuote(b, n[1], isBuy), n[1] * b.market.price);
        if (isBuy ? byCurve < atMark : byCurve > atMark) byCurve = atMark; // providers take at the mark at worst
        uint256 byPool = _ladderQuote(b, n[0] - n[1]);
        atMark = n[0] * b.market.price;
        // {u} what the depth costs of the penalty; negative: an auction is better than the mark
        int256 slippage = isBuy ? int256(byCurve + byPool) - int256(atMark) : int256(atMark) - int256(byCurve + byPool);
        uint256 left = n[2];
        if (slippage > 0) {
            assertLe(uint256(slippage), left, "AM-3: depth costs no more than the discount");
            left -= uint256(slippage);
        }
        uint256 fee = _ceil(byCurve * b.curve.feePpm, PPM);
        if (fee > left) fee = left;
        uint256 reward = ((left - fee) * b.params.liquidatorShareBps) / BPS;
        assertEq(
            _equity(id),
            b.equity - int256(n[2]) - (slippage < 0 ? slippage : int256(0)),
            "AM-3: the account pays the penalty exactly, less what an auction is better than the mark"
        );
        assertEq(_equity(to), b.reward + int256(reward), "AM-3: the caller gets his share of what is left, down");
        assertEq(
            engine.markets(m).bucket,
            uint256(b.market.bucket) + left - fee - reward,
            "AM-3: the bucket gets the rest"
        );
        _assertCurve(m, b, n[1], byCurve, fee, isBuy);
        _assertPool(m, b, n[0] - n[1], byPool, isBuy, true);
        if (n[1] != 0) _count(Tally.LIQUIDATED_TO_CURVE);
    }

    /* EFFECTS */

    function _books(uint8 m, uint256 id, bool isBuy, bool isLiquidation) private view returns (Books memory b) {
        b.market = engine.markets(m);
        b.params = engine.marketParams(m);
        b.pool = engine.inventory(m);
        b.curve = amm.curves(m);
        b.curveLots = engine.positions(_curveOf(m), m).lots;
        b.curveEquity = _equity(_curveOf(m));
        b.equity = _equity(id);
        b.jumpFee = amm.jumpFeeOf(m);
        b.isExact = (RawLedger.deleveraged(address(engine)) >> m) & 1 == 0;
        (b.prices, b.lots) = amm.bands(m, isBuy, isLiquidation);
    }

    /// @dev Providers gain what (41) says against the mark, and their fee; the reserves move by the curve, never by its limits.
    function _assertCurve(uint8 m, Books memory b, uint256 lots, uint256 quote, uint256 fee, bool isBuy) private view {
        uint256 atMark = lots * b.market.price;
        int256 gain = (isBuy ? int256(quote) - int256(atMark) : int256(atMark) - int256(quote)) + int256(fee);
        int256 moved = isBuy ? -int256(lots) : int256(lots);
        uint256 byCurve = _curveQuote(b, lots, isBuy);
        Curve memory c = amm.curves(m);
        assertEq(_equity(_curveOf(m)), b.curveEquity + gain, "AM-2: the curve's equity moves by price and fee");
        assertEq(engine.positions(_curveOf(m), m).lots, b.curveLots + moved, "AM-2: the curve gets its lots");
        assertEq(int256(uint256(c.base)), int256(uint256(b.curve.base)) + moved, "AM-2: base moves by the lots");
        assertEq(
            c.quote,
            isBuy ? b.curve.quote + byCurve : b.curve.quote - byCurve,
            "AM-2: quote moves by what (41) says"
        );
        assertGe(uint256(c.base) * c.quote, uint256(b.curve.base) * b.curve.quote, "AM-2: the product never falls");
    }

    /// @dev What the pool dealt: which steps were open to whom, at which price, up to which position.
    function _assertPool(uint8 m, Books memory b, uint256 lots, uint256 quote, bool isBuy, bool isLiquidation) private {
        if (lots == 0) return;
        int256 held = isBuy ? -b.pool.lots : b.pool.lots;
        uint256 reduced = held < 0 ? uint256(-held) : 0;
        if (reduced > lots) reduced = lots;
        (uint256 grown, uint256 atMark) = (lots - reduced, lots * b.market.price);
        assertEq(quote, _ladderQuote(b, lots), "AM-4: the pool's quote is that of its steps, best first");
        assertLe(uint8(b.market.state), uint8(PriceState.WIDE), "AM-4: the pool deals at valid prices only");
        if (isBuy) assertGe(quote * BPS, atMark * (BPS - 400), "AM-4: never more than 4 % worse than the mark");
        else assertLe(quote * BPS, atMark * (BPS + 400), "AM-4: never more than 4 % worse than the mark");
        if (grown != 0) _assertGrowth(m, b, grown, isBuy, isLiquidation);
        if (b.isExact) {
            Inventory memory now_ = engine.inventory(m);
            assertEq(now_.lots, b.pool.lots + (isBuy ? -int256(lots) : int256(lots)), "AM-4: the pool gets its lots");
            assertEq(
                now_.equity,
                b.pool.equity + (isBuy ? int256(quote) - int256(atMark) : int256(atMark) - int256(quote)),
                "AM-4: the pool's equity moves by its price"
            );
        }
        if (isLiquidation) _count(Tally.LIQUIDATED_TO_BANDS);
        else _count(grown != 0 || b.market.level >= 2 ? Tally.BANDS_TRADED : Tally.AUCTION_TRADED);
    }

    function _assertGrowth(uint8 m, Books memory b, uint256 grown, bool isBuy, bool isLiquidation) private view {
        uint256 armed = (uint256(b.pool.cap) * LevelLib.armedBps(b.market.level)) / BPS;
        int256 held = isBuy ? -b.pool.lots : b.pool.lots;
        uint256 from = held > 0 ? uint256(held) : 0;
        assertLe(from + grown, armed, "AM-4: the bands end where their armed part of the cap does");
        assertGe(clock, amm.disarmedUntil(m), "AM-4: disarmed bands are shut");
        for (uint256 i = 1; i < 5; ++i) {
            bool isFair =
                isBuy ? b.prices[i] * 100 >= b.market.price * 101 : b.prices[i] * 100 <= uint256(b.market.price) * 99;
            assertTrue(isFair, "AM-4: no band deals better than the index less the first discount");
        }
        if (isLiquidation) return;
        assertGe(b.market.level, 2, "AM-4: bands are open to anybody from level 2");
        assertTrue(b.market.state == PriceState.OK, "AM-4: and at a sharp price");
        assertLe(grown, (armed * 500) / BPS, "AM-4: and a twentieth of them in a block");
    }

    /// @dev {u} for the first `lots` of the pool's steps
    function _ladderQuote(Books memory b, uint256 lots) private pure returns (uint256 quote) {
        for (uint256 i; i < b.lots.length && lots != 0; ++i) {
            uint256 part = b.lots[i] < lots ? b.lots[i] : lots;
            quote += part * b.prices[i];
            lots -= part;
        }
        assertEq(lots, 0, "AM-4: the pool gives no lot beyond its steps");
    }

    /// @dev {u} (41)
    function _curveQuote(Books memory b, uint256 lots, bool isBuy) private pure returns (uint256) {
        if (lots == 0) return 0;
        if (isBuy) return _ceil(lots * b.curve.quote, b.curve.base - lots);
        return (lots * b.curve.quote) / (b.curve.base + lots);
    }

    /// @dev {lot} all that anybody may trade now
    function _depth(uint8 m, bool isBuy) private view returns (uint256 filled) {
        try amm.quote(m, isBuy ? int64(1 << 56) - 1 : -int64(1 << 56) + 1) returns (Taken memory, uint256) {
            return 1 << 56;
        } catch (bytes memory reason) {
            bytes4 selector = bytes4(reason);
            assertTrue(selector == IBackstopAMM.TooManyLots.selector, vm.toString(reason));
            assembly ("memory-safe") {
                filled := mload(add(reason, 0x44))
            }
        }
    }

    /// @dev {lot} that the account can take on in a market, roughly
    function _carried(uint8 m, uint256 id) private view returns (uint256) {
        Health memory h = _health(id, Valuation.UNFAVOURABLE);
        int256 free = h.capped - int256(h.initial);
        if (free <= 0) return 0;
        Market memory market = engine.markets(m);
        uint256 initial = (engine.marketParams(m).initialBps * LevelLib.initialBps(market.level)) / BPS;
        uint256 edges = ((uint256(market.high) - market.low) * BPS) / market.price;
        return (uint256(free) * BPS) / (uint256(market.price) * (initial + 300 + edges));
    }

    function _ceil(uint256 a, uint256 b) private pure returns (uint256) {
        return (a + b - 1) / b;
    }
}
