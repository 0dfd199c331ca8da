import { describe, expect, it } from "vitest";

import type { Mail } from "../domain/mail-message.ts";
import { chooseMailer, type MailDependencies, type MailSettings } from "./mail.ts";
import { parseSmtpUrl, smtpMailer, type SmtpSocket, type SmtpTarget } from "./mail-smtp.ts";

const mail: Mail = { id: "msg_1", to: "kate@example.com", subject: "Hi", text: ".first\nsecond\n.\nlast" };
const from = "relaykey@example.org";
const secret = ["pass", "word"].join("-");
const target: SmtpTarget = { hostname: "mx.example", port: 587, security: "starttls", username: "u", password: secret };

interface Script {
  /** Answers by the command's first word; a list is used up one by one, its last entry stays. */
  readonly answers: Readonly<Record<string, readonly string[]>>;
  readonly greeting?: string;
}

/** An SMTP server in memory that answers from a script and keeps what it was sent, and over which transport. */
function fakeServer(script: Script) {
  const received: { secured: boolean; line: string }[] = [];
  const used = new Map<string, number>();
  let greeted = false;
  function open(secured: boolean): SmtpSocket {
    const toClient = new TransformStream<Uint8Array, Uint8Array>(
      undefined,
      { highWaterMark: 99 },
      { highWaterMark: 99 },
    );
    const out = toClient.writable.getWriter();
    const say = (text: string) => out.write(new TextEncoder().encode(text));
    let inData = false;
    let held = "";
    if (!greeted) {
      greeted = true;
      void say(script.greeting ?? "220 ready\r\n");
    }
    const writable = new WritableStream<Uint8Array>({
      async write(chunk) {
        held += new TextDecoder().decode(chunk);
        for (let end = held.indexOf("\r\n"); end >= 0; end = held.indexOf("\r\n")) {
          const line = held.slice(0, end);
          held = held.slice(end + 2);
          received.push({ secured, line });
          if (inData && line !== ".") continue;
          const word = inData ? "." : (line.split(" ")[0] ?? "");
          inData = word === "DATA";
          const answers = script.answers[word] ?? ["250 ok"];
          const at = used.get(word) ?? 0;
          used.set(word, at + 1);
          await say(`${answers[Math.min(at, answers.length - 1)]}\r\n`);
        }
      },
    });
    return { readable: toClient.readable, writable, startTls: () => open(true), close: async () => {} };
  }
  return { received, connect: () => open(false) };
}

const HAPPY = {
  EHLO: ["250-mx.example\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN"],
  STARTTLS: ["220 go"],
  AUTH: ["235 welcome"],
  DATA: ["354 go on"],
  ".": ["250 queued"],
};

describe("SMTP", () => {
  it("speaks TLS before the password, stuffs dots and delivers", async () => {
    const server = fakeServer({ answers: HAPPY });
    expect(await smtpMailer(server.connect, target, from, () => 0).send(mail)).toEqual({ ok: true, value: undefined });
    const lines = server.received.map((entry) => entry.line);
    expect(lines.slice(0, 3)).toEqual(["EHLO example.org", "STARTTLS", "EHLO example.org"]);
    const login = server.received.find((entry) => entry.line.startsWith("AUTH"));
    expect(login).toEqual({ secured: true, line: `AUTH PLAIN ${btoa(`\0u\0${secret}`)}` });
    expect(lines).toContain("RCPT TO:<kate@example.com>");
    const body = lines.slice(lines.indexOf("DATA") + 1);
    expect(body).toContain("..first");
    expect(body).toContain("..");
    expect(body.filter((line) => line === ".")).toHaveLength(1);
    expect(lines.at(-1)).toBe("QUIT");
  });

  it("uses LOGIN when that is what is offered", async () => {
    const answers = {
      ...HAPPY,
      EHLO: ["250-x\r\n250 AUTH LOGIN"],
      AUTH: ["334 a"],
      [btoa("u")]: ["334 b"],
      [btoa(secret)]: ["235 ok"],
    };
    expect((await smtpMailer(fakeServer({ answers }).connect, target, from, () => 0).send(mail)).ok).toBe(true);
  });

  it("never sends the password when TLS is refused", async () => {
    const server = fakeServer({ answers: { ...HAPPY, STARTTLS: ["454 not now"] } });
    expect(await smtpMailer(server.connect, target, from, () => 0).send(mail)).toEqual({
      ok: false,
      error: { retryable: true, reason: "SMTP: STARTTLS was answered 454" },
    });
    expect(server.received.some((entry) => entry.line.startsWith("AUTH"))).toBe(false);
  });

  it("refuses what was slipped in before TLS", async () => {
    const server = fakeServer({ answers: { ...HAPPY, STARTTLS: ["220 go\r\n250 AUTH PLAIN"] } });
    const result = await smtpMailer(server.connect, target, from, () => 0).send(mail);
    expect(result).toMatchObject({ ok: false, error: { reason: "SMTP: data before TLS" } });
    expect(server.received.some((entry) => entry.line.startsWith("AUTH"))).toBe(false);
  });

  it.each([
    ["AUTH", "535 wrong", false],
    ["RCPT", "550 no such user", false],
    ["RCPT", "451 later", true],
    [".", "552 too big", false],
    ["MAIL", "nonsense", true],
  ])("says whether trying again helps: %s %s", async (word, answer, retryable) => {
    const server = fakeServer({ answers: { ...HAPPY, [word]: [answer] } });
    const result = await smtpMailer(server.connect, target, from, () => 0).send(mail);
    expect(result).toMatchObject({ ok: false, error: { retryable } });
    expect(JSON.stringify(result)).not.toContain("no such user");
  });

  it("gives up on endless lines and on a server that goes away", async () => {
    const endless = fakeServer({ answers: HAPPY, greeting: "2".repeat(20_000) });
    expect(await smtpMailer(endless.connect, target, from, () => 0).send(mail)).toMatchObject({
      ok: false,
      error: { retryable: true },
    });
    const gone = () => {
      throw new Error("refused");
    };
    expect(await smtpMailer(gone, target, from, () => 0).send(mail)).toMatchObject({
      ok: false,
      error: { retryable: true },
    });
  });
});

