/** Orders of the Exchange as plain data: typed-data signing with an ethers signer, and the pairs to settle. */
import {
  type Addressable,
  getAddress,
  resolveAddress,
  type Signer,
  type TypedDataDomain,
  TypedDataEncoder,
} from "ethers";

/** The Order struct; lots are positive to buy and negative to sell, price in u per lot, expiry in seconds. */
export interface Order {
  readonly account: bigint;
  readonly market: bigint;
  readonly lots: bigint;
  readonly price: bigint;
  readonly expiry: bigint;
  readonly nonce: bigint;
  readonly flags: bigint;
}

export interface SignedOrder {
  readonly order: Order;
  readonly signature: string;
}

/** The Match struct. */
export interface Match {
  readonly maker: Order;
  readonly taker: Order;
  readonly lots: bigint;
  readonly makerSignature: string;
  readonly takerSignature: string;
}

export const REDUCE_ONLY = 1n;
export const POST_ONLY = 2n;
/** Expiry of an order that outlives every test. */
export const NEVER = 2n ** 32n - 1n;

const LANE_SHIFT = 48n;
const OWNER_SHIFT = 96n;
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

/** Account `subId` of `owner`. */
export function accountOf(owner: string, subId = 0n): bigint {
  if (subId < 0n || subId >= 1n << OWNER_SHIFT) throw new RangeError(`subId ${subId} is not a uint96`);
  return (BigInt(getAddress(owner)) << OWNER_SHIFT) | subId;
}

/** Nonce of an order: `sequence` in `lane`. */
export function nonceOf(lane: bigint, sequence: bigint): bigint {
  if (lane < 0n || lane >= 1n << 16n) throw new RangeError(`lane ${lane} is not a uint16`);
  if (sequence < 0n || sequence >= 1n << LANE_SHIFT) throw new RangeError(`sequence ${sequence} is not a uint48`);
  return (lane << LANE_SHIFT) | sequence;
}

/** An order with defaults: market 0, lane 0, no flags, no expiry to speak of. */
export function order(fields: Pick<Order, "account" | "lots" | "price" | "nonce"> & Partial<Order>): Order {
  return { market: 0n, expiry: NEVER, flags: 0n, ...fields };
}

/** EIP-712 domain of an Exchange. */
export async function orderDomain(exchange: string | Addressable, chainId: bigint): Promise<TypedDataDomain> {
  return { name: "Backstop Exchange", version: "1", chainId, verifyingContract: await resolveAddress(exchange) };
}

/** The digest that `Exchange.orderHash` returns. */
export function orderHash(domain: TypedDataDomain, unsigned: Order): string {
  return TypedDataEncoder.hash(domain, TYPES, { ...unsigned });
}

export async function signOrder(
  signer: Pick<Signer, "signTypedData">,
  domain: TypedDataDomain,
  unsigned: Order,
): Promise<SignedOrder> {
  return { order: unsigned, signature: await signer.signTypedData(domain, TYPES, { ...unsigned }) };
}

/** `lots` of two crossing orders; by default as many as both allow when neither is filled yet. */
export function matchOf(
  maker: SignedOrder,
  taker: SignedOrder,
  lots = smaller(size(maker.order), size(taker.order)),
): Match {
  return {
    maker: maker.order,
    taker: taker.order,
    lots,
    makerSignature: maker.signature,
    takerSignature: taker.signature,
  };
}

const size = (o: Order) => (o.lots < 0n ? -o.lots : o.lots);
const smaller = (a: bigint, b: bigint) => (a < b ? a : b);
