/** How an API expects its key, while that is being written: every scheme with all of its members, and the member `auth` that comes of it. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import type { FieldError } from "../../../../src/contract/problem.ts";
import { err, ok } from "../../../../src/domain/result.ts";
import type { Result } from "../../../../src/domain/result.ts";
import { headerLines, headersOf } from "./header-lines.ts";
import { lines } from "./scope-draft.ts";
import { secretParts } from "./secret-parts.ts";

export type Auth = Connection["auth"];
type Of<S extends Auth["scheme"]> = Extract<Auth, { readonly scheme: S }>;
export type AuthBody = Readonly<Record<string, unknown>>;

export type AuthDraft = ReturnType<typeof authDraft>;

const EXCHANGE_TTL_SECONDS = 3_600;

function of<S extends Auth["scheme"]>(auth: Auth, scheme: S): Of<S> | null {
  return auth.scheme === scheme ? (auth as Of<S>) : null;
}

export function authDraft(from: Auth = { scheme: "bearer" }) {
  const header = of(from, "header");
  const basic = of(from, "basic");
  const oauth = of(from, "oauth2_client_credentials");
  const hmac = of(from, "hmac");
  const exchange = of(from, "token_exchange");
  return {
    scheme: signal<string>(from.scheme),
    /** header, query. */
    name: signal(header?.name ?? of(from, "query")?.name ?? "x-api-key"),
    prefix: signal(header?.prefix ?? ""),
    /** basic. `fixed` is the other half, which is no secret. */
    secretIn: signal<string>(basic?.secret_in ?? "password"),
    fixed: signal(basic?.fixed ?? ""),
    raw: signal(basic?.raw ?? false),
    oauth: {
      tokenUrl: signal(oauth?.token_url ?? ""),
      clientId: signal(oauth?.client_id ?? ""),
      clientAuth: signal<string>(oauth?.client_auth ?? "basic"),
      scope: signal(oauth?.scope ?? ""),
      audience: signal(oauth?.audience ?? ""),
      /** `name: value`, one a line. */
      params: signal(headerLines(oauth?.params ?? {})),
      ttlSeconds: signal(oauth?.token_ttl_seconds === undefined ? "" : String(oauth.token_ttl_seconds)),
      sentHeader: signal(oauth?.sent_as?.header ?? ""),
      sentPrefix: signal(oauth?.sent_as?.prefix ?? ""),
    },
    hmac: {
      encoding: signal<string>(hmac?.encoding ?? "hex"),
      /** Parts in order, with commas. */
      sign: signal((hmac?.sign ?? ["timestamp", "method", "path_and_query", "body"]).join(", ")),
      tokenHeader: signal(hmac?.token_header ?? ""),
      timestampHeader: signal(hmac?.timestamp_header ?? ""),
      signatureHeader: signal(hmac?.signature_header ?? ""),
      tokenPart: signal(hmac?.token_part ?? "token"),
      keyPart: signal(hmac?.key_part ?? "key"),
    },
    exchange: {
      loginPath: signal(exchange?.login_path ?? ""),
      /** `name: value`, one a line, like the two after it. */
      loginHeaders: signal(headerLines(exchange?.login_headers ?? {})),
      loginBody: signal(headerLines(exchange?.login_body ?? {})),
      headers: signal(headerLines(exchange?.headers ?? { Authorization: "Bearer {token}" })),
      ttlSeconds: signal(String(exchange?.token_ttl_seconds ?? EXCHANGE_TTL_SECONDS)),
      publicParts: signal((exchange?.public_parts ?? []).join(", ")),
    },
  };
}

/** The whole scheme; null: nothing was touched, so that what lines cannot hold stays as it is. */
export function changedAuth(draft: AuthDraft, from: Auth): Result<AuthBody | null, readonly FieldError[]> {
  // Signals are written as their values.
  return JSON.stringify(draft) === JSON.stringify(authDraft(from)) ? ok(null) : authBody(draft);
}

