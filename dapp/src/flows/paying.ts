/** The steps of whatever takes tokens: nothing more when enough is allowed, else a permit, else an approval of exactly the amount. */
import { type Address, erc20Abi, type Hex, parseSignature, size } from "viem";
import type { Reader } from "../data/reader.ts";
import { readNonce, type Token } from "../data/token.ts";
import { PlainError } from "../errors/explain.ts";
import type { Call, Step } from "../flow/types.ts";
import { fixed } from "../lib/format.ts";

const SIGNATURE = 65; // {bytes} of an account with a key
const PERMIT = [
  { name: "owner", type: "address" },
  { name: "spender", type: "address" },
  { name: "value", type: "uint256" },
  { name: "nonce", type: "uint256" },
  { name: "deadline", type: "uint256" },
] as const;

export interface Payment {
  readonly owner: Address;
  readonly spender: Address;
  readonly amount: bigint; // {asset}
  readonly deadline: bigint; // {s} of the chain
  readonly allowance: bigint; // {asset} what the spender may take already
  /** Signed instead of an approval; undefined when the token takes none or the person wants to approve. */
  readonly permit: Token["permit"];
  readonly label: string;
  readonly plain: Call;
  readonly permitted: (signature: { readonly v: number; readonly r: Hex; readonly s: Hex }) => Call;
}

export function payingSteps(reader: Reader, token: Token, payment: Payment): readonly Step[] {
  const { owner, spender, amount, deadline, allowance, permit, label, plain, permitted } = payment;
  const pay: Step = { kind: "send", label, call: () => plain };
  if (allowance >= amount) return [pay];
  if (permit === undefined) {
    const approval = { address: token.address, abi: erc20Abi, functionName: "approve", args: [spender, amount] };
    return [
      { kind: "send", label: `Approve ${fixed(amount, token.decimals)} ${token.symbol}`, call: () => approval },
      pay,
    ];
  }
  return [
    {
      kind: "sign",
      label: "Sign the permit",
      data: async () => ({
        domain: { ...permit, chainId: reader.deployment.chainId, verifyingContract: token.address },
        types: { Permit: PERMIT },
        primaryType: "Permit",
        message: { owner, spender, value: amount, nonce: await readNonce(reader, owner), deadline },
      }),
    },
    {
      kind: "send",
      label,
      call: ([signature]) => {
        if (signature === undefined) throw new Error("The permit was not signed");
        if (size(signature) !== SIGNATURE)
          throw new PlainError(
            "This wallet signs as a contract does; a permit takes that from no one. Approve instead.",
          );
        const { r, s, yParity } = parseSignature(signature);
        return permitted({ v: yParity + 27, r, s });
      },
    },
  ];
}
