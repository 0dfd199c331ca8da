/** The audit log's rows: only those in view are drawn, so that a hundred thousand scroll as ten do. Arrows move, Enter opens. */
import { useSignal, useSignalEffect } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { AuditEventView } from "../../../../src/contract/audit-event.ts";
import { nameOf } from "../api/directory.ts";
import type { List } from "../api/resource.ts";
import { count, exact, millis, plain, plural, words } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { Status, Time } from "../ui/text.tsx";
import { movedBy } from "./arrivals.ts";
import { drawnRows, scrollFor, visibleRows } from "./window.ts";

const ROW_PX = 36;
/** The head stays in view and covers so much of the rows. */
const HEAD_PX = 37;
/** Asks for the next page when so many rows are left below. */
const AHEAD_ROWS = 60;

export function AuditList(props: {
  readonly list: List<AuditEventView>;
  readonly rows: readonly AuditEventView[];
  readonly openId: Signal<string | null>;
  /** Set here: whether the newest row is in view. */
  readonly atTop: Signal<boolean>;
}) {
  const { list, rows, openId, atTop } = props;
  const body = useRef<HTMLDivElement>(null);
  const scrollTop = useSignal(0);
  const height = useSignal(600);
  const active = useSignal(0);
  useEffect(() => {
    const element = body.current;
    if (element === null) return undefined;
    atTop.value = true;
    const observer = new ResizeObserver(() => (height.value = element.clientHeight - HEAD_PX));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const visible = visibleRows(scrollTop.value, height.value, ROW_PX, rows.length);
  // Keys go round, so that scrolling changes the text of rows that are there instead of making new ones.
  const slots = drawnRows(height.value, ROW_PX);
  const isDrawn = active.value >= visible.from && active.value < visible.to;
  const near = visible.to + AHEAD_ROWS > rows.length;
  useEffect(() => {
    if (near && list.hasMore.value) void list.more();
  }, [near, rows.length]);
  const newAbove = useKeptPlace(rows, body, active, openId);
  // A new selection of events begins at its top.
  useSignalEffect(() => {
    if (list.value.value === null) active.value = 0;
  });
  const move = (to: number) => {
    const next = Math.min(Math.max(to, 0), rows.length - 1);
    active.value = next;
    const element = body.current;
    if (element !== null)
      element.scrollTop = scrollFor(next, element.scrollTop, element.clientHeight - HEAD_PX, ROW_PX);
    if (openId.value !== null) openId.value = rows[next]?.id ?? null;
  };
  const onKey = (event: KeyboardEvent) => {
    const page = Math.max(Math.floor(height.value / ROW_PX) - 1, 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    };
    const step = steps[event.key];
    if (step !== undefined) move(active.value + step);
    else if (event.key === "Enter") openId.value = rows[active.value]?.id ?? null;
    else if (event.key === "Escape" && openId.value !== null) openId.value = null;
    else return;
    event.preventDefault();
  };
  const grid = (
    <div
      class="log"
      role="grid"
      ref={body}
      tabIndex={0}
      aria-label="Audit events, newest first: arrows move, Enter opens"
      aria-rowcount={list.hasMore.value ? -1 : rows.length + 1}
      aria-activedescendant={isDrawn ? `event-${active.value}` : undefined}
      onScroll={({ currentTarget }) => {
        scrollTop.value = currentTarget.scrollTop;
        atTop.value = currentTarget.scrollTop < ROW_PX;
        if (atTop.value) newAbove.value = 0;
      }}
      onKeyDown={onKey}
    >
      <Head />
      <div class="log-rows" role="rowgroup" style={{ height: `${rows.length * ROW_PX}px` }}>
        {rows.slice(visible.from, visible.to).map((row, i) => (
          <EventRow
            key={(visible.from + i) % slots}
            event={row}
            index={visible.from + i}
            active={openId.value === row.id || (openId.value === null && active.value === visible.from + i)}
            onOpen={() => {
              active.value = visible.from + i;
              openId.value = row.id;
            }}
          />
        ))}
      </div>
    </div>
  );
  const toTop = () => {
    if (openId.value === null) active.value = 0;
    body.current?.scrollTo({ top: 0 });
    body.current?.focus();
  };
  return (
    <div class="log-frame">
      <div class="log-news" role="status">
        {newAbove.value === 0 ? null : (
          <Button look="primary" onClick={toTop}>
            {plural(newAbove.value, "new event")} ↑
          </Button>
        )}
      </div>
      {grid}
    </div>
  );
}

/** What comes in above leaves the reader where they are, and the mark on its event. Counts what came in out of their sight. */
function useKeptPlace(
  rows: readonly AuditEventView[],
  body: { readonly current: HTMLDivElement | null },
  active: Signal<number>,
  openId: Signal<string | null>,
): Signal<number> {
  const newAbove = useSignal(0);
  const shown = useRef(rows);
  useLayoutEffect(() => {
    const before = shown.current;
    const element = body.current;
    shown.current = rows;
    if (before === rows || element === null) return;
    const scrolledPx = element.scrollTop;
    if (scrolledPx === 0 && active.value === 0 && openId.value === null) return;
    active.value = Math.min(active.value + movedBy(before, rows, active.value), rows.length - 1);
    if (scrolledPx === 0) return;
    const moved = movedBy(before, rows, Math.floor(scrolledPx / ROW_PX));
    element.scrollTop = scrolledPx + moved * ROW_PX;
    if (moved > 0) newAbove.value += moved;
  }, [rows]);
  return newAbove;
}

function Head() {
  return (
    <div role="rowgroup" class="log-head">
      <div class="log-row" role="row" aria-rowindex={1}>
        <span role="columnheader">Time</span>
        <span role="columnheader" class="wide-only">
          Decision
        </span>
        <span role="columnheader">Method</span>
        <span role="columnheader">Path</span>
        <span role="columnheader" class="extra">
          Connection
        </span>
        <span role="columnheader" class="extra">
          Credential
        </span>
        <span role="columnheader" class="right">
          Status
        </span>
        <span role="columnheader" class="right wide-only">
          Took
        </span>
      </div>
    </div>
  );
}

function EventRow(props: {
  readonly event: AuditEventView;
  readonly index: number;
  readonly active: boolean;
  readonly onOpen: () => void;
}) {
  const { event } = props;
  return (
    <div
      id={`event-${props.index}`}
      class={`log-row ${event.decision}`}
      role="row"
      aria-rowindex={props.index + 2}
      aria-selected={props.active}
      style={{ transform: `translateY(${props.index * ROW_PX}px)` }}
      onClick={props.onOpen}
    >
      <span role="gridcell" title={exact(Date.parse(event.at))}>
        <Time at={event.at} short />
      </span>
      <span role="gridcell" class="wide-only" title={words(event.reason)}>
        <Status value={event.decision} />
      </span>
      <span role="gridcell" class="method">
        {plain(event.method)}
      </span>
      <span role="gridcell" title={plain(event.path)}>
        <bdi>{plain(event.path)}</bdi>
        {event.count > 1 ? <b> ×{count(event.count)}</b> : null}
      </span>
      <span role="gridcell" class="extra">
        {event.connection_id === null ? "" : plain(nameOf(event.connection_id))}
      </span>
      <span role="gridcell" class="extra">
        {event.credential_id === null ? "" : plain(nameOf(event.credential_id))}
      </span>
      <span role="gridcell" class="right status">
        {event.status ?? "–"}
      </span>
      <span role="gridcell" class="right wide-only">
        {event.latency_ms === null ? "–" : millis(event.latency_ms)}
      </span>
    </div>
  );
}
