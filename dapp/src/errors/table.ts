/** The one table of errors: a sentence for each that a user's action can meet, and why the others cannot be met. */
import { marginSentences } from "./margin.ts";
import { type Sentences, stakeSentences } from "./stake.ts";

export const sentences: Sentences = { ...stakeSentences, ...marginSentences };

const GOVERNANCE = "only governance or the guardian calls what reverts with it";
const WIRING = "a deployment that is wired never reverts with it";
const SIGNED_ORDERS = "signed orders are not settled from here";
const SIGNALS = "reporters bring signals, not users of this page";
const SECOND = "the second source is brought by keepers, not from here";
const SHARES = "curve shares and their allowances are not moved from here";

/** Errors of the contracts' ABIs that no action of this dApp can meet, with the reason. */
export const unreachable: Readonly<Record<string, string>> = {
  ...because(GOVERNANCE, [
    ...["AccessManagedUnauthorized", "AccessManagedRequiredDelay", "AccessManagedInvalidAuthority"],
    ...["BudgetOutOfRange", "ShareOutOfRange", "ClockOutOfRange", "PauseTooEarly", "NotPaused", "ParameterOutOfRange"],
    ...["RampTightened", "LimitsNotAscending", "FeeOutOfRange", "AnswerBoundsCrossed", "EdgeTooWide", "FeedInvalid"],
    ...["JumpTooSmall", "LotDecimalsChanged", "MaxAgeOutOfRange", "DecimalsUnsupported"],
  ]),
  ...because(WIRING, [
    ...[
      "NotStack",
      "NotEngine",
      "NotAmm",
      "NotExchange",
      "NotConnected",
      "NotOurs",
      "AlreadyConnected",
      "AssetMismatch",
    ],
    ...["ZeroAddress", "AddressEmptyCode", "CheckpointUnorderedInsertion", "InvalidShortString", "StringTooLong"],
  ]),
  ...because(SIGNED_ORDERS, [
    ...["BadSignature", "MarketMismatch", "NonceUsed", "NotCrossing", "OrderExpired", "Overfilled", "PostOnlyTaker"],
    ...["SameSide", "SequenceNotAhead", "UnknownFlags", "ZeroLots"],
  ]),
  ...because(SIGNALS, [
    ...[
      "ExpiryOutOfRange",
      "ModelMismatch",
      "ModelUnchanged",
      "NoModel",
      "NonceNotNext",
      "NotAscending",
      "NotReporter",
    ],
    ...["ProbabilityJumps", "ProbabilityOutOfRange", "ReportersOutOfRange", "SignalParameterOutOfRange"],
    ...["TooFewSignatures", "TooManyOpen", "ValidFromOutOfRange"],
  ]),
  ...because(SECOND, [
    ...["FeeTooLow", "FromInFuture", "NoSecondSource", "RefundFailed", "SecondPriceUnusable", "SecondSourceTooNew"],
  ]),
  ...because(SHARES, [
    ...["ERC6909InsufficientAllowance", "ERC6909InvalidApprover", "ERC6909InvalidReceiver", "ERC6909InvalidSender"],
    ...["ERC6909InvalidSpender"],
  ]),
};

function because(reason: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, reason]));
}
