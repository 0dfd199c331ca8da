/**
 * How a pool accounts for what gates report of their leases: held units become used ones, and what was not used is free
 * again. Pure; changes the pool. A report is accounted once; a later revision replaces it.
 */
import { limitKey, type LeaseReport } from "./lease.ts";
import { countOf, countUse, isDollars } from "./pool-counters.ts";
import { distinct, holdAll, type Pool, type PoolLease } from "./pool.ts";

/** A gate is asked again about a closed lease whose calls are still under way after this time. */
const PENDING_ASK_MS = 30_000;

/** Accounts for reports of one gate. Returns the leases that are done with: the gate may forget them. */
export function account(pool: Pool, gateId: string, reports: readonly LeaseReport[], nowMs: number): string[] {
  const done: string[] = [];
  for (const report of reports) {
    const lease = pool.leases.get(report.leaseId);
    if (lease !== undefined && lease.gateId !== gateId) continue;
    if (lease === undefined || accountOne(pool, lease, report, nowMs)) done.push(report.leaseId);
  }
  return done;
}

function accountOne(pool: Pool, lease: PoolLease, report: LeaseReport, nowMs: number): boolean {
  if (lease.closed && report.revision <= lease.revision) return false;
  if (!lease.closed) {
    holdAll(pool, lease, -1, nowMs);
    countUses(pool, lease, report, nowMs);
  }
  const counted = { calls: report.usedCalls - report.returnedCalls, usdMicros: report.usedUsdMicros };
  for (const limit of distinct(lease.limits)) {
    if (limit.kind !== "budget") continue;
    const count = countOf(pool.counts, limit, nowMs);
    // What belongs to an earlier window is over with it.
    if (count.kind !== "budget" || count.startMs > lease.grantedAtMs) continue;
    count.used += isDollars(limit) ? counted.usdMicros - lease.counted.usdMicros : counted.calls - lease.counted.calls;
    pool.changed.counts.add(limitKey(limit));
  }
  Object.assign(lease, { closed: true, revision: report.revision, counted, pending: report.pending });
  lease.askAtMs = nowMs + PENDING_ASK_MS;
  pool.changed.leases.add(lease.id);
  if (report.pending > 0) return false;
  pool.leases.delete(lease.id);
  return true;
}

function countUses(pool: Pool, lease: PoolLease, report: LeaseReport, nowMs: number): void {
  const listed = report.uses.reduce((sum, use) => sum + use.calls, 0);
  const uses = [...report.uses, { atMs: nowMs, calls: Math.max(0, report.usedCalls - listed) }];
  for (const limit of distinct(lease.limits)) {
    if (limit.kind === "budget") continue;
    const count = countOf(pool.counts, limit, nowMs);
    if (count.kind !== "window") continue;
    for (const { atMs, calls } of uses) {
      // Clocks of two objects may differ a little: a lease's calls were made after its grant and before this report.
      if (calls > 0) countUse(count, limit, lease.gateId, Math.min(nowMs, Math.max(lease.grantedAtMs, atMs)), calls);
    }
    pool.changed.counts.add(limitKey(limit));
  }
}
