/**
 * How a vendor expects its key. Applied by `applyAuth` (auth-apply.ts); the secret is passed in and never kept.
 * A secret with several parts (Sumsub, Absorb) is a JSON object of named strings inside the one sealed secret.
 */
export type AuthScheme =
  | { readonly scheme: "bearer" }
  /** `raw`: the secret follows `Basic ` unencoded (Survicate). */
  | {
      readonly scheme: "basic";
      readonly secret_in: "username" | "password";
      readonly fixed: string;
      readonly raw?: boolean;
    }
  | { readonly scheme: "header"; readonly name: string; readonly prefix: string }
  | { readonly scheme: "query"; readonly name: string }
  | {
      readonly scheme: "oauth2_client_credentials";
      readonly token_url: string;
      readonly client_id: string;
      readonly scope: string | null;
      readonly audience: string | null;
      readonly client_auth: "basic" | "body";
      /** Further form fields of the token request (Greenhouse: `sub`); never secrets. */
      readonly params?: Readonly<Record<string, string>>;
      /** Lifetime taken when the token answer names none, in seconds. */
      readonly token_ttl_seconds?: number;
      /** Where the access token goes (default: Authorization: Bearer). */
      readonly sent_as?: { readonly header: string; readonly prefix: string };
    }
  | {
      readonly scheme: "hmac";
      readonly algorithm: "HMAC-SHA256";
      readonly encoding: "hex" | "base64";
      /** Parts signed, in order. */
      readonly sign: readonly ("timestamp" | "method" | "path_and_query" | "body")[];
      readonly token_header: string;
      readonly timestamp_header: string;
      readonly signature_header: string;
      /** Names of the secret's parts: `token` is sent, `key` signs. */
      readonly token_part: string;
      readonly key_part: string;
    }
  | {
      readonly scheme: "token_exchange";
      readonly login_path: string;
      readonly login_headers: Readonly<Record<string, string>>;
      /** JSON body of the login; `{part}` is replaced by that part of the secret. */
      readonly login_body: Readonly<Record<string, string>>;
      /** Parts of the secret that are identifiers (a user name) and need no masking in answers. */
      readonly public_parts?: readonly string[];
      readonly token_ttl_seconds: number;
      /** Headers on each call; `{token}` and `{part}` are replaced. */
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly scheme: "none" };
