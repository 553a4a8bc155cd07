/** Signals: one in force that is right, one that is not scored; and a second source of prices. */
import { id, Wallet } from "ethers";
import { SIGNAL_TYPES, signalDomain } from "../../../sdk/src/signals.ts";
import { dollars, type Fixture } from "../../../test/helpers/fixture.ts";
import { deployPyth, priceIdOf, updateFor } from "../../../test/helpers/lockstep/second.ts";
import { HOUR, now } from "../../../test/helpers/time.ts";
import { pass, STORY, type Stage } from "./cast.ts";

const REPORTER = new Wallet(id("reporter of the story"));
const MODEL = id("model of the story");

/** Model, signal in force, fall, score. */
export async function playSignals(stage: Stage): Promise<void> {
  const { fx } = stage;
  await fx.risk.setReporters([REPORTER.address], 1);
  await fx.risk.setModel(STORY, MODEL, 500, 260, 2_000);
  await fx.risk.setThreshold(STORY, 2_500);
  await submit(fx, 4_000n, 1n);
  await pass(stage, 5 * 60);
  await pass(stage, 5 * 60, dollars(1_880n)); // the fall
  await pass(stage, 5 * 60, dollars(2_000n));
  await pass(stage, 2 * HOUR);
  await submit(fx, 100n, 2n); // nobody observes its horizon
  await pass(stage, 12 * HOUR);
  await submit(fx, 4_000n, 3n); // scores what has ended
}

async function submit({ risk, connection }: Fixture, probability: bigint, nonce: bigint): Promise<void> {
  const { ethers } = connection;
  const validFrom = BigInt(await now(ethers));
  const signal = { modelHash: MODEL, market: BigInt(STORY), probability, validFrom, expiry: validFrom + 3_600n, nonce };
  const { chainId } = await ethers.provider.getNetwork();
  const domain = signalDomain(chainId, await risk.getAddress());
  const signature = await REPORTER.signTypedData(domain, SIGNAL_TYPES, signal);
  await risk.submitSignal(signal, [{ reporter: REPORTER.address, signature }]);
}

export async function addSecondSource({ fx }: Stage): Promise<void> {
  const pyth = await deployPyth(fx);
  await fx.oracle.configureSecond(STORY, { pyth, priceId: priceIdOf(STORY) });
  const time = BigInt(await now(fx.connection.ethers));
  await fx.oracle.updateSecond(STORY, [updateFor(STORY, dollars(2_000n), time, dollars(1n))]);
}
