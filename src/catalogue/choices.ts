/**
 * What a person's choices make of a catalogue entry: the members of a connection, the rules of a preset, the test call.
 * Pure. Every value that becomes part of an address or a pattern is checked against its form first.
 */
import { fillTemplate } from "../domain/auth-secret.ts";
import type { AuthScheme } from "../domain/auth-scheme.ts";
import type { TestCall } from "../domain/connection-test.ts";
import type { ConnectionDocument } from "../domain/documents.ts";
import { DEFAULT_RELIABILITY } from "../domain/reliability.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { COMMON_URL_MEMBERS } from "../domain/rewrite.ts";
import type { Rule } from "../domain/scope.ts";
import type { AuthOption, Region, ScopePreset, Vendor } from "./vendor.ts";

/** What the person chose; all members may be left out. */
export interface VendorChoices {
  readonly region?: string;
  /** Id of the way to authenticate. */
  readonly auth?: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Names the input member that must change (`variables.shop`). */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** The part of a connection that the catalogue fills in. */
export type ConnectionDefaults = Pick<
  ConnectionDocument,
  | "vendor"
  | "baseUrl"
  | "origins"
  | "auth"
  | "headers"
  | "collapseBasePath"
  | "allowEncodedSlash"
  | "accountHeaders"
  | "tokenHeaders"
  | "tokenQueryParams"
  | "urlMembers"
  | "noRetryHeader"
  | "reliability"
  | "operations"
> & { readonly defaultHeaders: Readonly<Record<string, string>> };

/** Fills a vendor's templates by the person's choices. `baseUrlGiven`: the person names the base URL, so none is made here. */
export function connectionDefaults(
  vendor: Vendor,
  choices: VendorChoices,
  baseUrlGiven: string | null = null,
): Result<ConnectionDefaults, FieldError> {
  const region = chosenRegion(vendor, choices.region);
  if (!region.ok) return region;
  const option = chosenAuth(vendor, choices.auth);
  if (!option.ok) return option;
  const template = {
    baseUrl: baseUrlGiven ?? region.value?.baseUrl ?? vendor.baseUrl ?? "",
    auth: option.value.scheme,
    headers: { ...vendor.headers, ...option.value.headers },
  };
  if (template.baseUrl === "") return err({ field: "base_url", message: "This vendor needs a base URL" });
  const values = variableValues(vendor, template, choices.variables ?? {});
  if (!values.ok) return values;
  const filled = fillDeep(template, { ...region.value?.values, ...values.value }) as typeof template;
  return ok({
    vendor: vendor.id,
    baseUrl: filled.baseUrl,
    auth: filled.auth,
    headers: filled.headers,
    ...vendorSettings(vendor, baseUrlGiven),
  });
}

/** What the entry says without any choice; for connections whose address, key and fixed headers are stated by a person. */
export function vendorSettings(
  vendor: Vendor,
  baseUrlGiven: string | null,
): Omit<ConnectionDefaults, "vendor" | "baseUrl" | "auth" | "headers"> {
  return {
    defaultHeaders: vendor.defaultHeaders,
    // Another host is another vendor as far as the key is concerned: it must not travel to the catalogue's origins.
    origins: baseUrlGiven === null || isOwnHost(vendor, baseUrlGiven) ? vendor.origins : [],
    collapseBasePath: vendor.collapseBasePath,
    allowEncodedSlash: vendor.allowEncodedSlash,
    accountHeaders: vendor.accountHeaders,
    tokenHeaders: vendor.tokenHeaders,
    tokenQueryParams: vendor.tokenQueryParams,
    urlMembers: [...new Set([...COMMON_URL_MEMBERS, ...vendor.urlMembers])],
    noRetryHeader: vendor.noRetryHeader,
    reliability: { ...DEFAULT_RELIABILITY, ...vendor.reliability },
    operations: vendor.operations,
  };
}

/** Whether a base URL that a person gave lies on a host of the entry itself. */
function isOwnHost(vendor: Vendor, baseUrl: string): boolean {
  const own = [vendor.baseUrl ?? "", ...vendor.regions.map((region) => region.baseUrl)];
  return own.some((known) => known === baseUrl || (known !== "" && baseUrl.startsWith(`${known}/`)));
}

function chosenRegion(vendor: Vendor, id: string | undefined): Result<Region | null, FieldError> {
  if (id === undefined) return ok(vendor.regions[0] ?? null);
  const region = vendor.regions.find((candidate) => candidate.id === id);
  if (region !== undefined) return ok(region);
  const known = vendor.regions.map((candidate) => candidate.id).join(", ");
  return err({
    field: "region",
    message: known === "" ? "This vendor has no regions" : `The region is one of: ${known}`,
  });
}

function chosenAuth(vendor: Vendor, id: string | undefined): Result<AuthOption, FieldError> {
  const option = id === undefined ? vendor.auth[0] : vendor.auth.find((candidate) => candidate.id === id);
  if (option !== undefined) return ok(option);
  return err({ field: "auth_option", message: `It is one of: ${vendor.auth.map((known) => known.id).join(", ")}` });
}

/** Only the variables that the chosen templates name are asked for, and each must match its pattern as a whole. */
function variableValues(
  vendor: Vendor,
  template: unknown,
  given: Readonly<Record<string, string>>,
): Result<Record<string, string>, FieldError> {
  const text = JSON.stringify(template);
  const values: Record<string, string> = {};
  for (const variable of vendor.variables) {
    if (!text.includes(`{${variable.name}}`)) continue;
    const value = Object.hasOwn(given, variable.name) ? given[variable.name] : undefined;
    const field = `variables.${variable.name}`;
    if (value === undefined)
      return err({ field, message: `${variable.label} is needed, such as: ${variable.example}` });
    if (!new RegExp(variable.pattern).test(value)) {
      return err({ field, message: `${variable.label} does not have the right form, such as: ${variable.example}` });
    }
    values[variable.name] = value;
  }
  return ok(values);
}

/** Fills the strings of plain data; placeholders that are not variables (the parts of a secret) stay. */
function fillDeep(value: unknown, values: Readonly<Record<string, string>>): unknown {
  if (typeof value === "string") return fillTemplate(value, values);
  if (Array.isArray(value)) return value.map((item) => fillDeep(item, values));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fillDeep(member, values)]));
}

