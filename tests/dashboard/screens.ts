/** Every screen by name and path, for checks and pictures of all of them. */
import type { BusyWorld } from "./busy-world.ts";
import type { World } from "./world.ts";

export interface NamedScreen {
  readonly name: string;
  readonly path: string;
}

export function screensOf(world: World, busy: BusyWorld): readonly NamedScreen[] {
  return [
    { name: "overview", path: "/" },
    { name: "first-run", path: "/start" },
    { name: "connections", path: "/connections" },
    { name: "connection-new", path: "/connections/new" },
    { name: "connection", path: `/connections/${world.connectionId}` },
    { name: "credentials", path: "/credentials?status=active" },
    { name: "credential-issue", path: `/credentials/new?connection_id=${world.connectionId}` },
    { name: "credential", path: `/credentials/${world.credentialId}` },
    { name: "credential-edit", path: `/credentials/${world.credentialId}/edit` },
    { name: "credential-limits", path: `/credentials/${busy.storefrontId}` },
    { name: "credential-limits-edit", path: `/credentials/${busy.storefrontId}/edit` },
    { name: "credential-refined-edit", path: `/credentials/${busy.refinedId}/edit` },
    { name: "credentials-label", path: "/credentials?label=team:sales" },
    { name: "recipients", path: "/recipients" },
    { name: "recipient", path: `/recipients/${world.recipientId}` },
    { name: "policies", path: "/policies" },
    { name: "policy-new", path: "/policies/new" },
    { name: "policy", path: `/policies/${world.policyId}` },
    { name: "customers", path: "/customers" },
    { name: "customer", path: `/customers/${busy.customerId}` },
    { name: "audit", path: "/audit?decision=denied" },
    { name: "exports", path: "/exports" },
    { name: "changes", path: "/changes" },
    { name: "members", path: "/members" },
    { name: "keys", path: "/keys" },
    { name: "webhooks", path: "/webhooks" },
    { name: "webhook", path: `/webhooks/${world.webhookId}` },
    { name: "trust-policies", path: "/trust-policies" },
    { name: "trust-policy-new", path: "/trust-policies/new" },
    { name: "trust-policy", path: `/trust-policies/${world.trustPolicyId}` },
    { name: "policy-priced", path: `/policies/${world.pricedPolicyId}` },
    { name: "payments", path: "/payments" },
    { name: "payments-filtered", path: "/payments?provider=x402&state=unknown" },
    { name: "credits", path: "/payments/credits" },
    { name: "credits-customers", path: "/payments/credits?of=customers" },
    { name: "credit-account", path: `/payments/credits/recipients/${world.payingRecipientId}` },
    { name: "settings", path: "/settings" },
    { name: "not-found", path: "/nothing-here" },
    { name: "mailbox", path: "/dev/mailbox" },
  ];
}
