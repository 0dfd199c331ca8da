/** Auth schemes on the wire: how a vendor expects its key. The domain keeps them in the same form, defaults filled in. */
import * as z from "zod";
import type { AuthScheme } from "../domain/auth-scheme.ts";
import { HeaderName, HeaderValue, MAX_URL_CHARS, QueryName, readableText } from "./fields.ts";

/** Headers that carry the message itself can carry no key. */
const FRAMING_HEADERS = new Set(
  "host connection content-length content-type transfer-encoding te trailer upgrade keep-alive expect via forwarded cookie set-cookie".split(
    " ",
  ),
);

const AuthHeaderName = HeaderName.refine((name) => {
  const lower = name.toLowerCase();
  return !FRAMING_HEADERS.has(lower) && !/^(?:x-relaykey|x-forwarded-|cf-|proxy-)/.test(lower);
}, "Cannot carry a key");

const Prefix = HeaderValue.max(64);
const PartName = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][A-Za-z0-9_]*$/, "Is not the name of a secret's part");
const Templates = z
  .record(HeaderName, HeaderValue.max(1_024))
  .refine((map) => Object.keys(map).length <= 16, "Holds too many");

const Basic = z.strictObject({
  scheme: z.literal("basic"),
  secret_in: z.enum(["username", "password"]),
  fixed: readableText(512).default(""),
  raw: z.boolean().exactOptional(),
});

const OAuth2 = z.strictObject({
  scheme: z.literal("oauth2_client_credentials"),
  token_url: z.string().min(1).max(MAX_URL_CHARS),
  client_id: readableText(512).min(1),
  scope: readableText(2_048).nullable().default(null),
  audience: readableText(2_048).nullable().default(null),
  client_auth: z.enum(["basic", "body"]),
  params: z
    .record(readableText(128).min(1), readableText(1_024))
    .refine((map) => Object.keys(map).length <= 16, "Holds too many")
    .exactOptional(),
  token_ttl_seconds: z.int().min(1).max(86_400).exactOptional(),
  sent_as: z.strictObject({ header: AuthHeaderName, prefix: Prefix.default("") }).exactOptional(),
});

const Hmac = z.strictObject({
  scheme: z.literal("hmac"),
  algorithm: z.literal("HMAC-SHA256").default("HMAC-SHA256"),
  encoding: z.enum(["hex", "base64"]).default("hex"),
  sign: z
    .array(z.enum(["timestamp", "method", "path_and_query", "body"]))
    .min(1)
    .max(8),
  token_header: AuthHeaderName,
  timestamp_header: AuthHeaderName,
  signature_header: AuthHeaderName,
  token_part: PartName.default("token"),
  key_part: PartName.default("key"),
});

const TokenExchange = z.strictObject({
  scheme: z.literal("token_exchange"),
  login_path: readableText(1_024).startsWith("/", "Must start with a slash"),
  login_headers: Templates.default({}),
  login_body: z
    .record(readableText(128).min(1), readableText(1_024))
    .refine((map) => Object.keys(map).length <= 16, "Holds too many")
    .default({}),
  public_parts: z.array(PartName).max(8).exactOptional(),
  token_ttl_seconds: z.int().min(1).max(86_400),
  headers: Templates,
});

export const AuthWire = z
  .discriminatedUnion("scheme", [
    z.strictObject({ scheme: z.literal("bearer") }),
    Basic,
    z.strictObject({ scheme: z.literal("header"), name: AuthHeaderName, prefix: Prefix.default("") }),
    z.strictObject({ scheme: z.literal("query"), name: QueryName }),
    OAuth2,
    Hmac,
    TokenExchange,
    z.strictObject({ scheme: z.literal("none") }),
  ])
  .meta({ id: "AuthScheme" });
export type AuthWire = z.output<typeof AuthWire>;

/** The same members; the type check proves that nothing is lost. */
export function toAuth(wire: AuthWire): AuthScheme {
  return wire;
}
