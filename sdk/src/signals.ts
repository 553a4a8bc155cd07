/** Signals of the drawdown predictor as plain data: what reporters sign under EIP-712, and in which order it is handed in. */
import { type TypedDataDomain, TypedDataEncoder } from "ethers";
import { clamp, max, min } from "./math.ts";

/** The Signal struct of ISignals. */
export interface Signal {
  readonly modelHash: string; // 32 bytes in hex
  readonly market: bigint;
  readonly probability: bigint; // {1e-4} 10,000 is certain
  readonly validFrom: bigint; // {s}
  readonly expiry: bigint; // {s}
  readonly nonce: bigint; // the market's last plus one
}

/** The Attestation struct of ISignals. */
export interface Attestation {
  readonly reporter: string;
  readonly signature: string;
}

/** {1e-4} */
export const CERTAIN = 10_000n;
/** {s} in which the fall is to come. */
export const SIGNAL_HORIZON = 14_400n;
/** {s} how old a signal may be when it is handed in. */
export const MAX_SIGNAL_AGE = 300n;
/** {s} from `validFrom` to `expiry` */
export const MAX_SIGNAL_LIFE = 21_600n;
/** {1e-4} most that the probability may change between two signals within SIGNAL_STEP_TIME. */
export const MAX_SIGNAL_STEP = 2_000n;
/** {s} */
export const SIGNAL_STEP_TIME = 3_600n;
/** Signals of a market that may wait for their outcome. */
export const MAX_OPEN_SIGNALS = 4n;

/** As `signTypedData` takes them. */
export const SIGNAL_TYPES = {
  Signal: [
    { name: "modelHash", type: "bytes32" },
    { name: "market", type: "uint8" },
    { name: "probability", type: "uint16" },
    { name: "validFrom", type: "uint32" },
    { name: "expiry", type: "uint32" },
    { name: "nonce", type: "uint32" },
  ],
};

/** The domain of the contract that takes the signals: `eip712Domain()` says the same. */
export function signalDomain(chainId: bigint, verifyingContract: string): TypedDataDomain {
  return { name: "Backstop Signals", version: "1", chainId, verifyingContract };
}

/** What `signalHash` of the contract returns. Throws when a field does not fit its type. */
export function hashSignal(domain: TypedDataDomain, signal: Signal): string {
  return TypedDataEncoder.hash(domain, SIGNAL_TYPES, { ...signal });
}

/** By ascending address, as the contract wants them. Throws when a reporter is there twice. */
export function inOrder(attestations: readonly Attestation[]): Attestation[] {
  const sorted = [...attestations].sort((a, b) => (BigInt(a.reporter) < BigInt(b.reporter) ? -1 : 1));
  for (const [i, { reporter }] of sorted.entries()) {
    const next = sorted[i + 1];
    if (next !== undefined && BigInt(next.reporter) === BigInt(reporter)) throw new Error(`${reporter} signs twice`);
  }
  return sorted;
}

/** {1e-4} the probability nearest to the wished one that a signal may have now. `acceptedAt` and `probability` are of the last signal. */
export function nearestProbability(
  wished: bigint,
  last: { readonly acceptedAt: bigint; readonly probability: bigint },
  now: bigint,
): bigint {
  const within = now - last.acceptedAt < SIGNAL_STEP_TIME;
  const low = within ? max(0n, last.probability - MAX_SIGNAL_STEP) : 0n;
  const high = within ? min(CERTAIN, last.probability + MAX_SIGNAL_STEP) : CERTAIN;
  return clamp(wished, low, high);
}
