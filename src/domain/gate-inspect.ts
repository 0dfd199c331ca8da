/**
 * A gate's state as its holder and its administrators may see it. Pure; changes nothing.
 */
import type { GateDocument, LimitStatus } from "./admission.ts";
import { compileMeters, limitStatuses } from "./gate-meters.ts";
import type { TrustOrigin } from "./gate-records.ts";
import type { GateState } from "./gate-state.ts";

export interface GateInspection {
  /** `reload`: the given document is older than what the gate knows to exist. */
  readonly state: "active" | "revoked" | "expired" | "reload";
  readonly limits: readonly (LimitStatus & { readonly grantId: string | null })[];
  /** What was learned or added; the lists of policies stand in the documents. */
  readonly trustedAddresses: readonly {
    readonly address: string;
    readonly trustedAtMs: number;
    readonly how: TrustOrigin;
  }[];
}

/** `document`: used in place of the held one when it is newer, or when none is held yet. */
export function inspectGate(state: GateState, document: GateDocument | null, nowMs: number): GateInspection {
  const atMs = Math.max(nowMs, state.clockMs);
  const newer = document !== null && document.version > (state.document?.version ?? -1) ? document : null;
  const current = newer ?? state.document;
  const meters = newer === null ? state.meters : compileMeters(newer);
  const limits: GateInspection["limits"][number][] = limitStatuses(meters.credential, state, atMs).map((limit) => ({
    ...limit,
    grantId: null,
  }));
  for (const [grantId, set] of meters.byGrant) {
    const own = {
      rates: set.rates.filter((meter) => meter.grantId === grantId),
      budgets: set.budgets.filter((meter) => meter.grantId === grantId),
    };
    for (const limit of limitStatuses(own, state, atMs)) limits.push({ ...limit, grantId });
  }
  const trustedAddresses = [...state.trusted].map(([address, { atMs, how }]) => ({ address, trustedAtMs: atMs, how }));
  return { state: stateOf(state, document, current, atMs), limits, trustedAddresses };
}

function stateOf(
  state: GateState,
  given: GateDocument | null,
  current: GateDocument | null,
  nowMs: number,
): GateInspection["state"] {
  if (state.revokedVersion !== null) return "revoked";
  if (given !== null && given.version < Math.max(state.minVersion, state.document?.version ?? 0)) return "reload";
  if (current !== null && current.expiresAtMs !== null && current.expiresAtMs <= nowMs) return "expired";
  return "active";
}
