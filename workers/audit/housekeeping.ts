/**
 * What the audit Worker does beside its queue: exports, the archive, and the end of what is old. The daily parts run until
 * they find nothing more to do, and then not again until the next day (UTC).
 */
import { retentionDays, runArchive, runRetention } from "../../src/cloudflare/archive.ts";
import { dropExpiredExports, runExports } from "../../src/cloudflare/exports.ts";
import { readPosition, writePosition } from "../../src/store/work-positions.ts";
import type { AuditEnv } from "./env.ts";

/** Each piece of work on its own: one that fails is logged and does not hold up the others. */
export async function each(work: Readonly<Record<string, () => Promise<unknown>>>): Promise<void> {
  for (const [name, run] of Object.entries(work)) {
    try {
      await run();
    } catch (cause) {
      console.error("scheduled work failed", { name, error: cause instanceof Error ? cause.name : "unknown" });
    }
  }
}

export function writeExports(env: AuditEnv): Promise<void> {
  return runExports(env, () => Date.now());
}

export async function clearUp(env: AuditEnv, nowMs: number): Promise<void> {
  const days = retentionDays(env.AUDIT_RETENTION_DAYS);
  await each({
    archive: () => oncePerDay(env, "archive", nowMs, () => runArchive(env, nowMs)),
    retention: () => oncePerDay(env, "retention", nowMs, () => runRetention(env, days, nowMs)),
    exports: () => dropExpiredExports(env, nowMs),
  });
}

/** `run` says how much it did; 0 ends the day's work. */
async function oncePerDay(env: AuditEnv, name: string, nowMs: number, run: () => Promise<number>): Promise<void> {
  const today = new Date(nowMs).toISOString().slice(0, 10);
  if ((await readPosition(env.AUDIT_DB, `day/${name}`)) === today) return;
  if ((await run()) === 0) await writePosition(env.AUDIT_DB, `day/${name}`, today);
}
