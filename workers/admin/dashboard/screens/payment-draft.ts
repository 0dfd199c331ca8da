/** What callers pay under a policy, while it is being written: human units, and the request's `price` that comes of it. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Policy } from "../../../../src/contract/policy.ts";
import type { FieldError } from "../../../../src/contract/problem.ts";
import { err, ok } from "../../../../src/domain/result.ts";
import type { Result } from "../../../../src/domain/result.ts";
import { microsOf, microsText } from "../amount.ts";
import { KNOWN_TOKENS, knownToken } from "../tokens.ts";
import { lines } from "./scope-draft.ts";

export type Price = NonNullable<Policy["price"]>;
type PriceRule = NonNullable<Price["prices"]>[number];
type Accept = NonNullable<Price["accepts"]>[number];

export interface PriceRuleDraft {
  readonly key: number;
  readonly methods: Signal<readonly string[]>;
  /** One pattern a line. */
  readonly paths: Signal<string>;
  /** US dollars. */
  readonly usd: Signal<string>;
}

export interface AcceptDraft {
  readonly key: number;
  /** A known token, as `tokenKey` writes it, or `OTHER_TOKEN`: then all but `payTo` is typed too. */
  readonly token: Signal<string>;
  readonly payTo: Signal<string>;
  readonly network: Signal<string>;
  readonly asset: Signal<string>;
  readonly decimals: Signal<string>;
  readonly name: Signal<string>;
  readonly version: Signal<string>;
}

export interface PaymentDraft {
  /** Empty: callers pay nothing. */
  readonly provider: Signal<string>;
  /** US dollars. */
  readonly usd: Signal<string>;
  readonly rules: Signal<readonly PriceRuleDraft[]>;
  /** Credits: whose account pays. */
  readonly account: Signal<string>;
  /** Credits: whether callers without any are offered a token. */
  readonly alsoTokens: Signal<boolean>;
  readonly accepts: Signal<readonly AcceptDraft[]>;
  readonly facilitatorUrl: Signal<string>;
  readonly flow: Signal<string>;
  /** x402, upfront: whose credits take what was paid for nothing; empty: nobody's. */
  readonly refundTo: Signal<string>;
  readonly quoteSeconds: Signal<string>;
}

export const OTHER_TOKEN = "other";
const DEFAULT_USD = "0.001";
const DEFAULT_QUOTE_SECONDS = 60;
const USD_DECIMALS = 6;
let lastKey = 0;

export function tokenKey(token: { readonly network: string; readonly asset: string }): string {
  return `${token.network}/${token.asset}`;
}

export function priceRuleDraft(from?: PriceRule): PriceRuleDraft {
  lastKey += 1;
  return {
    key: lastKey,
    methods: signal(from?.methods ?? ["POST"]),
    paths: signal(from?.paths.join("\n") ?? ""),
    usd: signal(from === undefined ? "" : microsText(from.usd_micros)),
  };
}

export function acceptDraft(from?: Accept): AcceptDraft {
  lastKey += 1;
  return {
    key: lastKey,
    token: signal(tokenOf(from)),
    payTo: signal(from?.pay_to ?? ""),
    network: signal(from?.network ?? ""),
    asset: signal(from?.asset ?? ""),
    decimals: signal(String(from?.decimals ?? USD_DECIMALS)),
    name: signal(from?.name ?? ""),
    version: signal(from?.version ?? ""),
  };
}

/** A token counts as known only where all that is said of it agrees, so that saving changes nothing unseen. */
function tokenOf(from: Accept | undefined): string {
  const known = from === undefined ? KNOWN_TOKENS[0] : knownToken(from.network, from.asset);
  if (known === null || known === undefined) return OTHER_TOKEN;
  const agrees =
    from === undefined ||
    (from.decimals === known.decimals && from.name === known.name && from.version === known.version);
  return agrees ? tokenKey(known) : OTHER_TOKEN;
}

export function paymentDraft(from: Price | null): PaymentDraft {
  const account = from?.account ?? null;
  const accepts = from?.accepts ?? [];
  return {
    provider: signal(from?.provider ?? ""),
    usd: signal(from === null ? DEFAULT_USD : microsText(from.default_usd_micros)),
    rules: signal((from?.prices ?? []).map(priceRuleDraft)),
    account: signal(from?.provider === "credits" && account !== null ? account : "recipient"),
    alsoTokens: signal(from?.provider === "credits" && accepts.length > 0),
    accepts: signal(accepts.length === 0 ? [acceptDraft()] : accepts.map(acceptDraft)),
    facilitatorUrl: signal(from?.facilitator_url ?? ""),
    flow: signal(from?.flow ?? "authorization"),
    refundTo: signal(from?.provider === "x402" ? (account ?? "") : ""),
    quoteSeconds: signal(String(from?.quote_lifetime_seconds ?? DEFAULT_QUOTE_SECONDS)),
  };
}

export function takesTokens(draft: PaymentDraft): boolean {
  return draft.provider.value === "x402" || (draft.provider.value === "credits" && draft.alsoTokens.value);
}

/** The token that an entry stands for. */
export function acceptedToken(draft: AcceptDraft): Omit<Accept, "pay_to"> {
  const known = KNOWN_TOKENS.find((each) => tokenKey(each) === draft.token.value);
  if (known !== undefined) {
    const { network, asset, decimals, name, version } = known;
    return { network, asset, decimals, name, version };
  }
  return {
    network: draft.network.value.trim(),
    asset: draft.asset.value.trim(),
    // What is no number is for the API to name.
    decimals: draft.decimals.value.trim() === "" ? Number.NaN : Number(draft.decimals.value),
    name: draft.name.value.trim(),
    version: draft.version.value.trim(),
  };
}

const NO_AMOUNT = "Is not an amount such as 0.0025, with at most six digits after the point";

/** Null: payment is off. Only amounts are judged here, as the API never sees how they were typed. */
export function paymentBody(draft: PaymentDraft): Result<Price | null, readonly FieldError[]> {
  const provider = draft.provider.value;
  if (provider !== "x402" && provider !== "credits") return ok(null);
  const errors: FieldError[] = [];
  const amount = (text: string, field: string): number => {
    const micros = microsOf(text);
    if (micros === null || micros < 0) errors.push({ field, message: NO_AMOUNT });
    return micros ?? 0;
  };
  const tokens = takesTokens(draft);
  const account = provider === "credits" ? draft.account.value : draft.refundTo.value;
  const price: Price = {
    provider,
    default_usd_micros: amount(draft.usd.value, "price.default_usd_micros"),
    prices: draft.rules.value.map((rule, i) => ({
      methods: [...rule.methods.value],
      paths: lines(rule.paths.value),
      usd_micros: amount(rule.usd.value, `price.prices[${i}].usd_micros`),
    })),
    flow: draft.flow.value === "upfront" ? "upfront" : "authorization",
    quote_lifetime_seconds: Number(draft.quoteSeconds.value),
    accepts: tokens
      ? draft.accepts.value.map((each) => ({ ...acceptedToken(each), pay_to: each.payTo.value.trim() }))
      : [],
    facilitator_url: tokens && draft.facilitatorUrl.value.trim() !== "" ? draft.facilitatorUrl.value.trim() : null,
    account: account === "recipient" || account === "customer" ? account : null,
  };
  return errors.length === 0 ? ok(price) : err(errors);
}
