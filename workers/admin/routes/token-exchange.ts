/**
 * Token exchange (RFC 8693): an identity token of a CI system becomes a short-lived credential, so that no secret is stored
 * there. Order: issuer known, signature and times, claims, used before, constraints. A token works once.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { decodeJwt, type JWTPayload } from "jose";
import * as z from "zod";
import { verifyIdentityToken, type OidcFailure } from "../../../src/cloudflare/oidc.ts";
import type { CredentialCreate } from "../../../src/contract/credential.ts";
import {
  ExchangedToken,
  ISSUED_TOKEN_TYPE,
  TOKEN_EXCHANGE_GRANT,
  TokenExchange,
} from "../../../src/contract/exchange.ts";
import { Constraints, type ConstraintsWire } from "../../../src/contract/management-key.ts";
import type { AdminProblem } from "../../../src/contract/problem.ts";
import { matchClaims } from "../../../src/domain/claims.ts";
import { encodeHex, utf8 } from "../../../src/domain/encoding.ts";
import { err, ok, type Result } from "../../../src/domain/result.ts";
import { spendAssertion, trustsOfIssuer, type ExchangeTrustRow } from "../../../src/store/exchange-trusts.ts";
import { issueCredential } from "../issue.ts";
import { definePublicRoute, type Outcome, type PublicContext, type Route, type RouteContext } from "../route.ts";

const MAX_TOKEN_AGE_SECONDS = 3_600;
const SKEW_MS = 60_000;
const MAX_NAME_CHARS = 200;
/** What is read of the answer to an issue. */
const IssuedPart = z.object({ id: z.string(), token: z.string(), expires_at: z.string() });

const EXPLANATION = [
  "Takes a form, as RFC 8693 says, or JSON. The identity token works once. In GitHub Actions:",
  "",
  "```yaml",
  "permissions: { id-token: write }",
  "steps:",
  "  - run: |",
  '      ID=$(curl -sS -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\',
  '        "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=relaykey" | jq -r .value)',
  "      ANSWER=$(curl -sS https://ADMIN_ORIGIN/api/v1/token-exchange \\",
  `        --data-urlencode grant_type=${TOKEN_EXCHANGE_GRANT} \\`,
  '        --data-urlencode "subject_token=$ID" \\',
  "        --data-urlencode subject_token_type=urn:ietf:params:oauth:token-type:jwt)",
  "      TOKEN=$(printf '%s' \"$ANSWER\" | jq -r '.access_token // error(.detail)')",
  '      echo "::add-mask::$TOKEN"; echo "RELAYKEY_TOKEN=$TOKEN" >> "$GITHUB_ENV"',
  "```",
].join("\n");

const exchangeToken = definePublicRoute({
  method: "POST",
  path: "/api/v1/token-exchange",
  operationId: "exchangeToken",
  tag: "Token exchange",
  summary: "Exchange a CI system's identity token for a short-lived credential (RFC 8693)",
  description: EXPLANATION,
  body: TokenExchange,
  accepts: "json_or_form",
  idempotent: false,
  responses: { 200: ExchangedToken },
  problems: ["credential_invalid", "outside_constraint"],
  async handler(context, { body }): Promise<Outcome> {
    const found = await findTrust(context, body);
    if (!found.ok) return found;
    const { trust, claims } = found.value;
    const constraints = Constraints.safeParse(trust.constraints);
    if (!constraints.success) return err(refused("The trust policy's constraints cannot be read"));
    const fresh = await spendAssertion(context.db, {
      organisationId: trust.organisationId,
      id: assertionId(trust.issuer, claims, body.subject_token),
      expiresAtMs: (claims.exp ?? 0) * 1000 + SKEW_MS,
    });
    if (!fresh) return err(refused("The identity token was used before"));
    const issued = await issueCredential(
      exchangeContext(context, trust, constraints.data),
      credentialBody(body, trust, constraints.data, claims),
      "delegated",
    );
    return issued.ok ? exchanged(issued.value, context.nowMs) : issued;
  },
});

export const TOKEN_EXCHANGE_ROUTES: readonly Route[] = [exchangeToken];

interface Trusted {
  readonly trust: ExchangeTrustRow;
  readonly claims: JWTPayload;
}

/**
 * The trust policy that the token satisfies, the oldest of an organisation; otherwise what came closest to it. Two
 * organisations may trust the same issuer with the same claims: neither may catch the other's tokens, so the token's
 * holder must then say which policy it means.
 */
async function findTrust(context: PublicContext, body: TokenExchange): Promise<Result<Trusted, AdminProblem>> {
  const issuer = issuerOf(body.subject_token);
  if (issuer === null) return err(refused("The subject token is not a signed JWT with an issuer"));
  let found: Trusted | null = null;
  let problem = refused("No trust policy names this issuer");
  for (const trust of await trustsOfIssuer(context.db, issuer, body.trust_policy_id)) {
    if (trust.organisationId === found?.trust.organisationId) continue;
    const claims = await satisfied(context, trust, body.subject_token);
    if (!claims.ok) problem = claims.error;
    else if (found !== null) return err(refused(AMBIGUOUS));
    else found = { trust, claims: claims.value };
  }
  return found === null ? err(problem) : ok(found);
}

const AMBIGUOUS = "Trust policies of several organisations accept this token; name one as trust_policy_id";

