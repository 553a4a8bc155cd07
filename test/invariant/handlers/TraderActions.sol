// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {
    Fill,
    Health,
    Market,
    MarketParams,
    MarketStatus,
    Valuation
} from "../../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../../contracts/interfaces/IOracle.sol";
import {LevelLib} from "../../../contracts/libraries/LevelLib.sol";
import {Tally} from "./Tally.sol";
import {World} from "./World.sol";

/// @title TraderActions
/// @notice Deposits, withdrawals, transfers and fills. Every effect on the two accounts is checked to the unit.
abstract contract TraderActions is World {
    enum Trade {
        OPEN,
        REDUCE,
        FLIP
    }

    /* CASH */

    function deposit(uint256 seed) external act(seed) {
        uint256 id = _pickUser();
        int128 cash = engine.accounts(id).cash;
        uint256 amount = _pickLog(1, _maxDeposit());

        _deposit(id, amount);

        assertEq(engine.accounts(id).cash, cash + int256(amount * unit), "I3: a deposit is credited exactly");
        _count(Tally.DEPOSITED);
    }

    function withdraw(uint256 seed) external act(seed) {
        uint256 id = _pickSolvent();
        uint256 amount = _spendable(id) / unit;
        uint256 internalBalance = engine.internalBalance();
        amount = amount < internalBalance ? amount : internalBalance;
        if (amount > type(uint64).max) amount = type(uint64).max;
        if (amount == 0) return;
        amount = _pick(0, 3) == 0 ? amount : _pick(1, amount);
        address owner = _owner(id);

        uint256 deficit = engine.totalDeficit();
        int256 cash = engine.accounts(id).cash;
        uint256 held = token.balanceOf(owner);
        _flush();
        vm.prank(owner);
        try engine.withdraw(id, amount, 0, owner) returns (uint256 paid) {
            _touch(id);
            Layers memory sum = _digest();

            assertEq(token.balanceOf(owner), held + paid, "I4: a withdrawal pays what it says");
            assertEq(
                engine.accounts(id).cash,
                cash - int256(paid * unit + sum.claimed) + int256(sum.repaid),
                "I3: cash pays tokens and claim exactly"
            );
            assertEq(engine.totalDeficit(), deficit - sum.claimed, "EN-2: a claim replaces as much deficit");
            if (deficit == 0) assertEq(paid, amount, "EN-5: no haircut without a deficit");
            _assertHaircutNoLower(internalBalance, deficit);
            _count(deficit == 0 ? Tally.WITHDRAWN : Tally.WITHDRAWN_WITH_HAIRCUT);
        } catch (bytes memory reason) {
            _refuse(reason);
        }
    }

    function transfer(uint256 seed) external act(seed) {
        uint256 from = _pickSolvent();
        uint256 to = _pickOther(from);
        uint256 amount = _spendable(from);
        if (amount == 0) return;
        amount = _pick(1, amount);

        int256 fromCash = engine.accounts(from).cash;
        int256 toCash = engine.accounts(to).cash;
        _flush();
        vm.prank(_owner(from));
        try engine.transfer(from, to, uint128(amount)) {
            _touch(from);
            _touch(to);
            assertEq(engine.accounts(from).cash, fromCash - int256(amount), "I3: a transfer takes exactly");
            assertEq(engine.accounts(to).cash, toCash + int256(amount), "I3: a transfer gives exactly");
            _count(Tally.TRANSFERRED);
        } catch (bytes memory reason) {
            _refuse(reason);
        }
    }

    /* FILLS */

    function open(uint256 seed) external act(seed) {
        _trade(Trade.OPEN, _openMarket());
    }

    /// @notice Several fills in one market.
    function crowd(uint256 seed) external act(seed) {
        uint8 m = _openMarket();
        for (uint256 i; i < 3; ++i) _trade(Trade.OPEN, m);
    }

    function reduce(uint256 seed) external act(seed) {
        _trade(Trade.REDUCE, _busyMarket());
    }

    function flip(uint256 seed) external act(seed) {
        _trade(Trade.FLIP, _busyMarket());
    }

    function _trade(Trade kind, uint8 m) internal {
        if (_pick(0, 7) != 0) _redateAll();
        _sync(m);
        if (kind != Trade.REDUCE && _pick(0, 3) != 0) _calm(m);
        Market memory market = engine.markets(m);
        MarketParams memory params = engine.marketParams(m);
        uint256 id = kind == Trade.OPEN ? _pickUser() : _holder(m);
        int256 held = engine.positions(id, m).lots;
        if (kind != Trade.OPEN && held == 0) return;
        bool buys = kind == Trade.OPEN ? (held == 0 ? _pick(0, 1) == 0 : held > 0) : held < 0;
        uint256 other = kind == Trade.REDUCE ? _opposite(id, m, held > 0) : _pickOther(id);

        if (kind != Trade.REDUCE) {
            _fund(id);
            _fund(other);
        }
        Fill memory order;
        order.market = m;
        (order.buyer, order.seller) = buys ? (id, other) : (other, id);
        order.lots = _size(kind, held < 0 ? uint256(-held) : uint256(held), order, market, params);
        if (order.lots == 0) return;
        order.price = _priceInBand(market, params);
        order.buyerIsTaker = _pick(0, 1) == 0;
        order.buyerReduceOnly = kind == Trade.REDUCE && buys;
        order.sellerReduceOnly = kind == Trade.REDUCE && !buys;
        if (_settle(order, market.price, params)) {
            _count(
                kind == Trade.OPEN
                    ? Tally.OPENED
                    : kind == Trade.REDUCE
                        ? Tally.REDUCED
                        : Tally.FLIPPED
            );
        }
    }

    /// @dev {lot} 0: no fill of this kind fits
    function _size(
        Trade kind,
        uint256 held,
        Fill memory order,
        Market memory market,
        MarketParams memory params
    ) private returns (uint56) {
        uint256 lots;
        if (kind == Trade.REDUCE) {
            bool whole = _pick(0, 2) == 0 || held < 2 * uint256(params.minLots);
            lots = whole ? held : _pick(1, held - params.minLots);
        } else {
            lots = _affordable(order.buyer, order.seller, market, params) + (kind == Trade.FLIP ? held : 0);
            if (lots < params.minLots) lots = params.minLots;
        }
        return lots < 1 << 56 ? uint56(lots) : 0;
    }

    function _settle(Fill memory order, uint256 mark, MarketParams memory params) private returns (bool) {
        _syncAccount(order.buyer); // as the fill does: what prices change must not look like its doing
        _syncAccount(order.seller);
        int256 buyer = _equity(order.buyer);
        int256 seller = _equity(order.seller);
        _flush();
        try engine.fill(order) {} catch (bytes memory reason) {
            _refuse(reason);
            return false;
        }
        _touch(order.buyer);
        _touch(order.seller);

        uint256 notional = uint256(order.lots) * order.price;
        uint256 takerPpm = params.takerFeePpm + LevelLib.takerFeePpm(engine.markets(order.market).level);
        int256 taker = int256((notional * takerPpm + 999_999) / 1e6);
        int256 maker = -int256((notional * params.makerRebatePpm) / 1e6);
        int256 gain = int256(uint256(order.lots)) * (int256(mark) - int256(uint256(order.price)));
        (int256 buyerFee, int256 sellerFee) = order.buyerIsTaker ? (taker, maker) : (maker, taker);
        assertEq(_equity(order.buyer), buyer + gain - buyerFee, "I3: the buyer gains price and fee exactly");
        assertEq(_equity(order.seller), seller - gain - sellerFee, "I3: the seller loses price and fee exactly");
        return true;
    }

    /* WHAT A CALL MAY ASK FOR */

    /// @dev {u} of cash that margin leaves free; 0 while the account cannot withdraw.
    function _spendable(uint256 id) internal returns (uint256) {
        _syncAccount(id);
        int256 cash = engine.accounts(id).cash;
        if (cash <= 0) return 0;
        Health memory h = _health(id, Valuation.UNFAVOURABLE);
        int256 free = h.capped - int256(h.initial); // with the open-interest factor: less than the rule allows
        free = free < cash ? free : cash;
        return free > 0 ? uint256(free) : 0;
    }

    /// @dev {lot} about as many as both can carry, some more or less.
    function _affordable(
        uint256 a,
        uint256 b,
        Market memory market,
        MarketParams memory params
    ) private returns (uint256 lots) {
        uint256 edges = ((uint256(market.high) - market.low) * BPS) / market.price;
        uint256 initial = (params.initialBps * LevelLib.initialBps(market.level)) / BPS;
        uint256 perLots = uint256(market.price) * (initial + 100 + edges); // {u} for BPS lots
        uint256 most = type(uint64).max;
        for (uint256 i; i < 2; ++i) {
            Health memory h = _health(i == 0 ? a : b, Valuation.UNFAVOURABLE);
            int256 free = h.capped - int256(h.initial);
            uint256 can = free > 0 ? (uint256(free) * BPS) / perLots : 0;
            if (can < most) most = can;
        }
        lots = (most * _pick(30, 100)) / 100;
        // margin rises from 40 % of the cap on
        uint256 soft = (uint256(market.openInterestCap) * _pick(2, 5)) / 10;
        uint256 room = soft > market.openInterest ? soft - market.openInterest : 0;
        if (lots > room && _pick(0, 7) != 0) lots = room;
    }

    function _priceInBand(Market memory market, MarketParams memory params) private returns (uint64) {
        bool ok = market.state == PriceState.OK && clock <= market.validUntil;
        uint256 band = ok ? params.bandBps : params.bandBps / 5;
        uint256 low = (uint256(market.price) * (BPS - band) + BPS - 1) / BPS;
        uint256 high = (uint256(market.price) * (BPS + band)) / BPS;
        return _pick(0, 2) == 0 ? uint64(_pick(low, high)) : market.price;
    }

    /// @dev One that takes new risk, or any.
    function _openMarket() internal returns (uint8 m) {
        m = _pickMarket();
        for (uint256 i; i < marketCount; ++i) {
            if (engine.markets(m).status == MarketStatus.ACTIVE && engine.deficit(m) == 0) break;
            m = uint8((m + 1) % marketCount);
        }
    }

    /// @dev A user who can spend something at fresh prices, or any.
    function _pickSolvent() private returns (uint256 id) {
        if (_pick(0, 3) != 0) _redateAll();
        id = _pickUser();
        for (uint256 i; i < 3 && _spendable(id) < unit; ++i) id = _pickUser();
    }

    /// @dev A user with a position in the market, or any.
    function _holder(uint8 m) internal returns (uint256) {
        uint256 from = _pick(0, USERS - 1);
        for (uint256 i; i < USERS; ++i) {
            uint256 id = accounts[(from + i) % USERS];
            if ((engine.accounts(id).markets >> m) & 1 != 0) return id;
        }
        return accounts[from];
    }

    /// @dev Another user on the other side, or any other.
    function _opposite(uint256 id, uint8 m, bool isLong) private returns (uint256) {
        uint256 from = _pick(0, USERS - 1);
        for (uint256 i; i < USERS; ++i) {
            uint256 other = accounts[(from + i) % USERS];
            int64 lots = engine.positions(other, m).lots;
            if (other == id || lots == 0 || (lots < 0) != isLong) continue;
            return other;
        }
        return _pickOther(id);
    }

    /// @dev B' / (B' + Z') >= B / (B + Z): being first gains nothing.
    function _assertHaircutNoLower(uint256 internalBalance, uint256 deficit) private view {
        uint256 balance = internalBalance * unit;
        uint256 balanceNow = engine.internalBalance() * unit;
        assertGe(
            balanceNow * (balance + deficit),
            balance * (balanceNow + engine.totalDeficit()),
            "EN-5: a withdrawal lowered what others would be paid"
        );
    }
}
