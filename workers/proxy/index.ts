/** Placeholder until the proxy Worker lands. */
import { DurableObject } from "cloudflare:workers";

export class CredentialGate extends DurableObject {}
export class SharedLimit extends DurableObject {}
export class ConnectionState extends DurableObject {}
export class CreditLedger extends DurableObject {}
export class PaymentNonces extends DurableObject {}

export default {
  fetch(): Response {
    return new Response("proxy placeholder", { status: 503 });
  },
} satisfies ExportedHandler;
