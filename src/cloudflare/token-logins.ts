/**
 * Access tokens of one connection, fetched by login: one login at a time per key, renewed before they end and when the
 * vendor rejects one. Tokens and secrets live in memory only; nothing here is ever stored or logged.
 */
import { checkEgressUrl } from "../domain/egress.ts";
import { loginCall, readLogin, type AccessToken, type LoginFailure, type LoginScheme } from "../domain/login.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { boundedText } from "./bounded-text.ts";

const LOGIN_TIMEOUT_MS = 15_000;
const MAX_LOGIN_ANSWER_BYTES = 65_536;
const MAX_TOKENS = 32;
/** Logins after rejections, per key: a vendor that rejects every fresh token must not be flooded with logins. */
const MAX_REPLACED = 4;
const REPLACED_WINDOW_MS = 30_000;
/** A failed login is answered with the same failure for this long. */
const FAILURE_REST_MS = 1_000;

export interface TokenRequest {
  readonly upstreamCredentialId: string;
  /** Version of the secret: a replaced secret never gets the old one's token. */
  readonly version: number;
  readonly scheme: LoginScheme;
  readonly baseUrl: string;
  readonly secret: string;
  /** A token that the vendor did not accept; null: none. */
  readonly rejected: string | null;
}

interface Entry {
  token: AccessToken | null;
  pending: Promise<Result<AccessToken, LoginFailure>> | null;
  /** Epoch ms at which rejected tokens were replaced. */
  replaced: number[];
  failed: { readonly failure: LoginFailure; readonly atMs: number } | null;
}

export class TokenLogins {
  readonly #entries = new Map<string, Entry>();
  readonly #allowPrivate: boolean;
  readonly #fetch: (request: Request) => Promise<Response>;
  readonly #nowMs: () => number;

  constructor(allowPrivate: boolean, fetch: (request: Request) => Promise<Response>, nowMs: () => number) {
    this.#allowPrivate = allowPrivate;
    this.#fetch = fetch;
    this.#nowMs = nowMs;
  }

  async get(request: TokenRequest): Promise<Result<AccessToken, LoginFailure>> {
    const entry = this.#entry(request);
    const nowMs = this.#nowMs();
    const { token, failed } = entry;
    const rejected = token !== null && token.token === request.rejected;
    if (token !== null && !rejected && nowMs < token.renewAtMs) return ok(token);
    if (entry.pending !== null) return entry.pending;
    if (failed !== null && nowMs < failed.atMs + FAILURE_REST_MS) return err(failed.failure);
    if (rejected) {
      entry.replaced = entry.replaced.filter((atMs) => atMs > nowMs - REPLACED_WINDOW_MS);
      if (entry.replaced.length >= MAX_REPLACED) return ok(token);
      entry.replaced.push(nowMs);
    }
    entry.pending = this.#login(request).finally(() => {
      entry.pending = null;
    });
    const result = await entry.pending;
    entry.token = result.ok ? result.value : null;
    entry.failed = result.ok ? null : { failure: result.error, atMs: this.#nowMs() };
    return result;
  }

  #entry(request: TokenRequest): Entry {
    const { scheme, baseUrl } = request;
    const key = `${request.upstreamCredentialId} ${request.version} ${baseUrl} ${JSON.stringify(scheme)}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const oldest = this.#entries.keys().next().value;
      if (this.#entries.size >= MAX_TOKENS && oldest !== undefined) this.#entries.delete(oldest);
      entry = { token: null, pending: null, replaced: [], failed: null };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  async #login(request: TokenRequest): Promise<Result<AccessToken, LoginFailure>> {
    const call = loginCall(request.scheme, request.baseUrl, request.secret);
    if (!call.ok) return call;
    const url = checkEgressUrl(call.value.url, { allowPrivate: this.#allowPrivate });
    if (!url.ok) return err("unavailable");
    try {
      const response = await this.#fetch(
        new Request(url.value, {
          method: "POST",
          headers: call.value.headers,
          body: call.value.body,
          redirect: "manual",
          signal: AbortSignal.timeout(LOGIN_TIMEOUT_MS),
        }),
      );
      const text = await boundedText(response, MAX_LOGIN_ANSWER_BYTES);
      if (text === null) return err("answer_not_understood");
      return readLogin(request.scheme, response.status, text, this.#nowMs());
    } catch {
      return err("unavailable");
    }
  }
}
