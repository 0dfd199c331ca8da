/**
 * Writes exports into R2, in turns: each turn goes on from the last finished part, so that neither a crash nor a limit on
 * running time makes an export begin anew. One that makes no progress is tried so often and no more; one whose time is over
 * is deleted, file first.
 *
 * Events never change, so a page that is written again has the same bytes. Where it has not (rows left the database with
 * the archive in the meantime), the export does begin anew: what it says must come from one reading.
 */
import { checkpointLine, keyLine } from "../domain/export-row.ts";
import { utf8 } from "../domain/encoding.ts";
import { NO_ROWS_DIGEST, statementLine } from "../domain/export-statement.ts";
import { highestRowNumber } from "../store/audit-rows.ts";
import {
  dropExportParts,
  exportParts,
  forgetExportParts,
  storeExportPart,
  type ExportPart,
} from "../store/export-parts.ts";
import {
  deleteExport,
  expiredExports,
  exportCheckpoints,
  exportRows,
  findExport,
  MAX_EXPORT_ATTEMPTS,
  noteExport,
  takeExport,
  type ExportJob,
} from "../store/exports.ts";
import { checkpointKey, signStatement } from "./checkpoint-signer.ts";
import { exportEncoder, type ExportEncoder } from "./exports-format.ts";
import { digestOf, dropUpload, isUploadGone, PART_BYTES, PartWriter, sha256Hex } from "./exports-upload.ts";

const PAGE_ROWS = 2_000;
const MAX_JOBS_PER_RUN = 5;
const MAX_EXPIRED_PER_RUN = 50;
const MAX_CHECKPOINTS = 50_000;
/** A turn ends after this time: well inside what a Worker may compute at a stretch. */
const TURN_MS = 20_000;
/** A running job shows a sign of life with every page; after so long without one it counts as given up. */
const STALE_MS = 5 * 60_000;

export interface ExportEnv {
  readonly AUDIT_DB: D1Database;
  readonly EXPORTS: R2Bucket;
  /** Its public half is named at the end of NDJSON exports. */
  readonly RELAYKEY_SIGNING_SEED: string;
}

export async function runExports(env: ExportEnv, nowMs: () => number): Promise<void> {
  const turn = { nowMs, endsMs: nowMs() + TURN_MS };
  for (let done = 0; done < MAX_JOBS_PER_RUN && nowMs() <= turn.endsMs; done += 1) {
    const job = await takeExport(env.AUDIT_DB, nowMs(), STALE_MS);
    if (job === null) return;
    await runJob(env, job, turn);
  }
}

/** Files first, so that a row never outlives the knowledge of its file. */
export async function dropExpiredExports(env: ExportEnv, nowMs: number): Promise<void> {
  for (const job of await expiredExports(env.AUDIT_DB, nowMs, MAX_EXPIRED_PER_RUN)) {
    await dropUpload(env.EXPORTS, objectKeyOf(job), job.uploadId);
    await deleteExport(env.AUDIT_DB, job.id);
  }
}

interface Turn {
  readonly nowMs: () => number;
  readonly endsMs: number;
}

async function runJob(env: ExportEnv, job: ExportJob, turn: Turn): Promise<void> {
  if (job.attempts > MAX_EXPORT_ATTEMPTS) return failExport(env, job, turn);
  try {
    const written = await writeFile(env, job, turn);
    if (!written) {
      // The turn is over, not the attempt.
      await noteExport(env.AUDIT_DB, job.id, { state: "pending", attempts: 0 });
      return;
    }
    const sha256 = await digestOf(env.EXPORTS, objectKeyOf(job));
    const done = { state: "done", objectKey: objectKeyOf(job), uploadId: null, sha256 } as const;
    await noteExport(env.AUDIT_DB, job.id, { ...done, finishedAtMs: turn.nowMs() });
    await dropExportParts(env.AUDIT_DB, job.id);
  } catch (cause) {
    console.error("export failed", { id: job.id, error: cause instanceof Error ? cause.name : "unknown" });
    // As it is now: with what this attempt began and finished.
    const now = (await findExport(env.AUDIT_DB, job.organisationId, job.id)) ?? job;
    if (now.attempts >= MAX_EXPORT_ATTEMPTS) return failExport(env, now, turn);
    if (cause instanceof OtherBytes || isUploadGone(cause)) await startAnew(env, now);
    await noteExport(env.AUDIT_DB, job.id, { state: "pending" });
  }
}

async function failExport(env: ExportEnv, job: ExportJob, turn: Turn): Promise<void> {
  await startAnew(env, job);
  await noteExport(env.AUDIT_DB, job.id, { state: "failed", finishedAtMs: turn.nowMs() });
}

/** What was written does not go together with what is read now. */
class OtherBytes extends Error {
  override readonly name = "OtherBytes";
}

