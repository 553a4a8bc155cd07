/** A PostgreSQL of Debian's packages in a folder and on a port of its own; undefined where there is none. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { freePort } from "../../../test/helpers/nodes.ts";

const PACKAGES = "/usr/lib/postgresql";
const run = promisify(execFile);

export interface Postgres {
  /** A database of its own for each chain: Ponder remembers the logs of a chain id, and local chains share one. Returns its URL. */
  database(name: string): Promise<string>;
  /** Runs SQL as its owner, without the triggers of what it changes. */
  execute(sql: string, database?: string): Promise<void>;
  stop(): Promise<void>;
}

export function binaries(): string | undefined {
  if (!existsSync(PACKAGES)) return undefined;
  const newest = readdirSync(PACKAGES).sort((a, b) => Number(b) - Number(a));
  return newest
    .map((version) => path.join(PACKAGES, version, "bin"))
    .find((bin) => existsSync(path.join(bin, "initdb")));
}

/** PostgreSQL refuses to be root's: then it is the user's whom the package made. */
async function owner(): Promise<{ uid: number; gid: number } | undefined> {
  if (userInfo().uid !== 0) return undefined;
  const ids = await Promise.all(["-u", "-g"].map((flag) => run("id", [flag, "postgres"])));
  const [uid = 0, gid = 0] = ids.map(({ stdout }) => Number(stdout));
  return { uid, gid };
}

export async function startPostgres(bin: string): Promise<Postgres> {
  const user = await owner();
  const folder = mkdtempSync(path.join(tmpdir(), "backstop-postgres-"));
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = path.join(folder, "data");
  const options = { ...user, cwd: folder };
  const flags = ["-D", data, "-A", "trust", "-U", "backstop", "--no-sync", "-E", "UTF8", "--locale=C"];
  await run(path.join(bin, "initdb"), flags, options);
  const port = await freePort();
  const settings = ["-p", String(port), "-k", folder, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"];
  const server = spawn(path.join(bin, "postgres"), ["-D", data, ...settings], { ...options, stdio: "ignore" });
  const stop = async () => {
    if (server.exitCode === null) {
      const closed = once(server, "exit");
      server.kill("SIGQUIT"); // at once: the folder goes anyway
      await closed;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const execute = async (sql: string, database = "postgres") => {
    const target = ["-h", "127.0.0.1", "-p", String(port), "-U", "backstop", "-d", database, "-v", "ON_ERROR_STOP=1"];
    const env = { ...process.env, PGOPTIONS: "-c session_replication_role=replica" };
    await run(path.join(bin, "psql"), [...target, "-c", sql], { ...options, env });
  };
  const database = async (name: string) => {
    await execute(`create database "${name}"`);
    return `postgres://backstop@127.0.0.1:${port}/${name}`;
  };
  for (
    const deadline = Date.now() + 30_000;
    !(await listens(port)) ||
    !(await execute("select 1").then(
      () => true,
      () => false,
    ));
  ) {
    if (server.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error("PostgreSQL did not start");
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { database, execute, stop };
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
