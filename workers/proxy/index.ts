/**
 * The proxy Worker: a thin adapter that routes by the raw URL and hands calls to the pipeline. It owns the Durable Object
 * classes. Routing uses the request's own URL string, never a router's decoded parameters.
 */
import { Hono } from "hono";
import { resolveRoute } from "../../src/domain/route.ts";
import { ID_RANDOM_BYTES, newId } from "../../src/domain/ids.ts";
import type { Refusal } from "../../src/domain/problem.ts";
import { answerOwnRoute } from "../../src/own-routes.ts";
import { handleCall } from "../../src/pipeline.ts";
import { refusalResponse } from "../../src/steps/refuse.ts";
import { VERSION } from "../../src/version.ts";
import type { ProxyEnv } from "./env.ts";
import { partsFor } from "./parts.ts";

export { ConnectionState } from "../../src/cloudflare/connection-state.ts";
export { CredentialGate } from "../../src/cloudflare/credential-gate.ts";
export { CreditLedger } from "../../src/cloudflare/credit-ledger.ts";
export { PaymentNonces } from "../../src/cloudflare/payment-nonces.ts";
export { SharedLimit } from "../../src/cloudflare/shared-limit.ts";

const app = new Hono<{ Bindings: ProxyEnv }>();

app.all("*", async (context) => {
  const request = context.req.raw;
  const parts = partsFor(context.env);
  if (parts === null) return refused(MISCONFIGURED);
  const route = resolveRoute(request.url, { proxyDomain: parts.settings.proxyDomain });
  const ports = parts.portsFor(context.executionCtx);
  switch (route.kind) {
    case "proxy":
      return handleCall(request, route, ports, parts.settings);
    case "whoami":
    case "prompt":
      return answerOwnRoute(request, route.kind, ports, parts.settings);
    case "health":
      return healthy();
    case "invalid":
      return refused({ code: "invalid_request", detail: route.detail });
    case "not_found":
      return refused({ code: "not_found", detail: "Calls go to /{connection}/{path} or /proxy/{partner}/{path}." });
  }
});

app.onError(() => refused({ code: "unavailable", detail: "RelayKey cannot answer now. Try again shortly." }));

const MISCONFIGURED: Refusal = {
  code: "unavailable",
  detail: "RelayKey is not configured completely: a secret is missing or malformed.",
};

function refused(refusal: Refusal): Response {
  return refusalResponse(refusal, { requestId: freshRequestId(), limits: [], connection: null });
}

function healthy(): Response {
  const headers = {
    "cache-control": "no-store",
    "x-relaykey-request-id": freshRequestId(),
    "x-relaykey-source": "relaykey",
  };
  return Response.json({ status: "ok", version: VERSION }, { headers });
}

function freshRequestId(): string {
  return newId("req", crypto.getRandomValues(new Uint8Array(ID_RANDOM_BYTES)));
}

export default app;
