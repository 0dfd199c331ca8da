/**
 * Shared commits: the first record is written at once, those that arrive while the write is on its way to disk go
 * together into the next one. A lone request waits for nobody; a thousand share a few writes.
 *
 * Invariant: a promise resolves only after the records given with it are durable. After a failed write nothing resolves
 * any more, and `broken` is called once: memory is then ahead of the disk and must be thrown away.
 */
export class GroupCommit<T> {
  readonly #write: (records: readonly T[]) => void;
  readonly #sync: () => Promise<void>;
  readonly #broken: (error: unknown) => void;
  #pending: T[] = [];
  #waiting: PromiseWithResolvers<void> | null = null;
  #draining = false;

  constructor(write: (records: readonly T[]) => void, sync: () => Promise<void>, broken: (error: unknown) => void) {
    this.#write = write;
    this.#sync = sync;
    this.#broken = broken;
  }

  /** Resolves when the records, and all that were given before them, are durable. */
  commit(records: readonly T[]): Promise<void> {
    for (const record of records) this.#pending.push(record);
    this.#waiting ??= Promise.withResolvers();
    const { promise } = this.#waiting;
    if (!this.#draining) void this.#drain();
    return promise;
  }

  /** Records in no hurry: they go with the next commit. Nobody may rely on them before. */
  keepForNext(records: readonly T[]): void {
    for (const record of records) this.#pending.push(record);
  }

  /** Whether records wait for somebody to commit. */
  get keepsSome(): boolean {
    return this.#pending.length > 0;
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    let current: PromiseWithResolvers<void> | null = null;
    try {
      while (this.#waiting !== null) {
        current = this.#waiting;
        this.#waiting = null;
        const records = this.#pending;
        this.#pending = [];
        if (records.length > 0) this.#write(records);
        await this.#sync();
        current.resolve();
      }
      this.#draining = false;
    } catch (error) {
      // `#draining` stays set, so that nothing is written after a hole.
      current?.reject(error);
      this.#waiting?.reject(error);
      this.#broken(error);
    }
  }
}
