/** Prints the runtime size of each deployed contract and library and fails above the limit of EIP-170. Run after a build. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const LIMIT = 24_576; // bytes, EIP-170
const artifacts = path.resolve(import.meta.dirname, "../artifacts/contracts");

function sizeOf(file: string): { name: string; bytes: number } {
  const artifact: { contractName: string; deployedBytecode: string } = JSON.parse(readFileSync(file, "utf8"));
  return { name: artifact.contractName, bytes: (artifact.deployedBytecode.length - 2) / 2 };
}

const sizes = readdirSync(artifacts, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".json") && !/^(?:mocks|interfaces)[\\/]/.test(name))
  .map((name) => sizeOf(path.join(artifacts, name)))
  .filter(({ bytes }) => bytes > 100) // a library of internal functions leaves a stub of about 50 bytes
  .sort((a, b) => b.bytes - a.bytes);

for (const { name, bytes } of sizes) {
  console.log(`${String(bytes).padStart(6)}  ${name}${bytes > LIMIT ? `  over the limit of ${LIMIT}` : ""}`);
}
process.exitCode = sizes.every(({ bytes }) => bytes <= LIMIT) ? 0 : 1;
