/**
 * Steps 7 and 8: choose the upstream credential and fetch its secret. The secret lives in the returned value, for this
 * request alone; a second credential is opened only when the first one is refused or exhausted.
 */
import { needsAccessToken } from "../domain/auth-apply.ts";
import type {
  ConnectionDocument,
  CredentialDocument,
  GrantDocument,
  UpstreamCredentialDocument,
} from "../domain/documents.ts";
import type { Outcome, Refusal } from "../domain/problem.ts";
import { err, ok } from "../domain/result.ts";
import { upstreamOrder } from "../domain/upstream-choice.ts";
import type { Ports } from "../ports.ts";

export interface UpstreamKey {
  /** Null for connections without a key (`none`). */
  readonly credential: UpstreamCredentialDocument | null;
  readonly secret: string;
  readonly accessToken: string | null;
}

export interface UpstreamKeys {
  readonly first: UpstreamKey;
  /** The next credential in the order of failover, or null. Throws when its secret cannot be read. */
  next(): Promise<UpstreamKey | null>;
  /** The same credential with a new access token, after the vendor rejected the old one. */
  renewed(key: UpstreamKey): Promise<UpstreamKey>;
}

export async function upstreamKeys(
  document: CredentialDocument,
  grant: GrantDocument,
  ports: Ports,
): Promise<Outcome<UpstreamKeys>> {
  const { connection } = grant;
  if (connection.status === "paused") return err(paused(connection));
  const environment = grant.environment ?? document.environment;
  const drawn = upstreamOrder(connection.upstreamCredentials, environment, ports.random.unit());
  // Keys that the vendor refused or asked to rest come last, and still come when nothing else is left.
  const rests = (key: UpstreamCredentialDocument): boolean =>
    ports.health.usable?.(document.organisationId, connection, key.id) === false;
  const order = drawn.length < 2 ? drawn : [...drawn.filter((key) => !rests(key)), ...drawn.filter(rests)];
  const held = await ports.health.check(
    document.organisationId,
    connection,
    order.map((key) => key.id),
  );
  if (held !== null) return err(held);
  let at = 0;
  const next = async (): Promise<UpstreamKey | null> => {
    const credential = order[at];
    if (credential === undefined) return null;
    at += 1;
    return openKey(document.organisationId, connection, credential, ports, null);
  };
  if (connection.auth.scheme === "none" && order.length === 0) {
    const first: UpstreamKey = { credential: null, secret: "", accessToken: null };
    return ok({ first, next: () => Promise.resolve(null), renewed: () => Promise.resolve(first) });
  }
  try {
    const first = await next();
    if (first === null) return err(NO_KEY);
    const renewed = (key: UpstreamKey): Promise<UpstreamKey> =>
      key.credential === null
        ? Promise.resolve(key)
        : openKey(document.organisationId, connection, key.credential, ports, key.accessToken);
    return ok({ first, next, renewed });
  } catch {
    return err(SECRET_UNAVAILABLE);
  }
}

async function openKey(
  organisationId: string,
  connection: ConnectionDocument,
  credential: UpstreamCredentialDocument,
  ports: Ports,
  rejected: string | null,
): Promise<UpstreamKey> {
  const secret = await ports.secrets.open(organisationId, connection, credential);
  const accessToken = needsAccessToken(connection.auth)
    ? await ports.accessTokens.get(organisationId, connection, credential, secret, rejected)
    : null;
  return { credential, secret, accessToken };
}

const SECRET_UNAVAILABLE: Refusal = {
  code: "secret_unavailable",
  detail: "The vendor's key cannot be read now. Try again shortly.",
  retryAfterSeconds: 5,
};

const NO_KEY: Refusal = {
  code: "secret_unavailable",
  detail: "The connection has no usable key for this environment. Ask an admin to add one.",
  reason: "no_upstream_credential",
};

function paused(connection: ConnectionDocument): Refusal {
  return { code: "connection_paused", detail: `${connection.name} is paused by its owner.` };
}
