/**
 * Whether a server that converts what it is sent may take one value for another. For denials alone: it errs on the side of yes.
 */
import type { JsonScalar } from "./json-scan.ts";

/** What frameworks take for true and false (Rails, Spring, Go's `strconv.ParseBool`, YAML 1.1), trimmed and in lower case. */
const TRUE: ReadonlySet<string> = new Set(["true", "t", "yes", "y", "on", "1"]);
const FALSE: ReadonlySet<string> = new Set(["false", "f", "no", "n", "off", "0"]);

/** `value`: of a JSON member, or a parameter's text. Same type or not, trimmed, without case; `"10"`, `"1e1"` and 10 are alike. */
export function mayBeRead(value: JsonScalar, denied: JsonScalar): boolean {
  if (value === denied) return true;
  const [text, wanted] = [plainText(value), plainText(denied)];
  if (text === wanted) return true;
  if (typeof denied === "boolean" || typeof value === "boolean")
    return truth(text) !== null && truth(text) === truth(wanted);
  // Some servers make null of an empty text (Laravel), some the other way round.
  if (denied === null || value === null) return isEmpty(text) && isEmpty(wanted);
  const number = numberOf(text);
  return number !== null && number === numberOf(wanted);
}

function plainText(value: JsonScalar): string {
  return String(value).trim().toLowerCase();
}

function truth(text: string): boolean | null {
  if (TRUE.has(text) || numberOf(text) === 1) return true;
  return FALSE.has(text) || numberOf(text) === 0 ? false : null;
}

function isEmpty(text: string): boolean {
  return text === "" || text === "null";
}

/** Also as numbers are written outside of JSON: `+10`, `010`, `0x0a`. */
function numberOf(text: string): number | null {
  const number = text === "" ? Number.NaN : Number(text);
  return Number.isNaN(number) ? null : number;
}
