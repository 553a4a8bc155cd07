/** What the pools, the stack and the token refuse, as sentences. */
import type { Words } from "./words.ts";

export type Sentences = Readonly<Record<string, (words: Words) => string>>;

/** {s} from here on a time means "not before something happens". */
const NEVER = 2n ** 32n - 1n;

export const stakeSentences: Sentences = {
  JoinsClosed: ({ n, date }) =>
    n("from") >= NEVER
      ? "The pool takes no stake while a loss is pending: whoever joined now would buy into it."
      : `The pool takes no stake before ${date("from")}: it is paused, or the gate is closed while a shortfall may be on its way.`,
  GateClosed: ({ date }) =>
    `The gate is closed, at the latest until ${date("until")}: accounts may have lost more than their margin, and nobody leaves before that is known. Your request keeps its place.`,
  NotClaimableYet: ({ days }) =>
    `The cooldown is not over: ${days("claimableAt", "poolTime")} of the pool's time are left.`,
  RequestLapsed: ({ days }) =>
    `The claim window ended ${days("poolTime", "lapsesAt")} ago. Take the shares back, and ask again.`,
  RequestNotLapsed: ({ days }) =>
    `Only its owner can end this request now; anybody can once it has lapsed, in ${days("lapsesAt", "poolTime")}.`,
  UnknownRequest: ({ n }) => `There is no open exit request ${n("requestId")} any more: it was claimed or cancelled.`,
  SharesExceedRequest: () => "The request holds fewer shares than that.",
  AssetsExceedRequests: ({ tokens }) => `Only ${tokens("claimable")} can be claimed now.`,
  SlippageExceeded: () =>
    "The price of a share moved further than you allow. Look at the preview again, or allow a little more.",
  DeadlinePassed: () => "It took too long to be mined: the deadline you signed for has passed. Try again.",
  AssetsAboveMax: ({ tokens }) =>
    `The pool takes ${tokens("max")} at most now. The senior pool may only grow with the junior one in front of it.`,
  SharesAboveMax: () => "The pool cannot issue that many shares now.",
  ZeroShares: () => "The amount is too small to buy a share.",
  ZeroAssets: () => "These shares are worth less than the smallest unit of the token.",
  TooManyRequests: ({ n }) =>
    `You have ${n("max")} exit requests open, which is the most there can be. Claim or cancel one first.`,
  NotAuthorized: () => "The account belongs to somebody else, who has not made you an operator.",
  PreviewUnsupported: () => "What an exit pays is known only when it is claimed.",
  NothingOwed: () => "Nothing is owed here any more.",
  ERC20InsufficientBalance: ({ tokens }) => `You hold ${tokens("balance")}; ${tokens("needed")} are needed.`,
  ERC20InsufficientAllowance: ({ tokens }) =>
    `The contract may take ${tokens("allowance")} of yours; ${tokens("needed")} are needed. Approve the amount first.`,
  ERC20InvalidReceiver: () => "Tokens cannot be sent to this address.",
  ERC20InvalidSender: () => "Tokens cannot be sent from this address.",
  ERC20InvalidApprover: () => "This address cannot approve anything.",
  ERC20InvalidSpender: () => "This address cannot be allowed to spend anything.",
  ERC2612ExpiredSignature: () => "The permit you signed has expired. Sign a new one.",
  ERC2612InvalidSigner: () => "The permit was signed by another account than the one that pays.",
  InvalidAccountNonce: () => "The permit was already used. Sign a new one.",
  ECDSAInvalidSignature: () => "The signature is not valid.",
  ECDSAInvalidSignatureLength: () => "The signature is not valid: it has the wrong length.",
  ECDSAInvalidSignatureS: () => "The signature is not valid: it is not in its only accepted form.",
  SafeERC20FailedOperation: () => "The token refused the transfer.",
  SafeCastOverflowedUintDowncast: () => "The amount is larger than the contract can hold.",
  SafeCastOverflowedIntDowncast: () => "The amount is larger than the contract can hold.",
  ReentrancyGuardReentrantCall: () => "The contract was called again from within one of its own calls.",
};
