/**
 * The notices that a gate posts while it applies its records. Pure: their ids follow from what they are about, so that a
 * replay posts the same ones.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { alertsDue, budgetWindow } from "./budget.ts";
import { encodeHex, utf8 } from "./encoding.ts";
import { limitName } from "./gate-pools.ts";
import type { GateRecord } from "./gate-records.ts";
import type { GateState } from "./gate-state.ts";
import { limitKey, type PoolLimit } from "./lease.ts";
import type { Notice } from "./notice.ts";
import { CONFIRMATION_TTL_MS } from "./trust.ts";

/** Notices for budgets that reached a threshold. `refused`: a call found no room, so what is left counts as used. */
export function postBudgetAlerts(state: GateState, atMs: number, wasRefused: boolean): void {
  const { document } = state;
  if (document === null) return;
  for (const [key, counter] of state.budgets) {
    const meter = state.meters.budgetsByKey.get(key);
    if (meter === undefined) continue;
    const window = budgetWindow(meter.limit, atMs);
    if (window.startMs !== counter.startMs) continue;
    const full = wasRefused && counter.spent + counter.reserved >= meter.limit.limit;
    for (const percent of alertsDue(counter, meter.limit, full ? meter.limit.limit : counter.spent)) {
      post(state, {
        kind: "budget_alert",
        id: `ntc_${document.credentialId}_${key}_${counter.startMs}_${percent}`,
        ...noticeHead(state, atMs),
        limitName: meter.name,
        grantId: meter.grantId,
        unit: meter.limit.unit,
        limit: meter.limit.limit,
        spent: counter.spent,
        thresholdPercent: percent,
        windowStartMs: window.startMs,
        windowEndMs: window.endMs,
      });
    }
  }
}

/**
 * Posts a notice about a budget that several credentials share. Each of their gates may post it: its id is the same, so
 * it is dispatched once. Only what a recipient shares is mailed to the recipient; the rest concerns administrators.
 */
export function postSharedAlert(
  state: GateState,
  record: Extract<GateRecord, readonly ["shared_alert", ...unknown[]]>,
): void {
  const [, atMs, pool, budget, spent, percent] = record;
  if (state.document === null) return;
  const window = budgetWindow(budget, atMs);
  const limit: PoolLimit = { kind: "budget", ...budget };
  const head = noticeHead(state, atMs);
  // Names of pools hold what callers name (customers): their hash is short and plain.
  const poolHash = encodeHex(sha256(utf8(pool))).slice(0, 32);
  post(state, {
    kind: "budget_alert",
    id: `ntc_${poolHash}_${limitKey(limit)}_${window.startMs}_${percent}`,
    ...head,
    recipientEmail: pool.startsWith("recipient:") ? head.recipientEmail : null,
    limitName: limitName(pool, limit),
    grantId: null,
    unit: budget.unit,
    limit: budget.limit,
    spent,
    thresholdPercent: percent,
    windowStartMs: window.startMs,
    windowEndMs: window.endMs,
  });
}

export function postConfirmation(state: GateState, record: Extract<GateRecord, readonly ["ask", ...unknown[]]>): void {
  const [, atMs, confirmationId, address, connectionId, userAgent] = record;
  state.clockMs = Math.max(state.clockMs, atMs);
  for (const [id, ask] of state.confirmations) {
    if (ask.atMs + CONFIRMATION_TTL_MS <= atMs) state.confirmations.delete(id);
  }
  state.confirmations.set(confirmationId, { atMs, address, outcome: "open" });
  const grant = state.document?.grants.find((candidate) => candidate.connectionId === connectionId);
  post(state, {
    kind: "confirm_address",
    id: `ntc_${confirmationId}`,
    ...noticeHead(state, atMs),
    confirmationId,
    address,
    connectionId,
    connectionName: grant?.connectionName ?? connectionId,
    userAgent,
    expiresAtMs: atMs + CONFIRMATION_TTL_MS,
  });
}

function noticeHead(state: GateState, atMs: number) {
  const { document } = state;
  return {
    organisationId: document?.organisationId ?? "",
    credentialId: document?.credentialId ?? "",
    credentialName: document?.credentialName ?? "",
    recipientId: document?.recipient?.id ?? null,
    recipientName: document?.recipient?.name ?? null,
    recipientEmail: document?.recipient?.email ?? null,
    atMs,
  };
}

function post(state: GateState, notice: Notice): void {
  state.notices.set(notice.id, notice);
}