/** Returns false when the turn ended before the file was complete. */
async function writeFile(env: ExportEnv, job: ExportJob, turn: Turn): Promise<boolean> {
  // An upload that was completed leaves the file behind; only its digest may be missing.
  if (job.uploadId !== null && (await env.EXPORTS.head(objectKeyOf(job))) !== null) return true;
  const { file, encoder, upToN, last } = await openFile(env, job);
  let { afterN, rows } = last ?? { afterN: 0, rows: 0 };
  let notes: string[] = [];
  let known = last;
  let progressed = false;

  const write = async (bytes: Uint8Array): Promise<void> => {
    const skipped = known === null ? 0 : await skippedBytes(known, bytes);
    known = null;
    await file.write(bytes.subarray(skipped), async (part, taken) => {
      const skipBytes = skipped + taken;
      const place = { exportId: job.id, part: part.partNumber, etag: part.etag, afterN, rows, notes, skipBytes };
      const skipSha256 = await sha256Hex(bytes.subarray(0, skipBytes));
      await storeExportPart(env.AUDIT_DB, { ...place, skipSha256 }, turn.nowMs());
      notes = [];
      progressed = true;
    });
  };

  if (last === null) await write(encoder.start());
  for (;;) {
    if (progressed && turn.nowMs() > turn.endsMs) return false;
    const page = await exportRows(env.AUDIT_DB, job.organisationId, job.filter, { afterN, upToN, limit: PAGE_ROWS });
    const lastRow = page.at(-1);
    if (lastRow === undefined) break;
    await write(encoder.rows(page));
    rows += page.length;
    afterN = lastRow.n;
    const note = encoder.note();
    if (note !== null) notes = [...notes, note];
    await noteExport(env.AUDIT_DB, job.id, { rows, bytes: file.bytes, startedAtMs: turn.nowMs() });
  }
  await write(await tailBytes(env, job, encoder, { upToN, rows }));
  await noteExport(env.AUDIT_DB, job.id, { bytes: file.bytes });
  await file.finish();
  return true;
}

interface OpenFile {
  readonly file: PartWriter;
  readonly encoder: ExportEncoder;
  readonly upToN: number;
  /** The last finished part; null: the file begins. */
  readonly last: ExportPart | null;
}

/** A new upload, or the unfinished one with all that is in it. What arrives after its beginning is not part of an export. */
async function openFile(env: ExportEnv, job: ExportJob): Promise<OpenFile> {
  if (job.uploadId === null || job.upToN === null) {
    const encoder = exportEncoder(job.format, null);
    const httpMetadata = { contentType: encoder.contentType };
    const upload = await env.EXPORTS.createMultipartUpload(objectKeyOf(job), { httpMetadata });
    const upToN = await highestRowNumber(env.AUDIT_DB);
    await noteExport(env.AUDIT_DB, job.id, { uploadId: upload.uploadId, upToN, rows: 0, bytes: 0 });
    return { file: new PartWriter(upload, []), encoder, upToN, last: null };
  }
  const parts = await exportParts(env.AUDIT_DB, job.id);
  const upload = env.EXPORTS.resumeMultipartUpload(objectKeyOf(job), job.uploadId);
  const file = new PartWriter(
    upload,
    parts.map(({ part, etag }) => ({ partNumber: part, etag })),
  );
  const last = parts.at(-1) ?? null;
  const soFar =
    last === null
      ? null
      : { bytes: parts.length * PART_BYTES - last.skipBytes, notes: parts.flatMap((part) => part.notes) };
  return { file, encoder: exportEncoder(job.format, soFar), upToN: job.upToN, last };
}

/** How many of a page's bytes are in the bucket already; throws when they are not the same bytes. */
async function skippedBytes(place: ExportPart, bytes: Uint8Array): Promise<number> {
  const known = bytes.subarray(0, place.skipBytes);
  if (known.length < place.skipBytes || (await sha256Hex(known)) !== place.skipSha256) throw new OtherBytes();
  return place.skipBytes;
}

async function startAnew(env: ExportEnv, job: ExportJob): Promise<void> {
  await dropUpload(env.EXPORTS, objectKeyOf(job), job.uploadId);
  await forgetExportParts(env.AUDIT_DB, job.id);
}

async function tailBytes(
  env: ExportEnv,
  job: ExportJob,
  encoder: ExportEncoder,
  { upToN, rows }: { readonly upToN: number; readonly rows: number },
): Promise<Uint8Array> {
  const end = encoder.end();
  if (job.format !== "ndjson") return end;
  const { organisationId, filter } = job;
  const range = { credentialId: filter.credentialId, upToN, limit: MAX_CHECKPOINTS };
  const heads = await exportCheckpoints(env.AUDIT_DB, organisationId, range);
  const key = await checkpointKey(env.RELAYKEY_SIGNING_SEED);
  const digest = encoder.note() ?? NO_ROWS_DIGEST;
  const statement = await signStatement(key, { organisationId, filter: wireNames({ ...filter }), rows, digest });
  return utf8(heads.map(checkpointLine).join("") + keyLine(key.keyId, key.publicKey) + statementLine(statement));
}

function objectKeyOf(job: ExportJob): string {
  return `exports/${job.organisationId}/${job.id}.${job.format}`;
}

/** `credentialId` as `credential_id`, for whoever reads the file. */
function wireNames(filter: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(filter))
    wire[name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  return wire;
}
