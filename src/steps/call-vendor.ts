/**
 * Step 9: the call to the vendor. Everything about the outgoing request is decided here: destination, headers, and last
 * of all the vendor's key. Egress goes to the connection's origin and nowhere else.
 */
import { applyAuth, authHeaderNames, needsBody, UnusableSecret } from "../domain/auth-apply.ts";
import { checkBaseUrl, type BaseUrl } from "../domain/egress.ts";
import type { HeaderMap, ReadHeaders } from "../domain/header-map.ts";
import type { Refusal } from "../domain/problem.ts";
import { vendorRequestHeaders } from "../domain/request-headers.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { forward, type ForwardFailure } from "../forward.ts";
import type { PipelineSettings, Ports } from "../ports.ts";
import type { Watch } from "../watch.ts";
import type { Caller } from "./authenticate.ts";
import type { Judgement } from "./judge.ts";
import type { BodyReader } from "./request-body.ts";
import type { UpstreamKey, UpstreamKeys } from "./upstream-keys.ts";

export interface VendorAnswer {
  readonly response: Response;
  /** Those of the response. */
  readonly headers: HeaderMap;
  readonly attempts: number;
  readonly upstreamMs: number;
  /** The key that was used, for masking what the vendor echoes. */
  readonly key: UpstreamKey;
  readonly notes: Readonly<Record<string, unknown>>;
}

export interface VendorFailure {
  readonly refusal: Refusal;
  /** False when it is certain that no byte reached the vendor. */
  readonly forwarded: boolean;
  readonly attempts: number;
  readonly upstreamMs: number;
  readonly upstreamCredentialId: string | null;
  readonly notes: Readonly<Record<string, unknown>>;
}

export interface VendorCall {
  readonly request: Request;
  /** Those of the request. */
  readonly headers: ReadHeaders;
  readonly requestId: string;
  readonly caller: Caller;
  readonly judgement: Judgement & { readonly grant: NonNullable<Judgement["grant"]> };
  readonly body: BodyReader;
  readonly keys: UpstreamKeys;
  readonly watch: Watch;
}

const bases = new Map<string, BaseUrl>();
const MAX_BASES = 1_000;

export async function callVendor(
  call: VendorCall,
  ports: Ports,
  settings: PipelineSettings,
): Promise<Result<VendorAnswer, VendorFailure>> {
  const { request, judgement } = call;
  const { connection, scope } = judgement.grant;
  const target = destination(judgement, settings);
  if (!target.ok) return err(unsent(target.error));
  const upgrade = call.headers.get("upgrade")?.toLowerCase() === "websocket";
  const headers = vendorRequestHeaders(call.headers, {
    presented: call.caller.presented,
    accountHeaders: connection.accountHeaders,
    allowHeaders: scope.allowHeaders,
    fixed: connection.headers,
    defaults: connection.defaultHeaders,
    authHeaderNames: authHeaderNames(connection.auth),
    upgrade,
  });
  if (!headers.ok) return err(unsent(headers.error));
  let signedBody: Uint8Array<ArrayBuffer> | null = null;
  if (needsBody(connection.auth)) {
    const read = await call.body.readForRules(null);
    if (!read.ok) return err(unsent(read.error));
    signedBody = read.value;
  }
  const grantId = judgement.grant.id;
  const brokenBody = new AbortController();
  let key = call.keys.first;
  const buildRequest = (outgoing: HeaderMap, body: BodyInit | null, signal: AbortSignal): Request => {
    const dressed = applyAuth(connection.auth, key.secret, {
      method: request.method,
      url: target.value,
      headers: outgoing,
      bodyBytes: signedBody,
      nowMs: ports.clock.nowMs(),
      accessToken: key.accessToken,
    });
    const { method } = request;
    const init = { method, body, redirect: "manual", signal } as const;
    // The platform's cache knows an answer by its URL and not by the key that it was given for: it is passed by.
    const cached = method === "GET" || method === "HEAD";
    const sent = new Request(dressed.url, cached ? { ...init, cache: "no-store" } : init);
    outgoing.writeTo(sent.headers);
    return sent;
  };
  try {
    const result = await forward({
      organisationId: call.caller.document.organisationId,
      connection,
      requestId: call.requestId,
      method: request.method,
      path: judgement.path,
      headers: headers.value,
      body: call.body.take(() => brokenBody.abort()),
      brokenBody,
      declaredBytes: call.body.declaredBytes,
      bodyRefusal: call.body.refusedOnItsWay,
      upgrade,
      signal: request.signal,
      buildRequest,
      switchKey: async (reason) => {
        const other = reason === "token_rejected" ? await call.keys.renewed(key) : await call.keys.next();
        if (other !== null) key = other;
        return other !== null;
      },
      watch: call.watch,
      keyId: () => key.credential?.id ?? null,
      takeQuota: connection.quota === null ? null : () => ports.gate.repeat(call.caller.document.id, grantId),
      ports,
    });
    if (!result.ok) return err({ ...failureOf(result.error), upstreamCredentialId: key.credential?.id ?? null });
    return ok({ ...result.value, key });
  } catch (failure) {
    if (failure instanceof UnusableSecret) return err(unsent(UNUSABLE));
    throw failure;
  }
}

const UNUSABLE: Refusal = {
  code: "secret_unavailable",
  detail: "The stored key does not fit the connection's auth scheme. Ask an admin to replace it.",
};

function failureOf(failure: ForwardFailure): Omit<VendorFailure, "upstreamCredentialId"> {
  return failure;
}

function unsent(refusal: Refusal): VendorFailure {
  return { refusal, forwarded: false, attempts: 0, upstreamMs: 0, upstreamCredentialId: null, notes: {} };
}

/** The absolute URL, from the connection's own origin and the judged path and query, concatenated and checked again. */
function destination(judgement: Judgement, settings: PipelineSettings): Result<string, Refusal> {
  const key = `${String(settings.allowPrivateUpstreams)} ${judgement.baseUrl}`;
  let base = bases.get(key);
  if (base === undefined) {
    const checked = checkBaseUrl(judgement.baseUrl, { allowPrivate: settings.allowPrivateUpstreams });
    if (!checked.ok) return err(refusedEgress(checked.error.problem));
    base = checked.value;
    if (bases.size >= MAX_BASES) bases.clear();
    bases.set(key, base);
  }
  const url = `${base.origin}${judgement.path}${judgement.query === "" ? "" : `?${judgement.query}`}`;
  // The origin is canonical and the path begins with a slash, so no text after it can reach another host.
  return url.startsWith(`${base.origin}/`) ? ok(url) : err(refusedEgress("another origin"));
}

function refusedEgress(problem: string): Refusal {
  return {
    code: "upstream_unreachable",
    detail: "The connection's base URL may not be called from here. Ask an admin to correct it.",
    reason: `egress_refused: ${problem}`,
  };
}
