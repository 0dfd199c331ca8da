/** Numbers, money, bytes and times as people read them. What comes from vendors and clients is made harmless to the eye by `plain`. */

const NUMBER = new Intl.NumberFormat("en-GB");
const COMPACT = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });
const EXACT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
const RELATIVE = new Intl.RelativeTimeFormat("en-GB", { numeric: "auto" });
/** Control characters and bidirectional overrides: they would hide or reorder what stands around them. */
const UNREADABLE = /[\p{Cc}\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

export function count(value: number): string {
  return NUMBER.format(value);
}

export function compact(value: number): string {
  return value < 10_000 ? NUMBER.format(value) : COMPACT.format(value);
}

/** Micro-dollars as dollars, with as many digits as the amount needs. */
export function money(usdMicros: number): string {
  const usd = usdMicros / 1_000_000;
  const digits = usd !== 0 && Math.abs(usd) < 0.01 ? 6 : 2;
  return new Intl.NumberFormat("en-US", {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  }).format(usd);
}

export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  if (value < 1_000_000) return `${(value / 1_000).toFixed(1)} kB`;
  return `${(value / 1_000_000).toFixed(1)} MB`;
}

export function millis(value: number): string {
  return value < 1_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(value < 10_000 ? 2 : 1)} s`;
}

const SPANS: readonly (readonly [seconds: number, unit: Intl.RelativeTimeFormatUnit])[] = [
  [31_557_600, "year"],
  [2_629_800, "month"],
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
];

export function relative(atMs: number, nowMs: number): string {
  const seconds = Math.round((atMs - nowMs) / 1000);
  for (const [span, unit] of SPANS) {
    if (Math.abs(seconds) >= span) return RELATIVE.format(Math.trunc(seconds / span), unit);
  }
  if (Math.abs(seconds) < 5) return "just now";
  return RELATIVE.format(seconds, "second");
}

const SHORT = new Intl.RelativeTimeFormat("en-GB", { numeric: "auto", style: "narrow" });

/** `35s ago`: for narrow columns. */
export function relativeShort(atMs: number, nowMs: number): string {
  const seconds = Math.round((atMs - nowMs) / 1000);
  for (const [span, unit] of SPANS) {
    if (Math.abs(seconds) >= span) return SHORT.format(Math.trunc(seconds / span), unit);
  }
  return Math.abs(seconds) < 5 ? "just now" : SHORT.format(seconds, "second");
}

export function exact(atMs: number): string {
  return EXACT.format(atMs);
}

/** `3600` → `1 hour`. */
export function duration(seconds: number): string {
  for (const [span, unit] of SPANS) {
    if (seconds >= span && seconds % span === 0) return plural(seconds / span, unit);
  }
  return seconds >= 60 ? `${plural(Math.floor(seconds / 60), "minute")} ${seconds % 60} s` : plural(seconds, "second");
}

export function plural(value: number, noun: string, many = `${noun}s`): string {
  return `${NUMBER.format(value)} ${value === 1 ? noun : many}`;
}

export function plain(text: string): string {
  return text.replace(UNREADABLE, (character) => `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}⟩`);
}

/** `budget_exhausted` → `Budget exhausted`. */
export function words(code: string): string {
  const text = plain(code).replaceAll(/[_.]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
