/** The keeper's environment, checked at once: every variable that is wrong is named in one message. */
import { readFileSync } from "node:fs";
import { getAddress, isAddress, parseUnits, Wallet } from "ethers";
import { z } from "zod";
import { type Deployment, parseDeployment } from "../../sdk/src/deployment.ts";
import { accountId, uFrom } from "../../sdk/src/units.ts";
import { KeeperError, messageOf } from "./errors.ts";

/** Variables with what they are for: the table of `--help`. */
export const VARIABLES: Readonly<Record<keyof typeof shape, string>> = {
  KEEPER_RPC_URL: "node to read from and to send to",
  KEEPER_RPC_URL_2: "node to fail over to",
  KEEPER_SEND_URL: "private node that only transactions are sent to",
  KEEPER_KEY: "private key that sends and is paid; 64 hex digits",
  KEEPER_ADDRESSES: "file of addresses that npm run deploy wrote",
  KEEPER_STATE: "folder of the mirror and of transactions under way [keeper/state]",
  KEEPER_ACCOUNT: "margin account that is paid, if not the key's own; the key must operate it",
  KEEPER_HOST: "of metrics and health [127.0.0.1]",
  KEEPER_PORT: "of metrics and health; 0 is any free one [9464]",
  KEEPER_POLL: "{ms} between two passes [2000]",
  KEEPER_CHUNK: "{block} most that logs are asked for at once [10000]",
  KEEPER_STALE: "{s} without a good pass after which health fails [60]",
  KEEPER_NATIVE_USD: "{USD} price of the coin that pays gas; or KEEPER_NATIVE_FEED",
  KEEPER_NATIVE_FEED: "Chainlink feed of that price",
  KEEPER_MIN_PROFIT: "{USD} after gas, for what pays: liquidations [0]",
  KEEPER_SOLVENCY_LOSS: "{USD} most that takeovers, flags, deleveraging, losses of the inventory may cost each [50]",
  KEEPER_UPKEEP_LOSS: "{USD} most that syncs, income, lapsed exits and the like may cost each [5]",
  KEEPER_CARRY_BPS: "{bps} of notional that lots in the keeper's own account must pay beyond what the AMM pays [20]",
  KEEPER_UNWIND: "yes: closes what is in the account that is paid, against the AMM, within KEEPER_CARRY_BPS [yes]",
  KEEPER_MAX_FEE: "{gwei} most to pay for a unit of gas [200]",
  KEEPER_MAX_TIP: "{gwei} most of it to the block's builder [3]",
  KEEPER_STUCK: "{s} after which a transaction is sent again for more [30]",
  KEEPER_IN_FLIGHT: "most transactions under way at once [32]",
  KEEPER_SYNC: "{s} after which a market is synced anyway: funding, volatility, level [600]",
  KEEPER_SYNC_BPS: "{bps} by which a price must have moved to be synced before [10]",
  KEEPER_UPKEEP: "{s} between two looks for income, lapsed exits, claims [300]",
  KEEPER_MIN_INCOME: "{USD} least income worth collecting [50]",
  KEEPER_HERMES_URL: "Pyth's price service, for the second source",
  KEEPER_L1_FEE_ORACLE: "gas price oracle of an OP chain, which charges for data",
  KEEPER_LOG: "fatal, error, warn, info, debug or silent [info]",
};

const url = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:/.test(text), "must be a URL that begins with http:// or https://");
const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, "must be a whole number")
    .transform(Number)
    .refine((n) => n >= least && n <= most, `must be ${least} to ${most}`);
const dollars = z
  .string()
  .regex(/^\d+(\.\d{1,12})?$/, "must be a number of dollars")
  .transform((text) => uFrom(text));
const gwei = z
  .string()
  .regex(/^\d+(\.\d{1,9})?$/, "must be a number of gwei")
  .transform((text) => parseUnits(text, "gwei"));
const address = z
  .string()
  .refine((text) => isAddress(text), "must be an address")
  .transform((text) => getAddress(text));

/** Without repeating the key. */
const key = z.string().transform((text, context) => {
  const digits = text.replace(/^0x/, "");
  const isHex = /^[0-9a-fA-F]*$/.test(digits);
  if (isHex && digits.length === 64)
    try {
      return new Wallet(`0x${digits}`).privateKey;
    } catch {
      context.addIssue("is no private key: its number is out of range");
      return z.NEVER;
    }
  context.addIssue(
    `is no private key: it must be 64 hex digits and is ${digits.length} characters${isHex ? "" : " that are not all hex"}`,
  );
  return z.NEVER;
});

