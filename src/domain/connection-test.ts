/**
 * What a vendor's answer to the test call says about the key, in plain words. Pure: the call itself is made by
 * `probeConnection` (src/cloudflare/connection-probe.ts). Never quotes the vendor's body, which may echo the key.
 */

/** How to recognise an answer. Every condition that is not null must hold. */
export interface AnswerSign {
  /** Empty: any status. */
  readonly statuses: readonly number[];
  /** Text within the first bytes of the body, compared without regard to case. */
  readonly bodyIncludes: string | null;
}

/** A cheap call that shows whether a key works; from the catalogue. */
export interface TestCall {
  readonly method: "GET" | "POST";
  /** Upstream path with its query, base path included. `{today}` is filled with the date (YYYY/MM/DD, UTC). */
  readonly path: string;
  readonly body: string | null;
  readonly contentType: string | null;
  /** What a good answer proves, as the end of the sentence "The key works: …". */
  readonly proves: string;
  /** Answers below 400 that mean failure all the same (a 200 with `ok:false`). */
  readonly failsWith: readonly (AnswerSign & { readonly hint: string })[];
  /** Refusals that still prove that the key is real, such as a restricted key that may not read this. */
  readonly realWith: readonly (AnswerSign & { readonly hint: string })[];
}

/** What came back from the test call, or why nothing did. */
export type TestAnswer =
  | { readonly kind: "answer"; readonly status: number; readonly bodyStart: string }
  | { readonly kind: "unreachable" | "timeout" | "login_refused" | "login_failed" | "unusable_secret" };

/** `ok`: the key is real and reaches the vendor. Both texts are whole sentences for a person. */
export interface TestVerdict {
  readonly ok: boolean;
  readonly status: number | null;
  readonly summary: string;
  readonly hint: string | null;
}

/** A test call that a person names: the vendor is unknown, so only the status speaks. */
export function customTest(path: string): TestCall {
  return {
    method: "GET",
    path,
    body: null,
    contentType: null,
    proves: "the vendor answers this path",
    failsWith: [],
    realWith: [],
  };
}

const NO_ANSWER: Readonly<Record<Exclude<TestAnswer["kind"], "answer">, readonly [summary: string, hint: string]>> = {
  unreachable: [
    "The vendor could not be reached.",
    "Check the base URL: the host may be misspelt, or not open to the internet.",
  ],
  timeout: ["The vendor did not answer in time.", "Try again; if it stays so, check the base URL."],
  login_refused: [
    "The vendor refuses the login.",
    "Check the client id, the secret and the scopes that are asked for.",
  ],
  login_failed: [
    "The login gave no usable token.",
    "The vendor may be down, or the token URL may be another one: its answer was not a token.",
  ],
  unusable_secret: [
    "The stored secret does not fit the way to authenticate.",
    "Enter the secret again; one with several parts needs all of them.",
  ],
};

/** Reads the vendor's answer. The order matters: a sign of a real key outweighs a sign of failure, and both outweigh the status. */
export function judgeTest(call: TestCall, answer: TestAnswer): TestVerdict {
  if (answer.kind !== "answer") {
    const [summary, hint] = NO_ANSWER[answer.kind];
    return { ok: false, status: null, summary, hint };
  }
  const { status } = answer;
  const real = call.realWith.find((sign) => matches(sign, answer.status, answer.bodyStart));
  if (real !== undefined) return { ok: true, status, summary: "The key is real.", hint: real.hint };
  const failed = call.failsWith.find((sign) => matches(sign, answer.status, answer.bodyStart));
  if (failed !== undefined) return { ok: false, status, summary: "The key does not work.", hint: failed.hint };
  if (status >= 200 && status < 300) return { ok: true, status, summary: `The key works: ${call.proves}.`, hint: null };
  const [summary, hint] = byStatus(status);
  return { ok: false, status, summary, hint };
}

function byStatus(status: number): readonly [summary: string, hint: string] {
  if (status === 401) {
    return [
      "The vendor does not accept the key.",
      "Check that the key is whole, not revoked, and for this environment.",
    ];
  }
  if (status === 403) {
    return [
      "The vendor refuses this call.",
      "The key may be real but restricted, or the vendor may not allow calls from here. A call that the key is meant for will tell.",
    ];
  }
  if (status === 404 || status === 405) {
    return [
      "There is nothing at the test path, so the key was not proven.",
      "Check the base URL and the region; some vendors also answer so to a wrong key.",
    ];
  }
  if (status === 429) return ["The vendor asks to wait, so the key was not proven.", "Try again in a minute."];
  if (status >= 300 && status < 400) {
    return [
      "The vendor answers with a redirect.",
      "The base URL is probably another one; redirects are never followed.",
    ];
  }
  if (status >= 500) return ["The vendor fails at the moment.", `It answered ${status}; the key was not proven.`];
  return ["The vendor did not take the test call.", `It answered ${status}; the key was not proven.`];
}

/** White space does not count, so that `"ok": false` and `"ok":false` are the same sign. */
function matches(sign: AnswerSign, status: number, body: string): boolean {
  if (sign.statuses.length > 0 && !sign.statuses.includes(status)) return false;
  if (sign.bodyIncludes === null) return true;
  return squeezed(body).includes(squeezed(sign.bodyIncludes));
}

function squeezed(text: string): string {
  return text.replaceAll(/\s+/g, "").toLowerCase();
}
