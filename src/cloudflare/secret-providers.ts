/**
 * Opens upstream secrets, wherever each one lives: the `SecretSource` port. One table from provider to opener.
 *
 * Always holds: a value is kept in isolate memory only for providers that say so, in a bounded cache, for at most
 * `SECRET_LIFETIME_MS`; what is sealed under our own key is opened anew each time. A provider that fails gives the kept
 * value while it is within its lifetime, and `SecretUnavailable` afterwards. Nothing is ever written or logged.
 */
import type { SecretLocation } from "../domain/documents.ts";
import type { SecretSource } from "../ports.ts";
import type { EnvelopeContext, Keks } from "./envelope.ts";
import { awsProvider } from "./secret-aws.ts";
import { secretsStoreProvider, workerSecretProvider } from "./secret-bindings.ts";
import { envelopeProvider } from "./secret-envelope.ts";
import type { SecretProvider, SecretProviderSettings } from "./secret-provider.ts";
import { vaultProvider } from "./secret-vault.ts";

/** A kept value is asked for again after this time, so that a rotation at the provider is seen. */
export const SECRET_REFRESH_MS = 60_000;
/** While the provider fails, a kept value serves for this long after it was read, and not longer. */
export const SECRET_LIFETIME_MS = 600_000;
/** A failing provider is not asked again for this long while a kept value serves. */
const RETRY_AFTER_FAILURE_MS = 5_000;
const MAX_KEPT_SECRETS = 256;

type Providers = { readonly [P in SecretLocation["provider"]]: SecretProvider<P> };

const PROVIDERS: Providers = {
  envelope: envelopeProvider,
  worker_secret: workerSecretProvider,
  secrets_store: secretsStoreProvider,
  vault: vaultProvider,
  aws_secrets_manager: awsProvider,
};

interface Kept {
  readonly value: string;
  readonly readAtMs: number;
  askAgainAtMs: number;
}

/** One per isolate: it owns the cache. */
export function secretSource(settings: SecretProviderSettings): SecretSource {
  const kept = new Map<string, Kept>();
  return {
    open(organisationId, connection, credential) {
      const context = {
        organisationId,
        connectionId: connection.id,
        credentialId: credential.id,
        version: credential.version,
      };
      return openLocation(credential.location, context, settings, kept);
    },
  };
}

/** Opens one location without keeping it, for callers outside the hot path. */
export function openSecret(
  location: SecretLocation,
  context: EnvelopeContext,
  settings: SecretProviderSettings,
): Promise<string> {
  return openWith(location, settings, context);
}

/** TypeScript cannot follow a union through a table of generic openers; the record's own key makes the pair right. */
function openWith<P extends SecretLocation["provider"]>(
  location: Extract<SecretLocation, { provider: P }>,
  settings: SecretProviderSettings,
  context: EnvelopeContext,
): Promise<string> {
  const provider: SecretProvider<P> = PROVIDERS[location.provider];
  return provider.open(location, settings, context);
}

async function openLocation(
  location: SecretLocation,
  context: EnvelopeContext,
  settings: SecretProviderSettings,
  kept: Map<string, Kept>,
): Promise<string> {
  if (!PROVIDERS[location.provider].cached) return openWith(location, settings, context);
  const nowMs = settings.nowMs();
  const key = JSON.stringify([context, location]);
  const known = alive(kept, key, nowMs);
  if (known !== null && nowMs < known.askAgainAtMs) return known.value;
  try {
    const value = await openWith(location, settings, context);
    keep(kept, key, { value, readAtMs: nowMs, askAgainAtMs: nowMs + SECRET_REFRESH_MS });
    return value;
  } catch (failure) {
    if (known === null) throw failure;
    known.askAgainAtMs = nowMs + RETRY_AFTER_FAILURE_MS;
    return known.value;
  }
}

function alive(kept: Map<string, Kept>, key: string, nowMs: number): Kept | null {
  for (const [other, { readAtMs }] of kept) {
    // Every value that has outlived its time goes, not only the one that is asked for.
    if (nowMs - readAtMs >= SECRET_LIFETIME_MS) kept.delete(other);
  }
  return kept.get(key) ?? null;
}

function keep(kept: Map<string, Kept>, key: string, value: Kept): void {
  kept.delete(key);
  const oldest = kept.keys().next().value;
  if (kept.size >= MAX_KEPT_SECRETS && oldest !== undefined) kept.delete(oldest);
  kept.set(key, value);
}

/** Reads the providers' settings from the Worker's environment; a provider that is only half configured is off. */
export function secretProviderSettings(
  env: Readonly<Record<string, unknown>>,
  keks: Keks,
  outside: Pick<SecretProviderSettings, "fetch" | "nowMs">,
): SecretProviderSettings {
  const text = (name: string): string | null => {
    const value = env[name];
    return typeof value === "string" && value !== "" ? value : null;
  };
  const [address, token] = [text("VAULT_ADDR"), text("VAULT_TOKEN")];
  const [region, accessKeyId, secretAccessKey] = [
    text("AWS_REGION"),
    text("AWS_ACCESS_KEY_ID"),
    text("AWS_SECRET_ACCESS_KEY"),
  ];
  return {
    keks,
    bindings: env,
    vault: address === null || token === null ? null : { address, token, namespace: text("VAULT_NAMESPACE") },
    aws:
      region === null || accessKeyId === null || secretAccessKey === null
        ? null
        : {
            region,
            accessKeyId,
            secretAccessKey,
            sessionToken: text("AWS_SESSION_TOKEN"),
            endpoint: text("AWS_SECRETS_MANAGER_ENDPOINT"),
          },
    ...outside,
  };
}
