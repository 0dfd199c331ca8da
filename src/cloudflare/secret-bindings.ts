/**
 * Secrets that the deployment binds to the Worker: Worker secrets (plain strings of the environment) and Secrets Store
 * bindings (read asynchronously). A binding that is RelayKey's own can never become a vendor's key, however it is named in
 * a stored location.
 */
import { SecretUnavailable, type SecretProvider } from "./secret-provider.ts";

/** RelayKey's own keys, and those by which it reaches other providers and its mail. */
const OWN_BINDING = /^(?:RELAYKEY|VAULT|AWS|MAIL|RESEND|SMTP|CONTROL|AUDIT|SETTLEMENT|FACILITATOR)_/;

export function isOwnBinding(name: string): boolean {
  return OWN_BINDING.test(name);
}

function bindingOf(bindings: Readonly<Record<string, unknown>>, name: string): unknown {
  return isOwnBinding(name) || !Object.hasOwn(bindings, name) ? undefined : bindings[name];
}

export const workerSecretProvider: SecretProvider<"worker_secret"> = {
  cached: false,
  open(location, settings) {
    const value = bindingOf(settings.bindings, location.binding);
    if (typeof value !== "string" || value === "") {
      return Promise.reject(new SecretUnavailable("worker_secret", "no such secret is bound"));
    }
    return Promise.resolve(value);
  },
};

/** Cloudflare Secrets Store (`get()` of the binding). */
export const secretsStoreProvider: SecretProvider<"secrets_store"> = {
  cached: true,
  async open(location, settings) {
    const store = bindingOf(settings.bindings, location.binding);
    if (!isStoreBinding(store)) throw new SecretUnavailable("secrets_store", "no such secret is bound");
    let value: unknown;
    try {
      value = await store.get();
    } catch {
      throw new SecretUnavailable("secrets_store", "not reached");
    }
    if (typeof value !== "string" || value === "") throw new SecretUnavailable("secrets_store", "the secret is empty");
    return value;
  },
};

function isStoreBinding(value: unknown): value is { get(): Promise<unknown> } {
  return typeof value === "object" && value !== null && "get" in value && typeof value.get === "function";
}
