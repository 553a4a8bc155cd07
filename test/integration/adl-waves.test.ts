/** Waves of 2025-10-10 on synthetic books: winners pay what is needed and no more. Needs optional data; says so without it. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { network } from "hardhat";
import { deployForWaves, parseWaves, playWave } from "../../lab/src/waves.ts";
import { expectConserved } from "../helpers/conservation.ts";

const table = path.resolve(import.meta.dirname, "../../../shared/data/adl_2025-10-10/policy_per_wave_metrics.csv");
/** The largest, the one with the largest shortfall against profit, and the smallest. */
const PLAYED = ["13", "7", "25"];

const isThere = existsSync(table);
if (!isThere) console.log(`waves of 2025-10-10: skipped, ${table} is not there; the data is optional`);

describe("waves of 2025-10-10", () => {
  for (const name of isThere ? PLAYED : []) {
    it(`takes what is needed and no more: wave ${name}`, async function () {
      this.timeout(120_000);
      const wave = parseWaves(readFileSync(table, "utf8")).find((other) => other.name === name);
      if (wave === undefined) throw new Error(`The table has no wave ${name}`);
      const fx = await deployForWaves(await network.create());
      const found = await playWave(fx, wave, 1);

      const dust = 10n ** 6n * BigInt(found.losers); // {u} deposits are whole token units
      expect(found.needed >= wave.needed && found.needed <= wave.needed + dust, `${found.needed}`).to.equal(true);
      expect(found.profit <= wave.profit && wave.profit - found.profit < 10n ** 12n, `${found.profit}`).to.equal(true);
      expect(found.taken >= found.needed && found.taken - found.needed < found.lots, `${found.taken}`).to.equal(true);
      expect(found.taken < wave.production).to.equal(wave.needed < wave.production);
      expect(found).to.include({ byPool: 0n, deficit: 0n });
      await expectConserved(fx);
    });
  }
});
