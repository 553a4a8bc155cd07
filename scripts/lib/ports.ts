/** Which ports of this machine are free. */
import { once } from "node:events";
import { createServer } from "node:net";

/** @throws when somebody listens there */
export async function checkFree(port: number, purpose: string): Promise<void> {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
  } catch (error) {
    throw new Error(`Port ${port}, for ${purpose}, is taken. Choose another with --port.`, { cause: error });
  }
  server.close();
  await once(server, "close");
}
