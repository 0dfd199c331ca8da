/** What every secret provider is: a way to open one kind of location. See `secret-providers.ts` for the table of them. */
import type { SecretLocation } from "../domain/documents.ts";
import type { EnvelopeContext, Keks } from "./envelope.ts";
import { boundedText } from "./bounded-text.ts";

/** Largest answer of a remote provider that is read. */
const MAX_PROVIDER_ANSWER_BYTES = 262_144;
const PROVIDER_TIMEOUT_MS = 5_000;

/** The secret cannot be read now. The message names the provider and a cause, never a secret and never the answer. */
export class SecretUnavailable extends Error {
  override readonly name = "SecretUnavailable";
  constructor(provider: SecretLocation["provider"], cause: string) {
    super(`${provider}: ${cause}`);
  }
}

export interface VaultSettings {
  /** Origin and optional base path, such as `https://vault.example.com:8200`. */
  readonly address: string;
  readonly token: string;
  readonly namespace: string | null;
}

export interface AwsSettings {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
  /** Another endpoint than the region's own, such as a private one. */
  readonly endpoint: string | null;
}

/** What providers need from the deployment. */
export interface SecretProviderSettings {
  readonly keks: Keks;
  /** The Worker's environment, for secrets that are bindings. */
  readonly bindings: Readonly<Record<string, unknown>>;
  readonly vault: VaultSettings | null;
  readonly aws: AwsSettings | null;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly nowMs: () => number;
}

export interface SecretProvider<P extends SecretLocation["provider"]> {
  /** Whether a value may be kept in isolate memory for a while. Never for what is opened with a key of ours. */
  readonly cached: boolean;
  open(
    location: Extract<SecretLocation, { provider: P }>,
    settings: SecretProviderSettings,
    context: EnvelopeContext,
  ): Promise<string>;
}

/** Sends one request to a remote provider: bounded in time and size, no redirect followed, JSON expected. */
export async function askProvider(
  provider: SecretLocation["provider"],
  request: Request,
  settings: SecretProviderSettings,
): Promise<unknown> {
  let response: Response;
  try {
    response = await settings.fetch(
      new Request(request, { redirect: "manual", signal: AbortSignal.timeout(PROVIDER_TIMEOUT_MS) }),
    );
  } catch {
    throw new SecretUnavailable(provider, "not reached");
  }
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new SecretUnavailable(provider, `answered ${response.status}`);
  }
  try {
    const text = await boundedText(response, MAX_PROVIDER_ANSWER_BYTES);
    if (text === null) throw new SecretUnavailable(provider, "answer too large");
    return JSON.parse(text);
  } catch (error) {
    // The parser's own message quotes its input.
    throw error instanceof SecretUnavailable ? error : new SecretUnavailable(provider, "answer not understood");
  }
}

/** An own member of a JSON object; undefined for anything else. */
export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
