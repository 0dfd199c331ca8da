/**
 * Where RelayKey may connect to. Judges a URL's text when it is saved and again before each call; it never resolves a name.
 *
 * Always holds of what it accepts: https (or, with `allowPrivate`, http); no user, password or fragment; a host that is
 * a public name or a public address, in the spelling that the URL standard gives it; and a path without second readings.
 * Refused in any spelling: private, loopback, link-local, metadata, carrier-grade, multicast, reserved, documentation and
 * benchmarking addresses, and IPv6 addresses that carry an IPv4 address inside. `allowPrivate` (local development) opens
 * private and loopback addresses and local names, and nothing else of these.
 */
import { hostKind } from "./host-kind.ts";
import { err, ok, type Result } from "./result.ts";

export const MAX_URL_CHARS = 2_048;

export interface EgressOptions {
  readonly allowPrivate: boolean;
}

/** `problem` is a word for code, `detail` a sentence for the person who typed the URL. */
export interface EgressProblem {
  readonly problem:
    | "not_a_url"
    | "too_long"
    | "scheme"
    | "userinfo"
    | "query"
    | "fragment"
    | "path"
    | "host"
    | "port"
    | "private_host";
  readonly detail: string;
}

export interface BaseUrl {
  /** Canonical, without trailing slash. */
  readonly href: string;
  readonly origin: string;
  /** Without trailing slash; "" for the root. */
  readonly basePath: string;
}

/** Checks a connection's base URL: no query, and a plain path. */
export function checkBaseUrl(text: string, options: EgressOptions): Result<BaseUrl, EgressProblem> {
  const checked = checkUrl(text, options);
  if (!checked.ok) return checked;
  const url = checked.value;
  if (!PLAIN_PATH.test(url.pathname)) return err(NOT_PLAIN);
  if (text.includes("?")) return err({ problem: "query", detail: "A base URL has no query." });
  const basePath = url.pathname.replace(/\/$/, "");
  return ok({ href: url.origin + basePath, origin: url.origin, basePath });
}

/** Checks a URL that is called as it stands (token endpoint, webhook, facilitator); gives it in canonical form. */
export function checkEgressUrl(text: string, options: EgressOptions): Result<string, EgressProblem> {
  const checked = checkUrl(text, options);
  return checked.ok ? ok(checked.value.href) : checked;
}

/** Whether a URL that is about to be called still lies under its base: the last check before each call. */
export function sameEgress(url: string, base: BaseUrl): boolean {
  const parsed = parseUrl(url);
  if (parsed === null || parsed.origin !== base.origin || parsed.username !== "" || parsed.password !== "")
    return false;
  return base.basePath === "" || parsed.pathname === base.basePath || parsed.pathname.startsWith(`${base.basePath}/`);
}

function checkUrl(text: string, options: EgressOptions): Result<URL, EgressProblem> {
  if (text.length > MAX_URL_CHARS) {
    return err({ problem: "too_long", detail: `A URL has at most ${MAX_URL_CHARS} characters.` });
  }
  // Printable ASCII without backslash and friends: the URL parser would silently drop or turn the rest.
  const shape = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\\]*)([^?#\\]*)([^#\\]*)$/i.exec(text);
  const url = /^[\x21-\x7e]+$/.test(text) && shape !== null ? parseUrl(text) : null;
  if (shape === null || url === null) return err(shapeProblem(text));
  if (url.protocol !== "https:" && !(options.allowPrivate && url.protocol === "http:")) {
    return err({ problem: "scheme", detail: "The URL must start with https://." });
  }
  const problem = authorityProblem(shape[2] ?? "", url) ?? pathProblem(shape[3] ?? "", url);
  if (problem !== null) return err(problem);
  const host = (shape[2] ?? "").toLowerCase().replace(/:[0-9]*$/, "");
  return hostVerdict(url.hostname, options) ?? spellingVerdict(host, url.hostname) ?? ok(url);
}

/** A public address in a second spelling is refused too: what is shown to people is what is called. */
function spellingVerdict(written: string, read: string): Result<never, EgressProblem> | null {
  if (written === read) return null;
  return err({ problem: "host", detail: `The host must be written as ${read}.` });
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function shapeProblem(text: string): EgressProblem {
  if (text.includes("#")) return { problem: "fragment", detail: "The URL must have no fragment." };
  return {
    problem: "not_a_url",
    detail: "The URL must be absolute and in ASCII (write other host names in punycode, xn--…).",
  };
}

function authorityProblem(authority: string, url: URL): EgressProblem | null {
  if (authority.includes("@") || url.username !== "" || url.password !== "") {
    return { problem: "userinfo", detail: "The URL must not hold a user name or password." };
  }
  if (url.port === "0" || authority.endsWith(":")) {
    return { problem: "port", detail: "The port must be a number from 1 to 65535." };
  }
  return null;
}

/** What the parser would change is refused instead of repaired. */
function pathProblem(path: string, url: URL): EgressProblem | null {
  return (path === "" ? "/" : path) === url.pathname ? null : NOT_PLAIN;
}

/** A base path has no escapes and no parameters, since every path that is judged begins with it. */
const PLAIN_PATH = /^(?:\/[A-Za-z0-9._~!$&'()*+,=:@-]+)*\/?$/;
const NOT_PLAIN: EgressProblem = {
  problem: "path",
  detail: "The path must be plain: no empty or dot segments; in a base URL no escapes and no semicolons either.",
};

function hostVerdict(hostname: string, options: EgressOptions): Result<never, EgressProblem> | null {
  const kind = hostKind(hostname);
  if (kind === "public" || (kind === "private" && options.allowPrivate)) return null;
  if (kind === "invalid") return err({ problem: "host", detail: "The host must be a full name without trailing dot." });
  return err({
    problem: "private_host",
    detail: "The host must be public: it may not name a private or special address.",
  });
}
