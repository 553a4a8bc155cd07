// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

/// @title Exponential moving averages over time
/// @notice `ema' = held + (ema - held) * 2^(-elapsed / halfLife)`, where `held` is the price that was in force for `elapsed`
/// seconds. A price that has just arrived has been in force for 0 s and moves nothing, so one print cannot buy weight.
/// @dev In integers, with `//` the floor of the division, for a twin in another language to match to the unit:
/// ```
/// ticks  = elapsed * (3600 // halfLife)
/// weight = 2^128;  for k in 0..11: if bit k of (ticks % 3600) is set: weight = weight * C_k // 2^128
/// weight = weight // 2^(ticks // 3600)
/// ema'   = ema >= held ? held + (ema - held) * weight // 2^128 : held - (held - ema) * weight // 2^128
/// C_k    = floor(2^(128 - 2^k / 3600))
/// ```
/// @dev ROUNDING: toward `held`, on either side, so an EMA reaches a price that stays and never overshoots it.
/// Every factor is rounded down, at most 24 times by 2^-128: 2^-elapsed/halfLife - 24 * 2^-128 < weight / 2^128 <= the true one.
/// With prices below 2^62 the result is closer to `held` than the true value by less than 1 + 2^-61 {u/lot}.
/// Updating n times instead of once at an unchanged price costs less than 1 + 2^-61 each time, itself halved every half-life.
library EmaLib {
    uint256 internal constant TICKS = 3600; // in one half-life
    uint256 internal constant ONE = 1 << 128;

    uint256 private constant C_0 = 0xfff36202cf044c0ed468bd9105254b87;
    uint256 private constant C_1 = 0xffe6c4a4cf45b8351d04666cbee6e44a;
    uint256 private constant C_2 = 0xffcd8bc6441e1dbdca761353504be813;
    uint256 private constant C_3 = 0xff9b217e238dff01e04f9a642486ea7e;
    uint256 private constant C_4 = 0xff366abaddf5b34a2999da23339e6750;
    uint256 private constant C_5 = 0xfe6d74317984670c241e2310b93d8952;
    uint256 private constant C_6 = 0xfcdd615e540116eb93c370841748f10a;
    uint256 private constant C_7 = 0xf9c49722f747cd6bfd61f6fab98f48af;
    uint256 private constant C_8 = 0xf3b004f9cbce980bf2882898c5f5f898;
    uint256 private constant C_9 = 0xe7f7a279107b32d44dc16af7e8315b9c;
    uint256 private constant C_10 = 0xd230d6c168799593bbdb7b0687768677;
    uint256 private constant C_11 = 0xac9429a68c1693c86fa4123fd0fee2bf;

    /// @notice The EMA after `held` was in force for a while.
    /// @dev Rounded toward `held`. Exact when `elapsed` is 0 or `ema` is `held`.
    /// @param ema       {u/lot} before; below 2^62
    /// @param held      {u/lot} price in force since; below 2^62
    /// @param elapsed   {s} below 2^32
    /// @param halfLife  {s} a divisor of 3600
    /// @return {u/lot} between `held` and `ema`
    function decay(uint64 ema, uint64 held, uint256 elapsed, uint256 halfLife) internal pure returns (uint64) {
        if (ema == held || elapsed == 0) return ema;
        unchecked {
            uint256 w = weight(elapsed * (TICKS / halfLife)); // < 2^32 * 2^12
            // Differences are below 2^64 and w is at most 2^128, so products fit and quotients are at most the difference.
            if (ema > held) return held + uint64(((ema - held) * w) >> 128);
            return held - uint64(((held - ema) * w) >> 128);
        }
    }

    /// @notice 2^(-ticks / 3600) with 128 fractional bits, rounded down.
    /// @param ticks  any
    /// @return w     2^-128; 2^128 for 0 ticks, exact powers of two for whole half-lives
    function weight(uint256 ticks) internal pure returns (uint256 w) {
        unchecked {
            w = ONE;
            uint256 part = ticks % TICKS; // below 2^12
            // w <= 2^128 and every factor is below 2^128: no product overflows.
            if (part & 0x001 != 0) w = C_0;
            if (part & 0x002 != 0) w = (w * C_1) >> 128;
            if (part & 0x004 != 0) w = (w * C_2) >> 128;
            if (part & 0x008 != 0) w = (w * C_3) >> 128;
            if (part & 0x010 != 0) w = (w * C_4) >> 128;
            if (part & 0x020 != 0) w = (w * C_5) >> 128;
            if (part & 0x040 != 0) w = (w * C_6) >> 128;
            if (part & 0x080 != 0) w = (w * C_7) >> 128;
            if (part & 0x100 != 0) w = (w * C_8) >> 128;
            if (part & 0x200 != 0) w = (w * C_9) >> 128;
            if (part & 0x400 != 0) w = (w * C_10) >> 128;
            if (part & 0x800 != 0) w = (w * C_11) >> 128;
            w >>= ticks / TICKS;
        }
    }
}
