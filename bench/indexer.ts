/** `npm run bench:indexer`: blocks and logs of a lockstep session indexed per second, with PGlite and, where it is installed, PostgreSQL. */
import { parseArgs } from "node:util";
import { network } from "hardhat";
import { type Indexer, startIndexer } from "../indexer/test/helpers/indexer.ts";
import { binaries, startPostgres } from "../indexer/test/helpers/postgres.ts";
import { deploymentOf } from "../indexer/test/helpers/record.ts";
import { setStage } from "../indexer/test/story/cast.ts";
import { addSecondSource, playEnd, playSession, playStory } from "../indexer/test/story/play.ts";
import { serve } from "../test/helpers/serve.ts";

interface Figures {
  readonly database: string;
  readonly blocks: number;
  readonly logs: number;
  /** {s} from the start of the process until all is indexed, without those until the API answers. */
  readonly seconds: number;
  readonly startSeconds: number;
}

const { values } = parseArgs({ options: { json: { type: "boolean" } } });

const connection = await network.create({ override: { initialDate: "2026-01-05T00:00:00Z" } });
const stage = await setStage(connection);
await addSecondSource(stage);
await playStory(stage);
await playSession(stage);
await playEnd(stage);
for (let i = 0; i < 64; ++i) await connection.networkHelpers.mine(); // beyond finality: all of it is history
const chain = await serve(connection.provider);
const deployment = await deploymentOf(stage.fx);
const blocks = await connection.ethers.provider.getBlockNumber();
const address = [...Object.values(deployment.contracts)];
const logs = (await connection.ethers.provider.getLogs({ address, fromBlock: 0 })).length;

async function measure(database: string, url?: string): Promise<Figures> {
  const begin = performance.now();
  let indexer: Indexer | undefined;
  try {
    indexer = await startIndexer(deployment, chain.url, { databaseUrl: url });
    await indexer.until(0);
    const up = performance.now();
    await indexer.until(blocks);
    const seconds = (performance.now() - up) / 1_000;
    return { database, blocks, logs, seconds, startSeconds: (up - begin) / 1_000 };
  } finally {
    await indexer?.stop();
  }
}

const figures = [await measure("PGlite")];
const bin = binaries();
if (bin === undefined) process.stderr.write("PostgreSQL is not installed: only PGlite was measured.\n");
else {
  const postgres = await startPostgres(bin);
  try {
    figures.push(await measure("PostgreSQL", await postgres.database("bench")));
  } finally {
    await postgres.stop();
  }
}
await chain.stop();

if (values.json === true) process.stdout.write(`${JSON.stringify(figures)}\n`);
else
  for (const { database, seconds, startSeconds } of figures)
    process.stdout.write(
      `${database}: ${(blocks / seconds).toFixed(0)} blocks and ${(logs / seconds).toFixed(0)} logs a second ` +
        `(${blocks} blocks, ${logs} logs in ${seconds.toFixed(1)} s; ready to answer after ${startSeconds.toFixed(1)} s)\n`,
    );
