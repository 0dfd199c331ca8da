/**
 * Writes exports into R2, page by page, and says how far it is. An export that was given up is begun again, so often and
 * no more; one whose time is over is deleted, file first.
 */
import { checkpointLine, keyLine } from "../domain/export-row.ts";
import { utf8 } from "../domain/encoding.ts";
import {
  deleteExport,
  expiredExports,
  exportCheckpoints,
  exportRows,
  highestRowNumber,
  MAX_EXPORT_ATTEMPTS,
  noteExport,
  takeExport,
  type ExportJob,
} from "../store/exports.ts";
import { checkpointKey } from "./checkpoint-signer.ts";
import { exportEncoder } from "./exports-format.ts";
import { R2File } from "./exports-upload.ts";

const PAGE_ROWS = 2_000;
const MAX_JOBS_PER_RUN = 5;
const MAX_EXPIRED_PER_RUN = 50;
const MAX_CHECKPOINTS = 50_000;
/** After so long without an end, a running job counts as given up. */
const STALE_MS = 20 * 60_000;

export interface ExportEnv {
  readonly AUDIT_DB: D1Database;
  readonly EXPORTS: R2Bucket;
  /** Its public half is named at the end of NDJSON exports. */
  readonly RELAYKEY_SIGNING_SEED: string;
}

export async function runExports(env: ExportEnv, nowMs: () => number): Promise<void> {
  for (let done = 0; done < MAX_JOBS_PER_RUN; done += 1) {
    const job = await takeExport(env.AUDIT_DB, nowMs(), STALE_MS);
    if (job === null) return;
    await runJob(env, job, nowMs);
  }
}

/** Files first, so that a row never outlives the knowledge of its file. */
export async function dropExpiredExports(env: ExportEnv, nowMs: number): Promise<void> {
  for (const job of await expiredExports(env.AUDIT_DB, nowMs, MAX_EXPIRED_PER_RUN)) {
    if (job.objectKey !== null) await env.EXPORTS.delete(job.objectKey);
    await deleteExport(env.AUDIT_DB, job.id);
  }
}

async function runJob(env: ExportEnv, job: ExportJob, nowMs: () => number): Promise<void> {
  if (job.attempts > MAX_EXPORT_ATTEMPTS) {
    await noteExport(env.AUDIT_DB, job.id, { state: "failed", finishedAtMs: nowMs() });
    return;
  }
  try {
    await writeFile(env, job, nowMs);
  } catch (cause) {
    console.error("export failed", { id: job.id, error: cause instanceof Error ? cause.name : "unknown" });
    const state = job.attempts >= MAX_EXPORT_ATTEMPTS ? "failed" : "pending";
    await noteExport(env.AUDIT_DB, job.id, { state, finishedAtMs: state === "failed" ? nowMs() : null });
  }
}

async function writeFile(env: ExportEnv, job: ExportJob, nowMs: () => number): Promise<void> {
  const encoder = exportEncoder(job.format);
  const objectKey = `exports/${job.organisationId}/${job.id}.${encoder.extension}`;
  const file = await R2File.create(env.EXPORTS, objectKey, encoder.contentType);
  try {
    const upToN = await highestRowNumber(env.AUDIT_DB);
    await file.write(encoder.start());
    let rows = 0;
    for (let afterN = 0; ;) {
      const range = { afterN, upToN, limit: PAGE_ROWS };
      const page = await exportRows(env.AUDIT_DB, job.organisationId, job.filter, range);
      const last = page.at(-1);
      if (last === undefined) break;
      await file.write(encoder.rows(page));
      rows += page.length;
      afterN = last.n;
      await noteExport(env.AUDIT_DB, job.id, { rows, bytes: file.bytes });
    }
    if (job.format === "ndjson") await file.write(await checkpointBytes(env, job));
    await file.write(encoder.end());
    const stored = await file.finish();
    await noteExport(env.AUDIT_DB, job.id, { state: "done", rows, objectKey, ...stored, finishedAtMs: nowMs() });
  } catch (cause) {
    await file.abort();
    throw cause;
  }
}

async function checkpointBytes(env: ExportEnv, job: ExportJob): Promise<Uint8Array> {
  const { organisationId, filter } = job;
  const heads = await exportCheckpoints(env.AUDIT_DB, organisationId, filter.credentialId, MAX_CHECKPOINTS);
  const key = await checkpointKey(env.RELAYKEY_SIGNING_SEED);
  return utf8(heads.map(checkpointLine).join("") + keyLine(key.keyId, key.publicKey));
}
