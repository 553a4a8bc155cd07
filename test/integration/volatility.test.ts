/** The volatility of a market: contract and twin over random observations, equal to the unit, and what an observation costs. */
import { expect } from "chai";
import { network } from "hardhat";
import { observe, parkinson, squaredLog, type VolatilityHistory, variance } from "../../sdk/src/volatility.ts";
import { createRng, type Rng } from "../../sdk/test/helpers/rng.ts";

const CALLS = 30;
const PER_CALL = 200;
const LARGEST = (1n << 62n) - 1n; // {u/lot}
const INITIAL = 10n ** 18n; // D18{1/year}
const GAS = 12_000_000n; // given: an estimate would run everything twice
const RING_BITS = 21n;

/** Prices from 1 to the largest, times from seconds to far beyond an hour, and now and then a step back in time. */
function draw(rng: Rng, { price, time }: { price: bigint; time: bigint }): { price: bigint; time: bigint } {
  const bps = rng.pick([0, 0, 3, 30, 300, 700, 3_000]);
  const moved = (price * BigInt(10_000 + rng.int(-bps, bps))) / 10_000n + BigInt(rng.int(-1, 1));
  const jump = rng.chance(0.01) ? rng.pick([1n, 2n, 1_000n, 2n * 10n ** 11n, LARGEST]) : moved;
  const wait = BigInt(
    rng.pick([0, 1, 30, 59, 60, 61, 119, 120, 240, 300, 301, 600, 1_000, 3_599, 3_600, 3_661, 4_000]),
  );
  const pause = rng.chance(0.002) ? rng.pick([100_000n, 10n ** 9n, 1n << 40n, 1n << 60n]) : wait;
  const next = rng.chance(0.01) ? time - BigInt(rng.int(0, 500)) : time + pause;
  return { price: jump < 1n ? 1n : jump > LARGEST ? LARGEST : jump, time: next < 0n ? 0n : next };
}

/** The words of a row, in hex: what was returned, the record, the views. */
function rowOf(history: VolatilityHistory, counted: boolean): string {
  const { fast, slow, price, observedAt, high, low, bucket, ring } = history;
  const closed = ring.reduce((sum, one) => sum + one, 0n);
  const packed = ring.reduceRight((word, one) => (word << RING_BITS) | one, 0n);
  const record = [fast, slow, price, observedAt, high, low, closed, bucket, packed];
  const words = [counted ? 1n : 0n, ...record, parkinson(history), variance(history)];
  return words.map((word) => word.toString(16).padStart(64, "0")).join("");
}

describe("volatility", () => {
  it(`is the twin's to the unit over ${CALLS * PER_CALL} observations`, async () => {
    const { ethers } = await network.create();
    const probe = await ethers.deployContract("VolatilityProbe");
    const rng = createRng(Number(process.env.LOCKSTEP_SEED ?? 7));
    let counted = 0;
    let bounded = 0;

    for (let call = 0; call < CALLS; ++call) {
      let seen = { price: rng.pick([1n, 50n, 10n ** 9n, 2n * 10n ** 11n, LARGEST]), time: 1_600_000_000n };
      const observations = Array.from({ length: PER_CALL }, () => {
        seen = draw(rng, seen);
        return seen;
      });
      await probe.reset();
      const [prices, times] = [observations.map(({ price }) => price), observations.map(({ time }) => time)];
      const receipt = await (await probe.observeAll(prices, times, INITIAL, { gasLimit: GAS })).wait();
      const rows = receipt?.logs[0]?.data.slice(2 + 2 * 64) ?? ""; // offset and length come first; decoding takes longer than all else

      let history: VolatilityHistory | undefined;
      const expected = observations.map(({ price, time }) => {
        const outcome = observe(history, price, time, INITIAL);
        history = outcome.history;
        counted += Number(outcome.counted);
        bounded += Number(outcome.counted && history.price !== price);
        return rowOf(history, outcome.counted);
      });
      const width = rows.length / PER_CALL;
      const wrong = expected.findIndex((row, i) => row !== rows.slice(i * width, (i + 1) * width));
      const words = (row = "") => row.match(/.{64}/g)?.map((word) => BigInt(`0x${word}`));
      const name = `call ${call}, observation ${wrong}: ${prices[wrong]} at ${times[wrong]}`;
      expect(words(rows.slice(wrong * width, (wrong + 1) * width)), name).to.deep.equal(words(expected[wrong]));
    }
    expect(counted, "counted").to.be.within(2_000, CALLS * PER_CALL - 1_000);
    expect(bounded, "bounded steps").to.be.greaterThan(200);
  });

  it("has the twin's logarithms", async () => {
    const { ethers } = await network.create();
    const probe = await ethers.deployContract("VolatilityProbe");
    const rng = createRng(3);
    const edges = [0n, 1n, 2n, 10n ** 9n, 10n ** 17n - 1n, 10n ** 17n];
    const zs = [...edges, ...Array.from({ length: 500 }, () => rng.big(0n, 10n ** BigInt(rng.int(1, 17))))];
    expect([...(await probe.squaredLogs(zs))]).to.deep.equal(zs.map(squaredLog));
  });

  it("costs little, in a call of its own", async () => {
    const { ethers } = await network.create();
    const probe = await ethers.deployContract("VolatilityProbe");
    const start = 1_600_000_200n; // a bucket's
    /** {gas} with every slot cold and none of them zero, without what any transaction costs. */
    const cost = async (price: bigint, time: bigint): Promise<number> => {
      const { data } = await probe.observe.populateTransaction(price, time, INITIAL);
      const sent = [...Buffer.from(data.slice(2), "hex")].reduce((sum, byte) => sum + (byte === 0 ? 4 : 16), 21_000);
      return Number((await (await probe.observe(price, time, INITIAL)).wait())?.gasUsed) - sent;
    };
    for (let i = 0n; i < 14n; ++i) await cost(2n * 10n ** 11n + i * 10n ** 8n, start + i * 300n);
    const [price, time] = [2n * 10n ** 11n, start + 14n * 300n];

    const found = {
      "a bucket closes": await cost(price, time),
      "a new extreme": await cost(price - 10n ** 8n, time + 60n),
      "within the range": await cost(price - 10n ** 7n, time + 120n),
      "the same price": await cost(price - 10n ** 7n, time + 180n),
      "the same minute": await cost(price - 10n ** 7n, time + 181n),
      "a bounded step": await cost(2n * price, time + 240n),
      "an hour later, a bounded step and a bucket": await cost(price, time + 3_840n),
    };
    if (process.env.VERBOSE === "1") console.table(found);
    expect(found["a bucket closes"]).to.be.lessThan(17_000);
    expect(found["a new extreme"]).to.be.lessThan(13_500);
    expect(found["within the range"]).to.be.lessThan(10_500);
    expect(found["the same minute"]).to.be.lessThan(6_000);
    expect(Math.max(...Object.values(found))).to.be.lessThan(20_500);
  });
});
