import { describe, expect, test } from "vitest";
import { MemoryGate, NOON_MS } from "../../tests/harness/gate-fixtures.ts";
import { AdmissionLeases } from "./admission-leases.ts";
import { ADMISSION_LEASE_MS, RESTART_GRACE_MS } from "./gate-state.ts";

const gateWith = (open: number): MemoryGate => {
  const gate = new MemoryGate();
  for (let n = 0; n < open; n += 1) gate.admit({}, NOON_MS + n);
  return gate;
};

describe("AdmissionLeases", () => {
  test("an admission ends after its lease, in the order of the ends, renewed ones later", () => {
    const { state } = gateWith(3);
    const leases = new AdmissionLeases();
    for (const admission of [1, 2, 3]) leases.open(admission, NOON_MS + admission);
    expect(leases.renew(state, 1, NOON_MS + 10_000)).toBeNull();
    leases.close(2);
    expect(leases.nextMs()).toBe(NOON_MS + 3 + ADMISSION_LEASE_MS);
    expect(leases.takeEnded(NOON_MS + 2 + ADMISSION_LEASE_MS)).toEqual([]);
    expect(leases.takeEnded(NOON_MS + 3 + ADMISSION_LEASE_MS)).toEqual([3]);
    expect(leases.takeEnded(NOON_MS + 10_000 + ADMISSION_LEASE_MS)).toEqual([1]);
    expect(leases.nextMs()).toBeNull();
  });

  test("one that has ended cannot be renewed", () => {
    const { state } = gateWith(1);
    const leases = new AdmissionLeases();
    leases.open(1, NOON_MS);
    leases.takeEnded(NOON_MS + ADMISSION_LEASE_MS);
    expect(leases.renew(state, 1, NOON_MS + ADMISSION_LEASE_MS)).toBeNull();
    expect(leases.nextMs()).toBeNull();
  });

  test("however often a gate starts anew, what nobody renews ends", () => {
    const gate = gateWith(2);
    let nowMs = NOON_MS + ADMISSION_LEASE_MS;
    const first = AdmissionLeases.restart(gate.state, nowMs);
    expect(first.grace).toEqual(["grace", nowMs + RESTART_GRACE_MS, 2]);
    if (first.grace !== null) gate.act(first.grace);
    for (let starts = 0; starts < 5; starts += 1) {
      nowMs += RESTART_GRACE_MS / 5;
      const { leases, grace } = AdmissionLeases.restart(gate.state, nowMs);
      expect(grace).toBeNull();
      expect(leases.takeEnded(nowMs)).toEqual(starts < 4 ? [] : [1, 2]);
    }
  });

  test("what was opened since gets its own time, and no restart shortens a lease", () => {
    const gate = gateWith(1);
    gate.act(["grace", NOON_MS + 1_000, 1]);
    gate.admit({}, NOON_MS + 5_000);
    const { leases, grace } = AdmissionLeases.restart(gate.state, NOON_MS + 6_000);
    expect(grace).toEqual(["grace", NOON_MS + 6_000 + RESTART_GRACE_MS, 2]);
    expect(leases.nextMs()).toBe(NOON_MS + ADMISSION_LEASE_MS);
  });

  test("a renewed survivor extends the time on record, now and then", () => {
    const gate = gateWith(1);
    gate.act(["grace", NOON_MS + RESTART_GRACE_MS, 1]);
    const { leases } = AdmissionLeases.restart(gate.state, NOON_MS);
    const first = leases.renew(gate.state, 1, NOON_MS + 7_000);
    expect(first).toEqual(["grace", NOON_MS + 7_000 + ADMISSION_LEASE_MS, 1]);
    if (first !== null) gate.act(first);
    expect(leases.renew(gate.state, 1, NOON_MS + 8_000)).toBeNull();
  });

  test("nothing open, nothing to give", () => {
    const { leases, grace } = AdmissionLeases.restart(new MemoryGate().state, NOON_MS);
    expect(grace).toBeNull();
    expect(leases.nextMs()).toBeNull();
  });
});
