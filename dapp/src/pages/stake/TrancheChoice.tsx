/** Junior or senior: what each is for, side by side. */
import { useBackstop } from "../../backstop.ts";
import { TRANCHES, type TrancheName } from "../../data/pools.ts";
import type { StakePageData } from "../../data/stakePage.ts";
import { rateOf } from "../../lib/apr.ts";
import { duration, fixed, percent } from "../../lib/format.ts";

const WORDS: Readonly<Record<TrancheName, string>> = {
  junior: "Pays first, earns more.",
  senior: "Pays when the junior pool is used up.",
};

interface Props {
  readonly data: StakePageData;
  readonly chosen: TrancheName;
  readonly onChoose: (tranche: TrancheName) => void;
}

export function TrancheChoice({ data, chosen, onChoose }: Props) {
  const { token } = useBackstop();
  return (
    <fieldset className="tranches">
      <legend>Which pool</legend>
      {TRANCHES.map((name) => {
        const pool = data.pools[name];
        const income = name === "junior" ? data.expected.toJunior : data.expected.toSenior;
        return (
          <label key={name} className={name === chosen ? "chosen" : undefined}>
            <input type="radio" name="tranche" checked={name === chosen} onChange={() => onChoose(name)} />
            <span className="tranche-name">{name === "junior" ? "Junior" : "Senior"} pool</span>
            <span className="tranche-words">{WORDS[name]}</span>
            <span className="tranche-figure">
              <b>{percent(rateOf(income, pool.totalAssets), 10_000n)}</b> expected a year
            </span>
            <span className="tranche-figure">
              <b>
                {fixed(pool.totalAssets, token.decimals, 0)} {token.symbol}
              </b>{" "}
              staked
            </span>
            <span className="tranche-figure">
              <b>{duration(pool.cooldown)}</b> to leave
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
