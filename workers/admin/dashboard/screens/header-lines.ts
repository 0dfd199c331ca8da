/** Headers as people write them, one `Name: value` a line, and as the API takes them. Pure. */
import { err, ok } from "../../../../src/domain/result.ts";
import type { Result } from "../../../../src/domain/result.ts";

export function headerLines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}

/** Whether names and values may stand in a header is the API's to judge; here only lines are parted. */
export function headersOf(text: string): Result<Readonly<Record<string, string>>, string> {
  const headers: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const at = line.indexOf(":");
    const name = line.slice(0, Math.max(at, 0)).trim();
    if (name === "") return err(`Is not a name, a colon and a value: ${line.trim()}`);
    if (Object.keys(headers).some((known) => known.toLowerCase() === name.toLowerCase())) {
      return err(`Names ${name} twice`);
    }
    headers[name] = line.slice(at + 1).trim();
  }
  return ok(headers);
}
