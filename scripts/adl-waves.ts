/** `npm run adl-waves`: what Backstop takes from winners where Hyperliquid's production took too much or too little, on 2025-10-10. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { network } from "hardhat";
import { dollars, USD } from "../lab/src/units.ts";
import { deployForWaves, parseWaves, playWave, type WaveResult } from "../lab/src/waves.ts";

const SEED = 1;
const folder = path.resolve(import.meta.dirname, "../../shared/data/adl_2025-10-10");
const table = path.join(folder, "policy_per_wave_metrics.csv");
const robustness = path.join(folder, "overshoot_robustness.json");

const widths = [5, 19, 19, 17, 24, 19] as const;
const line = (cells: readonly string[]) => cells.map((cell, i) => cell.padStart(widths[i] ?? 0)).join("");

async function main(): Promise<number> {
  if (!existsSync(table)) {
    process.stdout.write(`Skipped: there is no ${path.relative(process.cwd(), table)}; the data is optional.\n`);
    return 0;
  }
  process.stdout.write(
    `Each wave is a synthetic book (seed ${SEED}) whose totals are those of the data; accounts in it are invented.\n` +
      `Pool and bucket are empty, so winners pay. USD; Backstop takes what the contracts say.\n\n` +
      `${line(["wave", "needed", "taken by Backstop", "taken - needed", "one u a lot is", "production took"])}\n`,
  );
  const fx = await deployForWaves(await network.create());
  const results: WaveResult[] = [];
  for (const wave of parseWaves(readFileSync(table, "utf8"))) {
    const snapshot = await fx.connection.networkHelpers.takeSnapshot();
    const result = await playWave(fx, wave, SEED);
    await snapshot.restore();
    results.push(result);
    const { needed, taken, lots } = result;
    const cells = [wave.name, dollars(needed), dollars(taken), dollars(taken - needed, 6), dollars(lots, 6)];
    process.stdout.write(`${line([...cells, dollars(wave.production)])}\n`);
  }

  const total = (of: (result: WaveResult) => bigint) => results.reduce((sum, result) => sum + of(result), 0n);
  const [needed, taken, production] = [total((r) => r.needed), total((r) => r.taken), total((r) => r.wave.production)];
  const cells = [
    "all",
    dollars(needed),
    dollars(taken),
    dollars(taken - needed, 6),
    dollars(
      total((r) => r.lots),
      6,
    ),
  ];
  process.stdout.write(`${line([...cells, dollars(production)])}\n\n`);
  if (existsSync(robustness)) {
    const { O0, O_max_band } = JSON.parse(readFileSync(robustness, "utf8"));
    const millions = (amount: number) => (amount / 1e6).toFixed(1);
    process.stdout.write(
      `Production took ${millions(O0)} to ${millions(O_max_band)} million dollars too much in all.\n`,
    );
  }
  const faults = results.filter(
    ({ needed: due, taken: got, lots, deficit }) => got < due || got - due >= lots || deficit > 0n,
  );
  process.stdout.write(
    faults.length === 0
      ? `Backstop took ${dollars(taken - needed, 6)} too much in all: less than one unit (1e-12 USD) a lot in every wave.\n`
      : `${faults.length} waves FAILED: ${faults.map(({ wave }) => wave.name).join(", ")}\n`,
  );
  return faults.length === 0 && total(({ byPool }) => byPool) < USD ? 0 : 1;
}

// Not process.exitCode: a chain in this process keeps it alive.
const code = await main();
process.stdout.write("", () => process.exit(code));
