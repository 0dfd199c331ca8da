/** Admissions that share one call to the gate: decided as if each had come alone, and durable as if each had. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { NOON_MS, gateDocumentOf, grantOf, requestOf, settlementOf } from "../../tests/harness/gate-fixtures.ts";
import type { ProxyEnv } from "../../workers/proxy/env.ts";
import type { AdmissionReply, AdmissionRequest, GateDocument } from "../domain/admission.ts";
import { NO_LIMITS } from "../domain/limits.ts";
import { credentialInvalid } from "../domain/problem.ts";
import { CredentialGate } from "./credential-gate.ts";
import type { CredentialGateEnv } from "./gate-journal.ts";

const bindings = env as unknown as ProxyEnv & CredentialGateEnv;
const RATE = { requests: 3, perSeconds: 60, burst: 3 };
let names = 0;

/** Work on a gate made anew over the same storage each time: nothing but what is on disk is carried on. */
async function withGates(work: (open: () => CredentialGate, sql: SqlStorage) => Promise<void>): Promise<void> {
  names += 1;
  const stub = bindings.GATES.getByName(`dcred_together_${names}`);
  await runInDurableObject(stub, (_, state) => work(() => new CredentialGate(state, bindings), state.storage.sql));
}

function documentOf(changes: Partial<GateDocument> = {}): GateDocument {
  return gateDocumentOf({ credentialId: `dcred_together_${names}`, recipient: null, ...changes });
}

const decisions = (replies: readonly (AdmissionReply | null)[]): readonly (string | undefined)[] =>
  replies.map((reply) => (reply?.decision === "refused" ? reply.refusal.code : reply?.decision));

afterEach(() => {
  vi.restoreAllMocks();
});

test("a limit counts each of them, and one row of the log holds them all", async () => {
  await withGates(async (open, sql) => {
    const document = documentOf({ limits: { ...NO_LIMITS, rate: [RATE] } });
    const requests = Array.from({ length: 5 }, (_, at) => requestOf({ requestId: `req_${at}`, document }));
    const replies = await open().admitTogether(requests);
    expect(decisions(replies)).toEqual(["go", "go", "go", "rate_limited", "rate_limited"]);
    expect(replies.map((reply) => (reply?.decision === "go" ? reply.admission : null))).toEqual([1, 2, 3, null, null]);
    expect(sql.exec<{ n: number }>("SELECT count(*) AS n FROM log").one().n).toBe(1);
    expect(decisions(await open().admitTogether([requestOf()]))).toEqual(["rate_limited"]);
  });
});

test("whatever is asked, in whatever company, is decided as it would be alone", async () => {
  vi.spyOn(Date, "now").mockReturnValue(NOON_MS);
  vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => array);
  const grants = [grantOf(), grantOf({ id: "grant_b", limits: { ...NO_LIMITS, rate: [RATE] } })];
  const trust = { mode: "first_use" as const, addresses: [], allowWorkers: [] };
  const budgets = [{ unit: "requests" as const, limit: 12, window: "day" as const, anchorMs: null }];
  const request = fc.record({
    grantId: fc.constantFrom("grant_a", "grant_b", "grant_unknown"),
    address: fc.constantFrom("203.0.113.7", "198.51.100.1").map((ip) => ({ ip, viaWorker: false })),
    refusal: fc.option(fc.constant({ code: "path_denied" as const, detail: "No" }), { freq: 4 }),
    documentVersion: fc.constantFrom(1, 1, 1, 0),
    settlements: fc.array(
      fc.nat({ max: 6 }).map((n) => settlementOf(n)),
      { maxLength: 2 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(request, { minLength: 1, maxLength: 8 }), { maxLength: 5 }), async (groups) => {
      await withGates(async (open, sql) => {
        const document = documentOf({ grants, trust, limits: { ...NO_LIMITS, budgets } });
        const asked = groups.map((group, at) =>
          group.map((each, n): AdmissionRequest => requestOf({ ...each, requestId: `req_${at}_${n}`, document })),
        );
        const together: (AdmissionReply | null)[] = [];
        for (const group of asked) together.push(...(await open().admitTogether(group)));
        const after = await open().inspect();
        for (const table of ["log", "checkpoint", "spilled"]) sql.exec(`DELETE FROM ${table}`);
        const alone: AdmissionReply[] = [];
        for (const each of asked.flat()) alone.push(await open().admit(each));
        expect(together).toEqual(alone);
        expect(after).toEqual(await open().inspect());
      });
    }),
    { numRuns: 40 },
  );
});

test("a document that one of them brings serves those after it", async () => {
  await withGates(async (open) => {
    const document = documentOf({ version: 3 });
    const request = requestOf({ documentVersion: 3 });
    const replies = await open().admitTogether([request, { ...request, document }, request, requestOf()]);
    expect(decisions(replies)).toEqual(["need_document", "go", "go", "reload"]);
  });
});

test("one that needs leases is not waited for, and gets its own when it comes alone", async () => {
  const budgets = [{ unit: "requests" as const, limit: 1_000, window: "day" as const, anchorMs: null }];
  await withGates(async (open) => {
    const limits = { ...NO_LIMITS, budgets };
    const document = documentOf({ recipient: { id: "rcpt_together", name: "Team", email: null, limits } });
    const gate = open();
    const request = requestOf({ document });
    expect(await gate.admitTogether([request, { ...request, refusal: credentialInvalid("unknown") }])).toMatchObject([
      null,
      { decision: "refused" },
    ]);
    // Leases grow with their use.
    for (let n = 0; n < 20; n += 1) expect((await gate.admit(request)).decision).toBe("go");
    expect(decisions(await gate.admitTogether([request, request]))).toEqual(["go", "go"]);
  });
});

test("one that cannot be decided fails all of them, and what it left in memory is thrown away", async () => {
  names += 1;
  const document = documentOf();
  const request = requestOf({ document });
  const broken = { ...request, address: null } as unknown as AdmissionRequest;
  const riding = { ...request, settlements: [settlementOf(1)] };
  await runInDurableObject(bindings.GATES.getByName(document.credentialId), async (_, state) => {
    const abort = vi.spyOn(state, "abort").mockReturnValue(undefined);
    const gate = new CredentialGate(state, bindings);
    expect(await gate.admit(request)).toMatchObject({ decision: "go", admission: 1 });
    await expect(gate.admitTogether([riding, broken, request])).rejects.toThrow();
    expect(abort).toHaveBeenCalledOnce();
    // What the platform makes of it: a new object, with what is on disk.
    expect(await new CredentialGate(state, bindings).admitTogether([riding, request])).toMatchObject([
      { decision: "go", admission: 2 },
      { decision: "go", admission: 3 },
    ]);
  });
});
