// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title RescaledShares
/// @notice ERC-20 shares with permit that can all be divided by 2^SCALE_BITS at once: the supply when it happens; balances and
/// allowances, each rounded down, when next touched; views show it at once. Decision 0010 says why.
/// @dev RECORDS. A loss that somebody may repay one day is recorded with the supply it fell on. Who held what then is kept when his
/// shares next change, so that nothing is written as long as nothing was recorded.
abstract contract RescaledShares is ERC20Permit {
    using Checkpoints for Checkpoints.Trace208;
    using SafeCast for uint256;

    /// @dev All shares. One slot, with what every join of the pool reads.
    struct Supply {
        uint128 shares; // {share}
        uint8 scale; // number of rescalings
        uint8 records; // number of recorded losses
        uint80 gain; // {asset} what is to be paid for and not on the books yet
        uint32 limit; // {whole token} most that may be booked; its largest value is no limit
        // 32 bytes
    }

    /// @dev Shares of a holder and ids of his requests. One slot.
    struct Holding {
        uint128 shares; // {share} at `scale`
        uint8 scale; // number of rescalings when they were written
        uint8 seen; // records when they were written: what he held at later ones he holds still
        uint56 closed; // every id up to here is closed
        uint56 last; // the newest id; closed <= last <= closed + MAX_REQUESTS
        // 32 bytes
    }

    /// @dev A loss that somebody may repay. One slot.
    struct Record {
        uint128 shares; // {share} supply that it fell on
        uint8 scale;
        uint80 assets; // {asset}
        // 27 bytes
    }

    uint8 internal constant SHARE_DECIMALS_OFFSET = 6;
    uint256 internal constant VIRTUAL_SHARES = 10 ** SHARE_DECIMALS_OFFSET; // {share}
    uint256 public constant SCALE_BITS = 24; // the supply stays below 2^124

    Supply internal supply;
    mapping(address holder => Holding holding) internal holdings;
    mapping(uint256 id => Record) internal records; // from 1 to `supply.records`
    mapping(address holder => Checkpoints.Trace208) private pasts; // {share} | scale << 128 from a record on
    mapping(address owner => mapping(address spender => uint256 scale)) private approvedAt;

    /// @notice All shares were divided by 2^24, for the `rescalings`-th time: balances, requests and allowances follow, each rounded
    /// down, without events of their own.
    event SharesRescaled(uint256 rescalings);

    /// @notice {share} after all rescalings so far
    function totalSupply() public view virtual override returns (uint256) {
        return supply.shares;
    }

    /// @notice {share} after all rescalings so far
    function balanceOf(address holder) public view virtual override returns (uint256) {
        Holding storage held = holdings[holder];
        return _atScale(held.shares, held.scale, supply.scale);
    }

    /// @notice {share} divided like the shares it is for; an endless one stays so.
    function allowance(address owner, address spender) public view virtual override returns (uint256) {
        uint256 shares = super.allowance(owner, spender);
        return shares == type(uint256).max ? shares : _atScale(shares, approvedAt[owner][spender], supply.scale);
    }

    function _approve(address owner, address spender, uint256 shares, bool emitEvent) internal virtual override {
        super._approve(owner, spender, shares, emitEvent);
        approvedAt[owner][spender] = supply.scale;
    }

    /// @dev Mints when `from` is zero, burns when `to` is.
    function _move(address from, address to, uint256 shares) internal {
        Supply memory all = supply;
        if (all.records != 0) {
            _remember(from);
            _remember(to);
        }
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
    function _setShares(address holder, uint256 shares, uint8 scale) private {
        Holding storage holding = holdings[holder];
        holding.shares = uint128(shares);
        if (holding.scale != scale) holding.scale = scale;
    }

    /// @dev After a loss: while a share is worth less than 2^-SCALE_BITS of the first price, there are 2^SCALE_BITS times fewer.
    /// @param assets {asset} of all shares
    function _rescale(uint256 assets) internal {
        uint256 most = ((assets + 1) * VIRTUAL_SHARES) << SCALE_BITS;
        uint256 shares = supply.shares;
        if (shares + VIRTUAL_SHARES <= most) return;

        uint8 scale = supply.scale;
        while (shares + VIRTUAL_SHARES > most && scale != type(uint8).max) {
            shares >>= SCALE_BITS;
            ++scale;
            emit SharesRescaled(scale);
        }
        (supply.shares, supply.scale) = (uint128(shares), scale);
    }

    /// @dev Records a loss before it is taken off the books. After 255 nothing is recorded any more, nor while nobody has shares.
    function _record(uint256 assets) internal {
        Supply memory all = supply;
        if (all.records == type(uint8).max || all.shares == 0) return;
        supply.records = ++all.records;
        records[all.records] = Record(all.shares, all.scale, uint80(assets)); // at most what was booked
    }

    /// @dev Keeps what a holder had at the records since his shares last changed, because they are about to change.
    function _remember(address holder) internal {
        Holding storage holding = holdings[holder];
        (uint256 seen, uint8 newest) = (holding.seen, supply.records);
        if (seen == newest || holder == address(0) || holder == address(this)) return;

        Checkpoints.Trace208 storage past = pasts[holder];
        uint256 shares = _sharesOf(holder);
        // nothing before and nothing now: a newcomer
        if (shares != 0 || past.length() != 0) {
            past.push(uint48(seen + 1), uint208(shares) | (uint208(supply.scale) << 128));
        }
        holding.seen = newest;
    }

    /// @dev {share} of a holder at the time of a record, at the scale of that time, down
    function _sharesAt(address holder, uint256 id) internal view returns (uint256) {
        if (holder == address(this)) return 0; // what is queued is its controllers'
        uint256 shares;
        uint256 scale;
        if (holdings[holder].seen < id) {
            (shares, scale) = (_sharesOf(holder), supply.scale);
        } else {
            uint208 kept = pasts[holder].upperLookup(uint48(id)); // at most `records`
            (shares, scale) = (uint128(kept), kept >> 128);
        }
        if (shares == 0) return 0;
        return shares << (SCALE_BITS * (scale - records[id].scale)); // no more than there were then
    }

    /// @dev {share} that are a holder's, wherever they are
    function _sharesOf(address holder) internal view virtual returns (uint256) {
        return balanceOf(holder);
    }

    /// @dev {share} of scale `from` at scale `to`, which is not before it, down
    function _atScale(uint256 shares, uint256 from, uint256 to) internal pure returns (uint256) {
        return shares >> (SCALE_BITS * (to - from));
    }
}
