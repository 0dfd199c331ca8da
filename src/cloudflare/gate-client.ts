/**
 * The proxy's side of the gates. Settlements ride on the credential's next admission; see `RideBuffer`. What is lost with an
 * isolate is closed by the gate as `unknown`. A `gateClient` lives as long as one request.
 */
import type { AdmissionReply, AdmissionRequest, GateDocument, Settlement } from "../domain/admission.ts";
import type { Gate, GateInspection } from "../ports.ts";
import type { CredentialGate } from "./credential-gate.ts";
import type { RideBuffer } from "./ride-buffer.ts";

export type SettlementBuffer = RideBuffer<Settlement>;

export interface GateClientOptions {
  readonly gates: DurableObjectNamespace<CredentialGate>;
  readonly buffer: SettlementBuffer;
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
  return {
    async admit(credentialId: string, request: AdmissionRequest): Promise<AdmissionReply> {
      const riding = buffer.take(credentialId);
      try {
        const full = riding.length === 0 ? request : { ...request, settlements: [...request.settlements, ...riding] };
        return await gates.getByName(credentialId).admit(full);
      } catch (error) {
        // Nobody knows whether they arrived; settling twice changes nothing.
        if (riding.length > 0) put(credentialId, riding);
        throw error;
      }
    },
    settle(credentialId: string, settlement: Settlement): void {
      put(credentialId, [settlement]);
    },
    async renew(credentialId: string, admission: number): Promise<void> {
      await gates.getByName(credentialId).renew([admission]);
    },
    async inspect(credentialId: string, document: GateDocument): Promise<GateInspection> {
      return gates.getByName(credentialId).inspect(document);
    },
  };
}
