/** What is read once: the token, and the size of every market's lots. */
import { queryOptions } from "@tanstack/react-query";
import { OracleAbi } from "../../../sdk/src/abi.ts";
import type { Names } from "../errors/words.ts";
import type { Reader } from "./reader.ts";
import { readToken, type Token } from "./token.ts";

export interface Facts {
  readonly token: Token;
  readonly names: Names;
}

export async function readFacts(reader: Reader): Promise<Facts> {
  const { client, deployment } = reader;
  const { oracle } = deployment.contracts;
  const [token, ...feeds] = await Promise.all([
    readToken(reader),
    ...deployment.markets.map(({ index }) =>
      client.readContract({ address: oracle, abi: OracleAbi, functionName: "feed", args: [index] }),
    ),
  ]);
  const markets = deployment.markets.map(
    ({ index, name }, i) => [index, { name, lotDecimals: feeds[i]?.lotDecimals ?? 0 }] as const,
  );
  return { token, names: { token, markets: new Map(markets) } };
}

export const factsQuery = (reader: Reader) =>
  queryOptions({
    queryKey: ["facts", reader.deployment.contracts.engine],
    queryFn: () => readFacts(reader),
    staleTime: Number.POSITIVE_INFINITY,
  });
