/**
 * RelayKey's own routes on the proxy, for the holder of a credential: who am I, and how do I behave. They show the caller
 * its own credential and nothing else; a revoked one learns nothing.
 */
import { gateDocument } from "./domain/gate-document.ts";
import { ID_RANDOM_BYTES, newId } from "./domain/ids.ts";
import { credentialInvalid, type Refusal } from "./domain/problem.ts";
import { agentPrompt } from "./domain/prompts.ts";
import { promptInput } from "./domain/prompt-input.ts";
import { err, ok } from "./domain/result.ts";
import type { Outcome } from "./domain/problem.ts";
import { whoamiDocument } from "./domain/whoami.ts";
import type { GateInspection, PipelineSettings, Ports } from "./ports.ts";
import { statusRefusal } from "./steps/admit.ts";
import { authenticate, reloadCaller, type Caller } from "./steps/authenticate.ts";
import { refusalResponse } from "./steps/refuse.ts";

const MAX_RELOADS = 3;

export async function answerOwnRoute(
  request: Request,
  which: "whoami" | "prompt",
  ports: Ports,
  settings: PipelineSettings,
): Promise<Response> {
  const requestId = newId("req", ports.random.bytes(ID_RANDOM_BYTES));
  try {
    const seen = await inspectCaller(request, ports, settings);
    if (!seen.ok) {
      ports.doorstep.refused(seen.error.reason ?? seen.error.code, `/.relaykey/${which}`);
      return refusalResponse(seen.error, { requestId, limits: [], connection: null });
    }
    const { caller, inspection } = seen.value;
    const headers = {
      "cache-control": "no-store",
      "x-relaykey-request-id": requestId,
      "x-relaykey-source": "relaykey",
    };
    if (which === "whoami") {
      return Response.json(whoamiDocument(caller.document, inspection, ports.clock.nowMs()), { headers });
    }
    const origin = settings.proxyOrigin ?? new URL(request.url).origin;
    const text = agentPrompt(promptInput(caller.document, origin), "generic");
    return new Response(text, { headers: { ...headers, "content-type": "text/markdown; charset=utf-8" } });
  } catch {
    const refusal: Refusal = {
      code: "unavailable",
      detail: "RelayKey cannot answer now. Try again shortly.",
      retryAfterSeconds: 1,
    };
    return refusalResponse(refusal, { requestId, limits: [], connection: null });
  }
}

async function inspectCaller(
  request: Request,
  ports: Ports,
  settings: PipelineSettings,
): Promise<Outcome<{ readonly caller: Caller; readonly inspection: GateInspection }>> {
  const known = await authenticate({ headers: request.headers, route: null }, ports, settings);
  if (!known.ok) return known;
  let caller: Caller | null = known.value;
  for (let round = 0; round <= MAX_RELOADS && caller !== null; round += 1) {
    const inspection: GateInspection = await ports.gate.inspect(caller.document.id, gateDocument(caller.document));
    if (inspection.state === "active") {
      const refusal = statusRefusal(caller.document) ?? caller.conflict;
      return refusal === null ? ok({ caller, inspection }) : err(refusal);
    }
    if (inspection.state !== "reload") return err(credentialInvalid(inspection.state));
    caller = await reloadCaller(caller, ports, settings);
  }
  return err(credentialInvalid("unknown"));
}
