/**
 * The proxy's side of logins: tokens are kept in the isolate until shortly before they end; new ones come from the
 * connection's object, where one login serves everyone.
 */
import { needsAccessToken } from "../domain/auth-apply.ts";
import type { ConnectionDocument, UpstreamCredentialDocument } from "../domain/documents.ts";
import type { AccessToken, LoginScheme } from "../domain/login.ts";
import type { AccessTokens } from "../ports.ts";
import { connectionStateName } from "./connection-state-name.ts";
import type { ConnectionState } from "./connection-state.ts";

const MAX_TOKENS = 1_000;

/** A login failed; the message names the failure and nothing of the vendor's answer. */
export class LoginFailed extends Error {
  override readonly name = "LoginFailed";
}

/** Lives as long as the isolate. */
export class TokenMemory {
  readonly #tokens = new Map<string, AccessToken>();

  get(key: string): AccessToken | undefined {
    return this.#tokens.get(key);
  }

  set(key: string, token: AccessToken): void {
    if (this.#tokens.size >= MAX_TOKENS) this.#tokens.clear();
    this.#tokens.set(key, token);
  }
}

export interface AccessTokenOptions {
  readonly states: DurableObjectNamespace<ConnectionState>;
  readonly memory: { readonly tokens: TokenMemory };
  readonly nowMs: () => number;
}

export function accessTokens({ states, memory, nowMs }: AccessTokenOptions): AccessTokens {
  return {
    async get(organisationId, connection, credential, secret, rejected) {
      const scheme = loginScheme(connection);
      const key = memoryKey(organisationId, connection, credential);
      const known = memory.tokens.get(key);
      if (known !== undefined && known.token !== rejected && nowMs() < known.renewAtMs) return known.token;
      const result = await states.getByName(connectionStateName(organisationId, connection.id)).token({
        upstreamCredentialId: credential.id,
        version: credential.version,
        scheme,
        baseUrl: connection.baseUrl,
        secret,
        rejected,
      });
      if (!result.ok) throw new LoginFailed(`The login at the vendor failed: ${result.error}`);
      memory.tokens.set(key, result.value);
      return result.value.token;
    },
  };
}

function loginScheme(connection: ConnectionDocument): LoginScheme {
  const { auth } = connection;
  if (!needsAccessToken(auth) || (auth.scheme !== "oauth2_client_credentials" && auth.scheme !== "token_exchange")) {
    throw new LoginFailed(`The scheme ${auth.scheme} has no login`);
  }
  return auth;
}

/** Changes with the secret's version and with the connection's login, so that an old token is never used for a new one. */
function memoryKey(
  organisationId: string,
  connection: ConnectionDocument,
  credential: UpstreamCredentialDocument,
): string {
  return JSON.stringify([
    organisationId,
    connection.id,
    credential.id,
    credential.version,
    connection.baseUrl,
    connection.auth,
  ]);
}
