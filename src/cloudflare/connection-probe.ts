/**
 * Makes a connection's test call, outside the proxy's pipeline: no admission, no audit event, no client. Goes to the
 * connection's own origin and nowhere else, follows no redirect, reads little of the answer and returns none of it.
 */
import { applyAuth } from "../domain/auth-apply.ts";
import { secretProblem } from "../domain/auth-secret.ts";
import { judgeTest, type TestAnswer, type TestCall, type TestVerdict } from "../domain/connection-test.ts";
import type { ConnectionDocument } from "../domain/documents.ts";
import { checkBaseUrl, sameEgress } from "../domain/egress.ts";
import { TokenLogins } from "./token-logins.ts";

const PROBE_TIMEOUT_MS = 15_000;
const MAX_PROBE_BODY_BYTES = 16_384;

export interface Probe {
  readonly connection: Pick<ConnectionDocument, "baseUrl" | "auth" | "headers">;
  readonly call: TestCall;
  readonly secret: string;
  /** Added where the connection fixes none (version headers of the vendor). */
  readonly defaultHeaders: Readonly<Record<string, string>>;
  readonly allowPrivate: boolean;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly nowMs: () => number;
}

export async function probeConnection(probe: Probe): Promise<TestVerdict> {
  return judgeTest(probe.call, await answerOf(probe));
}

async function answerOf(probe: Probe): Promise<TestAnswer> {
  const { auth, baseUrl } = probe.connection;
  const base = checkBaseUrl(baseUrl, { allowPrivate: probe.allowPrivate });
  if (!base.ok) return { kind: "unreachable" };
  if (auth.scheme !== "none" && secretProblem(auth, probe.secret) !== null) return { kind: "unusable_secret" };
  const token = await login(probe);
  if (typeof token === "object" && token !== null) return token;
  const { basePath, origin } = base.value;
  const path = probe.call.path;
  const below = basePath === "" || path === basePath || path.startsWith(`${basePath}/`);
  const url = `${origin}${below ? "" : basePath}${path}`;
  if (!sameEgress(url, base.value)) return { kind: "unreachable" };
  const headers = new Headers({ "user-agent": "RelayKey", ...probe.defaultHeaders, ...probe.connection.headers });
  if (probe.call.contentType !== null) headers.set("content-type", probe.call.contentType);
  const { body, method } = probe.call;
  const bodyBytes = body === null ? null : new TextEncoder().encode(body);
  const nowMs = probe.nowMs();
  const dressed = applyAuth(auth, probe.secret, { method, url, headers, bodyBytes, nowMs, accessToken: token });
  return send(probe, new Request(dressed.url, { method, headers, body, redirect: "manual" }));
}

/** The access token, null when the scheme needs none, or the answer that ends the test. */
async function login(probe: Probe): Promise<string | null | TestAnswer> {
  const { auth: scheme, baseUrl } = probe.connection;
  if (scheme.scheme !== "oauth2_client_credentials" && scheme.scheme !== "token_exchange") return null;
  const logins = new TokenLogins(probe.allowPrivate, probe.fetch, probe.nowMs);
  const { secret } = probe;
  const result = await logins.get({
    upstreamCredentialId: "probe",
    version: 0,
    scheme,
    baseUrl,
    secret,
    rejected: null,
  });
  if (result.ok) return result.value.token;
  return { kind: result.error === "refused" ? "login_refused" : "login_failed" };
}

async function send(probe: Probe, request: Request): Promise<TestAnswer> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  try {
    const response = await probe.fetch(new Request(request, { signal }));
    return { kind: "answer", status: response.status, bodyStart: await firstOf(response) };
  } catch {
    return { kind: signal.aborted ? "timeout" : "unreachable" };
  }
}

async function firstOf(response: Response): Promise<string> {
  const body: ReadableStream<Uint8Array> | null = response.body;
  const reader = body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes = 0; bytes < MAX_PROBE_BODY_BYTES;) {
    const { done, value } = await reader.read();
    if (done) return text;
    bytes += value.byteLength;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text;
}
