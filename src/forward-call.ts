/** What one vendor call needs, and what it has used up so far. Types only. */
import type { ConnectionDocument } from "./domain/documents.ts";
import type { HeaderMap } from "./domain/header-map.ts";
import type { Refusal } from "./domain/problem.ts";
import type { Reliability } from "./domain/reliability.ts";
import type { RetryBudget } from "./domain/retry.ts";
import type { Ports } from "./ports.ts";
import type { Watch } from "./watch.ts";

/** Why the present key is given up for this call. */
export type SwitchReason = "token_rejected" | "refused" | "limited";

export interface ForwardCall {
  readonly organisationId: string;
  readonly connection: ConnectionDocument;
  readonly requestId: string;
  readonly method: string;
  /** Canonical upstream path, base path included. */
  readonly path: string;
  /** Headers for the vendor, without its key. */
  readonly headers: HeaderMap;
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  /** Content-Length as declared; a stream that is known to be too long to keep is then passed on untouched. */
  readonly declaredBytes?: number | null;
  /** Why the body broke off by itself, which is no failure of the vendor's; null: it did not. */
  readonly bodyRefusal: () => Refusal | null;
  /** Ends the attempt under way, since its body broke off: see `uploadStream`. */
  readonly brokenBody: AbortController;
  readonly upgrade: boolean;
  /** The caller's: when it goes away, so does the vendor call. */
  readonly signal: AbortSignal | null;
  /**
   * The request with the present key, `redirect: "manual"` and this signal. `outgoing` may be written to: what is written
   * must be the same places for every key. Throws when the key cannot be used.
   */
  readonly buildRequest: (outgoing: HeaderMap, body: BodyInit | null, signal: AbortSignal) => Request;
  /** Moves on to another key or token; false when there is none. May throw when it cannot be read. */
  readonly switchKey: (reason: SwitchReason) => Promise<boolean>;
  readonly keyId: () => string | null;
  /** Takes what one more attempt needs of the vendor's quota; false, or a failure: it is not made. Null: there is no quota. */
  readonly takeQuota: (() => Promise<boolean>) | null;
  readonly watch: Watch;
  readonly ports: Pick<Ports, "clock" | "random" | "fetch" | "fixedLength" | "sleep" | "health">;
}

/** What goes on between attempts. */
export interface Progress {
  readonly call: ForwardCall;
  readonly rule: Reliability;
  readonly budget: RetryBudget;
  /** Repeating cannot double an effect. */
  readonly repeatable: boolean;
  /** An attempt ended so that the vendor may have carried it out: idempotency keys hold for one account, so for one key. */
  unclear: boolean;
  readonly deadlineMs: number;
  /** As the call began; anything but `closed` is worth a note. */
  readonly breaker: "closed" | "open" | "half_open";
  /** The key of the attempt under way. */
  keyId: string | null;
  attempts: number;
  switches: number;
  renewed: boolean;
  upstreamMs: number;
  readonly givenUp: { readonly outcome: string; readonly waitMs: number }[];
}
