/** What an agent's instructions are written from: a credential with its grants and connections. */
import { vendorById } from "../../src/catalogue/catalogue.ts";
import { NO_LIMITS } from "../../src/domain/limits.ts";
import type { PromptInput } from "../../src/domain/prompts.ts";
import type { ConnectionRow } from "../../src/store/connections.ts";
import type { CredentialRow, GrantWithPolicy } from "../../src/store/credentials.ts";
import { effectiveSettings } from "./credential-view.ts";
import type { PublicContext } from "./route.ts";

export function promptInput(
  context: PublicContext,
  row: Pick<CredentialRow, "name" | "expiresAtMs" | "limits">,
  grants: readonly GrantWithPolicy[],
  about: {
    readonly recipientName: string | null;
    readonly connections: readonly ConnectionRow[];
    /** In clear, only when the issuer asked for it. */
    readonly token: string | null;
  },
): PromptInput {
  return {
    credentialName: row.name,
    recipientName: about.recipientName,
    expiresAtMs: row.expiresAtMs,
    proxyOrigin: context.settings.proxyOrigin ?? new URL(context.request.url).origin,
    limits: row.limits,
    grants: grants.flatMap((each) => {
      const connection = about.connections.find((known) => known.id === each.grant.connectionId);
      if (connection === undefined) return [];
      const effective = effectiveSettings(each);
      return [
        {
          connectionId: connection.id,
          connectionName: connection.name,
          vendor: connection.vendor,
          baseUrlPath: `/${connection.id}`,
          upstreamBasePath: new URL(connection.baseUrl).pathname.replace(/\/$/, ""),
          rules: effective.scope.rules ?? [],
          denyQueryParams: effective.scope.denyQueryParams ?? [],
          limits: effective.limits ?? NO_LIMITS,
          ...sdkLinesOf(connection.vendor),
        },
      ];
    }),
    ...(about.token === null ? {} : { token: about.token }),
  };
}

/** The set-up lines of the vendor's own SDK, where it has one. */
function sdkLinesOf(vendorId: string | null): { readonly sdkLines?: readonly string[] } {
  const sdk = vendorId === null ? null : (vendorById(vendorId)?.sdk ?? null);
  return sdk === null ? {} : { sdkLines: sdk.lines };
}
