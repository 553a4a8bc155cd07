/** Signs, numbers and sends transactions, and sees each one through: mined, replaced for more, or overtaken. */
import { formatEther, keccak256, type TransactionReceipt, type Wallet } from "ethers";
import { KeeperError, messageOf, RetryableError } from "../errors.ts";
import { bumped, type Caps, type Fees, within } from "./fees.ts";
import type { Flight, FlightLog, Request } from "./flights.ts";
import type { KeeperProvider } from "./provider.ts";

/** `reverted` is a race that was lost, `overtaken` a nonce that something else has used. */
export type Outcome = "mined" | "reverted" | "overtaken" | "refused";

export interface SenderOptions {
  readonly wallet: Wallet;
  readonly chainId: number;
  readonly provider: KeeperProvider;
  /** Where transactions go: a private node, or the same. */
  readonly outlet: Pick<KeeperProvider, "send">;
  readonly log: FlightLog;
  readonly caps: Caps;
  readonly stuck: number; // {s}
  readonly now?: () => number; // {ms}
  onOutcome?(flight: Flight, outcome: Outcome, receipt?: TransactionReceipt, reason?: string): void;
  onReplace?(flight: Flight, fees: Fees): void;
  /** What is under way could not be written down: a restart would not find it. */
  onUnsaved?(reason: string): void;
}

const FILL_GAS = 21_000n; // of a transaction that does nothing but use its nonce
const MOST_BUMPS = 12; // of an unknown transaction with our nonce: four times its fee

export type Sender = ReturnType<typeof createSender>;

