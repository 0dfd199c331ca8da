/**
 * The small fields that the admin API's schemas share: names, ids, labels, times, header names.
 * Always holds: every string and list has an upper bound; unknown members are refused by the objects that use these.
 */
import * as z from "zod";
import { isId } from "../domain/ids.ts";

export const MAX_NAME_CHARS = 200;
export const MAX_LABELS = 32;
export const MAX_LABEL_KEY_CHARS = 64;
export const MAX_LABEL_VALUE_CHARS = 256;
export const MAX_ENVIRONMENT_CHARS = 64;
export const MAX_PATTERN_CHARS = 1_024;
export const MAX_URL_CHARS = 2_048;
export const MAX_HEADER_NAME_CHARS = 128;
export const MAX_HEADER_VALUE_CHARS = 4_096;
export const MAX_INTEGER = Number.MAX_SAFE_INTEGER;

/** Control characters, bidirectional overrides and halves of characters have no place in what people read. */
const UNREADABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;

export function readableText(maxChars: number) {
  return z
    .string()
    .max(maxChars)
    .refine((text) => !UNREADABLE.test(text), "Holds control characters");
}

export const Name = readableText(MAX_NAME_CHARS).refine((text) => text.trim().length > 0, "Is empty");

export const Environment = z
  .string()
  .max(MAX_ENVIRONMENT_CHARS)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "Must be letters, digits, dots, dashes and underscores");

/** An id of that kind (`conn`, `rcpt` …). */
export function Id(prefix: string, example: string) {
  return z
    .string()
    .max(64)
    .refine((text) => isId(prefix, text), `Is not an id of the form ${prefix}_…`)
    .meta({ examples: [example] });
}

export const ConnectionId = Id("conn", "conn_hubspot");
export const UpstreamCredentialId = Id("ucred", "ucred_0123456789abcdef");
export const RecipientId = Id("rcpt", "rcpt_0123456789abcdef");
export const CredentialId = Id("dcred", "dcred_0123456789abcdef");
export const GrantId = Id("grant", "grant_0123456789abcdef");
export const PolicyId = Id("pol", "pol_0123456789abcdef");
export const CustomerId = Id("cust", "cust_0123456789abcdef");
export const ManagementKeyId = Id("mk", "mk_0123456789abcdef");

/** Who may issue: a management key (the owner's first is `mk_owner`), a member, or a trust policy in whose name a job did. */
export const CreatorId = z
  .string()
  .max(64)
  .regex(/^(?:mk|mem|trust)_[0-9a-z]+$/, "Is not the id of a management key, a member or a trust policy")
  .meta({ examples: ["trust_0123456789abcdef"] });

export const Labels = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, "Is not a label's name")
      .max(MAX_LABEL_KEY_CHARS),
    readableText(MAX_LABEL_VALUE_CHARS),
  )
  .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `Holds more than ${MAX_LABELS} labels`);

/** Of lists: `team` for whatever has that label, `team:payments` for that value of it. */
export const LabelFilter = z
  .string()
  .max(MAX_LABEL_KEY_CHARS + 1 + MAX_LABEL_VALUE_CHARS)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}(?::.*)?$/s, "Must be name or name:value");

export const Email = z.email().max(254);

export const HeaderName = z.string().min(1).max(MAX_HEADER_NAME_CHARS).regex(HEADER_NAME, "Is not a header name");
/** Visible ASCII and spaces: nothing that could end a header line. */
export const HeaderValue = z.string().max(MAX_HEADER_VALUE_CHARS).regex(HEADER_VALUE, "Is not a header value");
export const QueryName = readableText(128).min(1);

/** RFC 3339 in UTC, as answers carry it. */
export const Time = z.string().meta({ format: "date-time" });
/** RFC 3339 with any offset, as requests may carry it. */
export const TimeInput = z.iso
  .datetime({ offset: true })
  .max(40)
  .refine(isWritable, "Must lie between 1970-01-01T00:00:00Z and 9999-12-31T23:59:59Z");

/** Dotted path of a JSON member: `metadata.plan`, `items[].price`. */
export const MemberPath = readableText(256).regex(
  /^[^.\s[\]]+(?:\[\])?(?:\.[^.\s[\]]+(?:\[\])?)*$/,
  "Is not a member path",
);

export const Integer = z.int().min(0).max(MAX_INTEGER);
export const PositiveInteger = z.int().min(1).max(MAX_INTEGER);

/** Years that RFC 3339 can write, in UTC: an offset may lead out of them. */
function isWritable(text: string): boolean {
  const ms = Date.parse(text);
  // What is no time at all is told of by the form.
  return !(ms < 0 || ms >= Date.UTC(10_000, 0));
}

/** RFC 3339 text of epoch milliseconds; null stays null. */
export function wireTime(ms: number): string;
export function wireTime(ms: number | null): string | null;
export function wireTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** Epoch milliseconds of a `TimeInput` that may be left out. */
export function timeMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

/** An issue at each item that has the same text in `member` as one before it. `path`: of the list. */
export function refuseRepeats<M extends string>(
  items: readonly Readonly<Record<M, string>>[],
  member: M,
  message: string,
  context: z.RefinementCtx,
  path: readonly string[] = [],
): void {
  const seen = new Set<string>();
  for (const [i, item] of items.entries()) {
    if (seen.has(item[member])) context.addIssue({ code: "custom", path: [...path, i, member], message });
    seen.add(item[member]);
  }
}
