/** Connections on the wire (the governance API calls them partners), and their way to the domain's form and back. */
import * as z from "zod";
import { NO_LIMITS } from "../domain/limits.ts";
import { UNDESCRIBED_RELIABILITY } from "../domain/reliability.ts";
import { COMMON_URL_MEMBERS } from "../domain/rewrite.ts";
import type { ConnectionSettings } from "../domain/settings.ts";
import { AuthWire } from "./auth.ts";
import {
  ConnectionId,
  Environment,
  HeaderName,
  HeaderValue,
  MAX_URL_CHARS,
  MemberPath,
  Name,
  PositiveInteger,
  QueryName,
  Time,
  readableText,
  refuseRepeats,
} from "./fields.ts";
import { LimitsWire, fromLimits, toLimits } from "./limits.ts";
import { PriceRuleWire, fromPriceRule, toPriceRule } from "./price.ts";
import { ReliabilityWire, fromReliability, toReliability } from "./reliability.ts";
import { Method } from "./scope.ts";
import { Secret, SecretProvider, UpstreamCredential } from "./upstream-credential.ts";

const MAX_OPERATIONS = 2_000;
/** Some vendors have a host for each product. */
const MAX_ORIGINS = 64;

/** Headers that an owner may not fix on every call: framing, RelayKey's own, and what speaks for the client. */
const RESERVED_HEADER =
  /^(?:host|connection|content-length|transfer-encoding|te|trailer|upgrade|keep-alive|expect|via|forwarded|cookie|set-cookie|authorization|proxy-.*|x-relaykey.*|x-forwarded-.*|cf-.*)$/i;

const FixedHeaders = z.record(HeaderName, HeaderValue).superRefine((headers, context) => {
  if (Object.keys(headers).length > 32) context.addIssue({ code: "custom", message: "Holds more than 32 headers" });
  for (const name of Object.keys(headers)) {
    if (RESERVED_HEADER.test(name)) {
      context.addIssue({ code: "custom", path: [name], message: "Cannot be fixed here; a key belongs in secret" });
    }
  }
});

const lowerHeader = HeaderName.toLowerCase();
export const VendorId = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9_-]*$/, "Is not a vendor's id");
const BaseUrl = z.string().min(1).max(MAX_URL_CHARS);

export const QuotaWire = z
  .strictObject({
    requests: PositiveInteger,
    per_seconds: z
      .int()
      .min(1)
      .max(31 * 86_400),
    max_share: z.number().gt(0).max(1).default(1),
  })
  .meta({ id: "Quota" });

const Origin = z.strictObject({
  name: z
    .string()
    .max(64)
    .regex(/^[a-z0-9][a-z0-9_-]*$/, "Is not an origin's name"),
  base_url: BaseUrl,
  path_prefixes: z.array(readableText(256).startsWith("/", "Must start with a slash")).max(32).default([]),
});

/** A name stands for one origin: the second of the same would never be reached. */
const Origins = z
  .array(Origin)
  .max(MAX_ORIGINS)
  .superRefine((origins, context) => refuseRepeats(origins, "name", "Is given twice", context));

const Operation = z.strictObject({
  method: Method,
  template: readableText(1_024).startsWith("/", "Must start with a slash"),
  name: readableText(256).min(1),
});

/** Members that creation and change share. */
const members = {
  environment: Environment.nullable().optional(),
  headers: FixedHeaders.optional(),
  /** Added only where the client sends none of that name (a vendor's version, a User-Agent). */
  default_headers: FixedHeaders.optional(),
  reliability: ReliabilityWire.optional(),
  quota: QuotaWire.nullable().optional(),
  prices: z.array(PriceRuleWire).max(64).optional(),
  limits: LimitsWire.optional(),
  origins: Origins.optional(),
  collapse_base_path: z.boolean().optional(),
  allow_encoded_slash: z.boolean().optional(),
  account_headers: z.array(lowerHeader).max(32).optional(),
  token_headers: z.array(lowerHeader).max(16).optional(),
  token_query_params: z.array(QueryName).max(16).optional(),
  url_members: z.array(MemberPath).max(64).optional(),
  no_retry_header: lowerHeader.nullable().optional(),
  operations: z.array(Operation).max(MAX_OPERATIONS).optional(),
};

/** `base_url` and `auth` may be left out where the vendor's catalogue entry knows them. */
export const ConnectionCreate = z
  .strictObject({
    id: ConnectionId.optional(),
    name: Name,
    vendor: VendorId.optional(),
    /** What the vendor's entry asks for: its region, its way to authenticate, the values of its templates. */
    region: z.string().min(1).max(64).optional(),
    auth_option: z.string().min(1).max(64).optional(),
    variables: z.record(z.string().min(1).max(64), z.string().max(256)).optional(),
    base_url: BaseUrl.optional(),
    auth: AuthWire.optional(),
    secret: Secret.optional(),
    location: SecretProvider.optional(),
    ...members,
  })
  .superRefine((wire, context) => {
    if (wire.secret !== undefined && wire.location !== undefined) {
      context.addIssue({ code: "custom", path: ["location"], message: "Give either secret or location" });
    }
  })
  .meta({ id: "ConnectionCreate" });
