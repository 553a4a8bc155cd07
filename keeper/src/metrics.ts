/** Prometheus figures of one keeper, in a registry of its own. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name: `backstop_keeper_${name}`, help, registers });
  const counter = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name: `backstop_keeper_${name}`, help, labelNames: [...labelNames], registers });
  const seconds = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `backstop_keeper_${name}`, help, buckets, registers });
  return {
    registry,
    passes: counter("passes_total", "Passes by how they ended", ["outcome"]),
    passSeconds: seconds("pass_seconds", "Duration of a pass", [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]),
    scanSeconds: seconds(
      "scan_seconds",
      "Trying one price against all accounts",
      [0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 1],
    ),
    lastGood: gauge("last_good_pass_timestamp_seconds", "When the last good pass ended"),
    block: gauge("block", "Block that the mirror is at"),
    accounts: gauge("accounts", "Accounts with a position"),
    candidates: gauge("candidates", "Accounts below maintenance margin in the last pass"),
    insolvent: gauge("insolvent_accounts", "Of them, accounts worth less than nothing at the mark"),
    inFlight: gauge("in_flight", "Transactions under way"),
    balance: gauge("balance_coins", "What the key has to pay gas with"),
    verdicts: counter("verdicts_total", "Actions by what was decided about them", ["action", "verdict"]),
    outcomes: counter("transactions_total", "Transactions by how they ended", ["action", "outcome"]),
    gas: counter("gas_total", "Gas of mined transactions"),
    replaced: counter("replaced_total", "Transactions sent again for more"),
    rewinds: counter("reorgs_total", "Times that the chain took blocks back"),
    rebuilds: counter("rebuilds_total", "Times that the mirror was built anew, or a file refused"),
    rpcFailures: counter("rpc_failures_total", "Requests that a node did not answer", ["host"]),
  };
}
