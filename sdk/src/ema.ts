/** Exponential moving averages over time: the twin of contracts/libraries/EmaLib.sol, equal to the unit. */

/** Ticks in one half-life. */
const TICKS = 3_600n;
const FRACTION_BITS = 128n;
const ONE = 1n << FRACTION_BITS;

/** floor(2^(128 - 2^k / 3600)) for k = 0 to 11. */
const FACTORS = [
  0xfff36202cf044c0ed468bd9105254b87n,
  0xffe6c4a4cf45b8351d04666cbee6e44an,
  0xffcd8bc6441e1dbdca761353504be813n,
  0xff9b217e238dff01e04f9a642486ea7en,
  0xff366abaddf5b34a2999da23339e6750n,
  0xfe6d74317984670c241e2310b93d8952n,
  0xfcdd615e540116eb93c370841748f10an,
  0xf9c49722f747cd6bfd61f6fab98f48afn,
  0xf3b004f9cbce980bf2882898c5f5f898n,
  0xe7f7a279107b32d44dc16af7e8315b9cn,
  0xd230d6c168799593bbdb7b0687768677n,
  0xac9429a68c1693c86fa4123fd0fee2bfn,
] as const;

/** 2^(-ticks / 3600) with 128 fractional bits, each factor rounded down. */
export function weight(ticks: bigint): bigint {
  const part = ticks % TICKS;
  const fraction = FACTORS.reduce(
    (w, factor, k) => ((part >> BigInt(k)) & 1n ? (w * factor) >> FRACTION_BITS : w),
    ONE,
  );
  return fraction >> (ticks / TICKS);
}

/** {u/lot} the average after `held` was in force for `elapsed` s, rounded toward `held`. `halfLife` divides 3600 s. */
export function decay(ema: bigint, held: bigint, elapsed: bigint, halfLife: bigint): bigint {
  const w = weight(elapsed * (TICKS / halfLife));
  const distance = ema > held ? ema - held : held - ema;
  const left = (distance * w) >> FRACTION_BITS;
  return ema > held ? held + left : held - left;
}