const shape = {
  KEEPER_RPC_URL: url,
  KEEPER_RPC_URL_2: url.optional(),
  KEEPER_SEND_URL: url.optional(),
  KEEPER_KEY: key,
  KEEPER_ADDRESSES: z.string().transform((file, context): Deployment => {
    try {
      return parseDeployment(JSON.parse(readFileSync(file, "utf8")));
    } catch (error) {
      context.addIssue(`cannot be used: ${messageOf(error)}`);
      return z.NEVER;
    }
  }),
  KEEPER_STATE: z.string().default("keeper/state"),
  KEEPER_ACCOUNT: z
    .string()
    .regex(/^(0x[0-9a-fA-F]{1,64}|\d{1,78})$/, "must be the number of a margin account")
    .transform(BigInt)
    .optional(),
  KEEPER_HOST: z.string().default("127.0.0.1"),
  KEEPER_PORT: whole(0, 65_535).default(9_464),
  KEEPER_POLL: whole(50, 600_000).default(2_000),
  KEEPER_CHUNK: whole(1, 1_000_000).default(10_000),
  KEEPER_STALE: whole(1, 86_400).default(60),
  KEEPER_NATIVE_USD: dollars.optional(),
  KEEPER_NATIVE_FEED: address.optional(),
  KEEPER_MIN_PROFIT: dollars.default(0n),
  KEEPER_SOLVENCY_LOSS: dollars.default(uFrom("50")),
  KEEPER_UPKEEP_LOSS: dollars.default(uFrom("5")),
  KEEPER_CARRY_BPS: whole(0, 10_000).default(20),
  KEEPER_UNWIND: z.enum(["yes", "no"]).default("yes"),
  KEEPER_MAX_FEE: gwei.default(parseUnits("200", "gwei")),
  KEEPER_MAX_TIP: gwei.default(parseUnits("3", "gwei")),
  KEEPER_STUCK: whole(1, 3_600).default(30),
  KEEPER_IN_FLIGHT: whole(1, 256).default(32),
  KEEPER_SYNC: whole(60, 86_400).default(600),
  KEEPER_SYNC_BPS: whole(0, 10_000).default(10),
  KEEPER_UPKEEP: whole(1, 86_400).default(300),
  KEEPER_MIN_INCOME: dollars.default(uFrom("50")),
  KEEPER_HERMES_URL: url.optional(),
  KEEPER_L1_FEE_ORACLE: address.optional(),
  KEEPER_LOG: z.enum(["fatal", "error", "warn", "info", "debug", "silent"]).default("info"),
};

const schema = z.object(shape);

/** What no variable can know alone. */
function together(given: Readonly<Record<string, string | undefined>>): string[] {
  const wrong: string[] = [];
  if ((given.KEEPER_NATIVE_USD === undefined) === (given.KEEPER_NATIVE_FEED === undefined))
    wrong.push("KEEPER_NATIVE_USD or KEEPER_NATIVE_FEED must be set, and only one of them: gas is paid in that coin");
  const [tip, fee] = [
    shape.KEEPER_MAX_TIP.safeParse(given.KEEPER_MAX_TIP),
    shape.KEEPER_MAX_FEE.safeParse(given.KEEPER_MAX_FEE),
  ];
  if (tip.success && fee.success && tip.data > fee.data) wrong.push("KEEPER_MAX_TIP must not be above KEEPER_MAX_FEE");
  return wrong;
}

export type Config = ReturnType<typeof parseConfig>;

/** @throws KeeperError that names every variable that is missing or wrong, and every KEEPER_ variable that does not exist */
export function parseConfig(env: Readonly<Record<string, string | undefined>>) {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const unknown = Object.keys(given).filter((name) => name.startsWith("KEEPER_") && !(name in shape));
  const parsed = schema.safeParse(given);
  const wrong = (parsed.error?.issues ?? []).map(({ path, message, code }) => {
    const name = String(path[0]);
    return code === "invalid_type" && given[name] === undefined ? `${name} is missing` : `${name} ${message}`;
  });
  const sentences = [
    ...new Set([...wrong, ...together(given), ...unknown.map((name) => `${name} is no variable of the keeper`)]),
  ];
  if (!parsed.success || sentences.length > 0)
    throw new KeeperError(`The configuration cannot be used:\n${sentences.map((line) => `  ${line}.`).join("\n")}`);

  const c = parsed.data;
  const wallet = new Wallet(c.KEEPER_KEY);
  return {
    urls: [c.KEEPER_RPC_URL, ...(c.KEEPER_RPC_URL_2 === undefined ? [] : [c.KEEPER_RPC_URL_2])],
    sendUrl: c.KEEPER_SEND_URL,
    key: c.KEEPER_KEY,
    deployment: c.KEEPER_ADDRESSES,
    state: c.KEEPER_STATE,
    account: c.KEEPER_ACCOUNT ?? accountId(BigInt(wallet.address), 0n),
    host: c.KEEPER_HOST,
    port: c.KEEPER_PORT,
    poll: c.KEEPER_POLL, // {ms}
    chunk: c.KEEPER_CHUNK, // {block}
    stale: c.KEEPER_STALE, // {s}
    nativeUsd: c.KEEPER_NATIVE_USD, // {u/coin}
    nativeFeed: c.KEEPER_NATIVE_FEED,
    minProfit: c.KEEPER_MIN_PROFIT, // {u}
    solvencyLoss: c.KEEPER_SOLVENCY_LOSS, // {u}
    upkeepLoss: c.KEEPER_UPKEEP_LOSS, // {u}
    carryBps: BigInt(c.KEEPER_CARRY_BPS),
    unwind: c.KEEPER_UNWIND === "yes",
    maxFee: c.KEEPER_MAX_FEE, // {wei/gas}
    maxTip: c.KEEPER_MAX_TIP, // {wei/gas}
    stuck: c.KEEPER_STUCK, // {s}
    inFlight: c.KEEPER_IN_FLIGHT,
    syncEvery: BigInt(c.KEEPER_SYNC), // {s}
    syncBps: BigInt(c.KEEPER_SYNC_BPS),
    upkeepEvery: c.KEEPER_UPKEEP, // {s}
    minIncome: c.KEEPER_MIN_INCOME, // {u}
    hermesUrl: c.KEEPER_HERMES_URL,
    l1FeeOracle: c.KEEPER_L1_FEE_ORACLE,
    log: c.KEEPER_LOG,
  };
}
