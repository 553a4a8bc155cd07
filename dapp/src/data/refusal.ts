/** Calls that are tried: a refusal of the contracts is an answer too, anything else that goes wrong is thrown. */
import { revertData } from "../errors/explain.ts";

export type Answer<T> =
  | { readonly value: T; readonly refusal?: never }
  /** What the contracts revert with. */
  | { readonly value?: never; readonly refusal: unknown };

export async function answerOf<T>(result: Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await result };
  } catch (error) {
    if (revertData(error) === undefined) throw error;
    return { refusal: error };
  }
}

/**
 * For `placeholderData`: what was known of the same subject, the second part of the key, stays while it is asked for a newer block; of
 * another one it does not.
 */
export const keepOf =
  (subject: string) =>
  <T>(previous: T | undefined, query: { readonly queryKey: readonly unknown[] } | undefined): T | undefined =>
    query?.queryKey[1] === subject ? previous : undefined;
