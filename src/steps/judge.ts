/**
 * Step 3: what the configuration says about this call. Pure but for reading a small body when a rule needs it.
 * Nothing is refused here: the finding goes to the gate, which places it in the precedence and puts it on record.
 */
import { authQueryNames } from "../domain/auth-apply.ts";
import { bodyRulesApply, judgeBody } from "../domain/body-rules.ts";
import type { ConnectionDocument, CredentialDocument, GrantDocument } from "../domain/documents.ts";
import type { ReadHeaders } from "../domain/header-map.ts";
import { nameOperation } from "../domain/operation.ts";
import { canonicalPath, joinBasePath } from "../domain/path.ts";
import { queryWithoutTokens } from "../domain/presented.ts";
import type { Refusal } from "../domain/problem.ts";
import { judgeScope } from "../domain/scope-judge.ts";
import type { BodyReader } from "./request-body.ts";
import type { ProxyRoute } from "../domain/route.ts";
import { upstreamBase } from "../domain/upstream-base.ts";

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
  const customer = call.headers.get("x-relaykey-customer");
  const blank = { grant, query: "", baseUrl: "", operation: null, customer } as const;
  if (!found.ok) {
    return {
      ...blank,
      path: onRecord(call.route.rawPath),
      refusal: { code: "ambiguous_path", detail: found.error.detail },
    };
  }
  if (grant === null || connection === null) {
    return { ...blank, path: found.value, refusal: notGranted(document, call.route.connectionId) };
  }
  if (customer !== null && !CUSTOMER_PATTERN.test(customer)) {
    const detail = "X-RelayKey-Customer must be 1 to 128 visible ASCII characters.";
    return { ...blank, customer: null, path: found.value, refusal: { code: "invalid_request", detail } };
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
    (bodyRulesApply(grant.scope) ? await bodyRefusal(grant, call) : null);
  return { ...rest, query: scoped.value, refusal };
}

const MAX_RECORDED_PATH_CHARS = 512;

/** A path that was never judged, made safe to keep and to show. */
function onRecord(rawPath: string): string {
  return rawPath.slice(0, MAX_RECORDED_PATH_CHARS).replaceAll(/[^\x21-\x7e]/g, "?");
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
  if (!disagree) return null;
  return {
    code: "environment_denied",
    detail: `The credential is for ${wanted ?? "any environment"}; the connection is ${has ?? "unspecified"}.`,
  };
}

async function bodyRefusal(
  grant: GrantDocument,
  call: { readonly headers: ReadHeaders; readonly body: BodyReader },
): Promise<Refusal | null> {
  const body = await call.body.readForRules(grant.scope.maxBodyBytes);
  if (!body.ok) return body.error;
  const about = {
    contentType: call.headers.get("content-type"),
    contentEncoding: call.headers.get("content-encoding"),
  };
  return judgeBody(grant.scope, about, body.value);
}
