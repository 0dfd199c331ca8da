import { describe, expect, test } from "vitest";
import { gateDocumentOf, requestOf, settlementOf } from "../../tests/harness/gate-fixtures.ts";
import type { AdmissionRequest, Settlement } from "../domain/admission.ts";
import type { CredentialGate } from "./credential-gate.ts";
import { gateClient } from "./gate-client.ts";
import { RideBuffer } from "./ride-buffer.ts";

function bench() {
  const admitted: AdmissionRequest[] = [];
  const settled: (readonly Settlement[])[] = [];
  const work: Promise<unknown>[] = [];
  let wake = Promise.withResolvers<void>();
  const failing = { admit: 0, settle: 0 };
  const gate = {
    admit: async (request: AdmissionRequest) => {
      if (failing.admit > 0) {
        failing.admit -= 1;
        throw new Error("The gate is away");
      }
      admitted.push(request);
      return { decision: "go", admission: admitted.length, limits: [] };
    },
    settle: async (settlements: readonly Settlement[]) => {
      if (failing.settle > 0) {
        failing.settle -= 1;
        throw new Error("The gate is away");
      }
      settled.push(settlements);
    },
    renew: async () => undefined,
    inspect: async () => ({ state: "active", limits: [], trustedAddresses: [] }),
  };
  const gates = { getByName: () => gate } as unknown as DurableObjectNamespace<CredentialGate>;
  const clock = { nowMs: 1_000_000 };
  const buffer = new RideBuffer<Settlement>();
  const client = gateClient({
    gates,
    buffer,
    nowMs: () => clock.nowMs,
    sleep: () => wake.promise,
    defer: (each) => work.push(each),
  });
  const wakeUp = async (): Promise<void> => {
    wake.resolve();
    await Promise.all(work);
    wake = Promise.withResolvers();
  };
  return { admitted, settled, work, failing, clock, client, buffer, wakeUp };
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

test("a document for inspection is handed on", async () => {
  const { client } = bench();
  expect((await client.inspect("dcred_a", gateDocumentOf())).state).toBe("active");
});
