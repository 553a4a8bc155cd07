/** The settlement token: what it is called, and whether it takes permits. Read once. */
import { domainSeparator, erc20Abi, parseAbi } from "viem";
import type { Address } from "../../../sdk/src/deployment.ts";
import type { Reader } from "./reader.ts";

export interface Token {
  readonly address: Address;
  readonly symbol: string;
  readonly decimals: number;
  /** ERC-2612: the domain that a permit is signed under; undefined when the token takes none. */
  readonly permit: { readonly name: string; readonly version: string } | undefined;
}

const permitAbi = parseAbi([
  "function nonces(address owner) view returns (uint256)",
  "function DOMAIN_SEPARATOR() view returns (bytes32)",
  "function version() view returns (string)",
  "function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)",
]);

export async function readToken({ client, deployment }: Reader): Promise<Token> {
  const address = deployment.contracts.token;
  const [symbol, decimals, name, nonce, separator, version, domain] = await client.multicall({
    deployless: true,
    contracts: [
      { address, abi: erc20Abi, functionName: "symbol" },
      { address, abi: erc20Abi, functionName: "decimals" },
      { address, abi: erc20Abi, functionName: "name" },
      { address, abi: permitAbi, functionName: "nonces", args: [address] },
      { address, abi: permitAbi, functionName: "DOMAIN_SEPARATOR" },
      { address, abi: permitAbi, functionName: "version" },
      { address, abi: permitAbi, functionName: "eip712Domain" },
    ],
  });
  if (symbol.status === "failure" || decimals.status === "failure" || name.status === "failure")
    throw new Error(`${address} is no ERC-20 token`);
  const signed = {
    name: domain.result?.[1] ?? name.result,
    version: domain.result?.[2] ?? version.result ?? "1",
  };
  const expected = domainSeparator({ domain: { ...signed, chainId: deployment.chainId, verifyingContract: address } });
  const isPermit = nonce.status === "success" && separator.result === expected;
  return { address, symbol: symbol.result, decimals: decimals.result, permit: isPermit ? signed : undefined };
}

/** The next nonce of a permit. */
export const readNonce = ({ client, deployment }: Reader, owner: Address): Promise<bigint> =>
  client.readContract({ address: deployment.contracts.token, abi: permitAbi, functionName: "nonces", args: [owner] });
