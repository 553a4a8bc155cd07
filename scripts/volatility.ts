/** Measures the volatility levels on recorded prices: prints the table of docs/mechanism.md and writes docs/figures/volatility.svg. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { countByLevel, figure, LEVELS, parseBars, tableRow } from "../lab/src/volatility.ts";

const data = path.resolve(import.meta.dirname, "../../shared/data");
const target = path.resolve(import.meta.dirname, "../docs/figures/volatility.svg");
const at = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1_000;

function measure(coin: keyof typeof LEVELS) {
  const bars = parseBars(
    readFileSync(path.join(data, `${coin}_usd_1h.csv`), "utf8"),
    at("2019-12-01"),
    at("2024-01-01"),
  );
  return countByLevel(bars, LEVELS[coin], at("2020-01-01"));
}

if (existsSync(path.join(data, "btc_usd_1h.csv"))) {
  const [btc, eth] = [measure("btc"), measure("eth")];
  console.log(`${tableRow("BTC", btc)}\n${tableRow("ETH", eth)}`);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, figure(btc, eth));
} else {
  console.error(`${data} is not there; the prices are optional`);
  process.exitCode = 1;
}
