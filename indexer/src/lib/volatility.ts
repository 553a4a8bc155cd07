/** Volatility as people say it. Pure. */

const PER_BPS2 = 10n ** 10n; // D18{1/year} of a {bps}^2

/** {bps} a year: the root of a variance D18{1/year}, down. */
export function volatilityBps(variance: bigint): bigint {
  const square = variance / PER_BPS2;
  let root = BigInt(Math.floor(Math.sqrt(Number(square)))); // within one of it
  while (root * root > square) root -= 1n;
  while ((root + 1n) * (root + 1n) <= square) root += 1n;
  return root;
}
