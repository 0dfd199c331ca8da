/** Names for ids, and the choices of pickers: the newest connections, recipients, credentials and policies, read once a minute. */
import { signal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import type { Credential } from "../../../../src/contract/credential.ts";
import type { Policy } from "../../../../src/contract/policy.ts";
import type { Recipient } from "../../../../src/contract/recipient.ts";
import type { Customer } from "../../../../src/contract/customer.ts";
import type { VendorView } from "../../../../src/contract/vendor.ts";
import { get } from "./client.ts";
import type { Page } from "./client.ts";

const FRESH_MS = 60_000;
const MAX_KNOWN = 200;

function shelf<T>(path: string, limited = true) {
  const items = signal<readonly T[]>([]);
  const loaded = signal(false);
  let readAtMs = 0;
  return {
    items,
    /** True once an answer was there, whatever it was. */
    loaded,
    async want(force = false): Promise<void> {
      if (!force && Date.now() - readAtMs < FRESH_MS) return;
      readAtMs = Date.now();
      const answer = await get<Page<T>>(path, limited ? { limit: MAX_KNOWN } : {});
      if (answer.ok) items.value = answer.value.data;
      else readAtMs = 0;
      loaded.value = true;
    },
    forget(): void {
      readAtMs = 0;
      items.value = [];
      loaded.value = false;
    },
  };
}

export const connections = shelf<Connection>("/connections");
export const recipients = shelf<Recipient>("/recipients");
export const credentials = shelf<Credential>("/delegated-credentials");
export const policies = shelf<Policy>("/policies");
export const customers = shelf<Customer>("/customers");
export const vendors = shelf<VendorView>("/vendors", false);

/** After signing out nothing of the last person stays. */
export function forgetAll(): void {
  for (const each of [connections, recipients, credentials, policies, customers, vendors]) each.forget();
}

/** The name of a connection, recipient, credential or policy, or the id itself. */
export function nameOf(id: string): string {
  const known: readonly { readonly id: string; readonly name: string }[] = shelfOf(id)?.items.value ?? [];
  return known.find((each) => each.id === id)?.name ?? id;
}

function shelfOf(id: string) {
  if (id.startsWith("conn_")) return connections;
  if (id.startsWith("rcpt_")) return recipients;
  if (id.startsWith("dcred_")) return credentials;
  if (id.startsWith("pol_")) return policies;
  return null;
}
