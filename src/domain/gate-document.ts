/**
 * The part of a credential document that the gate keeps. Pure; compiled once per document and remembered with it,
 * so that the hot path builds nothing.
 */
import type { GateDocument } from "./admission.ts";
import type { CredentialDocument } from "./documents.ts";

const compiled = new WeakMap<CredentialDocument, GateDocument>();

export function gateDocument(document: CredentialDocument): GateDocument {
  const known = compiled.get(document);
  if (known !== undefined) return known;
  const built: GateDocument = {
    version: document.version,
    organisationId: document.organisationId,
    credentialId: document.id,
    credentialName: document.name,
    expiresAtMs: document.expiresAtMs,
    environment: document.environment,
    trust: document.trust,
    limits: document.limits,
    recipient:
      document.recipient === null
        ? null
        : {
            id: document.recipient.id,
            name: document.recipient.name,
            email: document.recipient.email,
            limits: document.recipient.limits,
          },
    grants: document.grants.map((grant) => ({
      id: grant.id,
      connectionId: grant.connection.id,
      connectionName: grant.connection.name,
      limits: grant.limits,
      customers: grant.customers,
      connectionLimits: grant.connection.limits,
      quota: grant.connection.quota,
    })),
    ...(document.namedCustomers === undefined ? {} : { namedCustomers: document.namedCustomers }),
  };
  compiled.set(document, built);
  return built;
}
