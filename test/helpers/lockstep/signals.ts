/** Signed forecasts for the risk engine. The model is told until when they raise a level: the budget is the contract's to keep. */
import { id, Wallet } from "ethers";
import { SIGNAL_TYPES, signalDomain } from "../../../sdk/src/signals.ts";
import type { Action, Cast } from "./actions.ts";
import type { World } from "./world.ts";

const REPORTER = new Wallet(id("lockstep reporter"));
const MODEL = id("lockstep model");
/** {1e-4} from which a signal raises. */
export const THRESHOLD = 2_000n;

/** One reporter, and the model in each of `markets`. */
export async function prepareSignals({ fx }: World, markets: readonly number[]): Promise<void> {
  const [dropBps, baseRate] = [500, 260];
  await fx.risk.setReporters([REPORTER.address], 1);
  for (const market of markets) await fx.risk.setModel(market, MODEL, dropBps, baseRate, THRESHOLD);
}

/** @param probability {1e-4} @param life {s} */
export async function signalOf(
  world: World,
  { staker }: Cast,
  { market, probability, life, now }: { market: number; probability: bigint; life: bigint; now: bigint },
): Promise<Action> {
  const { fx, riskAt, nonces } = world;
  const nonce = (nonces.get(market) ?? 0n) + 1n;
  const times = { validFrom: now, expiry: now + life };
  const signal = { modelHash: MODEL, market: BigInt(market), probability, ...times, nonce };
  const { chainId } = await fx.connection.ethers.provider.getNetwork();
  const signature = await REPORTER.signTypedData(signalDomain(chainId, riskAt), SIGNAL_TYPES, signal);
  const data = fx.risk.interface.encodeFunctionData("submitSignal", [
    signal,
    [{ reporter: REPORTER.address, signature }],
  ]);
  return { from: staker, to: riskAt, data, onSuccess: () => world.nonces.set(market, nonce) };
}
