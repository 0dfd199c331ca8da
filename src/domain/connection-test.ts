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