/** A preset's rules with its variables filled in; a value is one path segment, so it cannot widen the pattern. */
export function fillPreset(
  preset: ScopePreset,
  given: Readonly<Record<string, string>>,
): Result<readonly Rule[], FieldError> {
  const values: Record<string, string> = {};
  for (const name of preset.variables) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    const field = `variables.${name}`;
    if (value === undefined || value === "") return err({ field, message: `The preset needs a value for ${name}` });
    if (!/^[A-Za-z0-9._~-]{1,200}$/.test(value) || value === "." || value === "..") {
      return err({
        field,
        message: `The value for ${name} is one path segment of letters, digits, dots, dashes and underscores`,
      });
    }
    values[name] = value;
  }
  return ok(preset.rules.map((rule) => ({ ...rule, paths: rule.paths.map((path) => fillTemplate(path, values)) })));
}

/**
 * The test call for one connection. Placeholders come from the connection (`sid` from its Basic user name), from `given`,
 * or from the date; what is left over is named in the error.
 */
export function testCallFor(
  vendor: Vendor,
  auth: AuthScheme,
  given: Readonly<Record<string, string>>,
  nowMs: number,
): Result<TestCall, FieldError> {
  if (vendor.test === null) {
    return err({ field: "path", message: "No cheap read is known for this vendor: name a path to test with" });
  }
  const today = new Date(nowMs).toISOString().slice(0, 10).replaceAll("-", "/");
  const values: Record<string, string> = { today };
  if (auth.scheme === "basic" && auth.fixed !== "") values["sid"] = auth.fixed;
  for (const variable of vendor.variables) {
    const value = Object.hasOwn(given, variable.name) ? given[variable.name] : undefined;
    if (value === undefined) continue;
    if (!new RegExp(variable.pattern).test(value)) {
      return err({ field: `variables.${variable.name}`, message: `${variable.label} does not have the right form` });
    }
    values[variable.name] = value;
  }
  const path = fillTemplate(vendor.test.path, values);
  const missing = /\{([a-z_]+)\}/.exec(path)?.[1];
  if (missing !== undefined) return err({ field: `variables.${missing}`, message: `The test call needs ${missing}` });
  return ok({ ...vendor.test, path });
}
