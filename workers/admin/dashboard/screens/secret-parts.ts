/** The parts of which a secret is made under a scheme. Pure. */

/** Names of a secret's parts; empty when it is one text. */
export function secretParts(scheme: Readonly<Record<string, unknown>>): readonly string[] {
  if (scheme["scheme"] === "hmac") return [text(scheme["token_part"], "token"), text(scheme["key_part"], "key")];
  if (scheme["scheme"] !== "token_exchange") return [];
  const templates = JSON.stringify([scheme["login_headers"], scheme["login_body"]]);
  const names = [...templates.matchAll(/\{([A-Za-z][A-Za-z0-9_]*)\}/g)].map((found) => found[1] ?? "");
  return [...new Set(names)].filter((name) => name !== "token" && name !== "");
}

function text(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}
