/** Finds a secret however it is written: in clear, base64 in any alignment, base64url, hex, or URL encoded. */

/** Every spelling to look for, as bytes. The outermost base64 digits depend on neighbours and are left out. */
export function spellings(secret: string): { readonly name: string; readonly bytes: Buffer }[] {
  const raw = Buffer.from(secret, "utf8");
  const found = new Map<string, string>([
    ["clear", secret],
    ["hex", raw.toString("hex")],
    ["upper-case hex", raw.toString("hex").toUpperCase()],
    ["URL encoding", encodeURIComponent(secret)],
    ["form encoding", new URLSearchParams({ s: secret }).toString().slice(2)],
    ["JSON escapes", JSON.stringify(secret).slice(1, -1)],
    ["UTF-16", raw.toString("utf8")],
  ]);
  for (const offset of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(offset), raw]);
    const from = offset === 0 ? 0 : offset + 1;
    const core = (digits: string) => digits.replace(/=+$/, "").slice(from, -2);
    found.set(`base64 at ${offset}`, core(padded.toString("base64")));
    found.set(`base64url at ${offset}`, core(padded.toString("base64url")));
  }
  return [...found].map(([name, spelling]) => ({
    name,
    bytes: Buffer.from(spelling, name === "UTF-16" ? "utf16le" : "latin1"),
  }));
}

/** The names of the spellings in which `secret` occurs in `bytes`. */
export function occurrences(secret: string, bytes: Buffer): string[] {
  return spellings(secret)
    .filter((spelling) => bytes.includes(spelling.bytes))
    .map((spelling) => spelling.name);
}