export type ConnectionCreate = z.output<typeof ConnectionCreate>;

export const ConnectionPatch = z
  .strictObject({ name: Name.optional(), base_url: BaseUrl.optional(), auth: AuthWire.optional(), ...members })
  .meta({ id: "ConnectionPatch" });
export type ConnectionPatch = z.output<typeof ConnectionPatch>;

export const Connection = z
  .strictObject({
    id: ConnectionId,
    name: z.string(),
    status: z.enum(["active", "paused"]),
    vendor: z.string().nullable(),
    base_url: z.string(),
    environment: z.string().nullable(),
    auth: AuthWire,
    headers: z.record(z.string(), z.string()),
    default_headers: z.record(z.string(), z.string()),
    reliability: ReliabilityWire,
    quota: QuotaWire.nullable(),
    prices: z.array(PriceRuleWire),
    limits: LimitsWire,
    origins: z.array(Origin),
    collapse_base_path: z.boolean(),
    allow_encoded_slash: z.boolean(),
    account_headers: z.array(z.string()),
    token_headers: z.array(z.string()),
    token_query_params: z.array(z.string()),
    url_members: z.array(z.string()),
    no_retry_header: z.string().nullable(),
    operations: z.array(Operation),
    upstream_credentials: z.array(UpstreamCredential),
    created_by: z.string(),
    created_at: Time,
    updated_at: Time,
  })
  .meta({ id: "Connection" });
export type Connection = z.infer<typeof Connection>;

export const DEFAULT_CONNECTION_SETTINGS: ConnectionSettings = {
  origins: [],
  headers: {},
  collapseBasePath: false,
  allowEncodedSlash: false,
  accountHeaders: [],
  tokenHeaders: [],
  tokenQueryParams: [],
  urlMembers: COMMON_URL_MEMBERS,
  noRetryHeader: null,
  reliability: UNDESCRIBED_RELIABILITY,
  quota: null,
  limits: NO_LIMITS,
  prices: [],
  operations: [],
};

/** `base` with the stated members in place of its own. Origins' URLs are checked by the route. */
export function toConnectionSettings(wire: ConnectionPatch, base: ConnectionSettings): ConnectionSettings {
  return {
    origins:
      wire.origins?.map((origin) => ({
        name: origin.name,
        baseUrl: origin.base_url,
        pathPrefixes: origin.path_prefixes,
      })) ?? base.origins,
    headers: wire.headers ?? base.headers,
    defaultHeaders: wire.default_headers ?? base.defaultHeaders ?? {},
    collapseBasePath: wire.collapse_base_path ?? base.collapseBasePath,
    allowEncodedSlash: wire.allow_encoded_slash ?? base.allowEncodedSlash,
    accountHeaders: wire.account_headers ?? base.accountHeaders,
    tokenHeaders: wire.token_headers ?? base.tokenHeaders,
    tokenQueryParams: wire.token_query_params ?? base.tokenQueryParams,
    urlMembers: wire.url_members ?? base.urlMembers,
    noRetryHeader: wire.no_retry_header === undefined ? base.noRetryHeader : wire.no_retry_header,
    reliability: wire.reliability === undefined ? base.reliability : toReliability(wire.reliability, base.reliability),
    quota: wire.quota === undefined ? base.quota : toQuota(wire.quota),
    limits: wire.limits === undefined ? base.limits : toLimits(wire.limits),
    prices: wire.prices?.map(toPriceRule) ?? base.prices,
    operations: wire.operations ?? base.operations,
  };
}

export function fromConnectionSettings(settings: ConnectionSettings) {
  return {
    headers: { ...settings.headers },
    default_headers: { ...settings.defaultHeaders },
    reliability: fromReliability(settings.reliability),
    quota: settings.quota && {
      requests: settings.quota.requests,
      per_seconds: settings.quota.perSeconds,
      max_share: settings.quota.maxShare,
    },
    prices: settings.prices.map(fromPriceRule),
    limits: fromLimits(settings.limits),
    origins: settings.origins.map((origin) => ({
      name: origin.name,
      base_url: origin.baseUrl,
      path_prefixes: [...origin.pathPrefixes],
    })),
    collapse_base_path: settings.collapseBasePath,
    allow_encoded_slash: settings.allowEncodedSlash,
    account_headers: [...settings.accountHeaders],
    token_headers: [...settings.tokenHeaders],
    token_query_params: [...settings.tokenQueryParams],
    url_members: [...settings.urlMembers],
    no_retry_header: settings.noRetryHeader,
    operations: settings.operations.map((operation) => ({ ...operation })),
  };
}

function toQuota(wire: z.output<typeof QuotaWire> | null): ConnectionSettings["quota"] {
  return wire && { requests: wire.requests, perSeconds: wire.per_seconds, maxShare: wire.max_share };
}
