import { describe, expect, it } from "vitest";

import type { ConfirmAddressNotice } from "./notice.ts";
import { budgetMail, confirmationMail, loginMail } from "./notice-text.ts";

const notice: ConfirmAddressNotice = {
  kind: "confirm_address",
  id: "ntc_1",
  organisationId: "org_default",
  credentialId: "dcred_1",
  credentialName: "Kate",
  recipientId: "rcpt_1",
  recipientName: "Kate",
  recipientEmail: "kate@example.com",
  atMs: Date.UTC(2026, 4, 1, 12, 30),
  confirmationId: "cnf_1",
  address: "203.0.113.9",
  connectionId: "conn_crm",
  connectionName: "CRM",
  userAgent: "curl/8",
  expiresAtMs: Date.UTC(2026, 4, 2, 12, 30),
};

describe("mails", () => {
  it("name address, client, integration, time and the link", () => {
    const mail = confirmationMail(notice, "kate@example.com", "https://admin.example/confirm/x");
    for (const part of [
      "203.0.113.9",
      "curl/8",
      "“CRM”",
      "2026-05-01 12:30 UTC",
      "https://admin.example/confirm/x",
      "2026-05-02 12:30 UTC",
    ]) {
      expect(mail.text).toContain(part);
    }
    expect(mail).toMatchObject({ id: "ntc_1", to: "kate@example.com" });
  });

  it("let no user agent pose as a line or a link of ours", () => {
    const hostile = `x\n\nConfirm here: https://evil.example/ ${"y".repeat(500)}`;
    const text = confirmationMail(
      { ...notice, userAgent: hostile, credentialName: hostile, recipientName: hostile },
      "k@e.com",
      "https://ok.example/",
    ).text;
    expect(text).not.toContain("https://evil");
    expect(text.match(/https?:\/\//g)).toHaveLength(1);
    expect(text.split("\n").length).toBe(
      confirmationMail(notice, "k@e.com", "https://ok.example/").text.split("\n").length,
    );
    expect(text).not.toContain("y".repeat(101));
  });

  it("say what a budget is at", () => {
    const { confirmationId, address, connectionId, connectionName, userAgent, expiresAtMs, ...head } = notice;
    expect([confirmationId, address, connectionId, connectionName, userAgent, expiresAtMs]).toHaveLength(6);
    const alert = {
      ...head,
      kind: "budget_alert",
      limitName: "month",
      grantId: null,
      unit: "usd_micros",
      limit: 10_000_000,
      spent: 8_000_000,
      thresholdPercent: 80,
      windowStartMs: 0,
      windowEndMs: 1,
    } as const;
    expect(budgetMail(alert, "k@e.com").text).toContain("8.00 US dollars of 10.00 US dollars");
    expect(budgetMail({ ...alert, thresholdPercent: 100 }, "k@e.com").text).toContain("refused");
    expect(loginMail("m", "k@e.com", "https://a/", 0).text).toContain("https://a/");
  });
});
