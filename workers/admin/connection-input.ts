/**
 * What a connection's members must fulfil beyond their form: URLs within the egress rules, fixed headers that do not
 * take the key's place, a vendor that exists. Shared by creation and change.
 */
import { vendorById } from "../../src/catalogue/catalogue.ts";
import { connectionDefaults, vendorSettings } from "../../src/catalogue/choices.ts";
import { AuthWire } from "../../src/contract/auth.ts";
import { DEFAULT_CONNECTION_SETTINGS, toConnectionSettings } from "../../src/contract/connection.ts";
import type { ConnectionCreate } from "../../src/contract/connection.ts";
import { fieldProblem } from "../../src/contract/problem.ts";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { authHeaderNames } from "../../src/domain/auth-apply.ts";
import type { AuthScheme } from "../../src/domain/auth-scheme.ts";
import { checkBaseUrl, checkEgressUrl } from "../../src/domain/egress.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import type { ConnectionSettings } from "../../src/domain/settings.ts";
import type { RouteContext } from "./route.ts";

/** The parts of a connection that depend on each other. */
export interface ConnectionParts {
  readonly baseUrl: string;
  readonly auth: AuthScheme;
  readonly settings: ConnectionSettings;
}

/** What the vendor's catalogue entry says, with the stated members in place of its own. */
export function newConnectionParts(body: ConnectionCreate): Result<ConnectionParts, AdminProblem> {
  if (body.vendor === undefined) {
    if (body.base_url === undefined) return err(fieldProblem("base_url", "Is required without a vendor"));
    if (body.auth === undefined) return err(fieldProblem("auth", "Is required without a vendor"));
    const settings = toConnectionSettings(body, DEFAULT_CONNECTION_SETTINGS);
    return ok({ baseUrl: body.base_url, auth: body.auth, settings });
  }
  const vendor = vendorById(body.vendor);
  if (vendor === null) return err(fieldProblem("vendor", "Is not in the catalogue; leave it out for any other API"));
  const defaults = connectionDefaults(
    vendor,
    {
      ...(body.region === undefined ? {} : { region: body.region }),
      ...(body.auth_option === undefined ? {} : { auth: body.auth_option }),
      ...(body.variables === undefined ? {} : { variables: body.variables }),
    },
    body.base_url ?? null,
  );
  if (!defaults.ok) {
    // With both stated, nothing of the entry's templates is needed; the rest of it holds all the same.
    if (body.base_url === undefined || body.auth === undefined) {
      return err(fieldProblem(defaults.error.field, defaults.error.message));
    }
    const known = vendorSettings(vendor, body.base_url);
    const settings = toConnectionSettings(body, { ...DEFAULT_CONNECTION_SETTINGS, ...known });
    return ok({ baseUrl: body.base_url, auth: body.auth, settings });
  }
  const { vendor: _vendor, baseUrl, auth, ...known } = defaults.value;
  const settings = toConnectionSettings(body, { ...DEFAULT_CONNECTION_SETTINGS, ...known });
  return ok({ baseUrl, auth: body.auth ?? auth, settings });
}

/** Every URL in its canonical form and allowed, and no fixed header in the key's place; or the problem of the field. */
export function checkConnectionParts(
  context: RouteContext,
  parts: ConnectionParts,
): Result<ConnectionParts, AdminProblem> {
  const options = { allowPrivate: context.settings.allowPrivateUpstreams };
  const base = checkBaseUrl(parts.baseUrl, options);
  if (!base.ok) return err(fieldProblem("base_url", base.error.detail));
  const origins = [];
  for (const [i, origin] of parts.settings.origins.entries()) {
    const checked = checkBaseUrl(origin.baseUrl, options);
    if (!checked.ok) return err(fieldProblem(`origins[${i}].base_url`, checked.error.detail));
    origins.push({ ...origin, baseUrl: checked.value.href });
  }
  // What the catalogue's templates became is judged as if it had been sent.
  const scheme = AuthWire.safeParse(parts.auth);
  if (!scheme.success) {
    const [issue] = scheme.error.issues;
    return err(fieldProblem(["auth", ...(issue?.path ?? [])].join("."), issue?.message ?? "Is not valid"));
  }
  let auth: AuthScheme = scheme.data;
  if (auth.scheme === "oauth2_client_credentials") {
    const checked = checkEgressUrl(auth.token_url, options);
    if (!checked.ok) return err(fieldProblem("auth.token_url", checked.error.detail));
    auth = { ...auth, token_url: checked.value };
  }
  const taken = authHeaderNames(auth);
  for (const name of Object.keys(parts.settings.headers)) {
    if (taken.includes(name.toLowerCase())) return err(fieldProblem(`headers.${name}`, "Is where the key goes"));
  }
  return ok({ baseUrl: base.value.href, auth, settings: { ...parts.settings, origins } });
}

/** Origins to which a connection's master keys travel. */
export function keyDestinations({ baseUrl, auth, settings }: ConnectionParts): ReadonlySet<string> {
  const urls = [baseUrl, ...settings.origins.map((origin) => origin.baseUrl)];
  if (auth.scheme === "oauth2_client_credentials") urls.push(auth.token_url);
  return new Set(urls.map((url) => new URL(url).origin));
}
