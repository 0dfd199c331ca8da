/** Bodies that are looked at before their calls are decided take a bounded part of the isolate's memory. */
import { expect, it } from "vitest";
import { MAX_KEPT_BYTES_PER_HOLDER } from "./body-room.ts";
import { resolveRoute } from "./domain/route.ts";
import { handleCall } from "./pipeline.ts";
import { grant, scope, SETTINGS, world, type World } from "./pipeline.fixture.ts";

const JUDGED = { grants: [grant({ scope: scope({ body: [{ member: "x", effect: "deny", values: [] }] }) })] };
const BEGINNING = new TextEncoder().encode(`{"a":"${"a".repeat(600_000)}`);
const END = new TextEncoder().encode(`"}`);

interface Upload {
  readonly answer: Promise<Response>;
  finish(): void;
  /** As a caller who leaves: its body breaks off. */
  breakOff(): void;
}

/** A call whose body has begun, and waits. */
function begin(made: World): Upload {
  const pipe = new TransformStream<Uint8Array, Uint8Array>(undefined, undefined, { highWaterMark: 4 });
  const writer = pipe.writable.getWriter();
  void writer.write(BEGINNING).catch(() => undefined);
  const url = "http://localhost/conn_test/contacts/7";
  const headers = { authorization: `Bearer ${made.token}`, "content-type": "application/json" };
  const request = new Request(url, { method: "POST", headers, body: pipe.readable });
  const route = resolveRoute(url, { proxyDomain: "localhost" });
  if (route.kind !== "proxy") throw new Error("No proxy route");
  return {
    answer: handleCall(request, route, made.ports, SETTINGS),
    finish: () =>
      void writer
        .write(END)
        .then(() => writer.close())
        .catch(() => undefined),
    breakOff: () => void writer.abort(new Error("gone")).catch(() => undefined),
  };
}

it("refuses bodies beyond its room with 503, and has room again once the others are done", async () => {
  const made = world(JUDGED);
  // Each takes the next power of two of what has come, and at most its limit.
  const many = Math.floor(MAX_KEPT_BYTES_PER_HOLDER / 600_000) + 4;
  const uploads = Array.from({ length: many }, () => begin(made));
  const refusals = () => made.admissions.filter((admission) => admission.refusal?.code === "unavailable").length;
  await expect.poll(refusals, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
  for (const [at, upload] of uploads.entries()) if (at % 2 === 0) upload.finish();
  for (const [at, upload] of uploads.entries()) if (at % 2 === 1) upload.breakOff();
  const statuses = await Promise.all(uploads.map(async ({ answer }) => (await answer).status));
  expect(new Set(statuses)).toEqual(new Set([200, 400, 503]));
  expect(refusals()).toBe(statuses.filter((status) => status === 503).length);
  expect(made.sent).toHaveLength(statuses.filter((status) => status === 200).length);

  const after = Array.from({ length: 12 }, () => begin(made));
  for (const upload of after) upload.finish();
  expect(await Promise.all(after.map(async ({ answer }) => (await answer).status))).toEqual(Array(12).fill(200));
});
