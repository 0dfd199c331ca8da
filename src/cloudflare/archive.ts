/**
 * The archive: whole past days of the audit go into the bucket as gzip segments of NDJSON, and leave the database only
 * when they are old enough and their segment lies there, whole. Segments follow each other without a gap of row numbers.
 */
import { encodeHex, utf8 } from "../domain/encoding.ts";
import { ndjsonLine, type ExportRow } from "../domain/export-row.ts";
import { archivedUpTo, clearSegment, insertSegment, lastRowBefore, segmentsToClear } from "../store/archive.ts";
import { exportRows } from "../store/exports.ts";
import type { ExportEnv } from "./exports.ts";

const DAY_MS = 86_400_000;
const PAGE_ROWS = 2_000;
const MAX_SEGMENT_ROWS = 50_000;
const MAX_SEGMENTS_PER_RUN = 4;
const MAX_CLEARED_ROWS = 2_000;
const MAX_CLEARED_SEGMENTS = 2;
const DEFAULT_RETENTION_DAYS = 90;
const MIN_RETENTION_DAYS = 1;

/** Days that events stay in the database; a setting that is no whole number of days counts as the default. */
export function retentionDays(text: string | undefined): number {
  const days = /^\d{1,5}$/.test(text ?? "") ? Number(text) : DEFAULT_RETENTION_DAYS;
  return Math.max(MIN_RETENTION_DAYS, days);
}

/** Archives what came before today (UTC). Returns the number of segments written. */
export async function runArchive(env: ExportEnv, nowMs: number): Promise<number> {
  const upToN = await lastRowBefore(env.AUDIT_DB, nowMs - (nowMs % DAY_MS));
  let written = 0;
  while (written < MAX_SEGMENTS_PER_RUN) {
    const afterN = await archivedUpTo(env.AUDIT_DB);
    if (afterN >= upToN || !(await writeSegment(env, afterN, upToN, nowMs))) break;
    written += 1;
  }
  return written;
}

/** Deletes what is archived and older than the retention. Returns the number of rows deleted. */
export async function runRetention(env: ExportEnv, days: number, nowMs: number): Promise<number> {
  let cleared = 0;
  for (const segment of await segmentsToClear(env.AUDIT_DB, nowMs - days * DAY_MS, MAX_CLEARED_SEGMENTS)) {
    const stored = await env.EXPORTS.head(segment.objectKey);
    if (stored?.customMetadata?.["sha256"] !== segment.sha256) {
      console.error("an archive segment is missing or altered; its rows stay", { segment: segment.id });
      continue;
    }
    cleared += await clearSegment(env.AUDIT_DB, segment, MAX_CLEARED_ROWS);
  }
  return cleared;
}

async function writeSegment(env: ExportEnv, afterN: number, upToN: number, nowMs: number): Promise<boolean> {
  const gathered = await gatherRows(env, afterN, Math.min(upToN, afterN + MAX_SEGMENT_ROWS));
  if (gathered === null) {
    // A gap in the row numbers that is longer than a segment: look from the next row that exists.
    const [next] = await exportRows(env.AUDIT_DB, null, {}, { afterN, upToN, limit: 1 });
    return next !== undefined && writeSegment(env, next.n - 1, upToN, nowMs);
  }
  const { bytes, rows, lastN, fromMs, toMs } = gathered;
  const firstN = afterN + 1;
  const id = `seg_${String(firstN).padStart(15, "0")}`;
  const day = new Date(fromMs).toISOString().slice(0, 10).replaceAll("-", "/");
  const objectKey = `archive/${day}/${id}-${lastN}.ndjson.gz`;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = encodeHex(digest);
  // R2 refuses the object when what arrived has another digest.
  await env.EXPORTS.put(objectKey, bytes, {
    sha256: digest,
    httpMetadata: { contentType: "application/gzip" },
    customMetadata: { sha256, rows: String(rows) },
  });
  await insertSegment(env.AUDIT_DB, { id, firstN, lastN, rows, fromMs, toMs, objectKey, sha256, createdAtMs: nowMs });
  return true;
}

interface Gathered {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly rows: number;
  readonly lastN: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Rows in `(afterN, upToN]`, compressed. Null: there is none. */
async function gatherRows(env: ExportEnv, afterN: number, upToN: number): Promise<Gathered | null> {
  const gzip = new CompressionStream("gzip");
  const compressed = new Response(gzip.readable).arrayBuffer();
  const writer = gzip.writable.getWriter();
  let rows = 0;
  let lastN = afterN;
  let fromMs = Number.MAX_SAFE_INTEGER;
  let toMs = 0;
  for (;;) {
    const page: readonly ExportRow[] = await exportRows(
      env.AUDIT_DB,
      null,
      {},
      { afterN: lastN, upToN, limit: PAGE_ROWS },
    );
    const last = page.at(-1);
    if (last === undefined) break;
    await writer.write(utf8(page.map(ndjsonLine).join("")));
    rows += page.length;
    lastN = last.n;
    fromMs = Math.min(fromMs, ...page.map((row) => row.atMs));
    toMs = Math.max(toMs, ...page.map((row) => row.atMs));
  }
  await writer.close();
  const bytes = new Uint8Array(await compressed);
  return rows === 0 ? null : { bytes, rows, lastN, fromMs, toMs };
}
