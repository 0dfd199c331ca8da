/** The search over audit events: each filter finds what it names and nothing else, and pages hold while events arrive. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { searchAuditEvents } from "../../src/store/audit-search.ts";
import { bindings, call, fieldsOf } from "./admin.fixture.ts";
import type { Answer } from "./admin.fixture.ts";
import { START_MS, event, insert, rowsOf } from "./audit-events.fixture.ts";
import type { Part } from "./audit-events.fixture.ts";
import { otherOrganisation } from "./tenant.fixture.ts";

vi.setConfig({ testTimeout: 60_000 });

const PATH = "/api/v1/audit-events";

const VARIANTS: Part[] = [
  {},
  { credential: "dcred_b" },
  { recipient: "rcpt_b" },
  { connection: "conn_b" },
  { customer: "acme" },
  { method: "DELETE" },
  { method: "POST" },
  { path: "/v1/people/7/notes" },
  { path: "/v1/people_x" },
  { decision: "denied", reason: "path_denied", status: 403 },
  { status: 404 },
  { status: 503, reason: "circuit_open" },
  { address: "2001:db8::1" },
  { organisation: "org_eeeeeeeeeeeeeeee", credential: "dcred_e" },
];

beforeAll(async () => {
  await insert(...VARIANTS.map(event));
});

describe("filters", () => {
  it("find exactly what they name", async () => {
    const cases: [string, (row: Record<string, unknown>) => boolean, number][] = [
      ["credential_id=dcred_b", (row) => row["credential_id"] === "dcred_b", 1],
      ["recipient_id=rcpt_b", (row) => row["recipient_id"] === "rcpt_b", 1],
      ["connection_id=conn_b", (row) => row["connection_id"] === "conn_b", 1],
      ["customer=acme", (row) => row["customer"] === "acme", 1],
      ["method=delete", (row) => row["method"] === "DELETE", 1],
      ["method=POST", (row) => row["method"] === "POST", 1],
      ["decision=denied", (row) => row["decision"] === "denied", 1],
      ["decision=allowed", (row) => row["decision"] === "allowed", 12],
      ["status=404", (row) => row["status"] === 404, 1],
      ["status=4xx", (row) => row["status"] === 403 || row["status"] === 404, 2],
      ["status=200", (row) => row["status"] === 200, 10],
      ["upstream_status=503", (row) => row["upstream_status"] === 503, 1],
      ["path=/v1/people/7/notes", (row) => row["path"] === "/v1/people/7/notes", 1],
      ["path=/v1/people/*", (row) => row["path"] === "/v1/people/7/notes", 1],
      ["path=/v1/*/notes", (row) => row["path"] === "/v1/people/7/notes", 1],
      ["path=notes", (row) => row["path"] === "/v1/people/7/notes", 1],
      ["path=PEOPLE", () => false, 0],
      ["path=people%25x", () => false, 0],
      ["reason=circuit_open", (row) => row["reason"] === "circuit_open", 1],
      ["address=2001:DB8:0::1", (row) => row["address"] === "2001:db8::1", 1],
      ["environment=production&customer=acme", (row) => row["customer"] === "acme", 1],
      ["request_id=req_2", (row) => row["request_id"] === "req_2", 1],
      ["user_agent=sdk/1.0", () => true, 13],
      ["operation=listPeople&grant_id=grant_a&upstream_credential_id=ucred_a", () => true, 13],
      ["seq=3", (row) => row["seq"] === 3, 1],
      ["seq=3..4", () => true, 2],
      ["seq=..4", () => true, 4],
      ["seq=12..", () => true, 2],
      ["admission=2&attempts=1&count=1", (row) => row["admission"] === 2, 1],
      ["latency_ms=12&upstream_ms=10&bytes_in=3&bytes_out=4&cost_usd_micros=5", () => true, 13],
      ["latency_ms=13..", () => false, 0],
      ["notes=echo_masked", () => true, 13],
      ["notes=echo_missed", () => false, 0],
      ["from=2026-05-01T00:00:03Z&to=2026-05-01T00:00:05Z", () => true, 2],
      ["from=2026-05-01T02:00:03%2B02:00&to=2026-05-01T00:00:05Z", () => true, 2],
    ];
    for (const [query, fits, count] of cases) {
      const rows = rowsOf(await call("GET", `${PATH}?${query}`));
      expect(rows.length, query).toBe(count);
      expect(rows.every(fits), query).toBe(true);
    }
    const failed = rowsOf(await call("GET", "/admin/errors"));
    expect(failed.map((row) => row["status"]).toSorted()).toEqual([403, 404, 503]);
  });

  it("name what they cannot read", async () => {
    const bad = [
      "status=99",
      "status=4x",
      "from=yesterday",
      "method=G-T",
      "address=1.2.3",
      "decision=maybe",
      "seq=1..2..3",
    ];
    for (const query of bad) {
      const answer = await call("GET", `${PATH}?${query}`);
      expect(answer.status, query).toBe(422);
      expect(fieldsOf(answer)).toEqual([query.split("=")[0]]);
    }
    const glob = await call("GET", `${PATH}?path=/${"a*".repeat(40)}b`);
    expect(fieldsOf(glob)).toEqual(["path"]);
  });
});

