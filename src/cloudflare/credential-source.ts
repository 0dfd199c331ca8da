/**
 * Credential documents from the control database, kept in the isolate's memory.
 * There is no lifetime to guess: the gate says when a document is old, and then it is read anew from the primary.
 */
import type { CredentialDocument } from "../domain/documents.ts";
import type { CredentialSource } from "../ports.ts";
import { customerExists, loadCredentialDocument } from "../store/credential-documents.ts";

/** About 10 KB each: well inside the isolate's 128 MB. */
const MAX_CACHED_DOCUMENTS = 2_000;
const MAX_CACHED_CUSTOMERS = 10_000;
/** How long a registered customer is remembered; removing one takes effect within this time. */
const CUSTOMER_LIFETIME_MS = 10_000;

const documents = new Map<string, CredentialDocument>();
const customers = new Map<string, number>();

export function credentialSource(db: D1Database, nowMs: () => number): CredentialSource {
  return {
    known: (lookupId) => documents.get(lookupId) ?? null,
    async find(lookupId, fresh) {
      if (!fresh) {
        const known = documents.get(lookupId);
        if (known !== undefined) return known;
      }
      const document = await loadCredentialDocument(db, lookupId);
      documents.delete(lookupId);
      if (document !== null) remember(documents, MAX_CACHED_DOCUMENTS, lookupId, document);
      return document;
    },
    async customerKnown(organisationId, customer) {
      const key = `${organisationId}\n${customer}`;
      const until = customers.get(key);
      if (until !== undefined && until > nowMs()) return true;
      const exists = await customerExists(db, organisationId, customer);
      if (exists) remember(customers, MAX_CACHED_CUSTOMERS, key, nowMs() + CUSTOMER_LIFETIME_MS);
      return exists;
    },
  };
}

/** Maps keep insertion order, so the first key is the oldest. */
function remember<T>(cache: Map<string, T>, max: number, key: string, value: T): void {
  if (cache.size >= max) {
    const oldest = cache.keys().next();
    if (!oldest.done) cache.delete(oldest.value);
  }
  cache.set(key, value);
}
