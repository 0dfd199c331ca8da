/**
 * Audit events in the order in which they came on record, oldest first: what is added later always comes later, so that
 * whoever goes on from the last place misses none. By the time of the call one would: a slow call is recorded after quicker
 * ones that began later. Reads only.
 */
import { ROW_COLUMNS } from "./audit-rows.ts";
import type { AuditEventRow } from "./audit-rows.ts";
import { joined, planSearch, timeConditions } from "./audit-search-plan.ts";
import type { AuditFilter } from "./audit-search-plan.ts";
import { MAX_SEARCH_MS } from "./audit-search.ts";

/** Events looked at by one statement. */
const WINDOW = 1_024;

export interface Arrivals {
  /** Up to `limit`. */
  readonly rows: readonly AuditEventRow[];
  /** Everything up to this row number was seen. */
  readonly seenTo: number;
}

/** What fits the filter among the events that came after row number `after`. Fewer than `limit` does not mean that there are no more. */
export async function readArrivals(
  database: D1Database,
  organisationId: string,
  filter: AuditFilter,
  page: { readonly limit: number; readonly after: number },
): Promise<Arrivals> {
  const endsMs = Date.now() + MAX_SEARCH_MS;
  const asked = joined(
    { sql: "organisation_id = ?", values: [organisationId] },
    ...timeConditions(filter),
    ...planSearch(filter).conditions,
  );
  const rows: AuditEventRow[] = [];
  let seenTo = page.after;
  do {
    const [bound, found] = await database.batch<AuditEventRow & { last: number | null }>([
      database.prepare(`SELECT ${LAST_OF_WINDOW} AS last`).bind(seenTo),
      database
        .prepare(
          `SELECT ${ROW_COLUMNS} FROM audit_events e NOT INDEXED
           WHERE e.n > ? AND e.n <= ${LAST_OF_WINDOW} AND ${asked.sql} ORDER BY e.n LIMIT ?`,
        )
        .bind(seenTo, seenTo, ...asked.values, page.limit - rows.length),
    ]);
    rows.push(...(found?.results ?? []));
    const last = bound?.results[0]?.last ?? null;
    if (rows.length >= page.limit) return { rows, seenTo: rows.at(-1)?.n ?? seenTo };
    if (last === null) return { rows, seenTo };
    seenTo = last;
  } while (Date.now() <= endsMs);
  return { rows, seenTo };
}

/** Row numbers have gaps where events were archived, so the window is counted in events. Null: there are no more. */
const LAST_OF_WINDOW = `(SELECT max(n) FROM (SELECT n FROM audit_events NOT INDEXED WHERE n > ? ORDER BY n LIMIT ${WINDOW}))`;
