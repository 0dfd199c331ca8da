import { describe, expect, test } from "vitest";
import { gateDocumentOf, requestOf, settlementOf } from "../../tests/harness/gate-fixtures.ts";
import type { AdmissionReply, AdmissionRequest, Settlement } from "../domain/admission.ts";
import { Watch } from "../watch.ts";
import { CallLines } from "./call-lines.ts";
import type { CredentialGate } from "./credential-gate.ts";
import { gateClient } from "./gate-client.ts";
import { RideBuffer } from "./ride-buffer.ts";

function bench() {
  const admitted: AdmissionRequest[] = [];
  const settled: (readonly Settlement[])[] = [];
  const work: Promise<unknown>[] = [];
  const together: AdmissionRequest[][] = [];
  let wake = Promise.withResolvers<void>();
  const failing = { admit: 0, settle: 0 };
  const decide = (request: AdmissionRequest): AdmissionReply => {
    admitted.push(request);
    return { decision: "go", admission: admitted.length, limits: [] };
  };
  const mayFail = (): void => {
    if (failing.admit === 0) return;
    failing.admit -= 1;
    throw new Error("The gate is away");
  };
  const gate = {
    admit: async (request: AdmissionRequest) => {
      mayFail();
      return decide(request);
    },
    admitTogether: async (requests: AdmissionRequest[]) => {
      mayFail();
      together.push(requests);
      // Those of a customer need leases.
      return requests.map((request) => (request.customer === null ? decide(request) : null));
    },
    settle: async (settlements: readonly Settlement[]) => {
      if (failing.settle > 0) {
        failing.settle -= 1;
        throw new Error("The gate is away");
      }
      settled.push(settlements);
    },
    repeat: async () => true,
    renew: async () => undefined,
    inspect: async () => ({ state: "active", limits: [], trustedAddresses: [] }),
  };
  const gates = { getByName: () => gate } as unknown as DurableObjectNamespace<CredentialGate>;
  const clock = { nowMs: 1_000_000 };
  const buffer = new RideBuffer<Settlement>();
  const gateOf = gateClient({
    gates,
    buffer,
    lines: new CallLines(),
    nowMs: () => clock.nowMs,
    // A moment for those who gather; what is sent late waits for `wakeUp`.
    sleep: (delayMs) => (delayMs < 10 ? Promise.resolve() : wake.promise),
    defer: (each) => work.push(each),
  });
  const client = {
    ...gateOf,
    admit: (credentialId: string, request: AdmissionRequest) =>
      gateOf.admit(credentialId, request, new Watch(() => clock.nowMs)),
  };
  const wakeUp = async (): Promise<void> => {
    wake.resolve();
    await Promise.all(work);
    wake = Promise.withResolvers();
  };
  return { admitted, together, settled, work, failing, clock, client, buffer, wakeUp };
}

describe("settlements", () => {
  test("ride on the credential's next admission, and on no other's", async () => {
    const { client, admitted, settled, wakeUp } = bench();
    client.settle("dcred_a", settlementOf(1));
    client.settle("dcred_a", settlementOf(2));
    await client.admit("dcred_b", requestOf());
    await client.admit("dcred_a", requestOf());
    await client.admit("dcred_a", requestOf());
    expect(admitted.map(({ settlements }) => settlements.map(({ admission }) => admission))).toEqual([[], [1, 2], []]);
    await wakeUp();
    expect(settled).toEqual([]);
  });

  test("are sent on their own when no admission comes, with one timer for many", async () => {
    const { client, settled, work, wakeUp } = bench();
    for (let n = 1; n <= 5; n += 1) client.settle("dcred_a", settlementOf(n));
    expect(work).toHaveLength(1);
    await wakeUp();
    expect(settled.flat().map(({ admission }) => admission)).toEqual([1, 2, 3, 4, 5]);
  });

  test("come back when the admission that carried them fails, and are not lost", async () => {
    const { client, settled, failing, wakeUp } = bench();
    client.settle("dcred_a", settlementOf(1));
    failing.admit = 1;
    await expect(client.admit("dcred_a", requestOf())).rejects.toThrow();
    failing.settle = 2;
    await wakeUp();
    expect(settled.flat().map(({ admission }) => admission)).toEqual([1]);
  });

  test("when the request that was to send them has died, the next one does", async () => {
    const { client, work, clock } = bench();
    client.settle("dcred_a", settlementOf(1));
    clock.nowMs += 1_999;
    client.settle("dcred_a", settlementOf(2));
    expect(work).toHaveLength(1);
    clock.nowMs += 1;
    client.settle("dcred_a", settlementOf(3));
    expect(work).toHaveLength(2);
  });
});

