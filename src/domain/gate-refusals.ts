/**
 * The gate's refusals in words. Pure. A refusal says what to do about it and nothing about the inside.
 */
import type { GateDocument } from "./admission.ts";
import type { BudgetMeter, RateMeter } from "./gate-meters.ts";
import type { CustomerRule } from "./limits.ts";
import type { ProblemCode, Refusal } from "./problem.ts";
import { maskEmail } from "./trust.ts";

const MAX_NAMED_CONNECTIONS = 20;
/** A confirmation takes a person a moment; asking sooner only costs rate. */
const CONFIRMATION_RETRY_SECONDS = 30;

export const UNAVAILABLE: Refusal = {
  code: "unavailable",
  detail: "Too much of this credential's traffic is waiting to be recorded. Try again shortly",
  retryAfterSeconds: 5,
};

/** A shared limit's object cannot be reached, or hands out too little too slowly: nobody passes unchecked. */
export const SHARED_LIMIT_UNKNOWN: Refusal = {
  code: "unavailable",
  detail: "A limit that this credential shares with others cannot be checked now. Try again shortly",
  retryAfterSeconds: 2,
};

/** The Worker's own findings about the request itself, which come before all that depends on the grant. */
export function isBadRequest(code: ProblemCode): boolean {
  return (
    code === "ambiguous_path" ||
    code === "conflicting_credentials" ||
    code === "invalid_request" ||
    code === "body_too_large" ||
    code === "header_too_large"
  );
}

export function isScopeRefusal(code: ProblemCode): boolean {
  return (
    code === "method_denied" ||
    code === "path_denied" ||
    code === "query_denied" ||
    code === "body_denied" ||
    code === "environment_denied"
  );
}

export function connectionNotGranted(document: GateDocument): Refusal {
  const granted = document.grants.map((grant) => grant.connectionId).slice(0, MAX_NAMED_CONNECTIONS);
  const list = granted.length === 0 ? "It has no grants" : `It has grants for: ${granted.join(", ")}`;
  return {
    code: "connection_not_granted",
    detail: `The credential has no grant for this connection. ${list}`,
    extensions: { granted_connections: granted },
  };
}

export function customerRefusal(rule: CustomerRule, customer: string | null, known: boolean): Refusal | null {
  const refuse = (detail: string): Refusal => ({ code: "invalid_request", detail, reason: "customer_refused" });
  if (customer === null) {
    return rule.mode === "required" ? refuse("The header X-RelayKey-Customer is required for this connection") : null;
  }
  if (rule.mode === "refused") return refuse("The header X-RelayKey-Customer is not accepted for this connection");
  if (rule.unknown === "refuse" && !known) return refuse("The customer named by X-RelayKey-Customer is not registered");
  return null;
}

export function rateRefusal(meter: RateMeter, waitMs: number): Refusal {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const { requests, perSeconds } = meter.limit;
  return {
    code: "rate_limited",
    detail: `The limit of ${requests} requests per ${perSeconds} s is reached. Wait ${seconds} s`,
    retryAfterSeconds: seconds,
    extensions: { limit: meter.name },
  };
}

export function budgetRefusal(meter: BudgetMeter, waitMs: number): Refusal {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const { limit, unit, window } = meter.limit;
  const amount = unit === "requests" ? `${limit} requests` : `${(limit / 1_000_000).toFixed(2)} US dollars`;
  return {
    code: "budget_exhausted",
    detail: `The budget of ${amount} per ${window} does not allow this call. It starts anew in ${seconds} s`,
    retryAfterSeconds: seconds,
    extensions: { limit: meter.name },
  };
}

type AskState = "sent" | "not_sent" | "worker" | "absent";

export function addressUnconfirmed(email: string | null, state: AskState): Refusal {
  const refuse = (detail: string, extensions: Readonly<Record<string, unknown>> = {}): Refusal => ({
    code: "address_unconfirmed",
    detail,
    retryAfterSeconds: CONFIRMATION_RETRY_SECONDS,
    extensions,
  });
  if (state === "worker") return refuse("The request came through another Worker, and no list allows its address");
  if (state === "absent") return refuse("The request names no client address");
  if (email === null) return refuse("This address is new. An administrator must add it to the trusted addresses");
  const masked = maskEmail(email);
  return state === "sent"
    ? refuse(`This address is new. A confirmation was sent to ${masked}`, { confirmation_sent_to: masked })
    : refuse("This address is new, and no more confirmations are sent for now. Ask an administrator, or wait an hour");
}
