/** What an agent's instructions are made of, taken from a credential document. Pure; holds no secret. */
import type { CredentialDocument } from "./documents.ts";
import type { PromptInput } from "./prompts.ts";
import { upstreamBase } from "./upstream-base.ts";

export function promptInput(document: CredentialDocument, proxyOrigin: string): PromptInput {
  return {
    credentialName: document.name,
    recipientName: document.recipient?.name ?? null,
    expiresAtMs: document.expiresAtMs,
    proxyOrigin,
    limits: document.limits,
    grants: document.grants.map(({ connection, scope, limits }) => ({
      connectionId: connection.id,
      connectionName: connection.name,
      vendor: connection.vendor,
      baseUrlPath: `/${connection.id}`,
      upstreamBasePath: upstreamBase(connection, "", null)?.basePath ?? "",
      rules: scope.rules,
      denyQueryParams: scope.denyQueryParams,
      limits,
    })),
  };
}
