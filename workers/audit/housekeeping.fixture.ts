/** Stored events for the tests of exports and of the archive. */
import { env as workerEnv } from "cloudflare:workers";
import { sealEvent, type EventTuple } from "../../src/domain/chain.ts";
import { storeRows } from "../../src/store/audit-events.ts";
import type { AuditEnv } from "./env.ts";

export const env = workerEnv as AuditEnv;
export const DAY_MS = 86_400_000;
export const NOW_MS = Date.UTC(2026, 4, 20, 10);

/** A chain of events of one credential, `count` of them, from that time on, one per second. */
export function chain(
  credentialId: string,
  count: number,
  fromMs: number,
  organisationId = "org_default",
): EventTuple[] {
  const events: EventTuple[] = [];
  let prevHash = "0".repeat(64);
  for (let seq = 1; seq <= count; seq += 1) {
    const sealed = sealEvent([
      organisationId,
      credentialId,
      seq,
      seq,
      fromMs + seq * 1000,
      null,
      "conn_x",
      "grant_x",
      null,
      null,
      "GET",
      `/v1/${seq}`,
      null,
      "allowed",
      "ok",
      200,
      200,
      1,
      20,
      10,
      1,
      2,
      null,
      "203.0.113.5",
      "=cmd()",
      `req_${credentialId}_${seq}`,
      null,
      1,
      '{"k":1}',
      prevHash,
    ]);
    prevHash = sealed[30];
    events.push(sealed);
  }
  return events;
}

export async function store(events: readonly EventTuple[]): Promise<void> {
  for (let at = 0; at < events.length; at += 500) {
    await env.AUDIT_DB.batch(storeRows(env.AUDIT_DB, { events: events.slice(at, at + 500) }));
  }
}
