/**
 * The safety review of a scope, before a token is issued. Pure and deterministic: the same scope gives the same findings
 * with the same ids, so that a person can acknowledge one by its id and a change elsewhere does not disturb it.
 * It warns; who is stopped by what is decided by `reviewBlocks`.
 */
import { sha256 } from "@noble/hashes/sha2.js";

import { encodeHex, utf8 } from "./encoding.ts";
import type { Limits, Trust } from "./limits.ts";
import type { Finding, ReviewedGrant } from "./review-finding.ts";
import { breadthFindings, reachFindings, sensitiveFindings } from "./review-scope.ts";
import type { Severity } from "./settings.ts";
import type { Role } from "./token.ts";

export interface ReviewInput {
  readonly grants: readonly ReviewedGrant[];
  /** Null: the credential never expires. */
  readonly ttlSeconds: number | null;
  readonly trust: Trust;
  /** Of the credential as a whole. */
  readonly limits: Limits;
}

export interface Review {
  readonly risk: Severity;
  /** Gravest first. */
  readonly findings: readonly Finding[];
}

export const SEVERITIES = ["low", "medium", "high", "critical"] as const satisfies readonly Severity[];
const MAX_FINDINGS = 100;
const MAX_ID_CHARS = 128;
const DAY_SECONDS = 86_400;
const LONG_TTL_SECONDS = 30 * DAY_SECONDS;
const VERY_LONG_TTL_SECONDS = 90 * DAY_SECONDS;

/** Looks at every grant and at the credential. The risk is that of the gravest finding. */
export function reviewScope(input: ReviewInput): Review {
  const found = [
    ...input.grants.flatMap((grant) => [
      ...breadthFindings(grant),
      ...sensitiveFindings(grant),
      ...reachFindings(grant),
      ...budgetFindings(grant, input.limits),
    ]),
    ...lifetimeFindings(input.ttlSeconds),
    ...trustFindings(input.trust, input.grants),
  ];
  const byId = new Map(found.map((finding) => [shortId(finding.id), { ...finding, id: shortId(finding.id) }]));
  const findings = [...byId.values()].toSorted(graverFirst).slice(0, MAX_FINDINGS);
  return { risk: findings[0]?.severity ?? "low", findings };
}

/**
 * The findings that stop issue. By default only `critical` ones stop, and only a provisioner; a policy may say from which
 * severity everyone is stopped. An owner or admin may acknowledge findings by id, a provisioner may not.
 */
export function reviewBlocks(
  review: Review,
  by: { readonly role: Role; readonly acknowledged: readonly string[]; readonly blockFrom: Severity | null },
): readonly Finding[] {
  const mayAcknowledge = by.role === "owner" || by.role === "admin";
  const from = by.blockFrom ?? (mayAcknowledge ? null : "critical");
  if (from === null) return [];
  const acknowledged = new Set(mayAcknowledge ? by.acknowledged : []);
  return review.findings.filter((finding) => rank(finding.severity) >= rank(from) && !acknowledged.has(finding.id));
}

function lifetimeFindings(ttlSeconds: number | null): readonly Finding[] {
  const suggestion = `Set ttl_seconds; 30 days are ${LONG_TTL_SECONDS}.`;
  if (ttlSeconds === null) {
    const message = "The credential never expires: whoever finds its token in years to come can use it.";
    return [{ id: "lifetime:never", severity: "medium", message, rule: null, suggestion }];
  }
  if (ttlSeconds <= LONG_TTL_SECONDS) return [];
  const severity = ttlSeconds > VERY_LONG_TTL_SECONDS ? "medium" : "low";
  const message = `The credential lives for ${Math.round(ttlSeconds / DAY_SECONDS)} days.`;
  return [{ id: "lifetime:long", severity, message, rule: null, suggestion }];
}

const EVERYWHERE: ReadonlySet<string> = new Set(["0.0.0.0/0", "::/0"]);

function trustFindings(trust: Trust, grants: readonly ReviewedGrant[]): readonly Finding[] {
  const open = trust.mode === "fixed" && trust.addresses.some((address) => EVERYWHERE.has(address));
  if (trust.mode !== "off" && !open) return [];
  const writes = grants.some((grant) => grant.scope.rules.some((rule) => rule.methods.some(isWrite)));
  const message = writes
    ? "The token works from any address, and it can write: a stolen copy is as good as the original."
    : "The token works from any address: a stolen copy is as good as the original.";
  const suggestion = "Use trust mode first_use, or fixed with the addresses of your network.";
  return [{ id: "trust:open", severity: writes ? "medium" : "low", message, rule: null, suggestion }];
}

function budgetFindings(grant: ReviewedGrant, shared: Limits): readonly Finding[] {
  if (grant.prices.length === 0) return [];
  if (grant.limits.budgets.length > 0 || shared.budgets.length > 0) return [];
  const message = `Calls to “${grant.connectionName}” cost money and no budget limits them.`;
  const suggestion = "Add a budget in usd_micros or requests per day or month.";
  return [{ id: `budget:${grant.connectionId}`, severity: "medium", message, rule: null, suggestion }];
}

export function isWrite(method: string): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
}

function rank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

function graverFirst(left: Finding, right: Finding): number {
  if (left.severity !== right.severity) return rank(right.severity) - rank(left.severity);
  return left.id < right.id ? -1 : 1;
}

/** Ids stay short enough for a form field: the end of a long one becomes a digest of the whole. */
function shortId(id: string): string {
  if (id.length <= MAX_ID_CHARS) return id;
  return `${id.slice(0, MAX_ID_CHARS - 17)}~${encodeHex(sha256(utf8(id))).slice(0, 16)}`;
}
