/** What an audit event says of the ten steps of a decision: which were passed, at which it stopped, and why. Pure. */
import type { AuditEventView } from "../../../../src/contract/audit-event.ts";
import { bytes, millis, money, plain, words } from "../format.ts";

export interface DecisionStep {
  readonly name: string;
  readonly state: "passed" | "stopped" | "skipped";
  readonly note: string;
}

const STEPS = [
  "Authenticate",
  "Load the policy",
  "Endpoint and environment rules",
  "Rate",
  "Budget",
  "Payment",
  "Choose the vendor’s key",
  "Fetch its secret",
  "Forward to the vendor",
  "Record the event",
] as const;

/** Reason → the step at which it arises. A reason that is not known stops nowhere in particular. */
const STOPS: Readonly<Record<string, number>> = {
  credential_missing: 0,
  credential_invalid: 0,
  expired: 0,
  revoked: 0,
  forged: 0,
  credential_misplaced: 0,
  conflicting_credentials: 0,
  ambiguous_path: 0,
  invalid_request: 0,
  header_too_large: 0,
  connection_not_granted: 1,
  not_found: 1,
  address_unconfirmed: 1,
  method_denied: 2,
  path_denied: 2,
  query_denied: 2,
  body_denied: 2,
  body_too_large: 2,
  environment_denied: 2,
  customer_refused: 2,
  rate_limited: 3,
  budget_exhausted: 4,
  payment_required: 5,
  credits_exhausted: 5,
  payment_replayed: 5,
  settlement_unknown: 5,
  connection_paused: 6,
  circuit_open: 6,
  vendor_limited: 6,
  no_upstream_credential: 6,
  secret_unavailable: 7,
  upstream_unreachable: 8,
  upstream_timeout: 8,
  vendor_payment_required: 8,
  vendor_died: 8,
  idle_timeout: 8,
  total_timeout: 8,
  client_gone: 8,
  upload_broken_off: 8,
  response_unreadable: 8,
  upstream_status_unknown: 8,
  unknown: 8,
};

const WHY: Readonly<Record<string, string>> = {
  credential_missing: "The request carried no RelayKey token.",
  credential_invalid: "The token is unknown or wrong.",
  expired: "The credential has expired.",
  revoked: "The credential was revoked.",
  forged: "The token’s check does not fit: it was mistyped or made up.",
  credential_misplaced: "The token stood where this vendor’s key does not belong.",
  customer_refused: "The customer was missing, unknown or not allowed.",
  no_upstream_credential: "The connection has no key that may be used.",
  vendor_died: "The vendor broke off in the middle of its answer.",
  idle_timeout: "The vendor stopped in the middle of its answer.",
  total_timeout: "The vendor’s answer took longer than a call may.",
  client_gone: "The caller hung up before the answer was whole.",
  upload_broken_off: "The caller’s upload broke off in its middle.",
  conflicting_credentials: "The request carried two different tokens.",
  ambiguous_path: "The path can be read in more than one way.",
  connection_not_granted: "The credential has no grant for this connection.",
  address_unconfirmed: "The address is new; its confirmation was asked for by mail.",
  method_denied: "No rule for this path allows the method.",
  path_denied: "No rule allows the path.",
  query_denied: "A query parameter is refused.",
  body_denied: "Something in the body is refused.",
  environment_denied: "The environments do not agree.",
  rate_limited: "Too many calls in too short a time.",
  budget_exhausted: "The budget is used up.",
  connection_paused: "The connection is paused.",
  circuit_open: "The vendor is failing; calls are held back.",
  vendor_limited: "The vendor asked everyone to wait.",
  secret_unavailable: "The vendor’s key could not be read.",
  upstream_unreachable: "The vendor could not be reached.",
  upstream_timeout: "The vendor did not answer in time.",
  unknown: "Nobody saw how the call ended. It counts as made.",
};

export function whyText(reason: string): string {
  return reason === "ok" ? "Allowed by a rule of its scope." : (WHY[reason] ?? `${words(reason)}.`);
}

export function decisionSteps(event: AuditEventView): readonly DecisionStep[] {
  const stop = STOPS[event.reason] ?? (event.decision === "denied" ? 2 : -1);
  return STEPS.map((name, i): DecisionStep => {
    const last = i === STEPS.length - 1;
    if (last) return { name, state: "passed", note: recordNote(event) };
    if (i === stop) return { name, state: "stopped", note: whyText(event.reason) };
    if (stop !== -1 && i > stop) return { name, state: "skipped", note: "Not reached" };
    return { name, state: "passed", note: passedNote(i, event) };
  });
}

function recordNote(event: AuditEventView): string {
  return event.credential_id === null
    ? "Counted with others of its kind: no credential has a chain for it"
    : `Event ${event.seq}, linked to the one before by its hash`;
}

function passedNote(step: number, event: AuditEventView): string {
  switch (step) {
    case 0:
      return event.credential_id === null
        ? "No credential was recognised"
        : `From ${event.address ?? "an unknown address"}`;
    case 1:
      return event.connection_id === null ? "No connection was named" : "The credential has a grant for the connection";
    case 2:
      return event.operation === null
        ? "Method and path are inside the scope"
        : `Inside the scope: ${plain(event.operation)}`;
    case 5:
      return "None asked for, or paid";
    case 6:
      return event.upstream_credential_id ?? "Chosen by environment, priority and weight";
    case 7:
      return "Opened for this call";
    case 8:
      return forwardNote(event);
    default:
      return "Within the limits";
  }
}

function forwardNote(event: AuditEventView): string {
  const parts = [
    event.upstream_status === null ? null : `answered ${event.upstream_status}`,
    event.upstream_ms === null ? null : `in ${millis(event.upstream_ms)}`,
    event.attempts > 1 ? `after ${event.attempts} attempts` : null,
    event.bytes_out === null ? null : bytes(event.bytes_out),
    event.cost_usd_micros === null || event.cost_usd_micros === 0 ? null : money(event.cost_usd_micros),
  ].filter((each) => each !== null);
  return parts.length === 0 ? "Sent" : `Vendor ${parts.join(", ")}`;
}