describe("admissions that meet", () => {
  const asking = (requestId: string, changes: Partial<AdmissionRequest> = {}) => requestOf({ requestId, ...changes });

  test("share a call, which carries the settlements once", async () => {
    const { client, together, admitted } = bench();
    const first = client.admit("dcred_a", asking("req_1"));
    client.settle("dcred_a", settlementOf(9));
    const others = [2, 3, 4].map((n) => client.admit("dcred_a", asking(`req_${n}`)));
    const elsewhere = client.admit("dcred_b", asking("req_b"));
    expect(await Promise.all([first, ...others, elsewhere])).toMatchObject(
      ["req_1", "req_2", "req_3", "req_4", "req_b"].map((id) => ({
        decision: "go",
        admission: admitted.findIndex(({ requestId }) => requestId === id) + 1,
      })),
    );
    expect(together.map((requests) => requests.map(({ requestId }) => requestId))).toEqual([
      ["req_2", "req_3", "req_4"],
    ]);
    expect(together.flat().map(({ settlements }) => settlements.map(({ admission }) => admission))).toEqual([
      [9],
      [],
      [],
    ]);
  });

  test("one that needs leases is asked again alone, without what rode along", async () => {
    const { client, admitted, together } = bench();
    client.settle("dcred_a", settlementOf(9));
    const replies = await Promise.all([
      client.admit("dcred_a", asking("req_1")),
      client.admit("dcred_a", asking("req_2", { customer: "acme" })),
      client.admit("dcred_a", asking("req_3")),
    ]);
    expect(replies.map(({ decision }) => decision)).toEqual(["go", "go", "go"]);
    expect(together).toHaveLength(1);
    expect(admitted.map(({ requestId }) => requestId)).toEqual(["req_1", "req_3", "req_2"]);
    expect(admitted.map(({ settlements }) => settlements.length)).toEqual([1, 0, 0]);
  });

  test("bring each document once, since it may be large", async () => {
    const { client, together } = bench();
    const versions = [null, 1, 2, 2, 1, null].map((version) => (version === null ? null : gateDocumentOf({ version })));
    const asked = versions.map((document, n) => client.admit("dcred_a", asking(`req_${n}`, { document })));
    expect((await Promise.all(asked)).every(({ decision }) => decision === "go")).toBe(true);
    expect(together.flat().map(({ document }) => document?.version ?? null)).toEqual([1, 2, null, null, null]);
  });

  test("when their call fails each of them fails, and the settlements come back", async () => {
    const { client, failing, settled, wakeUp } = bench();
    const first = client.admit("dcred_a", asking("req_1"));
    client.settle("dcred_a", settlementOf(9));
    const others = [client.admit("dcred_a", asking("req_2")), client.admit("dcred_a", asking("req_3"))];
    failing.admit = 1;
    const outcomes = await Promise.allSettled([first, ...others]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    await wakeUp();
    expect(settled.flat().map(({ admission }) => admission)).toEqual([9]);
  });
});

test("a document for inspection is handed on", async () => {
  const { client } = bench();
  expect((await client.inspect("dcred_a", gateDocumentOf())).state).toBe("active");
});
