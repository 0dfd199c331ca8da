/**
 * The one function that changes a gate's state. Deterministic: the same records in the same order give the same state,
 * now or in a replay after a crash. It decides nothing and refuses nothing; what is allowed was decided before the
 * record was written.
 */
import { settleBudget } from "./budget.ts";
import { EVENT_SEQ } from "./chain.ts";
import { closeEvent, NOT_FORWARDED, UNSEEN } from "./gate-events.ts";
import { compileMeters, metersOf, reserveBudgets, takeRates } from "./gate-meters.ts";
import { compilePools } from "./gate-pools.ts";
import { postBudgetAlerts, postConfirmation, postSharedAlert } from "./gate-notices.ts";
import type { GateRecord, RequestFacts, SettlementFacts } from "./gate-records.ts";
import type { GateState, OpenAdmission } from "./gate-state.ts";
import { eventChars } from "./gate-state.ts";
import type { Draw } from "./lease-book.ts";
import { applyLeaseRecord } from "./lease-book.ts";

/** Counters of limits that no longer exist are kept (the limit may come back) up to this many. */
const MAX_COUNTERS = 256;

export function apply(state: GateState, record: GateRecord): void {
  switch (record[0]) {
    case "document":
      state.document = record[1];
      state.meters = compileMeters(record[1]);
      state.pools = compilePools(record[1]);
      state.minVersion = Math.max(state.minVersion, record[1].version);
      dropStaleCounters(state);
      return;
    case "require":
      state.minVersion = Math.max(state.minVersion, record[1]);
      return;
    case "revoke":
      state.revokedVersion ??= record[1];
      state.minVersion = Math.max(state.minVersion, record[1]);
      return;
    case "admit":
      return admitted(state, record[1], record[2], record[3], record[4]);
    case "refuse":
      return refused(state, record);
    case "settle":
      return settled(state, record[1], record[2], record[3]);
    case "grace":
      state.grace = { untilMs: record[1], admission: record[2] };
      return;
    case "expire":
      return expired(state, record[1], record[2]);
    case "trust":
      state.clockMs = Math.max(state.clockMs, record[1]);
      state.trusted.set(record[2], { atMs: record[1], how: record[3] });
      state.firstUseOver = true;
      return;
    case "distrust":
      state.trusted.delete(record[2]);
      state.firstUseOver = true;
      return;
    case "ask":
      return postConfirmation(state, record);
    case "confirm":
      return confirmed(state, record[1], record[2]);
    case "deny":
      return outcome(state, record[2], "denied");
    case "lease":
      return applyLeaseRecord(state.leases, record[1]);
    case "shared_alert":
      return postSharedAlert(state, record);
    case "delivered":
      return delivered(state, record[1], record[2]);
  }
}

function admitted(
  state: GateState,
  atMs: number,
  facts: RequestFacts,
  reserveUsdMicros: number,
  draws: readonly Draw[],
): void {
  state.clockMs = Math.max(state.clockMs, atMs);
  const meters = metersOf(state.meters, facts[3]);
  takeRates(meters, state, atMs);
  const holds = reserveBudgets(meters, state, reserveUsdMicros, atMs);
  state.admissions += 1;
  if (draws.length > 0) applyLeaseRecord(state.leases, { op: "draw", draws, nowMs: atMs });
  state.open.set(state.admissions, { atMs, facts, reserveUsdMicros, holds, draws });
}

function refused(state: GateState, record: Extract<GateRecord, readonly ["refuse", ...unknown[]]>): void {
  const [, atMs, facts, reason, status, counted, count] = record;
  state.clockMs = Math.max(state.clockMs, atMs);
  if (counted === 1) takeRates(metersOf(state.meters, facts[3]), state, atMs);
  closeEvent(state, { admission: 0, atMs, facts, decision: "denied", reason, count, ...NOT_FORWARDED, status });
  if (reason === "budget_exhausted") postBudgetAlerts(state, atMs, true);
}

