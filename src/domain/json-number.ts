/**
 * Whether a JSON number says the same to every reader. Some read doubles, some whole numbers of 64 bits, some decimals of any length
 * (RFC 8259 section 6 promises no more than doubles), so a rule that compares values must know which literals they read alike.
 */

/** The longest decimal that is a double has some 310 digits before its point; what is longer is not looked into. */
const MAX_LITERAL_CHARS = 400;
/** Any decimal of so many digits is the only one of its length that its double stands for. */
const SURE_DIGITS = 15;
const PARTS = /^-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/** `literal`: by the grammar of RFC 8259. False where `value`, its double, stands for another decimal than was written. */
export function isExactNumber(literal: string, value: number): boolean {
  if (literal.length <= SURE_DIGITS && !/[eE]/.test(literal)) return true;
  return literal.length <= MAX_LITERAL_CHARS && Number.isFinite(value) && decimal(literal) === decimal(String(value));
}

/** One spelling for each decimal, less its sign: its digits without outer zeros, and the power of ten of the last one. */
function decimal(text: string): string {
  const [, whole = "", fraction = "", exponent = "0"] = PARTS.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return "0";
  const trimmed = digits.replace(/0+$/, "");
  return `${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`;
}