describe("parseSmtpUrl", () => {
  it("reads host, port, security and login", () => {
    expect(parseSmtpUrl("smtps://a%40b:p%2Fw@mx.example", false)).toEqual({
      ok: true,
      value: { hostname: "mx.example", port: 465, security: "tls", username: "a@b", password: "p/w" },
    });
    expect(parseSmtpUrl("smtp://mx.example", false)).toMatchObject({
      ok: true,
      value: { port: 587, security: "starttls" },
    });
  });

  it("allows no unencrypted mail but to loopback on a local machine", () => {
    expect(parseSmtpUrl("smtp://mx.example?tls=none", true).ok).toBe(false);
    expect(parseSmtpUrl("smtp://127.0.0.1:2525?tls=none", false).ok).toBe(false);
    expect(parseSmtpUrl("smtp://127.0.0.1:2525?tls=none", true).ok).toBe(true);
    for (const text of ["", "https://mx.example", "smtp://mx.example:25"])
      expect(parseSmtpUrl(text, true).ok).toBe(false);
  });
});

describe("chooseMailer", () => {
  const settings: MailSettings = {
    provider: "resend",
    from,
    binding: undefined,
    resendApiKey: "fake-key",
    smtpUrl: undefined,
    local: false,
  };
  function dependencies(answer: () => Response): MailDependencies & { readonly requests: Request[] } {
    const requests: Request[] = [];
    return {
      requests,
      fetch: async (request) => {
        requests.push(request);
        return answer();
      },
      connect: () => {
        throw new Error("no sockets here");
      },
      nowMs: () => 0,
      mailbox: { send: async () => ({ ok: true, value: undefined }) },
    };
  }

  it("sends through Resend with the mail's id as idempotency key", async () => {
    const parts = dependencies(() => new Response("{}"));
    expect((await chooseMailer(settings, parts).send(mail)).ok).toBe(true);
    expect(parts.requests[0]?.headers.get("idempotency-key")).toBe("msg_1");
    expect(await parts.requests[0]?.json()).toMatchObject({ to: ["kate@example.com"], text: mail.text });
  });

  it.each([
    [429, true],
    [500, true],
    [401, false],
    [422, false],
    [302, false],
  ])("knows which answers of Resend pass: %d", async (status, retryable) => {
    const parts = dependencies(() => new Response(null, { status }));
    expect(await chooseMailer(settings, parts).send(mail)).toMatchObject({ ok: false, error: { retryable } });
  });

  it("hands the binding a mail without control characters", async () => {
    const sent: unknown[] = [];
    const binding = { send: async (message: unknown) => (sent.push(message), { messageId: "1" }) };
    const chosen = chooseMailer(
      { ...settings, provider: "send_email", binding },
      dependencies(() => new Response()),
    );
    expect((await chosen.send({ ...mail, subject: "a\r\nBcc: x@y.z" })).ok).toBe(true);
    expect(sent[0]).toMatchObject({ to: "kate@example.com", subject: "a Bcc: x@y.z" });
  });

  it("has the mailbox on a local machine only, and refuses recipients that are none", async () => {
    const parts = dependencies(() => new Response());
    expect((await chooseMailer({ ...settings, provider: "mailbox", local: true }, parts).send(mail)).ok).toBe(true);
    expect((await chooseMailer({ ...settings, provider: "mailbox" }, parts).send(mail)).ok).toBe(false);
    expect((await chooseMailer(settings, parts).send({ ...mail, to: "a@b.c,d@e.f" })).ok).toBe(false);
    expect(parts.requests).toHaveLength(0);
  });

  it.each([{ provider: "smtp" }, { provider: "send_email" }, { provider: "pigeon" }, { from: "x" }])(
    "refuses wrong settings: %o",
    async (wrong) => {
      const result = await chooseMailer(
        { ...settings, ...wrong },
        dependencies(() => new Response()),
      ).send(mail);
      expect(result).toMatchObject({ ok: false, error: { retryable: true } });
    },
  );
});
