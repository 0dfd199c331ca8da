/** Bindings and variables of the audit Worker. */
import type { MailEnv } from "../../src/cloudflare/worker-mailer.ts";
import type { CredentialGate } from "../../src/cloudflare/credential-gate.ts";

export interface AuditEnv extends MailEnv {
  readonly AUDIT_DB: D1Database;
  readonly CONTROL_DB: D1Database;
  readonly EXPORTS: R2Bucket;
  readonly GATES: DurableObjectNamespace<CredentialGate>;
  readonly RELAYKEY_LOCAL: string;
  /** Days that archived events stay in the database; default 90. */
  readonly AUDIT_RETENTION_DAYS?: string;
  readonly RELAYKEY_KEKS: string;
  readonly RELAYKEY_SIGNING_SEED: string;
  readonly ALLOW_PRIVATE_UPSTREAMS?: string;
  /** Public origin of the admin Worker, for the links in mails. */
  readonly ADMIN_ORIGIN?: string;
}
