/** What an intervention level does: contracts/libraries/LevelLib.sol, docs/mechanism.md "Levels". Index 0 is a calm market. */

/** From here on a market takes no new risk. */
export const REDUCE_ONLY = 4n;

const table =
  (values: readonly bigint[]) =>
  (level: bigint): bigint => {
    const value = values[Number(level)];
    if (value === undefined) throw new RangeError(`level ${level} is not 0 to ${values.length - 1}`);
    return value;
  };

/** {bps} of initial margin, for new risk only. */
export const initialBps = table([10_000n, 11_000n, 12_500n, 15_000n, 20_000n]);
/** {bps} of the open-interest cap. */
export const capBps = table([10_000n, 7_500n, 5_000n, 5_000n, 5_000n]);
/** {bps} of the premium. */
export const premiumBps = table([10_000n, 10_000n, 12_500n, 15_000n, 20_000n]);
/** {ppm} added to the taker fee. */
export const takerFeePpm = table([0n, 100n, 300n, 600n, 1_000n]);
