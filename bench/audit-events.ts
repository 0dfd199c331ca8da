/**
 * Fills a local audit database with made-up events, directly in its file, while nothing else has it open. The rows are such
 * as a busy installation has: few connections, hundreds of credentials, thousands of customers, many paths, some failures.
 * Triggers and indexes are taken off while it runs and put back as they were.
 */
import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const CHUNK_ROWS = 100_000;
export const DAYS = 30;
const DAY_MS = 86_400_000;

/** Opens the file in which the local runtime keeps the audit database. */
export function openAuditDatabase(stateDirectory: string): DatabaseSync {
  for (const path of globSync(join(stateDirectory, "**/*.sqlite"))) {
    const database = new DatabaseSync(path);
    const found = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'audit_events'").get();
    if (found !== undefined) {
      database.exec(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -262144; PRAGMA temp_store = FILE",
      );
      return database;
    }
    database.close();
  }
  throw new Error(`There is no audit database below ${stateDirectory}`);
}

export function countEvents(database: DatabaseSync): number {
  return Number(database.prepare("SELECT coalesce(max(n), 0) AS n FROM audit_events").get()?.["n"]);
}

/** Events that end now and reach `DAYS` days back, a little out of order, as they arrive from many gates. */
export function fillEvents(database: DatabaseSync, rows: number, nowMs: number): void {
  const taken = database
    .prepare(
      "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'audit_events' AND type IN ('index', 'trigger') AND sql IS NOT NULL",
    )
    .all();
  for (const each of taken) database.exec(`DROP ${String(each["type"])} "${String(each["name"])}"`);
  const insert = database.prepare(INSERT);
  const startMs = nowMs - DAYS * DAY_MS;
  const stepMs = (DAYS * DAY_MS) / rows;
  for (let from = countEvents(database); from < rows; from += CHUNK_ROWS) {
    insert.run({ from: from + 1, to: Math.min(rows, from + CHUNK_ROWS), start: startMs, step: stepMs });
  }
  for (const each of taken) database.exec(String(each["sql"]));
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

/** Odd multipliers of 32 bits: each gives another order of the same numbers (multiplicative hashing). */
const MULTIPLIERS = [
  2_654_435_761, 2_246_822_519, 3_266_489_917, 668_265_263, 374_761_393, 3_432_918_353, 461_845_907, 3_864_292_197,
  1_540_483_477, 2_747_636_419,
];
/** A number from 0 to 1 for each row; its third power makes few values frequent and many rare. */
const random = (which: number): string =>
  `(((i * ${MULTIPLIERS[which] ?? 1} + ${which * 40_503}) & 4294967295) * 1.0 / 4294967296)`;
const skewed = (which: number, of: number): string =>
  `CAST(${of} * ${random(which)} * ${random(which)} * ${random(which)} AS INTEGER)`;

const INSERT = `
  WITH RECURSIVE c(i) AS (SELECT :from UNION ALL SELECT i + 1 FROM c WHERE i < :to),
  r AS (
    SELECT i, ${skewed(0, 400)} AS k, ${random(1)} AS a, ${random(2)} AS b, ${random(3)} AS m, ${random(4)} AS o,
      ${skewed(5, 2_000)} AS cust, ${skewed(6, 50_000)} AS thing, ${random(7)} AS p, ${random(8)} AS addr, ${random(9)} AS s
    FROM c
  )
  INSERT INTO audit_events (id, organisation_id, credential_id, seq, admission, at_ms, recipient_id, connection_id, grant_id,
    customer, environment, method, path, operation, decision, reason, status, upstream_status, attempts, latency_ms,
    upstream_ms, bytes_in, bytes_out, cost_usd_micros, address, user_agent, request_id, upstream_credential_id, count, notes,
    prev_hash, hash)
  SELECT 'evt_' || printf('%09d', i) || lower(hex(randomblob(4))),
    CASE WHEN o < 0.95 THEN 'org_default' ELSE 'org_' || printf('%016d', CAST(o * 400 AS INTEGER)) END,
    'dcred_' || printf('%016d', k), i, i, CAST(:start + i * :step - b * 2000 AS INTEGER),
    CASE WHEN k % 5 < 3 THEN 'rcpt_' || printf('%016d', k % 150) END,
    'conn_vendor' || (k % 25), 'grant_' || printf('%016d', k),
    CASE WHEN a < 0.3 THEN 'customer-' || cust END,
    CASE k % 4 WHEN 0 THEN 'staging' WHEN 1 THEN NULL ELSE 'production' END,
    CASE WHEN m < 0.7 THEN 'GET' WHEN m < 0.92 THEN 'POST' WHEN m < 0.96 THEN 'PATCH' WHEN m < 0.98 THEN 'PUT' ELSE 'DELETE' END,
    '/v1/collection' || CAST(p * 20 AS INTEGER) || CASE WHEN p * 20 - CAST(p * 20 AS INTEGER) < 0.3 THEN '' ELSE '/item_' || thing END,
    'operation' || CAST(p * 40 AS INTEGER),
    CASE WHEN s < 0.06 THEN 'denied' ELSE 'allowed' END,
    CASE WHEN s < 0.02 THEN 'path_denied' WHEN s < 0.03 THEN 'method_denied' WHEN s < 0.055 THEN 'rate_limited'
      WHEN s < 0.0599 THEN 'budget_exhausted' WHEN s < 0.06 THEN 'address_unconfirmed' WHEN s < 0.0605 THEN 'upstream_timeout'
      ELSE 'ok' END,
    CASE WHEN s < 0.03 THEN 403 WHEN s < 0.0599 THEN 429 WHEN s < 0.06 THEN 423 WHEN s < 0.0605 THEN 504 WHEN s < 0.09 THEN 404
      WHEN s < 0.095 THEN 500 WHEN s < 0.0951 THEN 502 WHEN s < 0.15 THEN 201 ELSE 200 END,
    CASE WHEN s < 0.0605 THEN NULL WHEN s < 0.09 THEN 404 WHEN s < 0.095 THEN 500 WHEN s < 0.0951 THEN 502 WHEN s < 0.15 THEN 201 ELSE 200 END,
    1, CAST(40 + 400 * b * b AS INTEGER), CAST(35 + 380 * b * b AS INTEGER), CAST(900 * a AS INTEGER), CAST(9000 * b AS INTEGER),
    CASE WHEN k % 3 = 0 THEN CAST(5000 * a AS INTEGER) END,
    CASE WHEN addr < 0.99 THEN '203.0.113.' || CAST(addr * 200 AS INTEGER)
      ELSE '198.51.' || CAST(a * 255 AS INTEGER) || '.' || CAST(b * 255 AS INTEGER) END,
    'vendor-sdk/' || (k % 12) || '.4.2 (node 24.1.0; linux x64) service-' || (k % 30),
    'req_' || printf('%09d', i) || lower(hex(randomblob(4))), 'ucred_' || printf('%016d', k % 40), 1, '{}',
    lower(hex(randomblob(32))), lower(hex(randomblob(32)))
  FROM r`;
