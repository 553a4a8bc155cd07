/** JSON-RPC over HTTP to one node or the next: time limits, back-off, fail-over. Only hosts of URLs are shown: paths hold keys. */
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonRpcError, JsonRpcPayload, JsonRpcResult } from "ethers";
import { messageOf, NoNodeError } from "../errors.ts";

export interface TransportOptions {
  /** The first that works is used; the order is the preference. */
  readonly urls: readonly string[];
  readonly timeout?: number; // {ms} of one request
  readonly rounds?: number; // through all URLs, before the request is given up
  readonly backOff?: number; // {ms} before the second round, doubled before each one after it
  readonly returnAfter?: number; // {ms} until the preferred node is tried again
  onFailure?(host: string, reason: string): void;
}

type Answer = JsonRpcResult | JsonRpcError;
type Fault = JsonRpcError["error"];

/** Refusals of these decide what happens next: fewer blocks, another number, no tip. */
const ANSWERED = new Set(["eth_getLogs", "eth_sendRawTransaction", "eth_maxPriorityFeePerGas"]);
const NOTHING = "it answers nothing";
/** Null says that there is none, or none yet. */
const NULLABLE = new Set(["eth_getBlockByNumber", "eth_getTransactionReceipt"]);
/** What a node says of a call that it has run, with or without data. */
const RUN =
  /revert|out ?of ?gas|gas required|gas uint64 overflow|evm error|invalid ?(opcode|jump)|stack ?(under|over)flow|vm (execution|exception)|insufficient/i;

/** Whether an error is about the request, so that every node would say it. Else the node has failed. */
export function isAnswer(method: string, { code, message, data }: Fault): boolean {
  if (message === NOTHING) return false;
  if (ANSWERED.has(method)) return true;
  if (method !== "eth_call" && method !== "eth_estimateGas") return false;
  return code === 3 || RUN.test(message ?? "") || (typeof data === "string" && /revert|^0x[0-9a-f]{8}/i.test(data));
}

export type Transport = ReturnType<typeof createTransport>;

export const hostOf = (url: string): string => new URL(url).origin;

export function createTransport(options: TransportOptions) {
  const { urls, timeout = 15_000, rounds = 3, backOff = 250, returnAfter = 60_000, onFailure } = options;
  let current = 0;
  let leftAt = 0;

  function start(): number {
    if (current !== 0 && Date.now() - leftAt > returnAfter) current = 0;
    return current;
  }

  return {
    hosts: urls.map(hostOf),

    /** To the next node for a while: this one answers, but what it says is of no use. False when there is no other. */
    leave(reason: string): boolean {
      if (urls.length < 2) return false;
      onFailure?.(hostOf(urls[start()] ?? ""), reason);
      [current, leftAt] = [(start() + 1) % urls.length, Date.now()];
      return true;
    },

    async send(payload: JsonRpcPayload | readonly JsonRpcPayload[]): Promise<Answer[]> {
      const reasons = new Map<string, string>();
      const asked = new Map([payload].flat().map(({ id, method }) => [id, method]));
      for (let round = 0; round < rounds; round++) {
        if (round > 0) await sleep(backOff * 2 ** (round - 1) * (0.75 + Math.random() / 2));
        const first = start();
        let failed: Answer[] | undefined;
        for (let i = 0; i < urls.length; i++) {
          const index = (first + i) % urls.length;
          const url = urls[index] ?? "";
          try {
            const answers = (await post(url, payload, timeout)).map((answer) => told(answer, asked));
            const fault = faultOf(answers, asked);
            if (fault !== undefined) {
              onFailure?.(hostOf(url), fault);
              failed ??= answers;
              continue;
            }
            if (index !== current) [current, leftAt] = [index, Date.now()];
            return answers;
          } catch (error) {
            reasons.set(hostOf(url), messageOf(error));
            onFailure?.(hostOf(url), messageOf(error));
          }
        }
        if (failed !== undefined) return failed; // no other does better: each request gets its own answer
      }
      const said = [...reasons].map(([host, reason]) => `${host}: ${reason}`).join("; ");
      throw new NoNodeError(`No node answers at ${said}. Is it running, is the URL right?`);
    },
  };
}

/** Nothing where there always is something is an error that was not told. */
function told(answer: Answer, asked: ReadonlyMap<number, string>): Answer {
  if ("error" in answer || answer.result !== null || NULLABLE.has(asked.get(answer.id) ?? "")) return answer;
  return { id: answer.id, error: { code: -32_603, message: NOTHING } };
}

/** Why answers are not to be built on: one says that the node could not. */
function faultOf(answers: readonly Answer[], asked: ReadonlyMap<number, string>): string | undefined {
  for (const answer of answers) {
    const method = asked.get(answer.id) ?? "";
    if ("error" in answer && !isAnswer(method, answer.error))
      return `${method}: ${answer.error.message ?? answer.error.code}`;
  }
  return undefined;
}

/** Name and password go into a header: fetch refuses them in a URL, and says the URL. */
function partsOf(url: string): { readonly username: string; readonly password: string; readonly href: string } {
  const bare = new URL(url);
  const { username, password } = bare;
  [bare.username, bare.password] = ["", ""];
  return { username, password, href: bare.href };
}

async function post(url: string, payload: unknown, timeout: number): Promise<Answer[]> {
  const { username, password, href } = partsOf(url);
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = user === ":" ? {} : { authorization: `Basic ${Buffer.from(user).toString("base64")}` };
  let response: Response;
  let text: string;
  try {
    response = await fetch(href, {
      method: "POST",
      headers: { "content-type": "application/json", ...authorization },
      body: JSON.stringify(payload),
      signal: AbortSignal.timeout(timeout),
    });
    text = await response.text();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(messageOf(cause), { cause: error });
  }
  if (response.status === 429) throw new Error("it refuses more requests: HTTP 429");
  const answers = parse(text);
  if (answers === undefined)
    throw new Error(
      `it answers, but not as an Ethereum node: HTTP ${response.status}, ${JSON.stringify(text.slice(0, 80))}`,
    );
  const limited = answers.find((answer) => "error" in answer && isLimit(answer.error));
  if (limited !== undefined && "error" in limited)
    throw new Error(`it refuses more requests: ${limited.error.message}`);
  return answers;
}

/** Undefined when it is no JSON-RPC. */
function parse(text: string): Answer[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const isAnswer = (item: unknown) =>
    typeof item === "object" && item !== null && ("result" in item || "error" in item);
  return list.every(isAnswer) ? (list as Answer[]) : undefined; // checked one by one
}

const isLimit = ({ code, message }: { readonly code: number; readonly message?: string }): boolean =>
  code === 429 ||
  (code === -32_005 && /rate|request|second/i.test(message ?? "")) ||
  /rate limit|too many requests|request limit|per second|compute units/i.test(message ?? "");
