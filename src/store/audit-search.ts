/**
 * Finds audit events, newest first. Reads only.
 *
 * Bounded: what no index finds by itself is held against events window by window until the page is full or the time is up;
 * the answer then says how far it came, and the next page goes on from there. Pages hold while events arrive, because an
 * event's time and row number never change.
 */
import { ROW_COLUMNS } from "./audit-rows.ts";
import type { AuditEventRow } from "./audit-rows.ts";
import { joined, planSearch, prefixAccess, timeConditions } from "./audit-search-plan.ts";
import type { Access, AuditFilter, Condition } from "./audit-search-plan.ts";

/** Events looked at by one statement. The first is small: most searches are full after it. */
const FIRST_WINDOW = 256;
const WINDOW = 1_024;
/** No further window is begun after this time. */
export const MAX_SEARCH_MS = 12;
/**
 * Indexes are compared up to so many events; beyond that, one is as bad as the other. Up to so many events below a path
 * prefix are sorted by time; more are found faster in the order of time.
 */
const MAX_COUNTED = 1_024;

/** A place in the order of time, newest first. */
export interface AuditPosition {
  readonly atMs: number;
  /** Row number. */
  readonly n: number;
}

export interface AuditPageRequest {
  readonly limit: number;
  readonly after: AuditPosition | null;
}

export interface AuditPage {
  /** Up to `limit`. */
  readonly rows: readonly AuditEventRow[];
  /** Where the next page begins; null: everything was seen. */
  readonly next: AuditPosition | null;
}

export async function searchAuditEvents(
  database: D1Database,
  organisationId: string,
  filter: AuditFilter,
  page: AuditPageRequest,
): Promise<AuditPage> {
  const endsMs = Date.now() + MAX_SEARCH_MS;
  const search = await chooseAccess(database, organisationId, filter);
  if (search.held.sql === "") return readPage(database, search, page);
  const found: AuditPosition[] = [];
  let after = page.after;
  for (let window = FIRST_WINDOW; ; window = WINDOW) {
    const seen = await lookThrough(database, search, after, { window, wanted: page.limit + 1 - found.length });
    found.push(...seen.hits);
    if (found.length > page.limit) break;
    if (seen.last === null) return { rows: await readRows(database, found), next: null };
    after = seen.last;
    if (Date.now() > endsMs) return { rows: await readRows(database, found), next: after };
  }
  const shown = found.slice(0, page.limit);
  return { rows: await readRows(database, shown), next: shown.at(-1) ?? null };
}

/** Without anything to hold against them, the index's own events are the page. */
async function readPage(database: D1Database, search: Search, page: AuditPageRequest): Promise<AuditPage> {
  const where = joined(search.found, afterPosition(page.after));
  const { results } = await database
    .prepare(
      `SELECT ${ROW_COLUMNS} FROM audit_events e INDEXED BY ${search.index} WHERE ${where.sql}
       ORDER BY at_ms DESC, n DESC LIMIT ?`,
    )
    .bind(...where.values, page.limit + 1)
    .all<AuditEventRow>();
  const rows = results.slice(0, page.limit);
  const last = rows.at(-1);
  return { rows, next: results.length > page.limit && last !== undefined ? { atMs: last.atMs, n: last.n } : null };
}

/** By its id, and by its time where that is known. */
export async function findAuditEvent(
  database: D1Database,
  organisationId: string,
  id: string,
  atMs: number | undefined,
): Promise<AuditEventRow | null> {
  const [index, time] = atMs === undefined ? ["audit_events_by_id", ""] : ["audit_events_by_time", "AND at_ms = ?3"];
  const statement = database.prepare(
    `SELECT ${ROW_COLUMNS} FROM audit_events e INDEXED BY ${index} WHERE organisation_id = ?1 AND id = ?2 ${time} LIMIT 1`,
  );
  return statement.bind(organisationId, id, ...(atMs === undefined ? [] : [atMs])).first<AuditEventRow>();
}

interface Search {
  readonly index: string;
  /** What the index is asked for: organisation, its own condition, time. */
  readonly found: Condition;
  /** What is left to be held against each event. */
  readonly held: Condition;
}

