import { secp256k1 } from "@noble/curves/secp256k1";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, it } from "vitest";
import { encodeHex } from "./encoding.ts";
import { authorizationDigest, checksumAddress, recoverSigner } from "./x402-authorization.ts";

const account = privateKeyToAccount(`0x${"17".repeat(32)}`);
const contract = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const domain = { name: "USDC", version: "2", chainId: 84_532, contract };
const authorization = {
  from: account.address,
  to: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
  value: "10000",
  validAfter: "1740672089",
  validBefore: "1740672154",
  nonce: `0x${"f3".repeat(32)}`,
};

function typedData() {
  return {
    domain: { name: "USDC", version: "2", chainId: 84_532, verifyingContract: contract },
    types: {
      TransferWithAuthorization: [
        { name: "from", type: "address" },
        { name: "to", type: "address" },
        { name: "value", type: "uint256" },
        { name: "validAfter", type: "uint256" },
        { name: "validBefore", type: "uint256" },
        { name: "nonce", type: "bytes32" },
      ],
    },
    primaryType: "TransferWithAuthorization",
    message: {
      from: account.address,
      to: authorization.to as `0x${string}`,
      value: 10_000n,
      validAfter: 1_740_672_089n,
      validBefore: 1_740_672_154n,
      nonce: authorization.nonce as `0x${string}`,
    },
  } as const;
}

describe("the signer of an authorization", () => {
  it("is the account that signed with another implementation", async () => {
    const signature = await account.signTypedData(typedData());
    expect(recoverSigner(authorizationDigest(authorization, domain), signature)).toBe(account.address.toLowerCase());
  });

  it.each([
    ["value", { ...authorization, value: "10001" }, domain],
    ["recipient", { ...authorization, to: contract }, domain],
    ["nonce", { ...authorization, nonce: `0x${"f4".repeat(32)}` }, domain],
    ["time", { ...authorization, validBefore: "1740672155" }, domain],
    ["chain", authorization, { ...domain, chainId: 8_453 }],
    ["token", authorization, { ...domain, contract: authorization.to }],
    ["token name", authorization, { ...domain, name: "USD Coin" }],
  ])("is somebody else when the %s differs", async (_what, other, otherDomain) => {
    const signature = await account.signTypedData(typedData());
    expect(recoverSigner(authorizationDigest(other, otherDomain), signature)).not.toBe(account.address.toLowerCase());
  });

  it("is nobody for signatures of another form, or with the other s", async () => {
    const digest = authorizationDigest(authorization, domain);
    const signature = await account.signTypedData(typedData());
    for (const wrong of [
      "0x",
      "0x00",
      `${signature}00`,
      `0x${"ff".repeat(65)}`,
      `0x${"00".repeat(65)}`,
      `${signature.slice(0, -2)}05`,
    ]) {
      expect(recoverSigner(digest, wrong)).toBe(null);
    }
    const s = secp256k1.CURVE.n - BigInt(`0x${signature.slice(66, 130)}`);
    const flipped = signature.endsWith("1b") ? "1c" : "1b";
    expect(recoverSigner(digest, `${signature.slice(0, 66)}${s.toString(16).padStart(64, "0")}${flipped}`)).toBe(null);
  });
});

it("spells addresses with their checksum (EIP-55)", () => {
  expect(checksumAddress(contract.toLowerCase())).toBe(contract);
  expect(checksumAddress(`0x${encodeHex(new Uint8Array(20))}`)).toBe(`0x${"00".repeat(20)}`);
});
