/** One cell of the phase diagram, in short: a few accounts through a fall without a pause. */
import { expect } from "chai";
import { network } from "hardhat";
import { type Figures, MODES, type Mode, WIDE } from "../../lab/src/phase.ts";
import type { Point } from "../../lab/src/phasePath.ts";
import { playPhase } from "../../lab/src/phaseRun.ts";
import { createPhaseWorld } from "../../lab/src/phaseWorld.ts";
import { USD } from "../../lab/src/units.ts";

const CELL = { oiOverDepth: 100, poolOverOi: 25 };
const ACCOUNTS = 24;
const PRICE = 200n * 10n ** 8n;
/** 0.9 % every 20 s. */
const FALL: readonly Point[] = Array.from({ length: 36 }, (_, i) => ({
  offset: 20 * i,
  price: BigInt(Math.round(Number(PRICE) * 0.991 ** i)),
}));

describe("phase diagram", () => {
  it("has less bad debt with bands, a tenth with takeover, and books that add up in every mode", async function () {
    this.timeout(120_000);
    const connection = await network.create({ override: { allowBlocksWithSameTimestamp: true } });
    const played = new Map<Mode["name"], Figures>();
    for (const mode of MODES) {
      const snapshot = await connection.networkHelpers.takeSnapshot();
      const world = await createPhaseWorld(connection, {
        ...{ cell: CELL, setting: WIDE, seed: 1, count: ACCOUNTS, price: PRICE },
      });
      played.set(mode.name, await playPhase(world, { mode, points: FALL, pace: { block: 2, calls: 8 } }));
      await snapshot.restore();
    }
    const of = (name: Mode["name"]): Figures => {
      const figures = played.get(name);
      if (figures === undefined) throw new Error(`${name} was not played`);
      return figures;
    };
    const [neither, takeover, bands, both] = [of("neither"), of("takeover"), of("bands"), of("both")];

    for (const [name, { failures, curveDebt }] of played) {
      expect(failures, name).to.equal(0);
      expect(curveDebt, name).to.equal(0n);
    }
    expect(neither.insolvent).to.be.greaterThan(0);
    expect(neither.badDebt > 10_000n * USD, `${neither.badDebt}`).to.equal(true);
    expect(10n * takeover.badDebt <= neither.badDebt, `${takeover.badDebt} of ${neither.badDebt}`).to.equal(true);
    expect(bands.badDebt < neither.badDebt, `${bands.badDebt} of ${neither.badDebt}`).to.equal(true);
    expect(both.badDebt <= takeover.badDebt, `${both.badDebt} of ${takeover.badDebt}`).to.equal(true);
    expect(both.badDebt <= bands.badDebt, `${both.badDebt} of ${bands.badDebt}`).to.equal(true);

    // what each is there for: the curve in every mode, the bands in two, and less to take over where they are
    for (const { viaCurve } of played.values()) expect(viaCurve > 0n).to.equal(true);
    expect([neither.viaBands, takeover.viaBands]).to.deep.equal([0n, 0n]);
    expect(bands.viaBands > 0n && both.viaBands > 0n).to.equal(true);
    expect(bands.takenOver < neither.takenOver).to.equal(true);
    expect(both.takenOver < takeover.takenOver).to.equal(true);
  });
});
