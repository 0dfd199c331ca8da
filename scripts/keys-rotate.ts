/**
 * Moves every sealed secret under the current key-encryption key: `npm run keys:rotate`. Asks the admin Worker again and
 * again until none remain; it may be interrupted and run again. Prepend the new key to RELAYKEY_KEKS first, and drop the
 * old one only after this says that nothing remains.
 *
 * `ADMIN_ORIGIN` names the admin Worker (default: the local one), `RELAYKEY_OWNER_KEY` the management key (default: the
 * local installation's).
 */
import { readSettings } from "./local-settings.ts";
import { loadVars } from "./dev-vars.ts";

const REQUEST_TIMEOUT_MS = 60_000;
const MAX_FAILURES = 5;
const PAUSE_MS = 2_000;

process.exitCode = await run();

async function run(): Promise<number> {
  const local = readSettings(process.env);
  const origin = process.env["ADMIN_ORIGIN"] ?? `http://localhost:${local.adminPort}`;
  const key =
    process.env["RELAYKEY_OWNER_KEY"] ??
    loadVars(local.varsPath, process.env, { mayCreate: false }).secrets.RELAYKEY_OWNER_KEY;
  let total = 0;
  for (let failures = 0; failures < MAX_FAILURES;) {
    const step = await ask(origin, key);
    if (step === null) {
      failures += 1;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      continue;
    }
    total += step.moved;
    if (step.remaining === 0) {
      console.log(
        `${total} secrets moved; everything is sealed under ${step.current}. The old keys may leave RELAYKEY_KEKS.`,
      );
      return 0;
    }
    if (step.moved === 0) {
      console.error(
        `${step.remaining} secrets cannot be moved: their key is not in RELAYKEY_KEKS. Put it back, or enter them anew.`,
      );
      return 1;
    }
    console.log(`${total} moved, ${step.remaining} remain`);
  }
  console.error(`${origin} did not answer; ${total} secrets were moved. Run it again.`);
  return 1;
}

async function ask(
  origin: string,
  key: string,
): Promise<{ readonly current: string; readonly moved: number; readonly remaining: number } | null> {
  try {
    const response = await fetch(`${origin}/api/v1/key-rotation`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    if (response.status === 401 || response.status === 403) {
      throw new Error(`${origin} does not accept the management key`);
    }
    const body: unknown = await response.json();
    if (!response.ok || typeof body !== "object" || body === null) return null;
    const { current, moved, remaining } = body as Record<string, unknown>;
    return typeof moved === "number" && typeof remaining === "number"
      ? { current: String(current), moved, remaining }
      : null;
  } catch (failure) {
    if (failure instanceof Error && failure.message.endsWith("management key")) throw failure;
    return null;
  }
}
