/** Bindings and variables of the proxy Worker. */
import type { ConnectionState } from "../../src/cloudflare/connection-state.ts";
import type { CredentialGate } from "../../src/cloudflare/credential-gate.ts";
import type { CreditLedger } from "../../src/cloudflare/credit-ledger.ts";
import type { PaymentNonces } from "../../src/cloudflare/payment-nonces.ts";
import type { SharedLimit } from "../../src/cloudflare/shared-limit.ts";

export interface ProxyEnv {
  readonly CONTROL_DB: D1Database;
  readonly GATES: DurableObjectNamespace<CredentialGate>;
  readonly POOLS: DurableObjectNamespace<SharedLimit>;
  readonly HEALTH: DurableObjectNamespace<ConnectionState>;
  readonly LEDGERS: DurableObjectNamespace<CreditLedger>;
  readonly PAYMENTS: DurableObjectNamespace<PaymentNonces>;
  readonly AUDIT_QUEUE: Queue;
  readonly RELAYKEY_PEPPERS: string;
  readonly RELAYKEY_KEKS: string;
  readonly RELAYKEY_SIGNING_SEED: string;
  readonly RELAYKEY_LOCAL: string;
  readonly ALLOW_PRIVATE_UPSTREAMS: string;
  /** Public origin of the proxy; empty: taken from each request. */
  readonly PROXY_ORIGIN: string;
  /** Host names `{partner}.{PROXY_DOMAIN}` are routed; empty: off. */
  readonly PROXY_DOMAIN: string;
}
