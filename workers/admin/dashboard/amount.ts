/** Amounts of money as people type and read them, exactly: no step goes through floating point. Pure. */

const DIGITS = 6;
/** No thousands separators: 1,500 is fifteen hundred to some and one and a half to others. */
const DECIMAL = /^(-?)(\d{0,15})(?:\.(\d*))?$/;
const CENTS = 2;

/** `0.0025` → 2500, in millionths; null where the text is no number or has more than six digits after the point. */
export function microsOf(text: string): number | null {
  return scaledOf(text.trim().replace(/^(-?)\$\s*/, "$1"), DIGITS);
}

/** 2500 → `0.0025`: the text that `microsOf` reads back. */
export function microsText(micros: number): string {
  return scaledText(micros, DIGITS);
}

/** `1.5`, 3 → 1500; null where the text is no number, or has more digits after the point than that. */
export function scaledOf(text: string, digits: number): number | null {
  const found = DECIMAL.exec(text.trim());
  if (found === null) return null;
  const [, sign = "", whole = "", rest = ""] = found;
  const fraction = rest.replace(/0+$/, "");
  if (whole + rest === "" || fraction.length > digits) return null;
  const scaled = Number(`${whole}${fraction.padEnd(digits, "0")}`);
  if (!Number.isSafeInteger(scaled)) return null;
  return scaled === 0 ? 0 : sign === "-" ? -scaled : scaled;
}

/** 1500, 3 → `1.5`: the text that `scaledOf` reads back. */
export function scaledText(scaled: number, digits: number): string {
  return `${scaled < 0 ? "-" : ""}${decimalText(String(Math.abs(scaled)), digits)}`;
}

/** 12500 → `$0.0125`: every digit that there is, unlike a rounded sum, and at least `digits` after the point. */
export function dollars(micros: number, digits = CENTS): string {
  return formatter("auto", digits).format(micros / 10 ** DIGITS);
}

/** As `dollars`, with a plus sign where money came. */
export function signedDollars(micros: number, digits = CENTS): string {
  return formatter("exceptZero", digits).format(micros / 10 ** DIGITS);
}

/** How many digits after the point write all of these, so that they stand below each other in a column. */
export function digitsOf(amounts: readonly number[]): number {
  return amounts.reduce((most, each) => Math.max(most, microsText(each).split(".")[1]?.length ?? 0), CENTS);
}

function formatter(signDisplay: "auto" | "exceptZero", minimumFractionDigits: number): Intl.NumberFormat {
  return new Intl.NumberFormat("en-US", {
    style: "currency",
    currency: "USD",
    minimumFractionDigits,
    maximumFractionDigits: DIGITS,
    signDisplay,
  });
}

/** A token's atomic units (an integer as text) in whole tokens: `1500`, 6 → `0.0015`. Anything else is given back as it is. */
export function tokenText(atomic: string, decimals: number): string {
  return /^\d{1,78}$/.test(atomic) ? decimalText(atomic, decimals) : atomic;
}

function decimalText(digits: string, decimals: number): string {
  const padded = digits.padStart(decimals + 1, "0");
  const whole = padded.slice(0, padded.length - decimals).replace(/^0+(?=\d)/, "");
  const fraction = decimals === 0 ? "" : padded.slice(-decimals).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
