/** Exports: what is in them, and that neither a crash nor a short turn costs more than the part that was being written. */
import { parquetReadObjects } from "hyparquet";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { checkpointKey, checkpointVerifier } from "../../src/cloudflare/checkpoint-signer.ts";
import { dropExpiredExports, runExports } from "../../src/cloudflare/exports.ts";
import { parseExport, verifyExport } from "../../src/domain/export-verify.ts";
import type { ExportFilter } from "../../src/store/audit-extra-schema.ts";
import { findExport, insertExport } from "../../src/store/exports.ts";
import { chain, DAY_MS, env, NOW_MS, store } from "./housekeeping.fixture.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });
let round = 0;

type Format = "ndjson" | "csv" | "parquet";

async function newExport(format: Format, filter: ExportFilter = {}): Promise<string> {
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
    uploadId: null,
    upToN: null,
  });
  return id;
}

async function exported(format: Format, filter: ExportFilter = {}) {
  const id = await newExport(format, filter);
  await runExports(env, () => NOW_MS);
  return finished(id);
}

async function finished(id: string) {
  const job = await findExport(env.AUDIT_DB, "org_default", id);
  if (job === null || job.objectKey === null) throw new Error("The export was not written");
  const file = await env.EXPORTS.get(job.objectKey);
  if (file === null) throw new Error("There is no file");
  return { job, bytes: new Uint8Array(await file.arrayBuffer()) };
}

async function verified(text: string) {
  const parsed = parseExport(text);
  if (!parsed.ok) return parsed;
  const { publicKey } = await checkpointKey(env.RELAYKEY_SIGNING_SEED);
  return verifyExport(parsed.value, checkpointVerifier(publicKey));
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
    expect(lines.pop()).toMatchObject({ export: { organisation_id: "org_default", filter: {}, rows: 2_503 } });
    const key = lines.pop();
    expect(key).toMatchObject({ key: { algorithm: "Ed25519" } });
    expect(lines).toHaveLength(2_503);
    expect(job).toMatchObject({ state: "done", rows: 2_503, bytes: bytes.length });
    expect(lines.filter((line) => line.credential_id === "dcred_a").map((line) => line.seq)).toEqual(
      Array.from({ length: 2_500 }, (_, at) => at + 1),
    );
    expect(new Set(lines.map((line) => line.organisation_id))).toEqual(new Set(["org_default"]));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    expect(job.sha256).toBe([...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  });

  it("are signed for: with a filter, without one, and not once a row is gone", async () => {
    for (const filter of [{}, { credentialId: "dcred_a" }, { fromMs: NOW_MS - DAY_MS + 2000 }]) {
      const text = new TextDecoder().decode((await exported("ndjson", filter)).bytes);
      expect(await verified(text)).toMatchObject({ ok: true });
      const [, ...others] = text.split("\n");
      expect(await verified(others.join("\n"))).toMatchObject({ error: { fault: "statement_differs" } });
    }
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
    expect(new TextDecoder().decode(bytes)).toMatch(/^\{"key":.*\}\n\{"export":.*"rows":0,.*\}\n$/);
    await dropExpiredExports(env, NOW_MS + 2 * DAY_MS);
    expect(await findExport(env.AUDIT_DB, "org_default", job.id)).toBeNull();
    expect(await env.EXPORTS.head(job.objectKey ?? "")).toBeNull();
    const empty = await exported("parquet", { credentialId: "dcred_none" });
    expect(await parquetReadObjects({ file: empty.bytes.buffer })).toEqual([]);
  });
});

