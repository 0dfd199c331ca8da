/**
 * Step 3: what the configuration says about this call. Pure but for reading a small body when a rule needs it.
 * Nothing is refused here: the finding goes to the gate, which places it in the precedence and puts it on record.
 */
import { authQueryNames } from "../domain/auth-apply.ts";
import { bodyRulesApply, judgeBody, readsBody, type BodyHeaders } from "../domain/body-rules.ts";
import type { ConnectionDocument, CredentialDocument, GrantDocument } from "../domain/documents.ts";
import type { ReadHeaders } from "../domain/header-map.ts";
import { formSearch, REPLACED_IN_FORM, REPLACING_METHODS } from "../domain/method-override.ts";
import { nameOperation } from "../domain/operation.ts";
import { canonicalPath, joinBasePath } from "../domain/path.ts";
import { carriesToken, queryWithoutTokens } from "../domain/presented.ts";
import type { Refusal } from "../domain/problem.ts";
import { judgeScope, refusesSome } from "../domain/scope-judge.ts";
import type { BodyReader } from "./request-body.ts";
import type { ProxyRoute } from "../domain/route.ts";
import { mustBeRead, refusesGraphql } from "../domain/unruled-graphql.ts";
import { upstreamBase } from "../domain/upstream-base.ts";
import { servesEnvironment } from "../domain/upstream-choice.ts";

export interface Judgement {
  readonly grant: GrantDocument | null;
  /** Canonical upstream path: what was matched and what is sent, byte for byte. */
  readonly path: string;
  /** Query to send, without `?` and without the caller's token. */
  readonly query: string;
  /** Base URL that this path belongs to (a connection may list further origins). */
  readonly baseUrl: string;
  readonly operation: string | null;
  readonly customer: string | null;
  readonly refusal: Refusal | null;
}

/** A customer's name as callers send it: visible ASCII, no spaces. */
const CUSTOMER_PATTERN = /^[\x21-\x7e]{1,128}$/;

export async function judgeCall(
  call: {
    readonly method: string;
    readonly headers: ReadHeaders;
    readonly route: ProxyRoute;
    readonly body: BodyReader;
  },
  document: CredentialDocument,
): Promise<Judgement> {
  const grant = document.grants.find((each) => each.connection.id === call.route.connectionId) ?? null;
  const connection = grant?.connection ?? null;
  const found = canonicalPath(call.route.rawPath === "" ? "/" : call.route.rawPath, {
    allowEncodedSlash: connection?.allowEncodedSlash ?? false,
  });
  const named = call.headers.get("x-relaykey-customer");
  const customer = named !== null && CUSTOMER_PATTERN.test(named) && !carriesToken(named) ? named : null;
  const blank = { grant, query: "", baseUrl: "", operation: null, customer } as const;
  if (!found.ok) {
    return {
      ...blank,
      path: onRecord(call.route.rawPath),
      refusal: { code: "ambiguous_path", detail: found.error.detail },
    };
  }
  if ((call.method === "GET" || call.method === "HEAD") && call.body.mayHoldBytes() && !(await call.body.isEmpty())) {
    const detail = `A ${call.method} request cannot carry a body here: send it without one, or by POST where the vendor takes that.`;
    return { ...blank, path: found.value, refusal: { code: "invalid_request", detail } };
  }
  if (named !== customer) {
    const detail = "X-RelayKey-Customer must be 1 to 128 visible ASCII characters, and no token.";
    return { ...blank, path: found.value, refusal: { code: "invalid_request", detail } };
  }
  if (grant === null || connection === null) {
    return { ...blank, path: found.value, refusal: notGranted(document, call.route.connectionId) };
  }
  const base = upstreamBase(connection, found.value, call.route.originName);
  if (base === null) {
    const detail = `${connection.id} has no origin named ${call.route.originName ?? ""}.`;
    return { ...blank, path: found.value, refusal: { code: "invalid_request", detail } };
  }
  const requested = call.route.rawPath === "" ? "" : found.value;
  const path = joinBasePath(base.basePath, requested, connection.collapseBasePath);
  const rawQuery = queryWithoutTokens(call.route.rawQuery);
  const scoped = judgeScope(
    grant.scope,
    { method: call.method, path, query: rawQuery },
    authQueryNames(connection.auth),
  );
  const rest = { grant, path, baseUrl: base.origin, customer, operation: operationOf(connection, call.method, path) };
  if (!scoped.ok) return { ...rest, query: "", refusal: scoped.error };
  const refusal =
    environmentRefusal(document, grant) ??
    call.body.refusal ??
    socketRefusal(grant, call.headers) ??
    (bodyRulesApply(grant.scope) || (refusesGraphql(grant.scope) && (await mayBeGraphql(call)))
      ? await bodyRefusal(grant, call)
      : null) ??
    (await overrideRefusal(grant, path, call));
  return { ...rest, query: scoped.value, refusal };
}

