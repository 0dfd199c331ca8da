/**
 * What a gate writes down: its log is a sequence of these records, and its state is what `apply` makes of them.
 * They are arrays because every request writes at least one. The first member says which kind it is; a kind's shape
 * never changes once it is released (a new shape is a new kind), since logs outlive the code that wrote them.
 */
import type { AdmissionRequest, GateDocument, Settlement } from "./admission.ts";
import { canonicalJson } from "./chain.ts";
import type { Draw, LeaseRecord } from "./lease-book.ts";
import type { BudgetLimit } from "./limits.ts";

/** What an audit event says about the request itself; kept from the admission to the event. */
export type RequestFacts = readonly [
  requestId: string,
  recipientId: string | null,
  connectionId: string | null,
  grantId: string | null,
  customer: string | null,
  environment: string | null,
  method: string,
  path: string,
  operation: string | null,
  address: string | null,
  userAgent: string,
];

export type SettlementFacts = readonly [
  status: number,
  upstreamStatus: number | null,
  reason: string | null,
  attempts: number,
  latencyMs: number,
  upstreamMs: number,
  bytesIn: number,
  bytesOut: number,
  costUsdMicros: number | null,
  upstreamCredentialId: string | null,
  forwarded: 0 | 1,
  /** Canonical JSON. */
  notes: string,
];

export type TrustOrigin = "first_use" | "confirmed" | "admin";

export type GateRecord =
  | readonly ["document", document: GateDocument]
  | readonly ["require", minVersion: number]
  | readonly ["revoke", version: number]
  /** `draws`: what it takes from leases of shared limits. */
  | readonly ["admit", atMs: number, facts: RequestFacts, reserveUsdMicros: number, draws: readonly Draw[]]
  /** `counted`: the refusal took a unit of each rate limit. `count`: how many refusals this one event stands for. */
  | readonly [
      "refuse",
      atMs: number,
      facts: RequestFacts,
      reason: string,
      status: number,
      counted: 0 | 1,
      count: number,
    ]
  | readonly ["settle", atMs: number, admission: number, facts: SettlementFacts]
  /** After a restart: admissions up to this number are not given up before `untilMs`. */
  | readonly ["grace", untilMs: number, admission: number]
  /** Nobody saw the outcome of an admission in time. */
  | readonly ["expire", atMs: number, admission: number]
  | readonly ["trust", atMs: number, address: string, how: TrustOrigin]
  | readonly ["distrust", atMs: number, address: string]
  /** A confirmation was asked for. */
  | readonly ["ask", atMs: number, confirmationId: string, address: string, connectionId: string, userAgent: string]
  | readonly ["confirm", atMs: number, confirmationId: string]
  | readonly ["deny", atMs: number, confirmationId: string]
  /** Something happened to a lease of a shared limit. Draws are not here: they are part of their admission. */
  | readonly ["lease", record: LeaseRecord]
  /** A budget shared with others has reached a share of its amount, as its pool said. */
  | readonly ["shared_alert", atMs: number, pool: string, budget: BudgetLimit, spent: number, percent: number]
  /** The audit database holds the events from..to, and these notices. */
  | readonly ["delivered", ranges: readonly (readonly [from: number, to: number])[], notices: readonly string[]];

/** Longer paths, user agents and notes are cut in the record; what was sent to the vendor is not affected. */
export const MAX_RECORDED_PATH_CHARS = 2048;
export const MAX_RECORDED_USER_AGENT_CHARS = 256;
export const MAX_RECORDED_NOTES_CHARS = 4096;
const MAX_RECORDED_NAME_CHARS = 256;

export function requestFacts(request: AdmissionRequest, recipientId: string | null): RequestFacts {
  return [
    request.requestId,
    recipientId,
    request.connectionId,
    request.grantId,
    request.customer === null ? null : recordedText(request.customer, MAX_RECORDED_NAME_CHARS),
    request.environment,
    request.method.slice(0, MAX_RECORDED_NAME_CHARS),
    withoutTokens(request.path.slice(0, MAX_RECORDED_PATH_CHARS)),
    request.operation?.toWellFormed() ?? null,
    request.address.ip,
    recordedText(request.userAgent, MAX_RECORDED_USER_AGENT_CHARS),
  ];
}

const TOKEN = /(?:rk_proxy|rk_mgmt_[a-z]+|vk)_[0-9A-Za-z]{16,}/g;

/**
 * What a caller wrote, as it is kept: shortened, without tokens, and never with half of a character at its end, which would
 * come back from a database as another one and break the chain's hash.
 */
export function recordedText(text: string, maxChars: number): string {
  return withoutTokens(text.slice(0, maxChars)).toWellFormed();
}

/** A caller may put a token where none belongs, say into the path: the record shows that there was one, not which. */
export function withoutTokens(text: string): string {
  return text.includes("rk_") || text.includes("vk_") ? text.replace(TOKEN, "[token]") : text;
}

export function settlementFacts(settlement: Settlement): SettlementFacts {
  const notes = canonicalJson(settlement.notes);
  const cost = settlement.costUsdMicros;
  return [
    settlement.status,
    settlement.upstreamStatus,
    settlement.reason,
    settlement.attempts,
    Math.round(settlement.latencyMs),
    Math.round(settlement.upstreamMs),
    settlement.bytesIn,
    settlement.bytesOut,
    cost === null ? null : Math.max(0, Math.ceil(cost)),
    settlement.upstreamCredentialId,
    settlement.forwarded ? 1 : 0,
    notes.length > MAX_RECORDED_NOTES_CHARS ? '{"notes_too_long":true}' : notes,
  ];
}