export function createSender(options: SenderOptions) {
  const { wallet, chainId, provider, outlet, log, caps, stuck, now = Date.now } = options;
  const { onOutcome, onReplace, onUnsaved } = options;
  const flights = new Map<number, Flight>();
  let next = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** One at a time: numbers are given in the order of the calls. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  }

  /** A full disk must not keep anything from being sent: what is not on record is found again by its number. */
  const save = () =>
    log.save([...flights.values()]).catch((error: unknown) => {
      onUnsaved?.(messageOf(error));
    });

  const capsOf = ({ most }: Request): Caps =>
    most === undefined || most > caps.maxFee ? caps : { ...caps, maxFee: most };

  async function sign(request: Request, nonce: number, fees: Fees, before: readonly string[]): Promise<Flight> {
    const { to, data, value, gas } = request;
    const raw = await wallet.signTransaction({ type: 2, chainId, nonce, to, data, value, gasLimit: gas, ...fees });
    const hash = keccak256(raw);
    return { ...request, nonce, fees, raw, hashes: [...before.filter((known) => known !== hash), hash], sentAt: now() };
  }

  function end(flight: Flight, outcome: Outcome, receipt?: TransactionReceipt, reason?: string): void {
    flights.delete(flight.nonce);
    onOutcome?.(flight, outcome, receipt, reason);
  }

  /** Sends what is on record. What a node says against it decides what becomes of it. */
  async function broadcast(flight: Flight): Promise<void> {
    try {
      await outlet.send("eth_sendRawTransaction", [flight.raw]);
    } catch (error) {
      if (error instanceof RetryableError || /already known|already imported|known transaction/i.test(messageOf(error)))
        return; // it may have arrived: the next look will tell
      if (hasCode(error, "INSUFFICIENT_FUNDS")) {
        if (flight.hashes.length > 1) return; // the offer before this one stands
        if (flights.size > 1) {
          // Nodes count the most that all of them could cost, several times what they will: room comes with the next block.
          next = flights.has(flight.nonce + 1) ? next : flight.nonce;
          return end(flight, "refused", undefined, "there is no money for it beside what is under way");
        }
        flights.delete(flight.nonce);
        next = Math.min(next, flight.nonce);
        await save();
        const balance = await provider.getBalance(wallet.address);
        const needed = flight.gas * flight.fees.maxFeePerGas + flight.value;
        throw new KeeperError(
          `The key ${wallet.address} has ${formatEther(balance)} left, and "${flight.label}" may need ${formatEther(needed)}: send it money for gas.`,
          { cause: error },
        );
      }
      if (hasCode(error, "REPLACEMENT_UNDERPRICED")) return replaceUnknown(flight);
      // A local node mines what reverts and complains all the same: its nonce is used.
      if ((await provider.getTransactionCount(wallet.address, "latest")) > flight.nonce) return;
      next = flights.has(flight.nonce + 1) ? next : flight.nonce;
      end(flight, hasCode(error, "NONCE_EXPIRED") ? "overtaken" : "refused", undefined, messageOf(error));
    }
  }

  /** Something that is not on record has our nonce, such as what an earlier process sent: this takes its place. */
  async function replaceUnknown(flight: Flight): Promise<void> {
    let current = flight;
    for (let i = 0; i < MOST_BUMPS; i++) {
      const fees = bumped(current.fees, undefined, caps);
      if (fees === undefined) break;
      current = await sign(current, current.nonce, fees, current.hashes);
      flights.set(current.nonce, current);
      await save();
      try {
        await outlet.send("eth_sendRawTransaction", [current.raw]);
        onReplace?.(current, fees);
        return;
      } catch (error) {
        if (!hasCode(error, "REPLACEMENT_UNDERPRICED")) return; // the next look will tell
      }
    }
    end(current, "refused", undefined, "another transaction with this nonce offers more than the cap allows");
  }

  async function replace(flight: Flight, market: Fees | undefined): Promise<void> {
    const fees = bumped(flight.fees, market, capsOf(flight));
    if (fees === undefined) {
      if (isHolding(flight, market)) return giveUp(flight, market);
      flights.set(flight.nonce, { ...flight, sentAt: now() }); // at the cap: the same again, should a node have lost it
      return broadcast(flight);
    }
    const again = await sign(flight, flight.nonce, fees, flight.hashes);
    flights.set(again.nonce, again);
    await save();
    onReplace?.(again, fees);
    await broadcast(again);
  }

  /** Whether others wait behind an offer that blocks will not take, and that is not worth more. */
  function isHolding(flight: Flight, market: Fees | undefined): boolean {
    if (market === undefined || flight.most === undefined) return false;
    const price = (market.maxFeePerGas + market.maxPriorityFeePerGas) / 2n; // about what the next block takes
    return price > flight.fees.maxFeePerGas && [...flights.keys()].some((nonce) => nonce > flight.nonce);
  }

  /** Its number is used for nothing, which is cheap, so that others get through. */
  async function giveUp(flight: Flight, market: Fees | undefined): Promise<void> {
    const fees = bumped(flight.fees, market, caps);
    if (fees === undefined) return;
    const { key, label, nonce } = flight;
    const filler = { key, label: `give up ${label}`, to: wallet.address, data: "0x", value: 0n, gas: FILL_GAS };
    const empty = await sign(filler, nonce, fees, flight.hashes);
    flights.set(nonce, empty);
    await save();
    onReplace?.(empty, fees);
    await broadcast(empty);
  }

  return {
    address: wallet.address,
    /** What transactions under way are about. */
    get keys(): ReadonlySet<string> {
      return new Set([...flights.values()].map(({ key }) => key));
    },
    get size(): number {
      return flights.size;
    },

    /** Takes up what an earlier process left. */
    async start(): Promise<void> {
      for (const flight of await log.load()) flights.set(flight.nonce, flight);
      const used = await provider.getTransactionCount(wallet.address, "latest");
      next = Math.max(used, ...[...flights.keys()].map((nonce) => nonce + 1));
    },

    /** @throws KeeperError without money for gas */
    send: (request: Request, fees: Fees): Promise<void> =>
      inTurn(async () => {
        const flight = await sign(request, next++, within(fees, request.most ?? caps.maxFee), []);
        flights.set(flight.nonce, flight);
        await save(); // before anybody can have seen it
        await broadcast(flight);
      }),

    /** Looks after everything under way. @param market fees of a first offer now; undefined above the cap */
    poll: (market: Fees | undefined): Promise<void> =>
      inTurn(async () => {
        const used = await provider.getTransactionCount(wallet.address, "latest");
        const before = [...flights.values()].sort((a, b) => a.nonce - b.nonce);
        const receipts = await Promise.all(
          before.map(({ hashes }) => Promise.all(hashes.map((hash) => provider.getTransactionReceipt(hash)))),
        );
        for (const [i, flight] of before.entries()) {
          const receipt = receipts[i]?.find((found) => found !== null);
          if (receipt) end(flight, receipt.status === 1 ? "mined" : "reverted", receipt);
          else if (flight.nonce < used) end(flight, "overtaken");
          else if (Math.abs(now() - flight.sentAt) >= stuck * 1_000)
            // either way: clocks are set back
            await replace(flight, market);
        }
        // What a reorg has dropped leaves a gap that nothing behind it gets past.
        const lowest = Math.min(next, ...flights.keys());
        if (flights.size === 0) next = used;
        else if (market !== undefined)
          for (let nonce = used; nonce < lowest; nonce++) {
            const { address: to } = wallet;
            const filler = { key: `nonce:${nonce}`, label: "fill a gap", to, data: "0x", value: 0n, gas: FILL_GAS };
            const flight = await sign(filler, nonce, market, []);
            flights.set(nonce, flight);
            await save();
            await broadcast(flight);
          }
        if (before.length > 0) await save();
      }),
  };
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
