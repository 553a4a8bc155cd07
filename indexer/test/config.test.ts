/** What the indexer says when it cannot start: every fault at once, with the value and what was expected. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { network } from "hardhat";
import type { Deployment } from "../../sdk/src/deployment.ts";
import { deployBackstop } from "../../test/helpers/fixture.ts";
import { freePort } from "../../test/helpers/nodes.ts";
import { serve } from "../../test/helpers/serve.ts";
import { ConfigError, parseConfig } from "../config.ts";
import { preflight } from "../preflight.ts";
import { runScript } from "./helpers/indexer.ts";
import { deploymentOf, writeRecord } from "./helpers/record.ts";

const STRANGER = "0x00000000000000000000000000000000000000AA";

describe("configuration", () => {
  let deployment: Deployment;
  let record: Awaited<ReturnType<typeof writeRecord>>;
  let chain: Awaited<ReturnType<typeof serve>>;

  before(async () => {
    const connection = await network.create();
    const fx = await deployBackstop(connection);
    chain = await serve(connection.provider);
    deployment = await deploymentOf(fx);
    record = await writeRecord(deployment);
  });
  after(async () => {
    await chain.stop();
    await record.remove();
  });

  const faults = (env: Record<string, string>): string => {
    try {
      parseConfig(env);
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return "none";
  };

  it("names every bad variable in one message", () => {
    const bad = {
      DEPLOYMENT: "/nowhere.json",
      RPC_URL: "node:8545",
      DATABASE_URL: "mysql://x",
      PORT: "0",
      DATABASE_SCHEMA: "a b",
    };
    const said = faults({ ...bad, POLLING_INTERVAL: "soon" });
    assert.deepEqual(said.split("\n"), [
      "The indexer cannot start:",
      "  DEPLOYMENT: there is no record /nowhere.json; npm run deploy writes one",
      "  RPC_URL is no http or https URL",
      "  DATABASE_URL is no postgres or postgresql URL",
      '  POLLING_INTERVAL is "soon", not a whole number from 50 to 60000',
      '  PORT is "0", not a whole number from 1 to 65535',
      '  DATABASE_SCHEMA is "a b", not a name of a schema',
    ]);
  });

  it("says what is missing, and what of a record is wrong", async () => {
    assert.match(faults({}), /NETWORK is missing.*\n.*RPC_URL is missing/);
    const file = path.join(record.folder, "bad.json");
    await writeFile(file, JSON.stringify({ ...deployment, chainId: "one" }));
    assert.match(
      faults({ DEPLOYMENT: file, RPC_URL: chain.url }),
      /bad\.json cannot be used: chainId of the deployment is no whole number/,
    );
    assert.match(faults({ NETWORK: "moon", RPC_URL: chain.url }), /NETWORK: there is no record .*moon\.json/);
  });

  const refused = (changes: Partial<Deployment>, rpcUrl = chain.url) => {
    const config = parseConfig({ DEPLOYMENT: record.file, RPC_URL: rpcUrl });
    return preflight({ ...config, deployment: { ...deployment, ...changes } });
  };

  it("refuses a node of another chain, and one that does not answer", async () => {
    await assert.rejects(refused({ chainId: 1 }), /is of chain 31337, the record of test of 1$/);
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    await assert.rejects(refused({}, nowhere), /the node at 127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED/);
  });

  it("refuses addresses without code, all at once", async () => {
    const contracts = { ...deployment.contracts, engine: STRANGER, amm: STRANGER } as const;
    await assert.rejects(refused({ contracts }), /no code at 0x0+AA, where the record of test has engine\n.*has amm/);
    await refused({});
  });

  it("ends with the message and code 1, the check too", async () => {
    for (const script of ["indexer/start.ts", "indexer/check/index.ts"]) {
      const { code, output } = await runScript(script, [], { RPC_URL: "ftp://x", NETWORK: "moon" });
      assert.equal(code, 1);
      assert.match(
        output,
        /^The indexer cannot start:\n {2}NETWORK: there is no record .*\n {2}RPC_URL is no http or https URL\n$/,
      );
    }
  });
});
