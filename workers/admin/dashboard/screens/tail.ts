/** The audit log's live tail: what came on record after the list was read, in the order in which it came, so that slow calls are not missed. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { AuditEventView } from "../../../../src/contract/audit-event.ts";
import { get } from "../api/client.ts";
import type { Page, Query } from "../api/client.ts";
import type { List } from "../api/resource.ts";
import { withArrivals } from "./arrivals.ts";

export const PAGE_SIZE = 200;
const LOOK_EVERY_MS = 2_000;
/** More than so many pages since the last look, or so many events since the list was read: it is read anew. */
const MAX_PAGES_PER_LOOK = 5;
const MAX_ARRIVALS = 2_000;

/**
 * The list's events and those that arrived since, newest first. Null: not read yet. `atTop` says that the reader looks at the newest,
 * and so does not lose the place when the list is read anew.
 */
export function useTail(
  list: List<AuditEventView>,
  filter: Query,
  state: { readonly live: boolean; readonly atTop: Signal<boolean> },
): readonly AuditEventView[] | null {
  const { live, atTop } = state;
  const tail = useMemo(() => makeTail(list, filter, atTop), [list]);
  const ready = list.value.value !== null;
  useEffect(() => {
    if (!live || !ready || filter["to"] !== undefined) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) void tail.look();
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [tail, live, ready]);
  useEffect(() => () => tail.stop(), [tail]);
  const read = list.value.value;
  const arrived = tail.arrivals.value;
  const hasMore = list.hasMore.value;
  return useMemo(() => (read === null ? null : withArrivals(read, arrived, hasMore)), [read, arrived, hasMore]);
}

interface Tail {
  /** In the order in which they arrived. */
  readonly arrivals: Signal<readonly AuditEventView[]>;
  look(): Promise<void>;
  stop(): void;
}

function makeTail(list: List<AuditEventView>, filter: Query, atTop: Signal<boolean>): Tail {
  const arrivals = signal<readonly AuditEventView[]>([]);
  const stopped = new AbortController();
  let cursor: string | null = null;
  let behind = false;
  let looking = false;

  const read = async (query: Query): Promise<Page<AuditEventView> | null> => {
    const answer = await get<Page<AuditEventView>>("/audit-events", { ...filter, ...query }, stopped.signal);
    return answer.ok && !stopped.signal.aborted ? answer.value : null;
  };
  const add = (events: readonly AuditEventView[]): void => {
    if (events.length > 0) arrivals.value = [...arrivals.value, ...events];
  };
  /** What arrived between the list's answer and now is among the newest. */
  const begin = async (): Promise<void> => {
    const now = await read({ order: "arrival", start: "now" });
    const newest = now === null ? null : await read({ limit: PAGE_SIZE });
    if (now === null || newest === null) return;
    add(newest.data.toReversed());
    cursor = now.next_cursor;
  };
  const goOn = async (): Promise<void> => {
    for (let page = 0; page < MAX_PAGES_PER_LOOK; page += 1) {
      const next = await read({ order: "arrival", cursor: cursor ?? undefined, limit: PAGE_SIZE });
      if (next === null) return;
      cursor = next.next_cursor;
      add(next.data);
      if (next.data.length < PAGE_SIZE) return;
    }
    behind = true;
  };
  const startOver = async (): Promise<void> => {
    await list.reload();
    if (list.failure.value !== null) return;
    arrivals.value = [];
    cursor = null;
    behind = false;
  };
  return {
    arrivals,
    stop: () => stopped.abort(),
    async look() {
      if (looking) return;
      looking = true;
      if (behind || arrivals.value.length > MAX_ARRIVALS) {
        if (atTop.value) await startOver();
      } else await (cursor === null ? begin() : goOn());
      looking = false;
    },
  };
}
