/** Adds up what the events of engine and stack say: who paid which shortfall, how often the keeper acted. */
import type { Log } from "./chain.ts";
import type { Failure } from "./checks.ts";
import { abi, INVENTORY } from "./site.ts";

/** {u} what each layer paid; they sum to the shortfall. */
export interface Layers {
  readonly shortfall: bigint;
  readonly bucket: bigint;
  readonly pool: bigint;
  /** What every lot of the winning side paid. */
  readonly lossShare: bigint;
  readonly deficit: bigint;
}

export const NOTHING: Layers = { shortfall: 0n, bucket: 0n, pool: 0n, lossShare: 0n, deficit: 0n };

export const sumOf = (a: Layers, b: Layers): Layers => ({
  shortfall: a.shortfall + b.shortfall,
  bucket: a.bucket + b.bucket,
  pool: a.pool + b.pool,
  lossShare: a.lossShare + b.lossShare,
  deficit: a.deficit + b.deficit,
});

/** {u} what unhealthy accounts were closed for, by who took it. */
export interface Takers {
  /** Liquidity providers' curve. */
  readonly curve: bigint;
  /** The pool, in a liquidation: its bands. */
  readonly bands: bigint;
  /** A liquidator's own account. */
  readonly keeper: bigint;
  /** The pool, in a takeover. */
  readonly takeover: bigint;
}

export interface Tally {
  readonly liquidations: number;
  readonly takeovers: number;
  /** Takeovers of accounts that were worth less than nothing. */
  readonly insolvent: number;
  /** Times that winners were closed pro rata because the pool held more than its cap. */
  readonly deleveragings: number;
  /** {lot} closed that way. */
  readonly deleveraged: bigint;
  readonly taken: Takers;
  /** {u} fills of the transaction under way that no liquidation or takeover has claimed yet. */
  readonly fills: Readonly<Record<"curve" | "keeper" | "pool", bigint>> & { readonly transactionHash: string };
  /** {u} penalties paid by liquidated accounts */
  readonly penalties: bigint;
  /** {u} income the pools received */
  readonly income: bigint;
  /** {u} what the pools paid, in whole token units: what the layer needed, rounded up for each draw. */
  readonly byJunior: bigint;
  readonly bySenior: bigint;
  readonly byLiquidation: Layers;
  readonly byInventory: Layers;
}

const NO_FILLS = { transactionHash: "", curve: 0n, keeper: 0n, pool: 0n };

export const EMPTY: Tally = {
  liquidations: 0,
  takeovers: 0,
  insolvent: 0,
  deleveragings: 0,
  deleveraged: 0n,
  taken: { curve: 0n, bands: 0n, keeper: 0n, takeover: 0n },
  fills: NO_FILLS,
  penalties: 0n,
  income: 0n,
  byJunior: 0n,
  bySenior: 0n,
  byLiquidation: NOTHING,
  byInventory: NOTHING,
};

export const total = ({ byLiquidation, byInventory }: Tally): Layers => sumOf(byLiquidation, byInventory);

/** DrawReason of ICapitalStack. */
const BY_INVENTORY = 1n;

/**
 * The tally after one more event of engine or stack; other events change nothing.
 * @param curve account of the providers' curve
 */
export function count(before: Tally, log: Log, tokenUnit: bigint, curve: bigint): Tally {
  const { transactionHash } = log;
  const fills = before.fills.transactionHash === transactionHash ? before.fills : { ...NO_FILLS, transactionHash };
  const tally: Tally = { ...before, fills };
  const event = abi.engine.parseLog(log) ?? abi.stack.parseLog(log);
  if (event === null) return tally;
  const { args } = event;
  const { taken } = tally;
  switch (event.name) {
    case "Filled": {
      const sides: bigint[] = [args.buyer, args.seller];
      const taker = sides.includes(INVENTORY) ? "pool" : sides.includes(curve) ? "curve" : "keeper";
      return { ...tally, fills: { ...fills, [taker]: fills[taker] + BigInt(args.lots) * BigInt(args.price) } };
    }
    case "Liquidated":
      return {
        ...tally,
        fills: NO_FILLS,
        liquidations: tally.liquidations + 1,
        penalties: tally.penalties + args.penalty,
        taken: {
          ...taken,
          curve: taken.curve + fills.curve,
          bands: taken.bands + fills.pool,
          keeper: taken.keeper + fills.keeper,
        },
      };
    case "TakenOver":
      return {
        ...tally,
        fills: NO_FILLS,
        taken: { ...taken, takeover: taken.takeover + fills.pool },
        takeovers: tally.takeovers + 1,
        insolvent: tally.insolvent + (args.equity < 0n ? 1 : 0),
      };
    case "Deleveraged":
      return {
        ...tally,
        deleveragings: tally.deleveragings + 1,
        deleveraged: tally.deleveraged + args.lots,
      };
    case "LossAbsorbed":
      return {
        ...tally,
        byJunior: tally.byJunior + args.byJunior * tokenUnit,
        bySenior: tally.bySenior + args.bySenior * tokenUnit,
      };
    case "IncomeCollected":
      return { ...tally, income: tally.income + args.paid * tokenUnit };
    case "ShortfallCovered": {
      const paid = {
        shortfall: args.shortfall,
        bucket: args.byBucket,
        pool: args.byPool,
        lossShare: args.byShare,
        deficit: args.toDeficit,
      };
      return args.reason === BY_INVENTORY
        ? { ...tally, byInventory: sumOf(tally.byInventory, paid) }
        : { ...tally, byLiquidation: sumOf(tally.byLiquidation, paid) };
    }
    default:
      return tally;
  }
}

/** The layers of every reason sum to its shortfall, to the last unit, and the pools paid no less than their layer. */
export function waterfall({ byLiquidation, byInventory, byJunior, bySenior }: Tally, step: number): Failure[] {
  const pools = byLiquidation.pool + byInventory.pool;
  const paid = byJunior + bySenior;
  const unpaid: Failure[] =
    paid >= pools ? [] : [{ id: "waterfall", step, message: `the pools paid ${paid} u of ${pools} u` }];
  const uneven = [byLiquidation, byInventory]
    .filter(({ shortfall, bucket, pool, lossShare, deficit }) => shortfall !== bucket + pool + lossShare + deficit)
    .map(({ shortfall, bucket, pool, lossShare, deficit }) => ({
      id: "waterfall" as const,
      step,
      message: `${bucket} + ${pool} + ${lossShare} + ${deficit} is not ${shortfall} u`,
    }));
  return [...unpaid, ...uneven];
}
