/** What Ponder listens to: every contract of one deployment. */
import { createConfig } from "ponder";
import {
  BackstopAMMAbi,
  BackstopPoolAbi,
  CapitalStackAbi,
  ExchangeAbi,
  MarginEngineAbi,
  OracleAbi,
  RiskEngineAbi,
} from "../sdk/src/abi.ts";
import { parseConfig } from "./config.ts";

const { deployment, rpcUrl, databaseUrl, pgliteDirectory, pollingInterval } = parseConfig(process.env);
const { contracts, chainId, startBlock } = deployment;
// Ponder begins at 20 requests a second for each URL; a node on this machine has no such limit.
const isLocal = ["127.0.0.1", "localhost", "[::1]"].includes(new URL(rpcUrl).hostname);
const urls = new Array<string>(isLocal ? 10 : 1).fill(rpcUrl);
const at = { chain: "backstop", startBlock } as const;

export default createConfig({
  ordering: "multichain",
  database: databaseUrl
    ? { kind: "postgres", connectionString: databaseUrl }
    : { kind: "pglite", directory: pgliteDirectory },
  chains: {
    // A local chain starts over: what was seen of an earlier one must not be believed.
    backstop: { id: chainId, rpc: urls, pollingInterval, disableCache: chainId === 31_337 },
  },
  contracts: {
    Engine: { abi: MarginEngineAbi, address: contracts.engine, ...at },
    Oracle: { abi: OracleAbi, address: contracts.oracle, ...at },
    Stack: { abi: CapitalStackAbi, address: contracts.stack, ...at },
    Pool: { abi: BackstopPoolAbi, address: [contracts.junior, contracts.senior], ...at },
    Exchange: { abi: ExchangeAbi, address: contracts.exchange, ...at },
    Risk: { abi: RiskEngineAbi, address: contracts.risk, ...at },
    Amm: { abi: BackstopAMMAbi, address: contracts.amm, ...at },
  },
});
