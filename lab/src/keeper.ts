/** What the keeper does about an account, as a function of what the chain shows. Sending is left to run.ts. */

/** As MarginEngine has it: the age at which the clock allows a takeover, and at which it restarts. {s} */
const CLOCK_TAKEOVER = 90n;
const CLOCK_MAX = 600n;

export interface View {
  readonly account: bigint;
  readonly equity: bigint; // {u} at the mark
  readonly favourable: bigint; // {u} at the favourable edge
  readonly maintenance: bigint; // {u}
  readonly unhealthySince: bigint; // {s} 0 when the clock is not running
}

export type Action = "liquidateToAmm" | "liquidate" | "takeover" | "flag";

export const isUnhealthy = ({ favourable, maintenance }: View): boolean => favourable < maintenance;

/** Unhealthy accounts, the deepest below maintenance margin first; ties by account. */
export function worstFirst(views: readonly View[]): View[] {
  const shortOf = ({ favourable, maintenance }: View) => maintenance - favourable;
  return views.filter(isUnhealthy).sort((a, b) => compare(shortOf(b), shortOf(a)) || compare(a.account, b.account));
}

/**
 * In the order of preference; the first that the chain accepts is sent. The AMM needs nobody's money but has only so much depth
 * within the discount; `liquidate` needs the keeper's own margin, so it can be refused; a takeover is not always allowed; `flag`
 * starts the clock that allows it.
 */
export function actionsFor(view: View, now: bigint): Action[] {
  if (!isUnhealthy(view)) return [];
  if (view.equity < 0n) return ["takeover"];

  const age = view.unhealthySince === 0n ? 0n : now - view.unhealthySince;
  const late = age >= CLOCK_TAKEOVER && age <= CLOCK_MAX;
  const deep = 10n * view.favourable < 4n * view.maintenance;
  return ["liquidateToAmm", "liquidate", late || deep ? "takeover" : "flag"];
}

/** The accounts seen unhealthy `latency` steps ago: news takes that long to become a transaction. */
export function createMemory(latency: number) {
  const seen: ReadonlySet<bigint>[] = [];
  return {
    /** Remembers what is visible now and returns what was visible `latency` steps ago. */
    observe(unhealthy: readonly View[]): ReadonlySet<bigint> {
      seen.push(new Set(unhealthy.map(({ account }) => account)));
      return seen.length > latency ? (seen.shift() ?? new Set()) : new Set();
    },
  };
}

const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);
