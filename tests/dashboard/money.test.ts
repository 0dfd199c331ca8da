/** Amounts as people type them, and the requests that the forms about money make: nothing may change on the way through. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PaymentWire } from "../../src/contract/price.ts";
import { EMPTY_ACCOUNT, move, type CreditAccount, type Movement } from "../../src/domain/credits.ts";
import {
  dollars,
  microsOf,
  microsText,
  scaledOf,
  scaledText,
  signedDollars,
  tokenText,
} from "../../workers/admin/dashboard/amount.ts";
import {
  OTHER_TOKEN,
  acceptedToken,
  paymentBody,
  paymentDraft,
  priceRuleDraft,
} from "../../workers/admin/dashboard/screens/payment-draft.ts";
import { priceText } from "../../workers/admin/dashboard/screens/price-text.ts";
import { checkStatement } from "../../workers/admin/dashboard/screens/statement.ts";
import { KNOWN_TOKENS } from "../../workers/admin/dashboard/tokens.ts";

const micros = fc.integer({ min: -1_000_000_000_000_000, max: 1_000_000_000_000_000 });

describe("amounts", () => {
  it("are read back exactly as they were written", () => {
    fc.assert(fc.property(micros, (value) => microsOf(microsText(value)) === (value === 0 ? 0 : value)));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), fc.integer({ min: 0, max: 9 }), (value, digits) => {
        expect(scaledOf(scaledText(value, digits), digits)).toBe(value);
      }),
    );
  });

  it.each([
    ["0.0025", 2_500],
    ["25", 25_000_000],
    [".5", 500_000],
    ["1.", 1_000_000],
    ["$ 3.10", 3_100_000],
    ["-0.000001", -1],
    ["1.1000000000", 1_100_000],
    ["0", 0],
  ])("%s is %i millionths", (text, expected) => {
    expect(microsOf(text)).toBe(expected);
  });

  it.each(["", ".", "1,5", "1,500", "1e3", "0x10", "0.0000001", "1 000", "--1", "NaN", "9999999999999999", "١"])(
    "%s is none",
    (text) => {
      expect(microsOf(text)).toBeNull();
    },
  );

  it("are shown with every digit", () => {
    expect(dollars(12_500)).toBe("$0.0125");
    expect(dollars(25_000_000)).toBe("$25.00");
    expect(signedDollars(1)).toBe("+$0.000001");
    expect(signedDollars(-1_000)).toBe("-$0.001");
    expect(signedDollars(0)).toBe("$0.00");
  });

  it("of tokens lose nothing, however many decimals there are", () => {
    expect(tokenText("1000", 6)).toBe("0.001");
    expect(tokenText("123456789012345678901234567890", 18)).toBe("123456789012.34567890123456789");
    expect(tokenText("5", 0)).toBe("5");
    expect(tokenText("0", 6)).toBe("0");
    expect(tokenText("<b>", 6)).toBe("<b>");
  });
});

const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const base = KNOWN_TOKENS[0];

const priceArbitrary = fc
  .record({
    provider: fc.constantFrom("x402" as const, "credits" as const),
    usd: fc.integer({ min: 0, max: 1_000_000_000 }),
    rules: fc.array(
      fc.record({
        methods: fc.constantFrom(["GET"], ["POST", "PUT"], ["*"]),
        paths: fc.constantFrom(["/v1/*"], ["/a", "/b/*"]),
        usd_micros: fc.integer({ min: 0, max: 1_000_000_000 }),
      }),
      { maxLength: 3 },
    ),
    flow: fc.constantFrom("authorization" as const, "upfront" as const),
    seconds: fc.integer({ min: 1, max: 3_600 }),
    tokens: fc.uniqueArray(
      fc.constantFrom(
        ...KNOWN_TOKENS.map(({ network, asset, decimals, name, version }) => ({
          network,
          asset,
          decimals,
          name,
          version,
        })),
        { network: "eip155:31337", asset: PAY_TO, decimals: 18, name: "Own coin", version: "1" },
        // A known address of which something else is said.
        { network: base?.network ?? "", asset: base?.asset ?? "", decimals: 6, name: "Other name", version: "9" },
      ),
      { minLength: 1, maxLength: 3, selector: (token) => `${token.network}/${token.asset}` },
    ),
    account: fc.constantFrom("recipient" as const, "customer" as const),
    more: fc.boolean(),
  })
  .map((each) =>
    PaymentWire.parse({
      provider: each.provider,
      default_usd_micros: each.usd,
      prices: each.rules,
      flow: each.flow,
      quote_lifetime_seconds: each.seconds,
      accepts: each.provider === "x402" || each.more ? each.tokens.map((token) => ({ ...token, pay_to: PAY_TO })) : [],
      facilitator_url: each.provider === "x402" || each.more ? "https://facilitator.example.com/" : null,
      account: each.provider === "credits" || each.more ? each.account : null,
    }),
  );

describe("the price editor", () => {
  it("gives back every price as it was when nothing is touched", () => {
    fc.assert(
      fc.property(priceArbitrary, (price) => {
        expect(paymentBody(paymentDraft(price))).toEqual({ ok: true, value: price });
      }),
    );
  });

  it("asks for nothing when payment is off", () => {
    expect(paymentBody(paymentDraft(null))).toEqual({ ok: true, value: null });
  });

  it("names the field of an amount that cannot be read", () => {
    const draft = paymentDraft(null);
    draft.provider.value = "credits";
    draft.usd.value = "1,5";
    draft.rules.value = [priceRuleDraft(), priceRuleDraft()];
    const body = paymentBody(draft);
    expect(body.ok).toBe(false);
    expect(body.ok ? [] : body.error.map((each) => each.field)).toEqual([
      "price.default_usd_micros",
      "price.prices[0].usd_micros",
      "price.prices[1].usd_micros",
    ]);
  });

  it("drops tokens that are no longer offered beside credits", () => {
    const draft = paymentDraft(null);
    draft.provider.value = "credits";
    draft.facilitatorUrl.value = "https://facilitator.example.com";
    const body = paymentBody(draft);
    expect(body).toMatchObject({ ok: true, value: { accepts: [], facilitator_url: null, account: "recipient" } });
  });

  it("takes what is typed for a token that it does not know", () => {
    const [accept] = paymentDraft(null).accepts.value;
    if (accept === undefined) throw new Error("no token is offered");
    expect(acceptedToken(accept)).toMatchObject({ network: "eip155:8453", name: "USD Coin" });
    accept.token.value = OTHER_TOKEN;
    accept.decimals.value = "";
    expect(acceptedToken(accept).decimals).toBeNaN();
  });

  it("says a price in few words", () => {
    const price = { provider: "x402", default_usd_micros: 1_000, prices: [] } as const;
    expect(priceText(null)).toBeNull();
    expect(priceText({ ...price, prices: [] })).toBe("$0.001 a call, x402");
    expect(priceText({ ...price, prices: [{ methods: ["GET"], paths: ["/"], usd_micros: 0 }] })).toBe(
      "$0.00–$0.001 a call, x402",
    );
  });
});

describe("a statement", () => {
  const amounts = fc.array(
    fc.integer({ min: -1_000_000, max: 1_000_000 }).filter((each) => each !== 0),
    { minLength: 1, maxLength: 20 },
  );

  function linesOf(changes: readonly number[]) {
    let account: CreditAccount = EMPTY_ACCOUNT;
    const movements: Movement[] = [];
    for (const [i, usdMicros] of changes.entries()) {
      const step = move(account, { atMs: i, kind: "adjustment", usdMicros, reference: `req_${i}`, note: "" });
      if (!step.ok) throw new Error(step.error);
      account = step.value.account;
      movements.push(...step.value.movements);
    }
    return movements
      .map((each) => ({ seq: each.seq, usd_micros: each.usdMicros, balance_usd_micros: each.balanceUsdMicros }))
      .toReversed();
  }

  it("of the ledger adds up, whole and in part", () => {
    fc.assert(
      fc.property(amounts, (changes) => {
        const lines = linesOf(changes);
        const sum = changes.reduce((left, right) => left + right, 0);
        expect(checkStatement(lines, true)).toEqual({ addsUp: true, brokenAt: null, sumUsdMicros: sum });
        expect(checkStatement(lines.slice(0, 1), lines.length === 1).addsUp).toBe(true);
      }),
    );
  });

  it("with a line changed, left out or missing at its end does not", () => {
    fc.assert(
      fc.property(amounts, fc.nat(), (changes, at) => {
        const lines = linesOf(changes);
        const place = at % lines.length;
        const changed = lines.map((line, i) => (i === place ? { ...line, usd_micros: line.usd_micros + 1 } : line));
        expect(checkStatement(changed, true).addsUp).toBe(false);
        const without = lines.filter((_, i) => i !== place);
        // Without its newest line a statement is an older one, which adds up; its age shows by the balance.
        if (place > 0) expect(checkStatement(without, true).addsUp).toBe(false);
      }),
    );
  });
});
