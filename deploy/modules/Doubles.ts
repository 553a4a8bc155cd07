/** What a live deployment finds and a local chain lacks: a token anyone may mint, feeds anyone may set, a Pyth that believes everybody. */
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

const DECIMALS = 8; // of the feeds
const usd = (dollars: bigint) => dollars * 10n ** 8n;

export default buildModule("Doubles", (m) => ({
  token: m.contract("MockToken", ["USD", 6]),
  ethUsdFeed: m.contract("MockAggregator", [DECIMALS, usd(2_000n)], { id: "EthUsd" }),
  btcUsdFeed: m.contract("MockAggregator", [DECIMALS, usd(60_000n)], { id: "BtcUsd" }),
  altUsdFeed: m.contract("MockAggregator", [DECIMALS, usd(2n)], { id: "AltUsd" }),
  pyth: m.contract("MockPyth", [60, 0]), // {s} of validity that our oracle does not ask for, {wei} fee
}));