/** The token's claims, when they are what this trust policy wants. */
async function satisfied(
  context: PublicContext,
  trust: ExchangeTrustRow,
  token: string,
): Promise<Result<JWTPayload, AdminProblem>> {
  const expected = {
    issuer: trust.issuer,
    audience: trust.audience,
    jwksUrl: trust.jwksUrl,
    maxAgeSeconds: MAX_TOKEN_AGE_SECONDS,
    nowMs: context.nowMs,
  };
  const outside = {
    fetch: (request: Request) => fetch(request),
    allowPrivate: context.settings.allowPrivateUpstreams,
  };
  const verified = await verifyIdentityToken(token, expected, outside);
  if (!verified.ok)
    return err(verified.error === "issuer_unreachable" ? unreachable() : refused(FAILURES[verified.error]));
  const matched = matchClaims(trust.claims, verified.value);
  if (matched.ok) return verified;
  return err(refused(`The claim ${matched.error.claim} is ${matched.error.problem} from what the trust policy wants`));
}

const FAILURES: Readonly<Record<Exclude<OidcFailure, "issuer_unreachable">, string>> = {
  malformed: "The subject token is not a signed JWT that can be checked",
  wrong_issuer: "The issuer is not the one that the trust policy names",
  wrong_audience: "The audience is not the one that the trust policy names",
  bad_signature: "The signature does not fit the issuer's keys",
  outside_time: "The subject token has expired, is not valid yet, or is too old",
};

/** Also in the form of RFC 6749 §5.2, for OAuth clients. */
function refused(detail: string): AdminProblem {
  return { code: "credential_invalid", detail, extensions: { error: "invalid_grant", error_description: detail } };
}

function unreachable(): AdminProblem {
  return { code: "unavailable", detail: "The issuer's keys cannot be read now", retryAfterSeconds: 5 };
}

/** Unverified: only to find the trust policies that are then checked. */
function issuerOf(token: string): string | null {
  try {
    const { iss } = decodeJwt(token);
    return typeof iss === "string" && iss.length <= 2_048 ? iss : null;
  } catch {
    return null;
  }
}

/**
 * Without `jti`, what was signed is what works once. The signature takes no part: anybody can make a second one of an
 * ECDSA signature (r, n - s) that verifies as well.
 */
function assertionId(issuer: string, claims: JWTPayload, token: string): string {
  const signed = token.slice(0, token.lastIndexOf("."));
  const name = typeof claims.jti === "string" && claims.jti !== "" ? `jti\n${claims.jti}` : `signed\n${signed}`;
  return encodeHex(sha256(utf8(`${issuer}\n${name}`)));
}

/** The exchange acts as a provisioner with the trust policy's constraints and nothing else. */
function exchangeContext(context: PublicContext, trust: ExchangeTrustRow, constraints: ConstraintsWire): RouteContext {
  const { organisationId } = trust;
  const caller = {
    kind: "exchange",
    id: trust.id,
    name: trust.name,
    role: "provisioner",
    organisationId,
    constraints,
  } as const;
  return { ...context, caller, organisationId };
}

function credentialBody(
  body: TokenExchange,
  trust: ExchangeTrustRow,
  constraints: ConstraintsWire,
  claims: JWTPayload,
): CredentialCreate {
  const connections = body.connection_id === undefined ? constraints.connections : [body.connection_id];
  const rules =
    constraints.rules === undefined
      ? { allowed_methods: constraints.allowed_methods, allowed_paths: constraints.allowed_paths }
      : { rules: constraints.rules };
  const fixedLabels = Object.entries(constraints.labels ?? {}).filter(([, value]) => value !== "*");
  return {
    name: body.name ?? defaultName(trust, constraints, claims),
    ttl_seconds: body.ttl_seconds ?? constraints.max_ttl_seconds,
    labels: Object.fromEntries(fixedLabels),
    grants: body.grants ?? connections.map((id) => ({ connection_id: id, ...rules })),
  };
}

/** Says who asked: the pattern with the subject in place of its first `*`, or the policy's name with the subject. */
function defaultName(trust: ExchangeTrustRow, constraints: ConstraintsWire, claims: JWTPayload): string {
  const subject = String(claims.sub ?? "").replaceAll(/[^A-Za-z0-9._:/@-]+/g, "-");
  const pattern = constraints.name_pattern ?? `${trust.name} *`;
  const room = Math.max(0, MAX_NAME_CHARS - pattern.length);
  return pattern
    .replace("*", () => subject.slice(0, room))
    .replaceAll("*", "")
    .trim();
}

function exchanged(replied: { readonly status: number; readonly body?: unknown } | Response, nowMs: number): Outcome {
  const issued = replied instanceof Response ? null : IssuedPart.safeParse(replied.body);
  if (issued === null || !issued.success) throw new Error("The issued credential has another form");
  const { id, token, expires_at: expiresAt } = issued.data;
  return ok({
    status: 200,
    body: {
      access_token: token,
      issued_token_type: ISSUED_TOKEN_TYPE,
      token_type: "Bearer",
      expires_in: Math.max(0, Math.floor((Date.parse(expiresAt) - nowMs) / 1000)),
      credential_id: id,
    },
    headers: { pragma: "no-cache" },
  });
}