const MAX_RECORDED_PATH_CHARS = 512;

/** A path that was never judged, made safe to keep and to show. */
function onRecord(rawPath: string): string {
  // Escapes hide a token from the record's own search for one.
  if (carriesToken(rawPath.replaceAll(/%([2-7][0-9A-Fa-f])/g, unescaped))) return "/[token]";
  return rawPath.slice(0, MAX_RECORDED_PATH_CHARS).replaceAll(/[^\x21-\x7e]/g, "?");
}

function unescaped(_escape: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}

function operationOf(connection: ConnectionDocument, method: string, path: string): string | null {
  return connection.operations.length === 0 ? null : nameOperation(connection.operations, method, path);
}

function notGranted(document: CredentialDocument, connectionId: string): Refusal {
  const granted = document.grants.map((grant) => grant.connection.id);
  const names = granted.length === 0 ? "none" : granted.join(", ");
  return {
    code: "connection_not_granted",
    detail: `This credential has no grant for ${connectionId}. It reaches: ${names}.`,
    extensions: { granted_connections: granted },
  };
}

function environmentRefusal(document: CredentialDocument, grant: GrantDocument): Refusal | null {
  const wanted = grant.environment ?? document.environment;
  const has = grant.connection.environment;
  const disagree =
    (document.environment !== null && grant.environment !== null && document.environment !== grant.environment) ||
    (wanted !== null && has !== null && wanted !== has);
  const subject = wanted === null ? "The credential names no environment" : `The credential is for ${wanted}`;
  if (disagree) return environmentDenied(`${subject}; the connection is ${has ?? "unspecified"}.`);
  if (servesEnvironment(grant.connection.upstreamCredentials, wanted)) return null;
  return environmentDenied(`${subject}; the connection has keys for other environments only.`);
}

function environmentDenied(detail: string): Refusal {
  return { code: "environment_denied", detail };
}

/** What travels over a WebSocket is never judged, so a grant whose rules look into bodies has none. */
function socketRefusal(grant: GrantDocument, headers: Pick<Headers, "get">): Refusal | null {
  const { scope } = grant;
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") return null;
  if (!readsBody(scope) && scope.removeResponseMembers.length === 0) return null;
  const detail = "This grant has rules for bodies, which cannot be judged on a WebSocket.";
  return { code: "body_denied", detail };
}

interface BodyCall {
  readonly method: string;
  readonly headers: ReadHeaders;
  readonly body: BodyReader;
}

async function bodyRefusal(grant: GrantDocument, call: BodyCall): Promise<Refusal | null> {
  const body = await call.body.readForRules(grant.scope.maxBodyBytes);
  if (body.ok) return judgeBody(grant.scope, call.method, aboutBody(call.headers), body.value);
  if (body.error.code !== "body_too_large" || bodyRulesApply(grant.scope)) return body.error;
  return { ...body.error, detail: `${body.error.detail} ${WHY_READ}` };
}

/** A form could name another method than the one that was judged. */
async function overrideRefusal(grant: GrantDocument, path: string, call: BodyCall): Promise<Refusal | null> {
  if (call.method !== "POST" || !call.body.mayHoldBytes()) return null;
  const search = formSearch(call.headers.get("content-type"));
  if (search === null || !refusesSome(grant.scope.rules, REPLACING_METHODS, path)) return null;
  return await call.body.inspect((bytes) => (search.found(bytes) ? REPLACED_IN_FORM : null));
}

const WHY_READ =
  "This grant hides members of answers, so JSON and forms are read first; max_body_bytes can allow more.";

function aboutBody(headers: ReadHeaders): BodyHeaders {
  return { contentType: headers.get("content-type"), contentEncoding: headers.get("content-encoding") };
}

/** Whether the body must be read for the sake of hidden members alone. All others stream on. */
async function mayBeGraphql(call: BodyCall): Promise<boolean> {
  if (!call.body.mayHoldBytes()) return false;
  const about = aboutBody(call.headers);
  if (mustBeRead(about, null)) return true;
  const beginning = await call.body.beginning();
  return !beginning.ok || mustBeRead(about, beginning.value);
}
