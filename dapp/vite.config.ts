/** Builds the dApp for one deployment: `NETWORK` names its record in deploy/addresses/, as for the other programs. */
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { readRecord } from "../deploy/record.ts";

export default defineConfig(async () => {
  const { NETWORK = "dev" } = process.env;
  const record = await readRecord(NETWORK);
  return {
    plugins: [react()],
    define: { "import.meta.env.VITE_DEPLOYMENT": JSON.stringify(JSON.stringify(record)) },
    build: { target: "es2022", sourcemap: false, manifest: true, reportCompressedSize: false },
    server: { host: "127.0.0.1", port: 5173 },
    preview: { host: "127.0.0.1" },
  };
});