/** Only what cannot be parted into names and values is judged here; all else is the API's to judge. */
export function authBody(draft: AuthDraft): Result<AuthBody, readonly FieldError[]> {
  const errors: FieldError[] = [];
  const pairs = (field: Signal<string>, member: string): Readonly<Record<string, string>> => {
    const found = headersOf(field.value);
    if (!found.ok) errors.push({ field: `auth.${member}`, message: found.error });
    return found.ok ? found.value : {};
  };
  const body = { scheme: draft.scheme.value, ...members(draft, pairs) };
  return errors.length === 0 ? ok(body) : err(errors);
}

type Pairs = (field: Signal<string>, member: string) => Readonly<Record<string, string>>;

function members(draft: AuthDraft, pairs: Pairs): AuthBody {
  switch (draft.scheme.value) {
    case "header":
      return { name: draft.name.value.trim(), prefix: draft.prefix.value };
    case "query":
      return { name: draft.name.value.trim() };
    case "basic":
      return {
        secret_in: draft.secretIn.value,
        fixed: draft.fixed.value.trim(),
        ...(draft.raw.value ? { raw: true } : {}),
      };
    case "oauth2_client_credentials":
      return oauthMembers(draft.oauth, pairs);
    case "hmac":
      return hmacMembers(draft.hmac);
    case "token_exchange":
      return exchangeMembers(draft.exchange, pairs);
    default:
      return {};
  }
}

function oauthMembers(draft: AuthDraft["oauth"], pairs: Pairs): AuthBody {
  const params = pairs(draft.params, "params");
  const header = draft.sentHeader.value.trim();
  return {
    token_url: draft.tokenUrl.value.trim(),
    client_id: draft.clientId.value.trim(),
    scope: textOrNull(draft.scope),
    audience: textOrNull(draft.audience),
    client_auth: draft.clientAuth.value,
    ...(Object.keys(params).length === 0 ? {} : { params }),
    ...(draft.ttlSeconds.value === "" ? {} : { token_ttl_seconds: Number(draft.ttlSeconds.value) }),
    ...(header === "" ? {} : { sent_as: { header, prefix: draft.sentPrefix.value } }),
  };
}

function hmacMembers(draft: AuthDraft["hmac"]): AuthBody {
  return {
    algorithm: "HMAC-SHA256",
    encoding: draft.encoding.value,
    sign: lines(draft.sign.value),
    token_header: draft.tokenHeader.value.trim(),
    timestamp_header: draft.timestampHeader.value.trim(),
    signature_header: draft.signatureHeader.value.trim(),
    token_part: draft.tokenPart.value.trim(),
    key_part: draft.keyPart.value.trim(),
  };
}

function exchangeMembers(draft: AuthDraft["exchange"], pairs: Pairs): AuthBody {
  const publicParts = lines(draft.publicParts.value);
  return {
    login_path: draft.loginPath.value.trim(),
    login_headers: pairs(draft.loginHeaders, "login_headers"),
    login_body: pairs(draft.loginBody, "login_body"),
    ...(publicParts.length === 0 ? {} : { public_parts: publicParts }),
    token_ttl_seconds: Number(draft.ttlSeconds.value),
    headers: pairs(draft.headers, "headers"),
  };
}

function textOrNull(field: Signal<string>): string | null {
  return field.value.trim() === "" ? null : field.value.trim();
}

/** Names of the parts that the secret has under this scheme, while it is being written; empty when it is one text. */
export function partsOf(draft: AuthDraft): readonly string[] {
  return secretParts({
    scheme: draft.scheme.value,
    token_part: draft.hmac.tokenPart.value.trim() || "token",
    key_part: draft.hmac.keyPart.value.trim() || "key",
    login_headers: draft.exchange.loginHeaders.value,
    login_body: draft.exchange.loginBody.value,
  });
}

/** What the pasted secret is called under a scheme. */
export function secretLabel(draft: AuthDraft): string {
  switch (draft.scheme.value) {
    case "oauth2_client_credentials":
      return "Client secret";
    case "basic":
      return draft.raw.value ? "Key" : draft.secretIn.value === "username" ? "User name" : "Password";
    default:
      return "Key";
  }
}