describe("rows", () => {
  it("carry every member, and can be read alone", async () => {
    const [row] = rowsOf(await call("GET", `${PATH}?customer=acme`));
    expect(row).toMatchObject({
      seq: 5,
      at: "2026-05-01T00:00:05.000Z",
      credential_id: "dcred_a",
      environment: "production",
      decision: "allowed",
      reason: "ok",
      attempts: 1,
      latency_ms: 12,
      bytes_in: 3,
      bytes_out: 4,
      cost_usd_micros: 5,
      address: "203.0.113.7",
      user_agent: "sdk/1.0 (test)",
      notes: { echo_masked: true },
    });
    const one = await call("GET", `${PATH}/${String(row?.["id"])}`);
    expect(one.json).toEqual(row);
    const { id, hash, prev_hash: prevHash } = row ?? {};
    for (const query of [`id=${id}`, `hash=${hash}`, `prev_hash=${prevHash}&customer=acme`]) {
      expect(rowsOf(await call("GET", `${PATH}?${query}`))).toEqual([row]);
    }
    const hinted = await call("GET", `${PATH}/${String(row?.["id"])}?at=${String(row?.["at"])}`);
    expect(hinted.json).toEqual(row);
  });

  it("are those of the caller's organisation alone", async () => {
    const key = await otherOrganisation("org_eeeeeeeeeeeeeeee");
    const rows = rowsOf(await call("GET", PATH, { key }));
    expect(rows.map((row) => row["credential_id"])).toEqual(["dcred_e"]);
    const [foreign] = rowsOf(await call("GET", `${PATH}?customer=acme`));
    expect((await call("GET", `${PATH}/${String(foreign?.["id"])}`, { key })).status).toBe(404);
  });
});

describe("pages", () => {
  it("give each event once, newest first, while others arrive", async () => {
    const before = rowsOf(await call("GET", `${PATH}?limit=200`)).map((row) => row["id"]);
    const seen: unknown[] = [];
    let cursor = "";
    do {
      const answer = await call("GET", `${PATH}?limit=3${cursor}`);
      seen.push(...rowsOf(answer).map((row) => row["id"]));
      cursor = answer.json["next_cursor"] === null ? "" : `&cursor=${String(answer.json["next_cursor"])}`;
      // Newer than every page that follows, and two in one millisecond.
      const atMs = START_MS + 3_600_000 + seen.length;
      await insert(event({ atMs, customer: "late" }), event({ atMs, customer: "late" }));
    } while (cursor !== "");
    expect(seen).toEqual(before);
    const twins: unknown[] = [];
    cursor = "";
    do {
      const answer = await call("GET", `${PATH}?customer=late&limit=1${cursor}`);
      twins.push(...rowsOf(answer).map((row) => row["id"]));
      cursor = answer.json["next_cursor"] === null ? "" : `&cursor=${String(answer.json["next_cursor"])}`;
    } while (cursor !== "");
    expect(new Set(twins).size).toBe(twins.length);
    expect(twins.length).toBeGreaterThan(4);
  });
});

