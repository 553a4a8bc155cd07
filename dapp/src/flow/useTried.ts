/** What a call that is tried on the node would do: its result, or in a sentence why there is none. */
import { useQuery } from "@tanstack/react-query";
import { useBackstop } from "../backstop.ts";
import type { Answer, keepOf } from "../data/refusal.ts";
import { explain } from "../errors/explain.ts";

export interface TriedQuery<T> {
  readonly queryKey: readonly string[];
  readonly queryFn: () => Promise<Answer<T>>;
  readonly placeholderData: ReturnType<typeof keepOf>;
}

export interface Tried<T> {
  readonly value: T | undefined;
  readonly problem: string | undefined;
}

export function useTried<T>(query: TriedQuery<T>, enabled: boolean): Tried<T> {
  const { names } = useBackstop();
  const { data, error } = useQuery<Answer<T>>({ ...query, enabled });
  if (!enabled) return { value: undefined, problem: undefined };
  const reason = data?.refusal ?? error ?? undefined;
  return { value: data?.value, problem: reason === undefined ? undefined : explain(reason, names).sentence };
}
