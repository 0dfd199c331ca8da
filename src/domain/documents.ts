/**
 * The compiled documents that the hot path works on. They are read from the control database in one consistent
 * batch, kept in isolate memory, and judged by the gate to be current by their `version`.
 *
 * Invariant: `version` of a credential document rises whenever anything it was compiled from changes
 * (credential, grants, policies, connections, upstream credentials, recipient).
 */
import type { AuthScheme } from "./auth-scheme.ts";
import type { CustomerRule, Limits, NamedCustomerLimits, Trust, VendorQuota } from "./limits.ts";
import type { PaymentRule } from "./payment.ts";
import type { PriceRule } from "./price.ts";
import type { Reliability } from "./reliability.ts";
import type { Scope } from "./scope.ts";

/** A sealed secret: the data key wrapped under a key-encryption key, and the secret under the data key (base64url). */
export interface SealedSecret {
  readonly kekId: string;
  readonly wrappedKey: string;
  readonly wrapIv: string;
  readonly ciphertext: string;
  readonly iv: string;
}

/** Where an upstream credential's secret lives. `ref` members are names or paths, never secrets. */
export type SecretLocation =
  | { readonly provider: "envelope"; readonly sealed: SealedSecret }
  | { readonly provider: "worker_secret"; readonly binding: string }
  | { readonly provider: "secrets_store"; readonly binding: string }
  | { readonly provider: "vault"; readonly mount: string; readonly path: string; readonly field: string }
  | { readonly provider: "aws_secrets_manager"; readonly secretId: string; readonly field: string | null };

export interface UpstreamCredentialDocument {
  readonly id: string;
  /** Rises with each replacement of the secret; bound into the envelope's additional data. */
  readonly version: number;
  readonly environment: string | null;
  readonly priority: number;
  readonly weight: number;
  /** `canary`: the new version of a rotation that takes `canaryShare` (0..1) of the calls. */
  readonly state: "active" | "canary";
  readonly canaryShare: number;
  readonly location: SecretLocation;
}

export interface ConnectionDocument {
  readonly id: string;
  readonly name: string;
  readonly vendor: string | null;
  readonly environment: string | null;
  readonly status: "active" | "paused";
  /** Canonical: scheme, host, optional port, path without trailing slash. */
  readonly baseUrl: string;
  /** Further origins of the vendor that requests may be routed to (`files` → https://files.stripe.com). */
  readonly origins: readonly {
    readonly name: string;
    readonly baseUrl: string;
    readonly pathPrefixes: readonly string[];
  }[];
  readonly auth: AuthScheme;
  /** Fixed headers that the owner adds to each call. */
  readonly headers: Readonly<Record<string, string>>;
  /** Headers that are added when the client sent none of that name (a vendor's version, a User-Agent). */
  readonly defaultHeaders?: Readonly<Record<string, string>>;
  /** A request path that already starts with the base path is not prefixed with it again. */
  readonly collapseBasePath: boolean;
  readonly allowEncodedSlash: boolean;
  /** Lower-case names of headers that switch the vendor's account; dropped unless the grant allows them. */
  readonly accountHeaders: readonly string[];
  /** Further places where this vendor's SDKs put the key (lower-case header names, query names). */
  readonly tokenHeaders: readonly string[];
  readonly tokenQueryParams: readonly string[];
  /** JSON members of answers that hold URLs to be pointed back at the proxy (dotted paths). */
  readonly urlMembers: readonly string[];
  /** Header that tells this vendor's SDK not to retry, e.g. `stripe-should-retry`. */
  readonly noRetryHeader: string | null;
  readonly reliability: Reliability;
  readonly quota: VendorQuota | null;
  readonly limits: Limits;
  readonly prices: readonly PriceRule[];
  /** Path templates (regexparam syntax) → operation names, from the connection's OpenAPI document. */
  readonly operations: readonly { readonly method: string; readonly template: string; readonly name: string }[];
  readonly upstreamCredentials: readonly UpstreamCredentialDocument[];
}

export interface GrantDocument {
  readonly id: string;
  readonly connection: ConnectionDocument;
  readonly policyId: string | null;
  readonly policyVersion: number | null;
  readonly environment: string | null;
  readonly scope: Scope;
  readonly limits: Limits;
  readonly customers: CustomerRule;
  readonly payment: PaymentRule | null;
}

export interface CredentialDocument {
  readonly version: number;
  readonly organisationId: string;
  readonly id: string;
  readonly name: string;
  readonly kind: "delegated" | "virtual";
  /** HMAC-SHA-256 of the token under the pepper `pepperId`, lower-case hex. A rotation with overlap has two. */
  readonly tokenHashes: readonly {
    readonly hash: string;
    readonly pepperId: string;
    readonly expiresAtMs: number | null;
  }[];
  /** `suspended`: by its organisation; what is revoked stays so. */
  readonly status: "active" | "revoked" | "suspended";
  readonly expiresAtMs: number | null;
  readonly environment: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly recipient: {
    readonly id: string;
    readonly name: string;
    readonly kind: string;
    readonly email: string | null;
    readonly limits: Limits;
  } | null;
  readonly limits: Limits;
  readonly trust: Trust;
  readonly grants: readonly GrantDocument[];
  /** Customers of the organisation that have limits of their own; absent: there are none. */
  readonly namedCustomers?: readonly NamedCustomerLimits[];
}
