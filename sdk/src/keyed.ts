/**
 * Maps and sets of account ids and what is made of them. V8 hashes a `bigint` by its lowest 64 bits alone, and those are the same in
 * most ids (the owner begins at bit 96): a hundred thousand accounts in one `Map<bigint>` are one long list. Text is hashed whole.
 */

const textOf = (key: bigint): string => key.toString(16);

export class KeyedMap<V> {
  readonly #rows = new Map<string, [bigint, V]>();

  get size(): number {
    return this.#rows.size;
  }

  get(key: bigint): V | undefined {
    return this.#rows.get(textOf(key))?.[1];
  }

  has(key: bigint): boolean {
    return this.#rows.has(textOf(key));
  }

  set(key: bigint, value: V): void {
    this.#rows.set(textOf(key), [key, value]);
  }

  delete(key: bigint): void {
    this.#rows.delete(textOf(key));
  }

  /** In the order of their first `set`. */
  entries(): IterableIterator<[bigint, V]> {
    return this.#rows.values();
  }
}

export class KeyedSet {
  readonly #rows = new Map<string, bigint>();

  constructor(keys: Iterable<bigint> = []) {
    for (const key of keys) this.add(key);
  }

  get size(): number {
    return this.#rows.size;
  }

  has(key: bigint): boolean {
    return this.#rows.has(textOf(key));
  }

  add(key: bigint): void {
    this.#rows.set(textOf(key), key);
  }

  delete(key: bigint): void {
    this.#rows.delete(textOf(key));
  }

  clear(): void {
    this.#rows.clear();
  }

  [Symbol.iterator](): IterableIterator<bigint> {
    return this.#rows.values();
  }
}
