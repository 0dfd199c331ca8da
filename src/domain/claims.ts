/**
 * Trust policies on the claims of an identity token (OIDC). Pure; the token's signature, issuer, audience and times were
 * checked before. Values are compared whole: no prefix, no wildcard, no case folding, so that `repo:acme/app` can never be
 * satisfied by `repo:acme/app-fork`. Every named claim must agree.
 */
import { err, ok, type Result } from "./result.ts";

export type ClaimValue = string | number | boolean;
/** Claim name → the value, or the values of which one is enough. */
export type ClaimRules = Readonly<Record<string, ClaimValue | readonly ClaimValue[]>>;

export const MAX_CLAIM_RULES = 20;
export const MAX_CLAIM_VALUES = 50;
const MAX_CLAIM_NAME_CHARS = 100;
const MAX_CLAIM_VALUE_CHARS = 500;

/**
 * Issuers that serve everyone: without one of these claims a policy would trust every account there.
 * Sources: GitHub Actions and GitLab CI documentation on OIDC claims.
 */
const IDENTIFYING_CLAIMS: Readonly<Record<string, readonly string[]>> = {
  "https://token.actions.githubusercontent.com": [
    "repository_id",
    "repository",
    "repository_owner_id",
    "repository_owner",
    "job_workflow_ref",
    "sub",
  ],
  "https://gitlab.com": ["project_id", "project_path", "namespace_id", "namespace_path", "sub"],
};

export interface ClaimMismatch {
  readonly claim: string;
  readonly problem: "missing" | "different";
}

/** Says the first claim that does not agree, in the order of the policy. Never says what the token holds. */
export function matchClaims(rules: ClaimRules, claims: Readonly<Record<string, unknown>>): Result<void, ClaimMismatch> {
  const names = Object.keys(rules);
  if (names.length === 0) return err({ claim: "", problem: "missing" });
  for (const claim of names) {
    const wanted = rules[claim];
    if (wanted === undefined || !Object.hasOwn(claims, claim)) return err({ claim, problem: "missing" });
    const given: unknown = claims[claim];
    const wantedValues = isList(wanted) ? wanted : [wanted];
    const givenValues: readonly unknown[] = Array.isArray(given) ? given : [given];
    const agrees = givenValues.some((value) => wantedValues.some((candidate) => sameValue(candidate, value)));
    if (!agrees) return err({ claim, problem: "different" });
  }
  return ok(undefined);
}

/** What is wrong with a policy as it is configured; null when it can be used. */
export function claimRulesProblem(issuer: string, rules: ClaimRules): string | null {
  const entries = Object.entries(rules);
  if (entries.length === 0) return "Name at least one claim: without it every token of the issuer would be trusted";
  if (entries.length > MAX_CLAIM_RULES) return `At most ${MAX_CLAIM_RULES} claims can be named`;
  for (const [name, value] of entries) {
    const values = isList(value) ? value : [value];
    if (name.length === 0 || name.length > MAX_CLAIM_NAME_CHARS) return "The name of a claim is too short or too long";
    if (values.length === 0 || values.length > MAX_CLAIM_VALUES)
      return `Claim ${name} needs 1 to ${MAX_CLAIM_VALUES} values`;
    if (values.some((each) => typeof each === "string" && (each === "" || each.length > MAX_CLAIM_VALUE_CHARS))) {
      return `A value of claim ${name} is empty or too long`;
    }
    if (values.some((each) => typeof each === "string" && each.includes("*"))) {
      return `Claim ${name} holds “*”: values are compared whole, wildcards do not exist`;
    }
  }
  const identifying = IDENTIFYING_CLAIMS[issuer.replace(/\/$/, "")];
  if (identifying !== undefined && !identifying.some((name) => Object.hasOwn(rules, name))) {
    return `This issuer serves everyone: name one of ${identifying.join(", ")}`;
  }
  return null;
}

/** Issuers write ids now as numbers, now as text; a safe integer equals its decimal text, nothing else is converted. */
function sameValue(wanted: ClaimValue, given: unknown): boolean {
  if (typeof given !== "string" && typeof given !== "number" && typeof given !== "boolean") return false;
  if (typeof wanted === "boolean" || typeof given === "boolean") return wanted === given;
  return comparable(wanted) !== null && comparable(wanted) === comparable(given);
}

function comparable(value: string | number): string | null {
  if (typeof value === "string") return value;
  return Number.isSafeInteger(value) ? String(value) : null;
}

function isList(value: ClaimValue | readonly ClaimValue[]): value is readonly ClaimValue[] {
  return Array.isArray(value);
}
