/**
 * Step 1 and 2: find the caller's token, prove it, load what it stands for.
 * Forged and mistyped tokens are refused by their keyed check without any I/O. Whether the credential may be used *now*
 * (revoked, expired) is the gate's to say, never this step's.
 */
import { authHeaderNames, authQueryNames } from "../domain/auth-apply.ts";
import type { CredentialDocument } from "../domain/documents.ts";
import type { ReadHeaders } from "../domain/header-map.ts";
import { findPresented, type Presented } from "../domain/presented.ts";
import { credentialInvalid, type Outcome, type Refusal } from "../domain/problem.ts";
import { err, ok } from "../domain/result.ts";
import type { ProxyRoute } from "../domain/route.ts";
import { looksLikeToken, passesCheck, readToken, verifyTokenHash, type ParsedToken } from "../domain/token.ts";
import type { PipelineSettings, Ports } from "../ports.ts";

export interface Caller {
  readonly document: CredentialDocument;
  /** Proven; kept for this request, to be proven again when the document is read anew. */
  readonly token: ParsedToken;
  /** Every place in which a token stood; none of them reaches the vendor. */
  readonly presented: readonly Presented[];
  /** Where the token that counts stood. */
  readonly place: Presented["place"];
  /** `conflicting_credentials`, to be placed in the precedence by the gate. */
  readonly conflict: Refusal | null;
}

const MISSING: Refusal = {
  code: "credential_missing",
  detail:
    "Send a RelayKey token as `Authorization: Bearer`, `X-RelayKey`, Basic, or where this vendor's SDK puts its key.",
};
const CONFLICT: Refusal = {
  code: "conflicting_credentials",
  detail: "Two different RelayKey tokens were sent. Send one.",
};

/** `fresh` bypasses the isolate's cache, after the gate said that the document is old. */
export async function authenticate(
  request: { readonly headers: ReadHeaders; readonly route: ProxyRoute | null },
  ports: Ports,
  settings: PipelineSettings,
): Promise<Outcome<Caller>> {
  const presented = findPresented(request.headers, request.route?.rawQuery ?? "");
  if (presented.length === 0) return err({ ...MISSING, reason: "credential_missing" });

  const candidates = presented.flatMap(({ token, place }) => {
    const parsed = readToken(token);
    return parsed === null || parsed.kind === "management" ? [] : [{ parsed, place }];
  });
  // Tokens also stand where some vendor's SDK puts its key beside the usual place; the usual one is asked first.
  if (candidates.length > 1)
    candidates.sort((one, other) => Number(isUsualPlace(other.place)) - Number(isUsualPlace(one.place)));
  const known = candidates.find(({ parsed }) => isKnown(parsed, ports, settings));
  const first = known ?? candidates.find(({ parsed }) => passesCheck(parsed, settings.peppers));
  if (first === undefined) return err(credentialInvalid("forged"));
  const inMemory = known === undefined ? null : ports.credentials.known(known.parsed.lookupId);
  const document = inMemory ?? (await loadDocument(ports, settings, first.parsed));
  if (document === null) return err(credentialInvalid("unknown"));
  const { token } = first.parsed;
  const counting = candidates.find(
    ({ parsed, place }) => parsed.token === token && isAllowedPlace(place, document, request.route),
  );
  if (counting === undefined) return err({ ...MISSING, reason: "credential_misplaced" });
  const distinct = new Set(presented.filter((each) => looksLikeToken(each.token)).map((each) => each.token));
  return ok({
    document,
    token: first.parsed,
    presented,
    place: counting.place,
    conflict: distinct.size > 1 ? CONFLICT : null,
  });
}

/**
 * The caller with its document read anew from the control database; null when the token no longer stands for one: a
 * rotation may be what made the old document old.
 */
export async function reloadCaller(caller: Caller, ports: Ports, settings: PipelineSettings): Promise<Caller | null> {
  const document = await ports.credentials.find(caller.token.lookupId, true);
  return document !== null && proves(caller.token, document, ports, settings) ? { ...caller, document } : null;
}

/**
 * Whether memory holds a document that the token proves itself against. Its whole hash is then enough; the keyed check is
 * there to spare the database from tokens that were never issued.
 */
function isKnown(token: ParsedToken, ports: Ports, settings: PipelineSettings): boolean {
  const document = ports.credentials.known(token.lookupId);
  return document !== null && proves(token, document, ports, settings);
}

function proves(token: ParsedToken, document: CredentialDocument, ports: Ports, settings: PipelineSettings): boolean {
  const nowMs = ports.clock.nowMs();
  const live = document.tokenHashes.filter((each) => each.expiresAtMs === null || each.expiresAtMs > nowMs);
  return verifyTokenHash(token.token, live, settings.peppers);
}

function isUsualPlace(place: Presented["place"]): boolean {
  return place.kind === "header" && (place.name === "x-relaykey" || place.name === "authorization");
}

/** `X-RelayKey` and `Authorization` always; other places only where this connection's vendor expects its key. */
function isAllowedPlace(place: Presented["place"], document: CredentialDocument, route: ProxyRoute | null): boolean {
  if (isUsualPlace(place)) return true;
  const connection = document.grants.find((grant) => grant.connection.id === route?.connectionId)?.connection;
  if (connection === undefined) return false;
  switch (place.kind) {
    case "header":
      return authHeaderNames(connection.auth).includes(place.name) || connection.tokenHeaders.includes(place.name);
    case "query":
      return [...authQueryNames(connection.auth), ...connection.tokenQueryParams].includes(place.name);
    case "subprotocol":
      return connection.tokenHeaders.includes("sec-websocket-protocol");
  }
}

/** The document that the token proves itself against; from the database when memory has none, or an old one. */
async function loadDocument(
  ports: Ports,
  settings: PipelineSettings,
  token: ParsedToken,
): Promise<CredentialDocument | null> {
  for (const fresh of [false, true]) {
    const document = await ports.credentials.find(token.lookupId, fresh);
    if (document === null) return null;
    if (proves(token, document, ports, settings)) return document;
  }
  return null;
}
