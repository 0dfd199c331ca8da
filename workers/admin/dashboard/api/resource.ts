/**
 * What screens read and change: one thing, a list page by page, or an action. Each shows its state as signals, so that a
 * screen states loading, failure and emptiness instead of guessing them.
 */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { get } from "./client.ts";
import type { Answer, Failure, Page, Query } from "./client.ts";

const PAGE_SIZE = 100;

export interface Resource<T> {
  readonly value: Signal<T | null>;
  readonly failure: Signal<Failure | null>;
  readonly loading: Signal<boolean>;
  reload(): Promise<void>;
}

/** Reads one thing again whenever its path or query changes. A null path reads nothing. */
export function useResource<T>(path: string | null, query: Query = {}): Resource<T> {
  const key = `${path ?? ""}?${JSON.stringify(query)}`;
  const resource = useMemo(() => makeResource<T>(path, query), [key]);
  useEffect(() => {
    void resource.reload();
    return () => resource.stop();
  }, [resource]);
  return resource;
}

function makeResource<T>(path: string | null, query: Query): Resource<T> & { stop(): void } {
  const value = signal<T | null>(null);
  const failure = signal<Failure | null>(null);
  const loading = signal(path !== null);
  let running = new AbortController();
  return {
    value,
    failure,
    loading,
    stop: () => running.abort(),
    async reload() {
      if (path === null) return;
      running.abort();
      const mine = new AbortController();
      running = mine;
      loading.value = true;
      const answer = await get<T>(path, query, mine.signal);
      if (mine.signal.aborted) return;
      loading.value = false;
      failure.value = answer.ok ? null : answer.error;
      if (answer.ok) value.value = answer.value;
    },
  };
}

export interface List<T> extends Resource<readonly T[]> {
  readonly hasMore: Signal<boolean>;
  more(): Promise<void>;
}

/** A paginated list, read from its start whenever path or query changes. `pageSize` null: the list is one page and takes no limit. */
export function useList<T>(path: string | null, query: Query = {}, pageSize: number | null = PAGE_SIZE): List<T> {
  const key = `${path ?? ""}?${JSON.stringify(query)}`;
  const list = useMemo(() => makeList<T>(path, query, pageSize), [key]);
  useEffect(() => {
    void list.reload();
    return () => list.stop();
  }, [list]);
  return list;
}

export function makeList<T>(path: string | null, query: Query, pageSize: number | null): List<T> & { stop(): void } {
  const value = signal<readonly T[] | null>(null);
  const failure = signal<Failure | null>(null);
  const loading = signal(path !== null);
  const hasMore = signal(false);
  let cursor: string | null = null;
  let running = new AbortController();

  const read = async (fresh: boolean): Promise<void> => {
    if (path === null || (!fresh && (loading.value || cursor === null))) return;
    running.abort();
    const mine = new AbortController();
    running = mine;
    loading.value = true;
    const limit = pageSize === null ? {} : { limit: pageSize };
    const asked = { ...query, ...limit, ...(fresh || cursor === null ? {} : { cursor }) };
    const answer = await get<Page<T>>(path, asked, mine.signal);
    if (mine.signal.aborted) return;
    if (answer.ok) {
      cursor = answer.value.next_cursor;
      hasMore.value = cursor !== null;
      value.value = fresh ? answer.value.data : [...(value.value ?? []), ...answer.value.data];
    }
    failure.value = answer.ok ? null : answer.error;
    loading.value = false;
  };
  return {
    value,
    failure,
    loading,
    hasMore,
    stop: () => running.abort(),
    reload: () => read(true),
    more: () => read(false),
  };
}

export interface Action<A extends readonly unknown[]> {
  readonly pending: Signal<boolean>;
  readonly failure: Signal<Failure | null>;
  run(...args: A): Promise<boolean>;
}

/** A change: runs once at a time; its failure stays until the next run. Resolves to whether it succeeded. */
export function useAction<A extends readonly unknown[], T>(
  work: (...args: A) => Promise<Answer<T>>,
  done?: (value: T) => void,
): Action<A> {
  const state = useMemo(() => ({ pending: signal(false), failure: signal<Failure | null>(null) }), []);
  return {
    ...state,
    async run(...args) {
      if (state.pending.value) return false;
      state.pending.value = true;
      const answer = await work(...args);
      state.pending.value = false;
      state.failure.value = answer.ok ? null : answer.error;
      if (answer.ok) done?.(answer.value);
      return answer.ok;
    },
  };
}
