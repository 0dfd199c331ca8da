/** Audit events as tests want them, put straight into the audit database. */
import { expect } from "vitest";
import { GENESIS_HASH, sealEvent } from "../../src/domain/chain.ts";
import type { EventBody, EventTuple } from "../../src/domain/chain.ts";
import { storeRows } from "../../src/store/audit-events.ts";
import { bindings } from "./admin.fixture.ts";
import type { Answer } from "./admin.fixture.ts";

/** The n-th event made is n seconds after it, unless told otherwise. */
export const START_MS = Date.parse("2026-05-01T00:00:00.000Z");
let seq = 0;

export interface Part {
  readonly organisation?: string;
  readonly credential?: string;
  readonly recipient?: string | null;
  readonly connection?: string;
  readonly customer?: string | null;
  readonly method?: string;
  readonly path?: string;
  readonly decision?: "allowed" | "denied";
  readonly reason?: string;
  readonly status?: number;
  readonly address?: string;
  readonly atMs?: number;
}

export function event(part: Part): EventTuple {
  seq += 1;
  const status = part.status ?? 200;
  const body: EventBody = [
    part.organisation ?? "org_default",
    part.credential ?? "dcred_a",
    seq,
    seq,
    part.atMs ?? START_MS + seq * 1_000,
    part.recipient ?? null,
    part.connection ?? "conn_a",
    "grant_a",
    part.customer ?? null,
    "production",
    part.method ?? "GET",
    part.path ?? "/v1/people",
    "listPeople",
    part.decision ?? "allowed",
    part.reason ?? "ok",
    status,
    part.decision === "denied" ? null : status,
    1,
    12,
    10,
    3,
    4,
    5,
    part.address ?? "203.0.113.7",
    "sdk/1.0 (test)",
    `req_${seq}`,
    "ucred_a",
    1,
    '{"echo_masked":true}',
    GENESIS_HASH,
  ];
  return sealEvent(body);
}

export async function insert(...events: EventTuple[]): Promise<void> {
  await bindings.AUDIT_DB.batch(storeRows(bindings.AUDIT_DB, { events }));
}

export function rowsOf(answer: Answer): Record<string, unknown>[] {
  expect(answer.status, answer.text).toBe(200);
  return answer.json["data"] as Record<string, unknown>[];
}
