/** The dispatcher of notices: what it mails, when it tries again, and that telling twice tells once. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { readConfirmation } from "../domain/confirmation.ts";
import { deriveKey } from "../domain/derived-key.ts";
import type { Mail } from "../domain/mail-message.ts";
import type { ConfirmAddressNotice, Notice } from "../domain/notice.ts";
import { err, ok } from "../domain/result.ts";
import { controlDb } from "../store/control-db.ts";
import type { Mailer } from "./mail.ts";
import { noticeDispatcher } from "./notices.ts";

const bindings = env as unknown as { readonly CONTROL_DB: D1Database };
const db = controlDb(bindings.CONTROL_DB);
const signingSeed = new Uint8Array(32).fill(1);
const NOW_MS = Date.UTC(2026, 4, 1);

let mails: Mail[] = [];
let mailer: Mailer;

const notice: ConfirmAddressNotice = {
  kind: "confirm_address",
  id: "ntc_1",
  organisationId: "org_default",
  credentialId: "dcred_1",
  credentialName: "Kate",
  recipientId: "rcpt_1",
  recipientName: "Kate",
  recipientEmail: "kate@example.com",
  atMs: NOW_MS,
  confirmationId: "cnf_1",
  address: "203.0.113.9",
  connectionId: "conn_a",
  connectionName: "CRM",
  userAgent: "curl",
  expiresAtMs: NOW_MS + 1000,
};

function dispatch(each: Notice, part: { adminOrigin?: string; nowMs?: number } = {}) {
  const { adminOrigin = "https://admin.example", nowMs = NOW_MS } = part;
  return noticeDispatcher({ db, mailer, adminOrigin, signingSeed, nowMs: () => nowMs }).dispatch(each);
}

beforeEach(() => {
  mails = [];
  mailer = {
    send: async (mail) => {
      mails.push(mail);
      return ok(undefined);
    },
  };
});

describe("noticeDispatcher", () => {
  it("mails the recipient a link that says what it confirms", async () => {
    expect(await dispatch(notice)).toBe("sent");
    expect(mails).toHaveLength(1);
    expect(mails[0]).toMatchObject({ id: "ntc_1", to: "kate@example.com" });
    const link = /https:\/\/admin\.example\/confirm\/(\S+)/.exec(mails[0]?.text ?? "")?.[1] ?? "";
    const read = readConfirmation(deriveKey(signingSeed, "confirmation_link"), link, NOW_MS);
    expect(read).toMatchObject({
      ok: true,
      value: {
        credentialId: "dcred_1",
        confirmationId: "cnf_1",
        address: "203.0.113.9",
        organisationId: "org_default",
      },
    });
  });

  it("tries again when the provider fails, and not when the mail can never be taken", async () => {
    mailer = { send: async () => err({ retryable: true, reason: "busy" }) };
    expect(await dispatch(notice)).toBe("later");
    mailer = { send: async () => err({ retryable: false, reason: "no such address" }) };
    expect(await dispatch(notice)).toBe("dropped");
  });

  it("waits for an origin, drops what has expired, and has nobody to mail without an address", async () => {
    expect(await dispatch(notice, { adminOrigin: "" })).toBe("later");
    expect(await dispatch(notice, { nowMs: notice.expiresAtMs })).toBe("dropped");
    expect(await dispatch({ ...notice, recipientEmail: null })).toBe("sent");
    expect(mails).toHaveLength(0);
  });

  it("mails budgets too", async () => {
    const {
      confirmationId: _c,
      address: _a,
      connectionId: _i,
      connectionName: _n,
      userAgent: _u,
      expiresAtMs: _e,
      ...head
    } = notice;
    const alert = {
      ...head,
      kind: "budget_alert",
      limitName: "month",
      grantId: null,
      unit: "requests",
      limit: 10,
      spent: 8,
      thresholdPercent: 80,
      windowStartMs: 0,
      windowEndMs: 1,
    } as const;
    expect(await dispatch(alert)).toBe("sent");
    expect(mails[0]?.text).toContain("8 requests of 10 requests");
  });
});
