/**
 * What the safety review looks at and what it finds. Types only, shared by the review's parts.
 */
import type { Limits } from "./limits.ts";
import type { PriceRule } from "./price.ts";
import type { Rule, Scope } from "./scope.ts";
import type { Severity } from "./settings.ts";

/** A vendor's endpoint that deserves a second look; `category` is one of the catalogue's words. */
export interface SensitiveReach extends Rule {
  readonly category: string;
  readonly why: string;
}

/** One grant as the review sees it. `sensitive` comes from the vendor's catalogue entry. */
export interface ReviewedGrant {
  readonly connectionId: string;
  readonly connectionName: string;
  /** Paths of the connection's base URL and of its further origins (`""` for the root): no call lies outside them. */
  readonly basePaths: readonly string[];
  readonly scope: Pick<Scope, "rules">;
  readonly limits: Limits;
  readonly prices: readonly PriceRule[];
  readonly sensitive: readonly SensitiveReach[];
  readonly operations: readonly { readonly method: string; readonly template: string }[];
}

export interface NarrowerRule {
  readonly methods: readonly string[];
  readonly paths: readonly string[];
}

export interface Finding {
  /** Made from what was found, e.g. `sensitive:conn_pay:POST:/v1/payouts`. */
  readonly id: string;
  readonly severity: Severity;
  readonly message: string;
  /** A narrower rule that would not have this finding; null: the finding is about something else, or none is narrower. */
  readonly rule: NarrowerRule | null;
  /** What to do instead; null when the message says it. */
  readonly suggestion: string | null;
}
