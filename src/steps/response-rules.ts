/**
 * A grant's response rules: members that its holder must not see are taken out of JSON answers. What cannot be read as
 * JSON is not passed on, since nobody could say what it shows. Runs only for grants that have such rules.
 */
import { removeMembers } from "../domain/json-path.ts";
import type { Outcome, Refusal } from "../domain/problem.ts";
import { err, ok } from "../domain/result.ts";
import { readBounded, type Late, type ReadTimes } from "./timed-read.ts";

/** Decoded bytes of an answer that rules are applied to. */
export const MAX_RULED_ANSWER_BYTES = 4_194_304;

const EMPTY_STATUSES: ReadonlySet<number> = new Set([204, 205, 304]);

const UNREADABLE: Refusal = {
  code: "body_denied",
  detail: "This grant hides members of the vendor's answers, and this answer is not JSON that can be read.",
  reason: "response_unreadable",
};

/** For an answer that stopped in its middle before anything of it was passed on. */
export function answerLate(how: Late): Refusal {
  return {
    code: "upstream_timeout",
    detail: "The vendor began to answer and did not come to an end in time.",
    reason: how,
  };
}

/** The answer without the members, or a refusal. `response` is used up. */
export async function withoutMembers(
  response: Response,
  members: readonly string[],
  method: string,
  times: ReadTimes,
): Promise<Outcome<Response>> {
  if (members.length === 0) return ok(response);
  if (response.status === 101) return err(UNREADABLE);
  const body: ReadableStream<Uint8Array> | null = response.body;
  if (body === null || method === "HEAD" || EMPTY_STATUSES.has(response.status)) return ok(response);
  const bytes = await readBounded(body, MAX_RULED_ANSWER_BYTES, times);
  if (bytes === "idle_timeout" || bytes === "total_timeout") return err(answerLate(bytes));
  if (typeof bytes === "string") return err(UNREADABLE);
  if (bytes.byteLength === 0) return ok(new Response(null, response));
  const text = decode(bytes);
  const kept = text === null ? null : removeMembers(text, members);
  if (kept === null || !kept.ok) return err(UNREADABLE);
  const shown = new TextEncoder().encode(kept.value);
  const headers = new Headers(response.headers);
  headers.delete("content-encoding");
  headers.set("content-length", String(shown.byteLength));
  return ok(new Response(shown, { status: response.status, statusText: response.statusText, headers }));
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return null;
  }
}