describe("a large export", () => {
  const ROWS = 4_200;
  const big = { credentialId: "dcred_big" };

  /** More than two parts of the file: text that does not compress. */
  async function storeLarge(): Promise<void> {
    await env.AUDIT_DB.prepare(
      `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?1)
       INSERT INTO audit_events (id, organisation_id, credential_id, seq, admission, at_ms, connection_id, method, path,
         decision, reason, status, attempts, user_agent, request_id, count, notes, prev_hash, hash)
       SELECT 'evt_big' || i, 'org_default', 'dcred_big', i, i, ?2 + i, 'conn_x', 'GET', '/' || i, 'allowed', 'ok', 200,
         1, hex(randomblob(2200)), 'req_' || i, 1, '{"n":' || i || '}', '', '' FROM c`,
    )
      .bind(ROWS, NOW_MS - DAY_MS)
      .run();
  }

  interface Bucket {
    readonly bucket: R2Bucket;
    readonly uploaded: number[];
  }

  /** The bucket, in which the upload of one part never ends: what waits for it is as good as killed. */
  function bucketThatHangs(atPart: number | null): Bucket {
    const uploaded: number[] = [];
    const wrapped = (upload: R2MultipartUpload): R2MultipartUpload => ({
      key: upload.key,
      uploadId: upload.uploadId,
      abort: () => upload.abort(),
      complete: (parts) => upload.complete(parts),
      uploadPart: (part, value) => {
        if (part === atPart) return new Promise<never>(() => {});
        uploaded.push(part);
        return upload.uploadPart(part, value);
      },
    });
    const own: Partial<R2Bucket> = {
      createMultipartUpload: async (...args) => wrapped(await env.EXPORTS.createMultipartUpload(...args)),
      resumeMultipartUpload: (...args) => wrapped(env.EXPORTS.resumeMultipartUpload(...args)),
    };
    const bucket = new Proxy(env.EXPORTS, {
      get: (target, name) => {
        const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    return { bucket, uploaded };
  }

  async function killedAtPart(id: string, part: number): Promise<void> {
    const { bucket, uploaded } = bucketThatHangs(part);
    void runExports({ ...env, EXPORTS: bucket }, () => NOW_MS);
    await vi.waitFor(() => expect(uploaded).toHaveLength(part - 1), { timeout: 30_000 });
    await vi.waitFor(async () => expect((await findExport(env.AUDIT_DB, "org_default", id))?.rows).toBeGreaterThan(0), {
      timeout: 30_000,
    });
    // Time for the rows up to the part that hangs.
    await new Promise((resolve) => setTimeout(resolve, 500));
  }

  const later = () => NOW_MS + 10 * 60_000;

  beforeEach(storeLarge);

  it.each(["ndjson", "csv", "parquet"] as const)(
    "as %s goes on where it was killed, with the same bytes",
    async (format) => {
      const whole = await exported(format, big);
      const id = await newExport(format, big);
      await killedAtPart(id, 2);
      const { bucket, uploaded } = bucketThatHangs(null);
      await runExports({ ...env, EXPORTS: bucket }, () => NOW_MS);
      expect(uploaded).toEqual([]);
      await runExports({ ...env, EXPORTS: bucket }, later);
      expect(uploaded[0]).toBe(2);
      const { job, bytes } = await finished(id);
      expect(job).toMatchObject({ state: "done", rows: ROWS, bytes: bytes.length, uploadId: null });
      expect(bytes.length).toBe(whole.bytes.length);
      expect(job.sha256).toBe(whole.job.sha256);
      if (format === "parquet") expect(await parquetReadObjects({ file: bytes.buffer })).toHaveLength(ROWS);
    },
  );

  it("begins anew when rows have left the database in the meantime", async () => {
    const id = await newExport("csv", big);
    await killedAtPart(id, 2);
    await env.AUDIT_DB.batch([
      env.AUDIT_DB.prepare(
        "INSERT INTO archive_segments SELECT 'seg_t', min(n), max(n), 1, 0, 0, 'k', 'x', 0 FROM audit_events",
      ),
      env.AUDIT_DB.prepare(
        "DELETE FROM audit_events WHERE credential_id = 'dcred_big' AND seq IN (1, 2, 1999, 2000, 3999)",
      ),
    ]);
    await runExports(env, later);
    await runExports(env, () => later() + 1);
    const { job, bytes } = await finished(id);
    expect(job).toMatchObject({ state: "done", rows: ROWS - 5 });
    expect(new TextDecoder().decode(bytes).trimEnd().split("\r\n")).toHaveLength(ROWS - 5 + 1);
  });

  it("is written in turns, and lets a small one pass", async () => {
    const id = await newExport("ndjson", big);
    let nowMs = NOW_MS;
    const slow = () => (nowMs += 3_000);
    await runExports(env, slow);
    const halfway = await findExport(env.AUDIT_DB, "org_default", id);
    expect(halfway).toMatchObject({ state: "pending", attempts: 0 });
    expect(halfway?.rows).toBeGreaterThan(0);
    const small = await newExport("ndjson", { credentialId: "dcred_none" });
    await runExports(env, slow);
    expect(await findExport(env.AUDIT_DB, "org_default", small)).toMatchObject({ state: "done" });
    for (let turn = 0; turn < 10; turn += 1) await runExports(env, slow);
    expect((await finished(id)).job).toMatchObject({ state: "done", rows: ROWS });
  });

  it("is given up after attempts without progress, and leaves nothing behind", async () => {
    const id = await newExport("ndjson", big);
    await killedAtPart(id, 2);
    const broken = new Proxy(env.AUDIT_DB, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name !== "prepare" || typeof value !== "function")
          return typeof value === "function" ? value.bind(target) : value;
        return (sql: string) => {
          if (sql.includes("ORDER BY n LIMIT")) throw new Error("planted");
          return target.prepare(sql);
        };
      },
    });
    for (let attempt = 0; attempt < 4; attempt += 1) await runExports({ ...env, AUDIT_DB: broken }, later);
    expect(await findExport(env.AUDIT_DB, "org_default", id)).toMatchObject({ state: "failed", uploadId: null });
    expect(await env.AUDIT_DB.prepare("SELECT count(*) AS n FROM audit_export_parts").first("n")).toBe(0);
    expect((await env.EXPORTS.list({ prefix: `exports/org_default/${id}.` })).objects).toEqual([]);
  });
});
