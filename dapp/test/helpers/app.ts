/** The dApp as it is shipped: built for one deployment, served from its files. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { preview } from "vite";

const root = path.resolve(import.meta.dirname, "../..");
const VITE = path.join(root, "node_modules/vite/bin/vite.js");

export interface Site {
  readonly url: string;
  /** Where the built files are. */
  readonly folder: string;
  close(): Promise<void>;
}

/** @param env NETWORK and the VITE_ variables of a build */
export async function buildSite(env: Readonly<Record<string, string>>): Promise<Site> {
  const folder = await mkdtemp(path.join(tmpdir(), "backstop-dapp-"));
  const child = spawn(process.execPath, [VITE, "build", "--outDir", folder, "--logLevel", "warn"], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`The build failed: ${errors}`);
  const server = await preview({
    ...{ root, configFile: false, logLevel: "warn", build: { outDir: folder } },
    preview: { host: "127.0.0.1", port: 0 },
  });
  const [url] = server.resolvedUrls?.local ?? [];
  if (url === undefined) throw new Error("The preview server has no address");
  return {
    folder,
    url: url.replace(/\/$/, ""),
    close: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
