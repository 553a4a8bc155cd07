/** What the transactions of a staker cost. */

/** {gas} of a first time, measured on the contracts: docs/gas.md. The junior pool also tells the stack how thick it is. */
export const GAS = {
  join: { junior: 101_221n, senior: 81_891n },
  request: { junior: 92_344n, senior: 92_344n },
  claim: { junior: 64_663n, senior: 64_663n },
  cancel: { junior: 47_142n, senior: 47_142n },
} as const;
