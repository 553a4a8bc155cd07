/** `npm run phase`: plays what docs/figures/phase.json lacks of the phase diagram, prints its tables and draws docs/figures/phase.svg. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { network } from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";
import { EPISODES } from "../lab/src/episodes.ts";
import { CELLS, type Cell, MODES, type Mode, NOBODY, SETTINGS, type SettingName } from "../lab/src/phase.ts";
import { figure, isSame, line, type Run, read, table, write } from "../lab/src/phaseFigure.ts";
import { type Bar, blocksOf, hoursOf, parseBars, published, worstHours } from "../lab/src/phasePath.ts";
import { type Pace, playPhase } from "../lab/src/phaseRun.ts";
import { createPhaseWorld } from "../lab/src/phaseWorld.ts";

const SEED = 1;
const ACCOUNTS = 60;
/** What is played of an episode. */
const HOURS = 12;
/** A layer-2 chain. */
const PACE: Pace = { block: 2, calls: 8 };
/** What else is looked at in one cell: keepers that are slower, and a chain that is. */
const SLOWER: readonly Pace[] = [
  { block: 12, calls: 8 },
  { block: 2, calls: 1 },
];
const MIDDLE: Cell = { oiOverDepth: 100, poolOverOi: 25 };

const data = path.resolve(import.meta.dirname, "../../shared/data/eth_usd_1h.csv");
/** Played in the middle cell when there are recorded prices of them. */
const RECORDED: readonly (readonly [name: string, from: string, to: string])[] = [
  ["eth-2022-06-13", "2022-06-12", "2022-06-15"],
  ["eth-2022-11-08", "2022-11-08", "2022-11-10"],
];

const HELP = `Usage: npm run phase -- [options]

Plays takeover and bands over crashes on the contracts, run by run, and keeps the figures in a file.
A run that the file has is not repeated: remove the file to start afresh. All of it takes about an hour of one core.
Of two episodes the prices are recorded ones that are optional: without them they are left out.

  --file  where the runs are kept (docs/figures/phase.json)
  --most  runs to play at most
  --draw  play nothing, print and draw what the file has
  --help  this text
`;

type Plan = Omit<Run, "figures"> & { readonly how: Mode };

const seconds = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1_000;

function recorded(): Map<string, Bar[]> {
  const bars = new Map<string, Bar[]>(Object.values(EPISODES).map((episode) => [episode.name, hoursOf(episode)]));
  if (!existsSync(data)) {
    process.stderr.write(`Without ${data}, ${RECORDED.map(([name]) => name).join(" and ")} are skipped\n`);
    return bars;
  }
  const csv = readFileSync(data, "utf8");
  for (const [name, from, to] of RECORDED) bars.set(name, parseBars(csv, 3_600, seconds(from), seconds(to)));
  return bars;
}

/** What says most first. */
function plans(episodes: readonly string[]): Plan[] {
  const plan = (episode: string, cell: Cell, how: Mode, pace = PACE, setting: SettingName = "deployed"): Plan => {
    return { episode, ...cell, mode: how.name, setting, ...pace, seed: SEED, accounts: ACCOUNTS, how };
  };
  const shipped = Object.values(EPISODES).map(({ name }) => name);
  const of = (cells: readonly Cell[], modes = MODES) =>
    shipped.flatMap((name) => cells.flatMap((cell) => modes.map((how) => plan(name, cell, how))));
  const ends = MODES.filter(({ name }) => name === "neither" || name === "both");
  const slower = SLOWER.flatMap((pace) => shipped.flatMap((name) => ends.map((how) => plan(name, MIDDLE, how, pace))));
  const wide = shipped.flatMap((name) => MODES.map((how) => plan(name, MIDDLE, how, PACE, "wide")));
  const others = episodes
    .filter((name) => !(name in EPISODES))
    .flatMap((name) => MODES.map((how) => plan(name, MIDDLE, how)));
  const equal = CELLS.filter(({ oiOverDepth }) => oiOverDepth === MIDDLE.oiOverDepth);
  const column = CELLS.filter(({ poolOverOi }) => poolOverOi === MIDDLE.poolOverOi);
  const first = [...of([MIDDLE]), ...of(equal), ...wide, ...of(column)];
  return [...first, ...slower, ...of(CELLS), ...of([MIDDLE], [NOBODY]), ...others];
}

async function play(connection: NetworkConnection, { how, ...key }: Plan, bars: readonly Bar[]): Promise<Run> {
  const { block, calls, seed, accounts: count } = key;
  const points = published(blocksOf(worstHours(bars, HOURS), seed, block));
  const snapshot = await connection.networkHelpers.takeSnapshot();
  const setting = SETTINGS[key.setting];
  const world = await createPhaseWorld(connection, { cell: key, setting, seed, count, price: points[0]?.price ?? 0n });
  const figures = await playPhase(world, { mode: how, points, pace: { block, calls } });
  await snapshot.restore();
  return { ...key, figures };
}

async function main(args: string[]): Promise<number> {
  const string = { type: "string" } as const;
  const boolean = { type: "boolean" } as const;
  const { values } = parseArgs({ args, options: { file: string, most: string, draw: boolean, help: boolean } });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const folder = path.resolve(import.meta.dirname, "../docs/figures");
  const file = path.resolve(values.file ?? path.join(folder, "phase.json"));
  const runs = existsSync(file) ? read(readFileSync(file, "utf8")) : [];
  const bars = recorded();
  const missing = plans([...bars.keys()])
    .filter((one, i, all) => i === all.findIndex((other) => isSame(one, other)))
    .filter((one) => !runs.some((run) => isSame(run, one)));
  const wanted = values.draw ? [] : missing.slice(0, Number(values.most ?? missing.length));
  const connection = await network.create({ override: { allowBlocksWithSameTimestamp: true } });
  for (const one of wanted) {
    const run = await play(connection, one, bars.get(one.episode) ?? []);
    runs.push(run);
    writeFileSync(file, write(runs));
    process.stdout.write(`${line(run)}\n`);
  }

  process.stdout.write(`\nSeed ${SEED}, ${ACCOUNTS} accounts, ${HOURS} hours\n${table(runs, PACE)}\n`);
  process.stdout.write(`\nMargins and cap ${JSON.stringify(SETTINGS.wide)}:\n${table(runs, PACE, "wide")}\n`);
  const apart = runs.filter(
    ({ block, calls, mode }) => block !== PACE.block || calls !== PACE.calls || mode === NOBODY.name,
  );
  process.stdout.write(`\nSlower, and where nobody acts:\n${apart.map(line).join("\n")}\n`);
  if (values.file === undefined) writeFileSync(path.join(folder, "phase.svg"), figure(runs, PACE));
  const failed = runs.filter(({ figures }) => figures.failures > 0).length;
  if (failed > 0) process.stdout.write(`The books of ${failed} runs do not add up\n`);
  return failed === 0 ? 0 : 1;
}

// Not process.exitCode: a chain in this process keeps it alive.
const code = await main(process.argv.slice(2));
process.stdout.write("", () => process.exit(code));
