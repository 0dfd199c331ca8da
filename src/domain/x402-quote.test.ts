import { describe, expect, it } from "vitest";
import type { PaymentRule } from "./payment.ts";
import { atomicAmount, callPrice } from "./payment-price.ts";
import { checkQuote, makeOffers } from "./x402-quote.ts";

const rule: PaymentRule = {
  provider: "x402",
  prices: [{ methods: ["POST"], paths: ["/v1/reports/*"], usdMicros: 50_000 }],
  defaultUsdMicros: 1_000,
  flow: "authorization",
  quoteLifetimeSeconds: 60,
  accepts: [
    {
      network: "eip155:84532",
      asset: `0x${"c".repeat(40)}`,
      payTo: `0x${"b".repeat(40)}`,
      decimals: 6,
      name: "USDC",
      version: "2",
    },
  ],
  facilitatorUrl: "https://facilitator.example.com",
  account: null,
};
const call = { grantId: "grant_1", method: "GET", path: "/v1/people" };
const key = new Uint8Array(32).fill(1);
const nowMs = 1_800_000_000_000;
const [offer] = makeOffers(rule, call, { usdMicros: 1_000, maxTimeoutSeconds: 680, nowMs }, key);
if (offer === undefined) throw new Error("no offer");

describe("a quote", () => {
  it("holds for its lifetime, whatever the price is by then", () => {
    expect(checkQuote(offer, call, nowMs, key)).toBe("good");
    expect(checkQuote(offer, call, nowMs + 60_000, key)).toBe("good");
    expect(checkQuote(offer, call, nowMs + 61_000, key)).toBe("expired");
  });

  it.each([
    ["amount", { ...offer, amount: "1" }],
    ["network", { ...offer, network: "eip155:8453" }],
    ["asset", { ...offer, asset: offer.payTo }],
    ["recipient", { ...offer, payTo: offer.asset }],
    ["time", { ...offer, maxTimeoutSeconds: 1 }],
    ["token name", { ...offer, extra: { ...offer.extra, name: "Fake" } }],
    ["expiry", { ...offer, extra: { ...offer.extra, quote: `2${offer.extra.quote}` } }],
    ["lack of a quote", { ...offer, extra: { ...offer.extra, quote: "" } }],
  ])("is not ours with another %s", (_what, edited) => {
    expect(checkQuote(edited, call, nowMs, key)).toBe("not_ours");
  });

  it.each([
    ["path", { ...call, path: "/v1/companies" }],
    ["method", { ...call, method: "POST" }],
    ["grant", { ...call, grantId: "grant_2" }],
  ])("buys nothing on another %s", (_what, other) => {
    expect(checkQuote(offer, other, nowMs, key)).toBe("not_ours");
  });

  it("of another deployment is not ours", () => {
    expect(checkQuote(offer, call, nowMs, new Uint8Array(32).fill(2))).toBe("not_ours");
  });
});

describe("prices", () => {
  it("follow the first rule that fits, else the default", () => {
    expect(callPrice(rule, "POST", "/v1/reports/7")).toBe(50_000);
    expect(callPrice(rule, "GET", "/v1/reports/7")).toBe(1_000);
  });

  it("become atomic units, rounded up", () => {
    expect(atomicAmount(1_000, 6)).toBe(1_000n);
    expect(atomicAmount(1_000, 18)).toBe(1_000_000_000_000_000n);
    expect(atomicAmount(1_001, 2)).toBe(1n);
    expect(atomicAmount(0, 2)).toBe(0n);
  });
});
