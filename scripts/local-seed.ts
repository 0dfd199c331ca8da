/**
 * Puts one connection to the demo vendor and one scoped token into a new installation, over the admin API as anyone else would.
 * The token is returned once and kept nowhere.
 */
import type { LocalSettings } from "./local-settings.ts";
import { StartupError } from "./startup-error.ts";

export const DEMO_CONNECTION = "conn_demo";

const DEMO_TOKEN_TTL_SECONDS = 30 * 24 * 3600;
const REQUEST_TIMEOUT_MS = 15_000;

export interface Seeded {
  readonly token: string;
}

/** The body that makes the demo token; the welcome text shows it as the way to make another. */
export const DEMO_CREDENTIAL = {
  name: "demo",
  connection_id: DEMO_CONNECTION,
  allowed_methods: ["GET"],
  allowed_paths: ["/contacts", "/contacts/*"],
  ttl_seconds: DEMO_TOKEN_TTL_SECONDS,
};

export async function seedDemo(settings: LocalSettings, ownerKey: string, vendorKey: string): Promise<Seeded> {
  const connection = await call(settings, ownerKey, "POST", "/connections", {
    id: DEMO_CONNECTION,
    name: "Demo vendor",
    base_url: demoOrigin(settings),
    auth: { scheme: "bearer" },
    secret: vendorKey,
  });
  // 409: a start that was cut short made it already.
  if (connection.status !== 201 && connection.status !== 409) throw failed("the demo connection", connection);
  const credential = await call(settings, ownerKey, "POST", "/delegated-credentials", DEMO_CREDENTIAL);
  const token = credential.body?.["token"];
  if (credential.status !== 201 || typeof token !== "string") throw failed("the demo token", credential);
  return { token };
}

/** After a start on another RELAYKEY_DEMO_PORT the demo connection follows. One that was deleted stays deleted. */
export async function moveDemo(settings: LocalSettings, ownerKey: string): Promise<void> {
  const answer = await call(settings, ownerKey, "PATCH", `/connections/${DEMO_CONNECTION}`, {
    base_url: demoOrigin(settings),
  });
  if (answer.status !== 200 && answer.status !== 404) throw failed("the demo connection's new port", answer);
}

function demoOrigin(settings: LocalSettings): string {
  return `http://127.0.0.1:${settings.demoPort}`;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> | null;
}

async function call(
  settings: LocalSettings,
  ownerKey: string,
  method: string,
  path: string,
  body: unknown,
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${settings.adminPort}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ownerKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const text = await response.text();
  try {
    const value: unknown = JSON.parse(text);
    return { status: response.status, body: isRecord(value) ? value : null };
  } catch {
    return { status: response.status, body: null };
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function failed(what: string, answer: Answer): StartupError {
  const detail = answer.body?.["detail"];
  const reason = typeof detail === "string" ? `: ${detail}` : "";
  return new StartupError(
    `Seeding ${what} failed with ${answer.status}${reason}. Remove the state directory to start afresh, or set RELAYKEY_DEMO=off`,
  );
}
