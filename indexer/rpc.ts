/** JSON-RPC by hand, for the few questions that are asked outside Ponder. */

/** @throws when the node cannot be reached, refuses, or answers no JSON-RPC */
export async function call(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    signal: AbortSignal.timeout(30_000),
  }).catch((error: unknown) => {
    throw new Error(causeOf(error), { cause: error });
  });
  const body: unknown = await answer.json().catch(() => undefined);
  if (typeof body !== "object" || body === null) throw new Error(`${method}: no JSON but status ${answer.status}`);
  if ("error" in body && body.error) throw new Error(`${method}: ${JSON.stringify(body.error)}`);
  if (!("result" in body)) throw new Error(`${method}: an answer without result`);
  return body.result;
}

/** What fetch hides behind "fetch failed". */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? cause.message || ("code" in cause ? String(cause.code) : cause.name) : error.message;
}
