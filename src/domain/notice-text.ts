/**
 * What people read in mails: subjects and plain texts. Pure. Names and user agents come from outside: they are put on one
 * line, shortened and quoted, so that they cannot pose as a sentence or a link of ours.
 */
import type { Mail } from "./mail-message.ts";
import type { BudgetAlertNotice, ConfirmAddressNotice } from "./notice.ts";

const MAX_QUOTED_CHARS = 100;

/** `url` is the signed link to the confirmation page. */
export function confirmationMail(notice: ConfirmAddressNotice, to: string, url: string): Mail {
  const lines = [
    `Hello${notice.recipientName === null ? "" : ` ${quoted(notice.recipientName)}`},`,
    "",
    `the RelayKey credential ${quoted(notice.credentialName)} was used from an address that has not been seen before.`,
    "The call was stopped.",
    "",
    `  Address:      ${notice.address}`,
    `  Client:       ${quoted(notice.userAgent)}`,
    `  Integration:  ${quoted(notice.connectionName)}`,
    `  Time:         ${time(notice.atMs)}`,
    "",
    "If this was you, open this page and confirm:",
    "",
    url,
    "",
    "If it was not you, open the same page and say so: the credential then stops working at once.",
    "Opening the page changes nothing by itself. The link works once, until " + `${time(notice.expiresAtMs)}.`,
    "",
  ];
  return { id: notice.id, to, subject: "New address: please confirm", text: lines.join("\n") };
}

export function budgetMail(notice: BudgetAlertNotice, to: string): Mail {
  const percent = notice.thresholdPercent;
  const lines = [
    `the RelayKey credential ${quoted(notice.credentialName)} has used ${percent} % of a budget.`,
    "",
    `  Budget:   ${quoted(notice.limitName)}`,
    `  Used:     ${amount(notice.spent, notice.unit)} of ${amount(notice.limit, notice.unit)}`,
    `  Resets:   ${time(notice.windowEndMs)}`,
    "",
    percent >= 100 ? "Further calls are refused until then." : "Calls go on until it is used up.",
    "",
  ];
  return { id: notice.id, to, subject: `Budget at ${percent} %`, text: lines.join("\n") };
}

export function loginMail(id: string, to: string, url: string, expiresAtMs: number): Mail {
  const lines = [
    "this link logs you in to the RelayKey dashboard:",
    "",
    url,
    "",
    `It works once, until ${time(expiresAtMs)}. If you did not ask for it, you need not do anything.`,
    "",
  ];
  return { id, to, subject: "Your login link", text: lines.join("\n") };
}

export function expiryMail(
  credential: { readonly id: string; readonly name: string; readonly expiresAtMs: number },
  to: string,
): Mail {
  const lines = [
    `the RelayKey credential ${quoted(credential.name)} expires at ${time(credential.expiresAtMs)}.`,
    "",
    "Ask whoever gave it to you for a new one if you still need it.",
    "",
  ];
  return {
    id: `exp_${credential.id}_${credential.expiresAtMs}`,
    to,
    subject: "A credential expires soon",
    text: lines.join("\n"),
  };
}

function amount(value: number, unit: "requests" | "usd_micros"): string {
  return unit === "requests" ? `${value} requests` : `${(value / 1_000_000).toFixed(2)} US dollars`;
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** Dots behind `://` and in host names stay, but nothing becomes a link: mail programs look for `http`. */
function quoted(text: string): string {
  const line = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  const short = line.length > MAX_QUOTED_CHARS ? `${line.slice(0, MAX_QUOTED_CHARS)}…` : line;
  return `“${short.replaceAll(/(https?|www)([.:])/gi, "$1 $2")}”`;
}
