/**
 * The proxy's side of the gates. Admissions of one credential that meet share a call (see `CallLines`), and settlements ride
 * on the next one (see `RideBuffer`). What is lost with an isolate is closed by the gate as `unknown`. A `gateClient` lives as
 * long as one request.
 */
import type { AdmissionReply, AdmissionRequest, GateDocument, Settlement } from "../domain/admission.ts";
import type { Gate, GateInspection } from "../ports.ts";
import type { Watch } from "../watch.ts";
import type { CallLines } from "./call-lines.ts";
import type { CredentialGate } from "./credential-gate.ts";
import type { RideBuffer } from "./ride-buffer.ts";

export type SettlementBuffer = RideBuffer<Settlement>;
/** Null: the gate wants to hear this one alone. */
export type AdmissionLines = CallLines<AdmissionRequest, AdmissionReply | null>;

export interface GateClientOptions {
  readonly gates: DurableObjectNamespace<CredentialGate>;
  readonly buffer: SettlementBuffer;
  readonly lines: AdmissionLines;
  readonly nowMs: () => number;
  readonly sleep: (delayMs: number) => Promise<void>;
  readonly defer: (work: Promise<unknown>) => void;
}

/** The gates, as one request sees them. */
export function gateClient(options: GateClientOptions): Gate {
  const { gates, buffer } = options;
  const put = (credentialId: string, settlements: readonly Settlement[]): void => {
    if (!buffer.put(credentialId, settlements, options.nowMs())) return;
    options.defer(buffer.sendLater(credentialId, options, (late) => gates.getByName(credentialId).settle(late)));
  };
  const send = async (
    credentialId: string,
    [head, ...others]: readonly AdmissionRequest[],
  ): Promise<readonly (AdmissionReply | null)[]> => {
    if (head === undefined) return [];
    const gate = gates.getByName(credentialId);
    const riding = buffer.take(credentialId);
    const first = riding.length === 0 ? head : { ...head, settlements: [...head.settlements, ...riding] };
    try {
      return others.length === 0
        ? [await gate.admit(first)]
        : await gate.admitTogether(withoutCopies([first, ...others]));
    } catch (error) {
      // Nobody knows whether they arrived; settling twice changes nothing.
      if (riding.length > 0) put(credentialId, riding);
      throw error;
    }
  };
  return {
    async admit(credentialId: string, request: AdmissionRequest, watch: Watch): Promise<AdmissionReply> {
      const reply = await options.lines.ask(credentialId, request, {
        ...options,
        send: (requests) => send(credentialId, requests),
        after: (delayMs, passed) => watch.after(delayMs, passed),
      });
      return reply ?? gates.getByName(credentialId).admit(request);
    },
    settle(credentialId: string, settlement: Settlement): void {
      put(credentialId, [settlement]);
    },
    async repeat(credentialId: string, grantId: string): Promise<boolean> {
      return gates.getByName(credentialId).repeat(grantId);
    },
    async renew(credentialId: string, admission: number): Promise<void> {
      await gates.getByName(credentialId).renew([admission]);
    },
    async inspect(credentialId: string, document: GateDocument): Promise<GateInspection> {
      return gates.getByName(credentialId).inspect(document);
    },
  };
}

/** A document that many bring at once, after a change, is sent once: the gate holds it when it comes to the next of them. */
function withoutCopies(requests: readonly AdmissionRequest[]): readonly AdmissionRequest[] {
  const sent = new Set<number>();
  return requests.map((request) => {
    if (request.document === null) return request;
    if (sent.has(request.document.version)) return { ...request, document: null };
    sent.add(request.document.version);
    return request;
  });
}
