/**
 * Steps 3 to 5: judge the call by the configuration and have the gate admit it. When the gate knows of a newer
 * configuration, the document is read again and the call is judged anew: what is admitted was judged by what holds now.
 */
import type { AdmissionRequest, LimitStatus } from "../domain/admission.ts";
import { clientAddress } from "../domain/address.ts";
import type { CredentialDocument } from "../domain/documents.ts";
import { gateDocument } from "../domain/gate-document.ts";
import type { ReadHeaders } from "../domain/header-map.ts";
import { reserveFor } from "../domain/price-cost.ts";
import { credentialInvalid, type Refusal } from "../domain/problem.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { ProxyRoute } from "../domain/route.ts";
import type { PipelineSettings, Ports } from "../ports.ts";
import type { Watch } from "../watch.ts";
import { reloadCaller, type Caller } from "./authenticate.ts";
import { judgeCall, type Judgement } from "./judge.ts";
import type { BodyReader } from "./request-body.ts";

export interface Admitted {
  readonly caller: Caller;
  readonly judgement: Judgement & { readonly grant: NonNullable<Judgement["grant"]> };
  readonly admission: number;
  readonly limits: readonly LimitStatus[];
  /** The vendor is failing: to be told once the call is paid for. */
  readonly held: Refusal | null;
}

export interface NotAdmitted {
  readonly refusal: Refusal;
  readonly limits: readonly LimitStatus[];
  readonly judgement: Judgement | null;
}

/** A configuration that changes faster than it can be read is refused rather than guessed. */
const MAX_RELOADS = 4;
const MAX_USER_AGENT_CHARS = 256;

export async function admitCall(
  call: {
    readonly request: Request;
    readonly headers: ReadHeaders;
    readonly route: ProxyRoute;
    readonly body: BodyReader;
    readonly requestId: string;
    readonly watch: Watch;
  },
  caller: Caller,
  ports: Ports,
  settings: PipelineSettings,
): Promise<Result<Admitted, NotAdmitted>> {
  const { request, headers, route, body } = call;
  const address = clientAddress(headers, settings.local);
  let current = caller;
  let sendDocument = false;
  for (let round = 0; round <= MAX_RELOADS; round += 1) {
    const { document } = current;
    const judgement = await judgeCall({ method: request.method, headers, route, body }, document);
    const { grant } = judgement;
    const refusal = statusRefusal(document) ?? current.conflict ?? judgement.refusal;
    const admission: AdmissionRequest = {
      documentVersion: document.version,
      document: sendDocument ? gateDocument(document) : null,
      requestId: call.requestId,
      grantId: grant?.id ?? null,
      connectionId: grant?.connection.id ?? route.connectionId,
      environment: grant?.environment ?? document.environment,
      customer: judgement.customer,
      customerKnown: await isKnown(judgement, document.organisationId, ports),
      method: request.method,
      path: judgement.path,
      operation: judgement.operation,
      address,
      userAgent: (headers.get("user-agent") ?? "").slice(0, MAX_USER_AGENT_CHARS),
      refusal,
      reserveUsdMicros: grant === null ? 0 : reserveFor(grant.connection.prices, request.method, judgement.path),
      asksPayment: grant !== null && grant.payment !== null,
      settlements: [],
    };
    const reply = await ports.gate.admit(document.id, admission, call.watch);
    switch (reply.decision) {
      case "go":
        if (grant === null || refusal !== null) throw new Error("The gate admitted what the configuration refuses");
        return ok({
          caller: current,
          judgement: { ...judgement, grant },
          admission: reply.admission,
          limits: reply.limits,
          held: reply.held ?? null,
        });
      case "refused":
        return err({ refusal: reply.refusal, limits: reply.limits, judgement });
      case "need_document":
        sendDocument = true;
        break;
      case "reload": {
        const reloaded = await reloadCaller(current, ports, settings);
        if (reloaded === null) return err({ refusal: credentialInvalid("unknown"), limits: [], judgement: null });
        current = reloaded;
        break;
      }
    }
  }
  const detail = "The configuration is changing faster than it can be read. Try again.";
  return err({ refusal: { code: "unavailable", detail, retryAfterSeconds: 1 }, limits: [], judgement: null });
}

/**
 * A document that stands for nothing any more. A revoked credential's gate refuses by itself; a suspended organisation's
 * gates were told to take no older document than this one, and the refusal is put on record like every other.
 */
export function statusRefusal(document: CredentialDocument): Refusal | null {
  return document.status === "active" ? null : credentialInvalid(document.status);
}

/** Only asked when the answer matters: a customer was named and unknown ones are refused. */
async function isKnown(judgement: Judgement, organisationId: string, ports: Ports): Promise<boolean> {
  const { customer, grant } = judgement;
  if (customer === null || grant === null || grant.customers.unknown === "allow") return true;
  return ports.credentials.customerKnown(organisationId, customer);
}
