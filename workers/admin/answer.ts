/** Turns outcomes into HTTP answers. Every answer carries the request id; nothing is cached; no answer is sniffed. */
import { ADMIN_PROBLEM_KINDS } from "../../src/contract/problem.ts";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { ID_RANDOM_BYTES, newId } from "../../src/domain/ids.ts";
import { problemType } from "../../src/domain/problem.ts";
import { ok } from "../../src/domain/result.ts";
import type { Outcome, Reply } from "./route.ts";

export function reply(status: number, body?: unknown): Outcome {
  return ok(body === undefined ? { status } : { status, body });
}

export function answerReply(replied: Reply, requestId: string): Response {
  if (replied instanceof Response) {
    const response = new Response(replied.body, replied);
    setCommonHeaders(response.headers, requestId);
    return response;
  }
  const headers = new Headers(replied.headers);
  setCommonHeaders(headers, requestId);
  if (replied.body === undefined) return new Response(null, { status: replied.status, headers });
  headers.set("content-type", "application/json; charset=utf-8");
  return new Response(JSON.stringify(replied.body), { status: replied.status, headers });
}

export function answerProblem(problem: AdminProblem, requestId: string): Response {
  const kind = ADMIN_PROBLEM_KINDS[problem.code];
  const headers = new Headers({ "content-type": "application/problem+json; charset=utf-8" });
  setCommonHeaders(headers, requestId);
  if (kind.status === 401) headers.set("www-authenticate", challenge(problem));
  if (problem.retryAfterSeconds !== undefined) headers.set("retry-after", String(problem.retryAfterSeconds));
  const document = {
    ...problem.extensions,
    type: problemType(problem.code),
    title: kind.title,
    status: kind.status,
    detail: problem.detail,
    instance: requestId,
    code: problem.code,
    retryable: kind.retryable,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
  };
  return new Response(JSON.stringify(document), { status: kind.status, headers });
}

/** RFC 6750 §3: no error code when no credentials came. */
function challenge(problem: AdminProblem): string {
  const realm = 'Bearer realm="relaykey-admin"';
  return problem.code === "credential_invalid" ? `${realm}, error="invalid_token"` : realm;
}

function setCommonHeaders(headers: Headers, requestId: string): void {
  headers.set("x-relaykey-request-id", requestId);
  headers.set("x-relaykey-source", "relaykey");
  headers.set("x-content-type-options", "nosniff");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  if (!headers.has("referrer-policy")) headers.set("referrer-policy", "no-referrer");
}

export function freshRequestId(): string {
  return newId("req", crypto.getRandomValues(new Uint8Array(ID_RANDOM_BYTES)));
}
