/** Orders of the Exchange as plain data: their EIP-712 signatures and the pairs to settle. */
import { type Signer, type TypedDataDomain, TypedDataEncoder } from "ethers";
import type { Exchange } from "../../typechain-types/index.js";

/** The Order struct. */
export interface OrderFields {
  readonly account: bigint;
  readonly market: bigint;
  readonly lots: bigint; // {lot} positive buys, negative sells
  readonly price: bigint; // {u/lot}
  readonly expiry: bigint; // {s}
  readonly nonce: bigint; // see `nonceOf`
  readonly flags: bigint;
}

/** The Match struct. */
export interface MatchFields {
  readonly maker: OrderFields;
  readonly taker: OrderFields;
  readonly lots: bigint; // {lot}
  readonly makerSignature: string;
  readonly takerSignature: string;
}

/** One side of a pair and who signs for it. */
export interface Side {
  readonly order: OrderFields;
  readonly signer: OrderSigner;
}

type OrderSigner = Pick<Signer, "signTypedData">;
type Domained = Pick<Exchange, "eip712Domain">;

export const REDUCE_ONLY = 1n;
export const POST_ONLY = 2n;
/** The latest expiry there is. */
export const NEVER = 2n ** 32n - 1n;

const TYPES = {
  Order: [
    { name: "account", type: "uint256" },
    { name: "market", type: "uint8" },
    { name: "lots", type: "int64" },
    { name: "price", type: "uint64" },
    { name: "expiry", type: "uint32" },
    { name: "nonce", type: "uint64" },
    { name: "flags", type: "uint8" },
  ],
};

/** Nonce of an order: `sequence` (48 bits) in `lane` (16 bits). */
export function nonceOf(lane: bigint, sequence: bigint): bigint {
  if (lane < 0n || lane >= 1n << 16n) throw new RangeError(`Lane ${lane} is not a uint16`);
  if (sequence < 0n || sequence >= 1n << 48n) throw new RangeError(`Sequence ${sequence} is not a uint48`);
  return (lane << 48n) | sequence;
}

/** An order with defaults: market 0, no flags, never expires. */
export function orderOf(
  fields: Pick<OrderFields, "account" | "lots" | "price" | "nonce"> & Partial<OrderFields>,
): OrderFields {
  return { market: 0n, expiry: NEVER, flags: 0n, ...fields };
}

const domains = new WeakMap<Domained, Promise<TypedDataDomain>>();

/** The domain as the contract states it (ERC-5267), asked once for each contract object. */
export function domainOf(exchange: Domained): Promise<TypedDataDomain> {
  const known = domains.get(exchange);
  if (known !== undefined) return known;
  const asked = exchange
    .eip712Domain()
    .then(({ name, version, chainId, verifyingContract }) => ({ name, version, chainId, verifyingContract }));
  domains.set(exchange, asked);
  return asked;
}

/** What `Exchange.orderHash` returns. */
export async function hashOrder(exchange: Domained, order: OrderFields): Promise<string> {
  return TypedDataEncoder.hash(await domainOf(exchange), TYPES, { ...order });
}

export async function signOrder(exchange: Domained, signer: OrderSigner, order: OrderFields): Promise<string> {
  return signer.signTypedData(await domainOf(exchange), TYPES, { ...order });
}

/** Signs both sides; `lots` is by default all that both allow when neither is filled yet. */
export async function matchOf(
  exchange: Domained,
  maker: Side,
  taker: Side,
  lots = smaller(size(maker.order), size(taker.order)),
): Promise<MatchFields> {
  return {
    maker: maker.order,
    taker: taker.order,
    lots,
    makerSignature: await signOrder(exchange, maker.signer, maker.order),
    takerSignature: await signOrder(exchange, taker.signer, taker.order),
  };
}

const size = (order: OrderFields) => (order.lots < 0n ? -order.lots : order.lots);
const smaller = (a: bigint, b: bigint) => (a < b ? a : b);
