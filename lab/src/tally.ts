/** Adds up what the events of engine and stack say: who paid which shortfall, how often the keeper acted. */
import type { Log } from "./chain.ts";
import type { Failure } from "./checks.ts";
import { abi } from "./site.ts";

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

export interface Tally {
  readonly liquidations: number;
  readonly takeovers: number;
  /** Takeovers of accounts that were worth less than nothing. */
  readonly insolvent: number;
  /** Times that winners were closed pro rata because the pool held more than its cap. */
  readonly deleveragings: number;
  /** {lot} closed that way. */
  readonly deleveraged: bigint;
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

export const EMPTY: Tally = {
  liquidations: 0,
  takeovers: 0,
  insolvent: 0,
  deleveragings: 0,
  deleveraged: 0n,
  penalties: 0n,
  income: 0n,
  byJunior: 0n,
  bySenior: 0n,
  byLiquidation: NOTHING,
  byInventory: NOTHING,
};

export const total = ({ byLiquidation, byInventory }: Tally): Layers => sumOf(byLiquidation, byInventory);

/** DrawReason of ICapitalStack. */
const INVENTORY = 1n;

/** The tally after one more event of engine or stack; other events change nothing. */
export function count(tally: Tally, log: Log, tokenUnit: bigint): Tally {
  const event = abi.engine.parseLog(log) ?? abi.stack.parseLog(log);
  if (event === null) return tally;
  const { args } = event;
  switch (event.name) {
    case "Liquidated":
      return { ...tally, liquidations: tally.liquidations + 1, penalties: tally.penalties + args.penalty };
    case "TakenOver":
      return {
        ...tally,
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
      return args.reason === INVENTORY
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
