/** Bindings and variables of the audit Worker. */
import type { CredentialGate } from "../../src/cloudflare/credential-gate.ts";

export interface AuditEnv {
  readonly AUDIT_DB: D1Database;
  readonly CONTROL_DB: D1Database;
  readonly EXPORTS: R2Bucket;
  readonly GATES: DurableObjectNamespace<CredentialGate>;
  readonly RELAYKEY_LOCAL: string;
}