/** Takes the index that finds the fewest events. */
async function chooseAccess(database: D1Database, organisationId: string, filter: AuditFilter): Promise<Search> {
  const plan = planSearch(filter);
  const own: Condition = { sql: "organisation_id = ?", values: [organisationId] };
  const base = joined(own, ...timeConditions(filter));
  const prefix = filter.path?.kind === "starts" ? prefixAccess(filter.path.text) : null;
  const candidates = [
    // All below the prefix are counted: in that index, the time comes after the path.
    ...(prefix === null ? [] : [{ access: prefix, where: joined(own, prefix.condition) }]),
    ...plan.accesses.map((access) => ({ access, where: joined(base, access.condition) })),
  ];
  const counts = candidates.length === 1 ? [0] : await countEvents(database, candidates);
  const counted = candidates.map(({ access }, at) => ({ access, count: counts[at] ?? MAX_COUNTED }));
  const usable = counted.filter(({ access, count }) => access !== prefix || count < MAX_COUNTED);
  const { access } = usable.reduce((best, other) => (other.count < best.count ? other : best));
  return {
    index: access.index,
    found: joined(base, access.condition),
    held: joined(...plan.conditions.filter((condition) => condition !== access.serves)),
  };
}

/** How many events each of them finds, up to `MAX_COUNTED`. */
async function countEvents(
  database: D1Database,
  candidates: readonly { readonly access: Access; readonly where: Condition }[],
): Promise<readonly number[]> {
  const statements = candidates.map(({ access, where }) =>
    database
      .prepare(
        `SELECT count(*) AS n FROM
           (SELECT 1 FROM audit_events INDEXED BY ${access.index} WHERE ${where.sql} LIMIT ${MAX_COUNTED})`,
      )
      .bind(...where.values),
  );
  const results = await database.batch<{ n: number }>(statements);
  return results.map((result) => result.results[0]?.n ?? 0);
}

interface Seen {
  readonly hits: readonly AuditPosition[];
  /** The last event of a full window; null: there are no more. */
  readonly last: AuditPosition | null;
}

/** One window: what fits in it, and where it ends. Each event is read once, and of it only what is asked about. */
async function lookThrough(
  database: D1Database,
  search: Search,
  after: AuditPosition | null,
  size: { readonly window: number; readonly wanted: number },
): Promise<Seen> {
  const where = joined(search.found, afterPosition(after));
  const { results } = await database
    .prepare(
      `WITH seen AS MATERIALIZED (
         SELECT n, at_ms, ${search.held.sql} AS fits FROM audit_events INDEXED BY ${search.index} WHERE ${where.sql}
         ORDER BY at_ms DESC, n DESC LIMIT ?
       )
       SELECT * FROM (SELECT n, at_ms AS atMs, 1 AS hit FROM seen WHERE fits LIMIT ?)
       UNION ALL SELECT * FROM (SELECT n, at_ms AS atMs, 0 AS hit FROM seen LIMIT 1 OFFSET ?)`,
    )
    .bind(...search.held.values, ...where.values, size.window, size.wanted, size.window - 1)
    .all<AuditPosition & { hit: number }>();
  return {
    hits: results.filter((row) => row.hit === 1).map(({ n, atMs }) => ({ n, atMs })),
    last: results.find((row) => row.hit === 0) ?? null,
  };
}

function afterPosition(after: AuditPosition | null): Condition {
  if (after === null) return { sql: "", values: [] };
  // The first condition is implied by the second; it lets the index begin at the place.
  return { sql: "at_ms <= ? AND (at_ms < ? OR n < ?)", values: [after.atMs, after.atMs, after.n] };
}

/** Whole events, in the order of the positions. */
async function readRows(database: D1Database, positions: readonly AuditPosition[]): Promise<AuditEventRow[]> {
  if (positions.length === 0) return [];
  const { results } = await database
    .prepare(
      `SELECT ${ROW_COLUMNS} FROM audit_events e WHERE e.n IN (SELECT value FROM json_each(?1))
       ORDER BY e.at_ms DESC, e.n DESC`,
    )
    .bind(JSON.stringify(positions.map((position) => position.n)))
    .all<AuditEventRow>();
  return results;
}