describe("a search that no index serves", () => {
  it("finds what there is, however many pages that takes", async () => {
    const credential = "dcred_many";
    const atMs = START_MS - 86_400_000;
    await insert(event({ credential, address: "198.51.100.9", atMs }));
    // Written without the gates' batches: only their number matters here.
    await bindings.AUDIT_DB.prepare(
      `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 10050)
       INSERT INTO audit_events (id, organisation_id, credential_id, seq, admission, at_ms, connection_id, method, path,
         decision, reason, status, attempts, user_agent, request_id, count, notes, prev_hash, hash)
       SELECT 'evt_many' || i, 'org_default', ?1, 100000 + i, 1, ?2 + i, 'conn_many', 'GET', '/many', 'allowed', 'ok', 200,
         1, '', '', 1, '{}', '', '' FROM c`,
    )
      .bind(credential, atMs)
      .run();
    // The grant is in no index, so each event of the credential is looked at: the one that fits is the oldest.
    const query = `${PATH}?credential_id=${credential}&grant_id=grant_a`;
    let found: Record<string, unknown>[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const answer: Answer = await call("GET", `${query}${cursor}`);
      found = [...found, ...rowsOf(answer)];
      const next = answer.json["next_cursor"];
      cursor = typeof next === "string" ? `&cursor=${next}` : null;
    }
    expect(found.map((row) => row["address"])).toEqual(["198.51.100.9"]);
    // However fast the machine is: found by its address, there is nothing to look through.
    const [alone] = rowsOf(await call("GET", `${PATH}?credential_id=${credential}&address=198.51.100.9`));
    expect(alone).toEqual(found[0]);
    const prefix = await call("GET", `${PATH}?path=/man*&limit=2`);
    expect(rowsOf(prefix).map((row) => row["id"])).toEqual(["evt_many10050", "evt_many10049"]);
  });

  it("stops when its time is up, says where, and goes on from there", async () => {
    const now = vi.spyOn(Date, "now");
    let time = Date.now();
    now.mockImplementation(() => (time += 1_000));
    try {
      const page = { limit: 10, after: null };
      const filter = { equal: { credentialId: "dcred_many", grantId: "grant_a" } };
      const first = await searchAuditEvents(bindings.AUDIT_DB, "org_default", filter, page);
      expect(first.rows).toEqual([]);
      const seen: (typeof first)[] = [first];
      for (let at = first.next; at !== null; at = seen.at(-1)?.next ?? null) {
        seen.push(await searchAuditEvents(bindings.AUDIT_DB, "org_default", filter, { limit: 10, after: at }));
      }
      expect(seen.length).toBeGreaterThan(30);
      expect(seen.flatMap((each) => each.rows).map((row) => row.address)).toEqual(["198.51.100.9"]);
    } finally {
      now.mockRestore();
    }
  });

  it("takes a cursor of its own only", async () => {
    const foreign = btoa("1000.evt_0123456789abcdef").replaceAll("=", "");
    const answer = await call("GET", `${PATH}?cursor=${foreign}`);
    expect(answer.status).toBe(422);
    expect(fieldsOf(answer)).toEqual(["cursor"]);
  });
});

describe("combinations", () => {
  it("find the same whichever index begins", async () => {
    const filters = [
      "credential_id=dcred_a",
      "recipient_id=rcpt_b",
      "connection_id=conn_a",
      "customer=acme",
      "method=DELETE",
      "method=GET",
      "path=/v1/people",
      "path=/v1/*",
      "path=notes",
      "decision=denied",
      "status=404",
      "status=4xx",
      "status=5xx",
      "reason=path_denied",
      "reason=ok",
      "address=203.0.113.7",
      "upstream_status=404",
      "from=2026-05-01T00:00:04Z",
      "to=2026-05-01T00:00:09Z",
    ];
    const idsOf = async (query: string) => {
      const from = query.includes("from=") ? "" : "&from=2026-05-01T00:00:00Z";
      const to = query.includes("to=") ? "" : "&to=2026-05-01T00:10:00Z";
      return rowsOf(await call("GET", `${PATH}?limit=200&${query}${from}${to}`)).map((row) => row["id"]);
    };
    for (const one of filters) {
      for (const other of filters) {
        const names = [one, other].map((each) => each.split("=")[0]);
        if (names[0] === names[1]) continue;
        const both = await idsOf(`${one}&${other}`);
        const within = new Set(await idsOf(other));
        expect(both, `${one}&${other}`).toEqual((await idsOf(one)).filter((id) => within.has(id)));
      }
    }
    expect(await idsOf("")).toHaveLength(13);
  });
});
