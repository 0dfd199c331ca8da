/** What a start prints: where everything is and three lines to paste. Secrets appear on the first start only, once known nowhere else. */
import { relative } from "node:path";
import type { LoadedVars } from "./dev-vars.ts";
import { DEMO_CONNECTION, DEMO_CREDENTIAL, type Seeded } from "./local-seed.ts";
import type { LocalSettings } from "./local-settings.ts";

export function welcome(settings: LocalSettings, vars: LoadedVars, seeded: Seeded | null): string {
  const proxy = `http://localhost:${settings.proxyPort}`;
  const admin = `http://localhost:${settings.adminPort}`;
  const lines = [
    `RelayKey is up: proxy ${proxy}, admin ${admin}${settings.demo ? `, demo vendor http://localhost:${settings.demoPort}` : ""}`,
  ];
  const ownerKey = vars.created ? vars.secrets.RELAYKEY_OWNER_KEY : ownerKeyFrom(settings.varsPath);
  if (seeded !== null) lines.push(...firstCalls(proxy, seeded.token));
  else if (settings.demo) lines.push(...anotherToken(admin, ownerKey));
  lines.push(
    "",
    "What is on record:",
    `  curl -s ${admin}/api/v1/audit-events -H "Authorization: Bearer ${ownerKey}"`,
    "",
    "Stop with Ctrl-C.",
    "",
  );
  return `${lines.join("\n")}\n`;
}

function firstCalls(proxy: string, token: string): string[] {
  return [
    "",
    "A demo token, shown this once. It may read contacts, and nothing else:",
    `  ${token}`,
    "",
    "Answers 200, with the vendor's key swapped in on the way:",
    `  curl -i ${proxy}/${DEMO_CONNECTION}/contacts -H "Authorization: Bearer ${token}"`,
    "",
    "Is refused with 403, and never reaches the vendor:",
    `  curl -i -X DELETE ${proxy}/${DEMO_CONNECTION}/contacts/1 -H "Authorization: Bearer ${token}"`,
  ];
}

function anotherToken(admin: string, ownerKey: string): string[] {
  return [
    "",
    "The demo token was shown on the first start. To make another:",
    `  curl -s ${admin}/api/v1/delegated-credentials -H "Authorization: Bearer ${ownerKey}" -H "Content-Type: application/json" -d '${JSON.stringify(DEMO_CREDENTIAL)}'`,
  ];
}

/** Printed the moment the file is written, so that no failure later in the start can lose it. */
export function ownerKeyNotice(settings: LocalSettings, vars: LoadedVars): string {
  const nearby = relative(process.cwd(), settings.varsPath);
  const file = nearby.startsWith("..") ? settings.varsPath : nearby;
  return `Owner key, shown this once (it is kept in ${file}):\n  ${vars.secrets.RELAYKEY_OWNER_KEY}\n\n`;
}

/** A shell expression that reads the key where it is kept, so that later starts do not print it. */
function ownerKeyFrom(varsPath: string): string {
  return process.env["RELAYKEY_OWNER_KEY"] === undefined
    ? `$(sed -n 's/^RELAYKEY_OWNER_KEY="\\(.*\\)"$/\\1/p' '${varsPath}')`
    : "$RELAYKEY_OWNER_KEY";
}
