/**
 * The shape of a catalogue entry. An entry is data: it pre-fills a connection and informs the person who makes it. Nothing
 * here runs on the hot path: what a connection needs is copied into it when it is created.
 *
 * Always holds: paths are whole upstream paths, base path included, in the pattern language of scopes; `{name}` marks a
 * value that a person must fill in, so that an unfilled one matches nothing.
 */
import type { AuthScheme } from "../domain/auth-scheme.ts";
import type { TestCall } from "../domain/connection-test.ts";
import type { ConnectionDocument } from "../domain/documents.ts";
import type { Reliability } from "../domain/reliability.ts";
import type { Rule, Scope } from "../domain/scope.ts";

/** A value that a template asks for. `pattern` is an anchored regular expression without nested repetition. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly pattern: string;
  readonly example: string;
}

export interface Region {
  readonly id: string;
  readonly label: string;
  readonly baseUrl: string;
  /** Values that other templates of the entry take in this region (`{token_host}`). */
  readonly values?: Readonly<Record<string, string>>;
}

/** One way to authenticate. Strings of the scheme and the headers may be templates. */
export interface AuthOption {
  readonly id: string;
  readonly label: string;
  readonly scheme: AuthScheme;
  /** Fixed headers that belong to this way of authenticating. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly secretLabel: string;
  readonly hint?: string;
}

/** A ready-made scope. `variables` lists the `{name}`s of its paths; see `fillPreset`. */
export interface ScopePreset {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly rules: readonly Rule[];
  readonly scope?: Partial<Pick<Scope, "body" | "graphql">>;
  readonly variables: readonly string[];
}

export type SensitiveCategory =
  | "access_control"
  | "code_execution"
  | "config_takeover"
  | "credential_minting"
  | "deletion"
  | "money_movement"
  | "outbound_messaging"
  | "pii_bulk_export"
  | "secret_access"
  | "spend";

/** An endpoint that deserves a second look before it is granted. */
export interface SensitiveEndpoint extends Rule {
  readonly category: SensitiveCategory;
  readonly why: string;
}

export interface Sdk {
  readonly package: string;
  /** The version that was tried against a proxy. */
  readonly version: string;
  /** Set-up lines; `{proxy}` is the connection's address at the proxy, `{host}` its own host name, `{token}` the token. */
  readonly lines: readonly string[];
  /** False: the SDK drops a base path, so that the connection's own host name is needed. */
  readonly keepsBasePath: boolean;
  readonly keyOnWire: string;
  readonly caveats: readonly string[];
}

export interface Vendor {
  readonly id: string;
  readonly name: string;
  readonly category: string;
  readonly summary: string;
  /** Default base URL, perhaps a template; null: only the person knows it. */
  readonly baseUrl: string | null;
  readonly regions: readonly Region[];
  readonly variables: readonly Variable[];
  /** The default first. */
  readonly auth: readonly [AuthOption, ...AuthOption[]];
  /** Set on every call, whatever the client sent. */
  readonly headers: Readonly<Record<string, string>>;
  /** Set only when the client sent none. */
  readonly defaultHeaders: Readonly<Record<string, string>>;
  readonly origins: ConnectionDocument["origins"];
  readonly collapseBasePath: boolean;
  readonly allowEncodedSlash: boolean;
  readonly accountHeaders: readonly string[];
  readonly tokenHeaders: readonly string[];
  readonly tokenQueryParams: readonly string[];
  /** Beside the common ones (`COMMON_URL_MEMBERS`): members of JSON answers that hold URLs of the vendor's own. */
  readonly urlMembers: readonly string[];
  readonly noRetryHeader: string | null;
  readonly reliability: Partial<Reliability>;
  /** What the vendor documents about its limits, for a person to read. */
  readonly limitsNote: string;
  readonly pagination: string;
  /** Null: no cheap read is known; the person names a path. */
  readonly test: TestCall | null;
  readonly presets: readonly ScopePreset[];
  readonly sensitive: readonly SensitiveEndpoint[];
  readonly operations: ConnectionDocument["operations"];
  readonly sdk: Sdk | null;
  readonly notes: readonly string[];
  /** What nobody has confirmed; shown to the person as it stands. */
  readonly unverified: readonly string[];
}

/** Entries name only what differs from this. */
export const VENDOR_DEFAULTS = {
  regions: [],
  variables: [],
  headers: {},
  defaultHeaders: {},
  origins: [],
  collapseBasePath: false,
  allowEncodedSlash: false,
  accountHeaders: [],
  tokenHeaders: [],
  tokenQueryParams: [],
  urlMembers: [],
  noRetryHeader: null,
  reliability: {},
  limitsNote: "",
  pagination: "",
  operations: [],
  sdk: null,
  notes: [],
  unverified: [],
} as const satisfies Partial<Vendor>;

/** A test call that reads with GET and needs no more than a status below 400. */
export function readTest(path: string, proves: string, more: Partial<TestCall> = {}): TestCall {
  return { method: "GET", path, body: null, contentType: null, proves, failsWith: [], realWith: [], ...more };
}

/** Reads `"GET|POST /path"`. */
function endpoint(text: string): Rule {
  const [methods = "", path = ""] = text.split(" ");
  return { methods: methods.split("|"), paths: [path] };
}

/** A preset from endpoints written as `"GET|POST /path"`; those with the same methods become one rule. */
export function preset(name: string, description: string, endpoints: readonly string[], scope?: ScopePreset["scope"]) {
  const byMethods = new Map<string, string[]>();
  for (const text of endpoints) {
    const rule = endpoint(text);
    const key = rule.methods.join("|");
    byMethods.set(key, [...(byMethods.get(key) ?? []), ...rule.paths]);
  }
  const rules = [...byMethods].map(([methods, paths]) => ({ methods: methods.split("|"), paths }));
  const variables = [
    ...new Set(endpoints.flatMap((text) => [...text.matchAll(/\{([a-z_]+)\}/g)].map((m) => m[1] ?? ""))),
  ];
  const id = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/-$/, "");
  const made: ScopePreset = { id, name, description, rules, variables };
  return scope === undefined ? made : { ...made, scope };
}

/** Sensitive endpoints that share one reason, written as `"GET|POST /path"`. */
export function sensitive(category: SensitiveCategory, why: string, ...endpoints: string[]): SensitiveEndpoint[] {
  return endpoints.map((text) => ({ ...endpoint(text), category, why }));
}
