import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeBase64, utf8 } from "./encoding.ts";
import { encodeHeader, jsonDepth, MAX_PAYMENT_HEADER_BYTES, readPayment } from "./x402-wire.ts";

const address = (digit: string) => `0x${digit.repeat(40)}`;

const transfer = {
  signature: `0x${"ab".repeat(65)}`,
  authorization: {
    from: address("a"),
    to: address("b"),
    value: "1000",
    validAfter: "0",
    validBefore: "99999999999",
    nonce: `0x${"1".repeat(64)}`,
  },
};
const accepted = {
  scheme: "exact",
  network: "eip155:84532",
  amount: "1000",
  asset: address("c"),
  payTo: address("b"),
  maxTimeoutSeconds: 60,
  extra: { name: "USDC", version: "2", quote: "1.x" },
};
const v2 = { x402Version: 2, accepted, payload: transfer };
const v1 = { x402Version: 1, scheme: "exact", network: "base-sepolia", payload: transfer };

function problem(value: unknown, version: 1 | 2 = 2): unknown {
  const read = readPayment(typeof value === "string" ? value : encodeHeader(value as object), version);
  return read.ok ? null : read.error;
}

describe("a payment header", () => {
  it("is read in both versions", () => {
    const read = readPayment(encodeHeader({ ...v2, resource: { url: "https://x.test/a" } }), 2);
    expect(read).toEqual({
      ok: true,
      value: { x402Version: 2, accepted, resourceUrl: "https://x.test/a", transfer, paymentId: null },
    });
    expect(readPayment(encodeHeader(v1), 1)).toMatchObject({ ok: true, value: { network: "base-sepolia", transfer } });
  });

  it("gives its payment identifier, and is refused with one of another form", () => {
    const named = (id: unknown) => ({ ...v2, extensions: { "payment-identifier": { info: { required: false, id } } } });
    expect(readPayment(encodeHeader(named("pay_0123456789abcdef")), 2)).toMatchObject({
      value: { paymentId: "pay_0123456789abcdef" },
    });
    for (const id of ["short", "x".repeat(129), "pay 0123456789abcdef", 7])
      expect(problem(named(id))).toBe("malformed");
  });

  it("drops what is not used, so that nothing of it is passed on", () => {
    const read = readPayment(encodeHeader({ ...v2, more: 1, payload: { ...transfer, more: 1 } }), 2);
    expect(JSON.stringify(read)).not.toContain("more");
  });

  it.each([
    ["not_base64", "{}"],
    ["not_base64", "e30"],
    ["not_base64", "e30=\u0000"],
    ["not_base64", encodeBase64(new Uint8Array([0x7b, 0xff, 0x7d]))],
    ["not_json", encodeBase64(utf8("[]"))],
    ["not_json", encodeBase64(utf8("{"))],
    ["too_deep", encodeBase64(utf8(`${'{"a":'.repeat(33)}1${"}".repeat(33)}`))],
    ["too_deep", encodeBase64(utf8("[".repeat(4_000)))],
    ["too_large", "a".repeat(MAX_PAYMENT_HEADER_BYTES + 1)],
    ["too_large", "a".repeat(100_000)],
    ["unsupported_version", encodeHeader({ ...v2, x402Version: 1 })],
    ["unsupported_version", encodeHeader({ ...v2, x402Version: "2" })],
    ["unsupported_version", encodeHeader({})],
    ["unsupported_scheme", encodeHeader({ ...v2, accepted: { ...accepted, scheme: "upto" } })],
    ["malformed", encodeHeader({ ...v2, accepted: null })],
    ["malformed", encodeHeader({ ...v2, payload: null })],
    ["malformed", encodeHeader({ ...v2, accepted: { ...accepted, amount: 1000 } })],
    ["malformed", encodeHeader({ ...v2, accepted: { ...accepted, amount: "-1" } })],
    ["malformed", encodeHeader({ ...v2, accepted: { ...accepted, payTo: "0x1" } })],
    ["malformed", encodeHeader({ ...v2, resource: { url: 7 } })],
  ])("is refused as %s", (reason, header) => {
    expect(problem(header)).toBe(reason);
  });

  it.each([
    ["value", "01"],
    ["value", "1e3"],
    ["value", "9".repeat(78)],
    ["validBefore", 7],
    ["nonce", `0x${"1".repeat(63)}`],
    ["from", address("g")],
  ])("is refused when the authorization's %s is %s", (member, value) => {
    const authorization = { ...transfer.authorization, [member]: value };
    expect(problem({ ...v2, payload: { ...transfer, authorization } })).toBe("malformed");
    expect(problem({ ...v1, payload: { ...transfer, authorization } }, 1)).toBe("malformed");
  });

  it("never throws", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((text) => encodeBase64(utf8(text))),
        ),
        (header) => {
          expect(readPayment(header, 2).ok).toBe(false);
          expect(readPayment(header, 1).ok).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });
});

it("measures depth outside of quotes", () => {
  expect(jsonDepth('{"a":"[[[","b":["\\"]]"]}')).toBe(2);
});
