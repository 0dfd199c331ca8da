import { describe, expect, it } from "vitest";
import { Adjustment, EvmAddress, EvmNetwork, TopUp } from "./payment.ts";
import { PaymentWire, fromPayment, toPayment } from "./price.ts";

const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const accept = { network: "eip155:8453", asset: PAY_TO, pay_to: PAY_TO, decimals: 6, name: "USD Coin", version: "2" };
const price = {
  provider: "x402",
  default_usd_micros: 1_000,
  accepts: [accept],
  facilitator_url: "https://facilitator.example.com/",
};

function problems(wire: object): string[] {
  const parsed = PaymentWire.safeParse(wire);
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join("."));
}

describe("a payment rule", () => {
  it("keeps its meaning both ways", () => {
    const rule = toPayment(PaymentWire.parse(price));
    expect(toPayment(PaymentWire.parse(fromPayment(rule)))).toEqual(rule);
    expect(rule).toMatchObject({ flow: "authorization", quoteLifetimeSeconds: 60, account: null });
  });

  it("names what is wrong", () => {
    expect(problems({ ...price, accepts: [] })).toContain("accepts");
    expect(problems({ ...price, facilitator_url: null })).toEqual(["facilitator_url"]);
    expect(
      problems({ ...price, accepts: [{ ...accept, network: "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp" }] }),
    ).toEqual(["accepts.0.network"]);
    expect(problems({ ...price, accepts: [{ ...accept, pay_to: PAY_TO.replace("Bc6", "bC6") }] })).toEqual([
      "accepts.0.pay_to",
    ]);
    expect(problems({ provider: "credits", default_usd_micros: 1 })).toEqual(["account"]);
    expect(problems({ provider: "credits", default_usd_micros: 1, account: "recipient" })).toEqual([]);
  });
});

it("knows addresses and networks", () => {
  for (const good of [PAY_TO, PAY_TO.toLowerCase()]) expect(EvmAddress.safeParse(good).success).toBe(true);
  for (const bad of [`0x${"0".repeat(40)}`, PAY_TO.slice(0, -1), `${PAY_TO}0`, PAY_TO.slice(2)]) {
    expect(EvmAddress.safeParse(bad).success).toBe(false);
  }
  for (const bad of ["eip155:0", "eip155:", "base", "eip155:1.5"])
    expect(EvmNetwork.safeParse(bad).success).toBe(false);
});

it("takes no empty, broken or endless amounts", () => {
  for (const bad of [0, -1, 0.5, 1e16]) expect(TopUp.safeParse({ usd_micros: bad }).success).toBe(false);
  expect(Adjustment.safeParse({ usd_micros: 0, note: "why" }).success).toBe(false);
  expect(Adjustment.safeParse({ usd_micros: -5 }).success).toBe(false);
  expect(Adjustment.safeParse({ usd_micros: -5, note: "why" }).success).toBe(true);
});
