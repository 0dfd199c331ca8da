import { env as workerEnv } from "cloudflare:workers";
import { parquetReadObjects } from "hyparquet";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { runArchive, retentionDays, runRetention } from "../../src/cloudflare/archive.ts";
import { dropExpiredExports, runExports } from "../../src/cloudflare/exports.ts";
import { sealEvent, type EventTuple } from "../../src/domain/chain.ts";
import { storeRows } from "../../src/store/audit-events.ts";
import type { ExportFilter } from "../../src/store/audit-extra-schema.ts";
import { findExport, insertExport } from "../../src/store/exports.ts";
import type { AuditEnv } from "./env.ts";

const env = workerEnv as AuditEnv;
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 4, 20, 10);
let round = 0;

/** A chain of events of one credential, `count` of them, from that time on, one per second. */
function chain(credentialId: string, count: number, fromMs: number, organisationId = "org_default"): EventTuple[] {
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

async function store(events: readonly EventTuple[]): Promise<void> {
  for (let at = 0; at < events.length; at += 500) {
    await env.AUDIT_DB.batch(storeRows(env.AUDIT_DB, { events: events.slice(at, at + 500) }));
  }
}

async function exported(format: "ndjson" | "csv" | "parquet", filter: ExportFilter = {}) {
  round += 1;
  const id = `exp_${round}`;
  await insertExport(env.AUDIT_DB, {
    id,
    organisationId: "org_default",
    format,
    filter,
    state: "pending",
    rows: 0,
    bytes: 0,
    objectKey: null,
    sha256: null,
    createdBy: "mk_1",
    createdAtMs: NOW_MS,
    startedAtMs: null,
    finishedAtMs: null,
    expiresAtMs: NOW_MS + DAY_MS,
    attempts: 0,
  });
  await runExports(env, () => NOW_MS);
  const job = await findExport(env.AUDIT_DB, "org_default", id);
  if (job === null || job.objectKey === null) throw new Error("The export was not written");
  const file = await env.EXPORTS.get(job.objectKey);
  if (file === null) throw new Error("There is no file");
  return { job, bytes: new Uint8Array(await file.arrayBuffer()) };
}

async function countRows(): Promise<number> {
  return (await env.AUDIT_DB.prepare("SELECT count(*) AS n FROM audit_events").first<{ n: number }>())?.n ?? 0;
}

describe("exports", () => {
  beforeEach(async () => {
    await store([
      ...chain("dcred_a", 2_500, NOW_MS - DAY_MS),
      ...chain("dcred_b", 3, NOW_MS - DAY_MS),
      ...chain("dcred_foreign", 5, NOW_MS - DAY_MS, "org_other"),
    ]);
  });

  it("hold every event of the organisation, in order, with size and digest", async () => {
    const { job, bytes } = await exported("ndjson");
    const lines = new TextDecoder()
      .decode(bytes)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.pop()).toMatchObject({ key: { algorithm: "Ed25519" } });
    expect(lines).toHaveLength(2_503);
    expect(job).toMatchObject({ state: "done", rows: 2_503, bytes: bytes.length });
    expect(lines.filter((line) => line.credential_id === "dcred_a").map((line) => line.seq)).toEqual(
      Array.from({ length: 2_500 }, (_, at) => at + 1),
    );
    expect(new Set(lines.map((line) => line.organisation_id))).toEqual(new Set(["org_default"]));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    expect(job.sha256).toBe([...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  });

  it("are filtered, and safe in a spreadsheet", async () => {
    const { job, bytes } = await exported("csv", { credentialId: "dcred_b", fromMs: NOW_MS - DAY_MS + 2000 });
    const lines = new TextDecoder().decode(bytes).trimEnd().split("\r\n");
    expect(job.rows).toBe(2);
    expect(lines).toHaveLength(3);
    expect(lines[1]).toContain(`"'=cmd()"`);
  });

  it("are Parquet files that another program reads", async () => {
    const { job, bytes } = await exported("parquet", { credentialId: "dcred_a" });
    const rows = await parquetReadObjects({ file: bytes.buffer });
    expect(rows).toHaveLength(2_500);
    expect(job.rows).toBe(2_500);
    expect(rows[2_499]).toMatchObject({
      credential_id: "dcred_a",
      seq: 2_500n,
      path: "/v1/2500",
      customer: null,
      at: new Date(NOW_MS - DAY_MS + 2_500_000),
    });
  });

  it("hold nothing but a head when there is nothing, and are deleted with their file", async () => {
    const { job, bytes } = await exported("ndjson", { credentialId: "dcred_none" });
    expect(new TextDecoder().decode(bytes)).toMatch(/^\{"key":.*\}\n$/);
    await dropExpiredExports(env, NOW_MS + 2 * DAY_MS);
    expect(await findExport(env.AUDIT_DB, "org_default", job.id)).toBeNull();
    expect(await env.EXPORTS.head(job.objectKey ?? "")).toBeNull();
    const empty = await exported("parquet", { credentialId: "dcred_none" });
    expect(await parquetReadObjects({ file: empty.bytes.buffer })).toEqual([]);
  });
});

describe("the archive", () => {
  it("takes whole days, and lets only what is archived leave the database", async () => {
    await env.AUDIT_DB.prepare("DELETE FROM work_positions").run();
    await store([...chain("dcred_old", 700, NOW_MS - 100 * DAY_MS), ...chain("dcred_today", 10, NOW_MS - 3_600_000)]);
    const before = await countRows();
    expect(await runRetention(env, 30, NOW_MS)).toBe(0);
    await expect(env.AUDIT_DB.prepare("DELETE FROM audit_events").run()).rejects.toThrow("not archived");

    expect(await runArchive(env, NOW_MS)).toBe(1);
    expect(await runArchive(env, NOW_MS)).toBe(0);
    const { results } = await env.AUDIT_DB.prepare("SELECT * FROM archive_segments").all<{
      object_key: string;
      rows: number;
    }>();
    const [segment] = results;
    const file = await env.EXPORTS.get(segment?.object_key ?? "");
    if (file === null) throw new Error("There is no segment");
    const text = await new Response(file.body.pipeThrough(new DecompressionStream("gzip"))).text();
    expect(text.trimEnd().split("\n")).toHaveLength(segment?.rows ?? 0);
    expect(text).toContain('"dcred_old"');
    expect(text).not.toContain('"dcred_today"');

    // Events of other days share the segment, so nothing goes before all of it is old enough.
    expect(await runRetention(env, 30, NOW_MS)).toBe(0);
    const cleared = await runRetention(env, 30, NOW_MS + 60 * DAY_MS);
    expect(cleared).toBeGreaterThan(0);
    let rest = cleared;
    for (
      let step = await runRetention(env, 30, NOW_MS + 60 * DAY_MS);
      step > 0;
      step = await runRetention(env, 30, NOW_MS + 60 * DAY_MS)
    )
      rest += step;
    expect(rest).toBe(segment?.rows);
    expect(await countRows()).toBe(before - rest);
  });

  it("keeps the rows of a segment that is no longer in the bucket", async () => {
    await store(chain("dcred_lost", 5, NOW_MS - 50 * DAY_MS));
    expect(await runArchive(env, NOW_MS + 2 * DAY_MS)).toBe(1);
    const last = await env.AUDIT_DB.prepare(
      "SELECT object_key FROM archive_segments ORDER BY last_n DESC LIMIT 1",
    ).first<{ object_key: string }>();
    await env.EXPORTS.delete(last?.object_key ?? "");
    const before = await countRows();
    expect(await runRetention(env, 1, NOW_MS + 200 * DAY_MS)).toBe(0);
    expect(await countRows()).toBe(before);
  });

  it("reads its setting, and takes nonsense for the default", () => {
    expect(retentionDays("30")).toBe(30);
    expect(retentionDays("0")).toBe(1);
    for (const text of [undefined, "", "-1", "1e9", "x"]) expect(retentionDays(text)).toBe(90);
  });
});
