/** Audit events in the order of their arrival: whoever asks again and again gets each of them once, whenever its call began. */
import { describe, expect, it, vi } from "vitest";
import { eventFromTuple } from "../../src/domain/chain.ts";
import type { EventTuple } from "../../src/domain/chain.ts";
import { readArrivals } from "../../src/store/audit-arrivals.ts";
import { bindings, call, fieldsOf } from "./admin.fixture.ts";
import type { Answer } from "./admin.fixture.ts";
import { START_MS, event, insert, rowsOf } from "./audit-events.fixture.ts";
import { otherOrganisation } from "./tenant.fixture.ts";

const PATH = "/api/v1/audit-events?order=arrival";
const OTHER = "org_ffffffffffffffff";

const idsOf = (answer: Answer) => rowsOf(answer).map((row) => row["id"]);
const idOf = (event: EventTuple) => eventFromTuple(event).id;
const cursorOf = (answer: Answer) => {
  expect(answer.json["next_cursor"], answer.text).toEqual(expect.any(String));
  return String(answer.json["next_cursor"]);
};

/** As a poller does: from a cursor on until nothing more comes. */
async function poll(query: string, from: string | null): Promise<{ ids: unknown[]; cursor: string }> {
  const ids: unknown[] = [];
  for (let cursor = from; ;) {
    const answer = await call("GET", `${PATH}&${query}${cursor === null ? "" : `&cursor=${cursor}`}`);
    ids.push(...idsOf(answer));
    const next = cursorOf(answer);
    if (next === cursor) return { ids, cursor: next };
    cursor = next;
  }
}

describe("events in the order of arrival", () => {
  it("are each given once to who asks again, also those of calls that began long before", async () => {
    const quick = [event({}), event({})];
    await insert(...quick);
    const first = await poll("limit=1", null);
    const expected = quick.map(idOf);
    expect(first.ids).toEqual(expected);
    // One that took so long that it is recorded after those that began later.
    const slow = event({ atMs: START_MS - 600_000 });
    const after = event({});
    await insert(slow);
    await insert(after);
    const second = await poll("limit=50", first.cursor);
    expect(second.ids).toEqual([idOf(slow), idOf(after)]);
    expect((await poll("limit=50", second.cursor)).ids).toEqual([]);
    // By time, the slow one stands before the place where a reader of the newest stopped.
    const newest = await call("GET", `/api/v1/audit-events?from=2026-05-01T00:00:01Z`);
    expect(idsOf(newest)).not.toContain(idOf(slow));
  });

  it("can begin now, and are held against every filter", async () => {
    await insert(event({ customer: "before" }));
    const start = await call("GET", `${PATH}&start=now&customer=acme`);
    expect(idsOf(start)).toEqual([]);
    const mine = event({ customer: "acme", path: "/v1/notes/1" });
    await insert(event({}), mine, event({ customer: "acme", path: "/v1/people" }), event({ customer: "before" }));
    const found = await poll("customer=acme&path=/v1/notes/*&from=2026-05-01T00:00:00Z", cursorOf(start));
    expect(found.ids).toEqual([idOf(mine)]);
    expect((await poll("customer=acme&to=2026-05-01T00:00:00Z", cursorOf(start))).ids).toEqual([]);
  });

  it("are those of the caller's organisation alone", async () => {
    const key = await otherOrganisation(OTHER);
    const start = await call("GET", `${PATH}&start=now`, { key });
    const theirs = event({ organisation: OTHER, credential: "dcred_f" });
    await insert(event({}), theirs, event({}));
    const answer = await call("GET", `${PATH}&cursor=${cursorOf(start)}`, { key });
    expect(idsOf(answer)).toEqual([idOf(theirs)]);
  });

  it("stop when the time is up, and go on from there, over the gaps that archived events leave", async () => {
    const start = Number(atob(cursorOf(await call("GET", `${PATH}&start=now`))).split(":")[1]);
    const credential = "dcred_arrivals";
    await bindings.AUDIT_DB.prepare(
      `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3000)
       INSERT INTO audit_events (id, n, organisation_id, credential_id, seq, admission, at_ms, connection_id, method, path,
         decision, reason, status, attempts, user_agent, request_id, count, notes, prev_hash, hash)
       SELECT 'evt_row' || i, ?2 + i * 50, 'org_default', ?1, 100000 + i, 1, ?3 + i, 'conn_a', 'GET', '/rows', 'allowed', 'ok', 200,
         1, '', '', 1, '{}', '', '' FROM c`,
    )
      .bind(credential, start, START_MS)
      .run();
    const last = event({ path: "/last" });
    await insert(last);
    const now = vi.spyOn(Date, "now");
    let time = Date.now();
    now.mockImplementation(() => (time += 1_000));
    try {
      const filter = { equal: {}, path: { kind: "is", text: "/last" } } as const;
      const steps: number[] = [];
      for (let after = start; steps.length < 10;) {
        const { rows, seenTo } = await readArrivals(bindings.AUDIT_DB, "org_default", filter, { limit: 10, after });
        steps.push(rows.length);
        if (rows[0] !== undefined) expect(rows[0].id).toBe(idOf(last));
        if (seenTo === after) break;
        after = seenTo;
      }
      // Windows of 1,024 events: two full ones, the one that holds it, and nothing more.
      expect(steps).toEqual([0, 0, 1, 0]);
      now.mockReturnValue(time);
      const full = await readArrivals(bindings.AUDIT_DB, "org_default", { equal: {} }, { limit: 2_000, after: start });
      expect(full.rows.map((row) => row.seq)).toEqual(Array.from({ length: 2_000 }, (_, i) => 100_001 + i));
    } finally {
      now.mockRestore();
    }
  });

  it("name what does not fit together", async () => {
    const arrival = cursorOf(await call("GET", `${PATH}&start=now`));
    const newest = cursorOf(await call("GET", "/api/v1/audit-events?limit=1"));
    const cases: [string, string][] = [
      [`${PATH}&cursor=${newest}`, "cursor"],
      [`/api/v1/audit-events?cursor=${arrival}`, "cursor"],
      [`${PATH}&start=now&cursor=${arrival}`, "start"],
      ["/api/v1/audit-events?start=now", "start"],
      [`${PATH}&start=yesterday`, "start"],
      ["/api/v1/audit-events?order=random", "order"],
      ["/admin/errors?order=arrival", "order"],
    ];
    for (const [path, field] of cases) {
      const answer = await call("GET", path);
      expect(answer.status, path).toBe(422);
      expect(fieldsOf(answer), path).toEqual([field]);
    }
  });
});
