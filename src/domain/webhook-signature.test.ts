import { describe, expect, it } from "vitest";

import { formatWebhookSecret, parseWebhookSecret, verifyWebhook, webhookHeaders } from "./webhook-signature.ts";

const secret = new Uint8Array(32).fill(3);
const other = new Uint8Array(32).fill(4);
const body = '{"type":"credential.revoked"}';
const at = 1_800_000_000;

function sent(secrets: readonly Uint8Array[]) {
  const headers = webhookHeaders("msg_1", at, body, secrets);
  return {
    id: headers["webhook-id"] ?? "",
    timestamp: headers["webhook-timestamp"] ?? "",
    signature: headers["webhook-signature"] ?? "",
  };
}

describe("webhook signatures", () => {
  it("match the published example of Standard Webhooks", () => {
    const example = parseWebhookSecret(`whsec_${"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`);
    const headers = webhookHeaders("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}', [example!]);
    expect(headers["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  it("verify, also while the secret is being replaced", () => {
    expect(verifyWebhook(sent([secret]), body, secret, at).ok).toBe(true);
    expect(verifyWebhook(sent([other, secret]), body, secret, at).ok).toBe(true);
    expect(sent([other, secret]).signature.split(" ")).toHaveLength(2);
  });

  it("fail for another body, id, time, secret, or version", () => {
    expect(verifyWebhook(sent([secret]), `${body} `, secret, at).ok).toBe(false);
    expect(verifyWebhook({ ...sent([secret]), id: "msg_2" }, body, secret, at).ok).toBe(false);
    expect(verifyWebhook({ ...sent([secret]), timestamp: String(at + 1) }, body, secret, at).ok).toBe(false);
    expect(verifyWebhook(sent([other]), body, secret, at).ok).toBe(false);
    expect(
      verifyWebhook({ ...sent([secret]), signature: sent([secret]).signature.replace("v1,", "v1a,") }, body, secret, at)
        .ok,
    ).toBe(false);
    expect(verifyWebhook(sent([secret]), body, secret, at + 301)).toEqual({ ok: false, error: "stale" });
    expect(verifyWebhook({ ...sent([secret]), timestamp: "1e9" }, body, secret, at)).toEqual({
      ok: false,
      error: "malformed",
    });
  });

  it("secrets have one form and a fair length", () => {
    expect(parseWebhookSecret(formatWebhookSecret(secret))).toEqual(secret);
    expect(parseWebhookSecret(formatWebhookSecret(new Uint8Array(8)))).toBeNull();
    expect(parseWebhookSecret("whsec_%%%")).toBeNull();
    expect(parseWebhookSecret("AAAA")).toBeNull();
  });
});
