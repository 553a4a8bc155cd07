/** Terms that the capital stack starts with: what its constructor sets, said here so that a deployment can be held to it. */

export const STACK = {
  marketDayBps: 5_000, // {bps} of the stake that one market may draw in a day
  windowBps: 8_000, // {bps} of the stake that all may draw in seven days
  attachmentBps: 2_000, // {bps} of all stake that the junior pool must hold: the attachment floor
  juniorWeightBps: 20_000, // {bps} weight of a junior unit in the division of income; a senior one has 10,000
  treasuryBps: 0, // {bps} of income
} as const;

const DAY = 86_400; // {s}

/** {s} of each pool. */
export const EXIT_CLOCKS = {
  junior: { cooldown: 21 * DAY, claimWindow: 3 * DAY },
  senior: { cooldown: 7 * DAY, claimWindow: 3 * DAY },
} as const;
