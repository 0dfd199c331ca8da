/** A trust policy while it is being written, and the request that comes of it. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { TrustPolicy } from "../../../../src/contract/exchange.ts";
import type { FieldError } from "../../../../src/contract/problem.ts";
import { err, ok } from "../../../../src/domain/result.ts";
import type { Result } from "../../../../src/domain/result.ts";
import { constraintsBody, constraintsDraft } from "./constraints-draft.ts";
import type { ConstraintsDraft } from "./constraints-draft.ts";
import { lines, wholeLines } from "./scope-draft.ts";
import { KNOWN_ISSUERS, likelySystem } from "./trust-issuers.ts";
import type { KnownIssuer } from "./trust-issuers.ts";

/** As the documentation has it; what matters is that job and policy say the same. */
const DEFAULT_AUDIENCE = "relaykey";
const DEFAULT_TTL_SECONDS = 900;

export interface ClaimDraft {
  readonly key: number;
  readonly name: Signal<string>;
  /** One value a line; any of them is enough. */
  readonly values: Signal<string>;
  /** Added by hand just now: where the person goes on writing. */
  readonly fresh: boolean;
}

export interface TrustDraft {
  readonly name: Signal<string>;
  readonly issuer: Signal<string>;
  readonly audience: Signal<string>;
  /** Empty: where the issuer's discovery document says. */
  readonly jwksUrl: Signal<string>;
  readonly claims: Signal<readonly ClaimDraft[]>;
  readonly constraints: ConstraintsDraft;
}

let lastKey = 0;

export function claimDraft(name = "", values = "", fresh = false): ClaimDraft {
  lastKey += 1;
  return { key: lastKey, name: signal(name), values: signal(values), fresh };
}

/** A new one begins as that of the first known issuer. */
export function trustDraft(from: TrustPolicy | null): TrustDraft {
  const draft: TrustDraft = {
    name: signal(from?.name ?? ""),
    issuer: signal(from?.issuer ?? ""),
    audience: signal(from?.audience ?? DEFAULT_AUDIENCE),
    jwksUrl: signal(from?.jwks_url ?? ""),
    claims: signal(Object.entries(from?.claims ?? {}).map(([name, values]) => claimDraft(name, values.join("\n")))),
    constraints: constraintsDraft(from?.constraints ?? null, DEFAULT_TTL_SECONDS),
  };
  if (from === null) prefill(draft, KNOWN_ISSUERS[0] ?? null);
  return draft;
}

/** Null: an issuer that is not known here. */
export function prefill(draft: TrustDraft, known: KnownIssuer | null): void {
  draft.issuer.value = known?.issuer ?? "";
  draft.jwksUrl.value = "";
  const first = known?.claims.filter((each) => each.first) ?? [];
  draft.claims.value = known === null ? [claimDraft()] : first.map((each) => claimDraft(each.name, each.value));
}

/** The system that the draft seems to be about, whose claims are explained. */
export function systemOf(draft: TrustDraft): KnownIssuer | null {
  return likelySystem(
    draft.issuer.value,
    draft.claims.value.map((row) => row.name.value.trim()),
  );
}

/** The issuer is stated once and for all: `from` is what is changed, null for a new one. */
export function trustBody(draft: TrustDraft, from: TrustPolicy | null): Result<object, readonly FieldError[]> {
  const claims = claimsBody(draft);
  const errors = claims.ok ? [] : [...claims.error];
  if (draft.constraints.connectionIds.value.length === 0) {
    errors.push({ field: "constraints.connections", message: "Choose at least one" });
  }
  for (const [i, rule] of draft.constraints.scope.rules.value.entries()) {
    if (rule.methods.value.length > 0 && lines(rule.paths.value).length > 0) continue;
    errors.push({ field: `constraints.rules[${i}]`, message: "Needs a method and a path" });
  }
  if (!claims.ok || errors.length > 0) return err(errors);
  const jwksUrl = draft.jwksUrl.value.trim();
  return ok({
    name: draft.name.value.trim(),
    ...(from === null ? { issuer: draft.issuer.value.trim() } : {}),
    audience: draft.audience.value.trim(),
    ...(from === null && jwksUrl === "" ? {} : { jwks_url: jwksUrl === "" ? null : jwksUrl }),
    claims: claims.value,
    constraints: constraintsBody(draft.constraints),
  });
}

function claimsBody(draft: TrustDraft): Result<Record<string, readonly string[]>, readonly FieldError[]> {
  const claims = new Map<string, readonly string[]>();
  const errors: FieldError[] = [];
  for (const row of draft.claims.value) {
    const name = row.name.value.trim();
    const values = wholeLines(row.values.value);
    if (values.length === 0) errors.push({ field: claimField(name), message: "Say what it must be, or remove it" });
    else if (claims.has(name))
      errors.push({ field: claimField(name), message: "Stands twice; put all its values here" });
    claims.set(name, values);
  }
  return errors.length > 0 ? err(errors) : ok(Object.fromEntries(claims));
}

/** By which an error finds the claim's row. */
export function claimField(name: string): string {
  return `claims.${name.trim()}`;
}