function settled(state: GateState, atMs: number, admission: number, facts: SettlementFacts): void {
  const open = take(state, atMs, admission);
  if (open === null) return;
  const [status, upstreamStatus, reason, attempts, latencyMs, upstreamMs, bytesIn, bytesOut] = facts;
  const [, , , , , , , , cost, upstreamCredentialId, forwarded, notes] = facts;
  const costUsdMicros = cost ?? (forwarded === 1 ? open.reserveUsdMicros : 0);
  spend(state, open, forwarded === 1, costUsdMicros);
  closeEvent(state, {
    admission,
    atMs: open.atMs,
    facts: open.facts,
    decision: reason === null || forwarded === 1 || reason.startsWith("upstream_") ? "allowed" : "denied",
    reason: reason ?? "ok",
    count: 1,
    status,
    upstreamStatus,
    attempts,
    latencyMs,
    upstreamMs,
    bytesIn,
    bytesOut,
    costUsdMicros,
    upstreamCredentialId,
    notes,
  });
  postBudgetAlerts(state, atMs, false);
}

/** The vendor may have been reached: the reservation stays spent. */
function expired(state: GateState, atMs: number, admission: number): void {
  const open = take(state, atMs, admission);
  if (open === null) return;
  spend(state, open, true, open.reserveUsdMicros);
  closeEvent(state, {
    admission,
    atMs: open.atMs,
    facts: open.facts,
    decision: "allowed",
    reason: "unknown",
    count: 1,
    ...UNSEEN,
    costUsdMicros: open.reserveUsdMicros,
  });
  postBudgetAlerts(state, atMs, false);
}

function take(state: GateState, atMs: number, admission: number): OpenAdmission | null {
  const open = state.open.get(admission);
  if (open === undefined) return null;
  state.clockMs = Math.max(state.clockMs, atMs);
  state.open.delete(admission);
  return open;
}

function spend(state: GateState, open: OpenAdmission, forwarded: boolean, usdMicros: number): void {
  for (const [key, startMs, amount, perRequest] of open.holds) {
    const counter = state.budgets.get(key);
    if (counter === undefined) continue;
    settleBudget(counter, startMs, amount, perRequest === 1 ? (forwarded ? 1 : 0) : usdMicros);
  }
  if (open.draws.length > 0) {
    // A free call drew one unit of each dollar budget, and gives it back.
    applyLeaseRecord(state.leases, { op: "settle", draws: open.draws, usdMicros, forwarded });
  }
}

function confirmed(state: GateState, atMs: number, confirmationId: string): void {
  const ask = state.confirmations.get(confirmationId);
  if (ask === undefined) return;
  outcome(state, confirmationId, "confirmed");
  apply(state, ["trust", atMs, ask.address, "confirmed"]);
}

function outcome(state: GateState, confirmationId: string, result: "confirmed" | "denied"): void {
  const ask = state.confirmations.get(confirmationId);
  if (ask !== undefined) state.confirmations.set(confirmationId, { ...ask, outcome: result });
}

/** Confirmations come mostly in order: the common case takes the front off and looks at nothing else. */
function delivered(
  state: GateState,
  ranges: readonly (readonly [from: number, to: number])[],
  notices: readonly string[],
): void {
  for (const id of notices) state.notices.delete(id);
  for (const [from, to] of ranges) {
    const { outbox } = state;
    const start = firstAtLeast(outbox, from);
    const end = firstAtLeast(outbox, to + 1);
    for (let at = start; at < end; at += 1) {
      const event = outbox[at];
      if (event !== undefined) state.outboxChars -= eventChars(event);
    }
    if (start === 0) state.outbox = outbox.slice(end);
    else outbox.splice(start, end - start);
  }
}

/** Index of the first event with this seq or a later one; the outbox ascends. */
function firstAtLeast(outbox: GateState["outbox"], seq: number): number {
  let low = 0;
  let high = outbox.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((outbox[middle]?.[EVENT_SEQ] ?? Infinity) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

function dropStaleCounters(state: GateState): void {
  const live = new Set<string>();
  for (const set of [state.meters.credential, ...state.meters.byGrant.values()]) {
    for (const meter of [...set.rates, ...set.budgets]) live.add(meter.key);
  }
  for (const counters of [state.rates, state.budgets]) {
    if (counters.size <= MAX_COUNTERS) continue;
    for (const key of counters.keys()) if (!live.has(key)) counters.delete(key);
  }
}
