/** Where the history comes from, and how old the page is. */
import type { Source } from "../../data/history/types.ts";
import type { RiskPageData } from "../../data/riskPage.ts";
import { count, date } from "../../lib/format.ts";
import { Notice } from "../../ui/parts.tsx";

interface Props {
  readonly source: Source | undefined;
  readonly data: RiskPageData;
  readonly isOld: boolean;
}

export function SourceNotice({ source, data, isOld }: Props) {
  const { number, timestamp } = data.block;
  if (isOld)
    return (
      <Notice tone="bad" title="The node of the chain does not answer.">
        What is shown is of block {count(number)}, {date(timestamp)}.
      </Notice>
    );
  if (source?.kind !== "chain") return null;
  const { why, from } = source;
  return (
    <Notice tone="info" title={`${why} The history is read from the chain itself.`}>
      It reaches back to block {count(from)} of {count(number)}. All figures of now come from the chain in any case.
    </Notice>
  );
}
