// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Account, Health, IMarginEngine, Market, Position, Valuation} from "../interfaces/IMarginEngine.sol";

/// @notice What belongs to a market and to no account, the totals that the ledger must add up to, and the pool's books.
struct Overview {
    Market market;
    uint256 deficit; // {u} of the market
    uint256 totalDeficit; // {u}
    uint256 internalBalance; // {token}
    uint256 tokenBalance; // {token} held by the engine
    uint256 poolAssets; // {asset}
    uint256 poolShares; // {share}
    uint256 sharePrice; // {asset} of 10^shareDecimals shares, times 1e12: digits that a token unit has no room for
}

/// @notice Reads many accounts in one call, so that a check after every step is affordable. For simulations and tests.
/// @dev Flat arrays: a caller decodes hundreds of accounts a step.
contract LedgerProbe {
    /// @notice cash {u}, lots {lot}, quote {u} of each account, one after the other.
    function ledger(
        IMarginEngine engine,
        uint8 market,
        uint256[] calldata accounts
    ) external view returns (int256[] memory figures) {
        figures = new int256[](accounts.length * 3);
        for (uint256 i; i < accounts.length; ++i) {
            Position memory position = engine.positions(accounts[i], market);
            figures[3 * i] = engine.accounts(accounts[i]).cash;
            figures[3 * i + 1] = position.lots;
            figures[3 * i + 2] = position.quote;
        }
    }

    /// @notice equity at the mark {u}, equity at the favourable edge {u}, maintenance margin {u}, start of the liquidation
    /// clock {s} of each account, one after the other. Of a healthy account both equities are the favourable one.
    function healths(
        IMarginEngine engine,
        uint256[] calldata accounts
    ) external view returns (int256[] memory figures) {
        figures = new int256[](accounts.length * 4);
        for (uint256 i; i < accounts.length; ++i) {
            Account memory account = engine.accounts(accounts[i]);
            if (account.markets == 0) {
                (figures[4 * i], figures[4 * i + 1]) = (account.cash, account.cash);
                continue;
            }
            Health memory favourable = engine.health(accounts[i], Valuation.FAVOURABLE);
            figures[4 * i + 1] = favourable.equity;
            figures[4 * i + 2] = int256(favourable.maintenance); // at most the notional, below 2^118
            figures[4 * i + 3] = int256(uint256(account.unhealthySince));
            figures[4 * i] =
                figures[4 * i + 1] < figures[4 * i + 2]
                    ? engine.health(accounts[i], Valuation.MARK).equity
                    : figures[4 * i + 1];
        }
    }

    /// @notice Everything of a market that is not an account, and the pool's books.
    function overview(IMarginEngine engine, IERC4626 pool, uint8 market) external view returns (Overview memory) {
        uint256 oneShare = 10 ** pool.decimals();
        return
            Overview({
                market: engine.markets(market),
                deficit: engine.deficit(market),
                totalDeficit: engine.totalDeficit(),
                internalBalance: engine.internalBalance(),
                tokenBalance: IERC20(engine.token()).balanceOf(address(engine)),
                poolAssets: pool.totalAssets(),
                poolShares: pool.totalSupply(),
                sharePrice: pool.convertToAssets(oneShare * 1e12)
            });
    }
}
