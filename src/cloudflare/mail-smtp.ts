/**
 * Mail over SMTP (RFC 5321) with implicit TLS (RFC 8314) or STARTTLS (RFC 3207), AUTH PLAIN or LOGIN (RFC 4954).
 * A password is never sent over an unencrypted connection, except to loopback on a local machine. Sockets are injected:
 * in a Worker they come from `cloudflare:sockets`.
 */
import { encodeBase64, utf8 } from "../domain/encoding.ts";
import { mimeMessage, type Mail } from "../domain/mail-message.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { MailFailure, Mailer } from "./mail.ts";
import { SmtpFault, SmtpLines, type LineStreams, type SmtpReply } from "./smtp-lines.ts";

export interface SmtpSocket extends LineStreams {
  startTls(): SmtpSocket;
  close(): Promise<void>;
}

export type SmtpConnect = (hostname: string, port: number, secureTransport: "on" | "starttls" | "off") => SmtpSocket;

export interface SmtpTarget {
  readonly hostname: string;
  readonly port: number;
  readonly security: "tls" | "starttls" | "none";
  readonly username: string | null;
  readonly password: string | null;
}

const TIMEOUT_MS = 20_000;
const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Reads the setting. Errors name the setting, never its value. */
export function parseSmtpUrl(text: string, local: boolean): Result<SmtpTarget, string> {
  if (!URL.canParse(text)) return err("SMTP_URL is not a URL");
  const url = new URL(text);
  if (url.protocol !== "smtp:" && url.protocol !== "smtps:") return err("SMTP_URL must begin with smtp:// or smtps://");
  const implicit = url.protocol === "smtps:";
  const plain = url.searchParams.get("tls") === "none";
  if (plain && !(local && LOOPBACK.has(url.hostname)))
    return err("SMTP_URL may do without TLS only to loopback, locally");
  const port = url.port === "" ? (implicit ? 465 : 587) : Number(url.port);
  if (port === 25) return err("SMTP_URL names port 25, which Workers cannot reach: use 587 or 465");
  return ok({
    hostname: url.hostname,
    port,
    security: plain ? "none" : implicit ? "tls" : "starttls",
    username: url.username === "" ? null : decodeURIComponent(url.username),
    password: url.password === "" ? null : decodeURIComponent(url.password),
  });
}

export function smtpMailer(connect: SmtpConnect, target: SmtpTarget, from: string, nowMs: () => number): Mailer {
  return { send: (mail) => deliver(connect, target, from, mail, nowMs()) };
}

async function deliver(
  connect: SmtpConnect,
  target: SmtpTarget,
  from: string,
  mail: Mail,
  atMs: number,
): Promise<Result<void, MailFailure>> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const deadline = new Promise<never>((_, reject) => {
    timeout.addEventListener("abort", () => reject(new SmtpFault("timeout")));
  });
  deadline.catch(() => {});
  const sockets: SmtpSocket[] = [];
  try {
    return await converse({ connect, target, from, mail, atMs, deadline, sockets });
  } catch (failure) {
    const reason = failure instanceof SmtpFault ? failure.message : "connection failed";
    return err({ retryable: true, reason: `SMTP: ${reason}` });
  } finally {
    for (const socket of sockets) void socket.close().catch(() => {});
  }
}

interface Conversation {
  readonly connect: SmtpConnect;
  readonly target: SmtpTarget;
  readonly from: string;
  readonly mail: Mail;
  readonly atMs: number;
  readonly deadline: Promise<never>;
  readonly sockets: SmtpSocket[];
}

/** The whole dialogue, in the order of RFC 5321 §3. */
async function converse(talk: Conversation): Promise<Result<void, MailFailure>> {
  const { target, from, mail } = talk;
  const transport = { tls: "on", starttls: "starttls", none: "off" } as const;
  const socket = talk.connect(target.hostname, target.port, transport[target.security]);
  talk.sockets.push(socket);
  let lines = new SmtpLines(socket, talk.deadline);
  const hello = `EHLO ${from.slice(from.lastIndexOf("@") + 1)}\r\n`;
  const greeting = await lines.reply();
  if (greeting.code !== 220) return refused("greeting", greeting);
  let features = await command(lines, hello);
  if (features.code !== 250) return refused("EHLO", features);
  if (target.security === "starttls") {
    const upgrade = await command(lines, "STARTTLS\r\n");
    if (upgrade.code !== 220) return refused("STARTTLS", upgrade);
    lines.release();
    const secured = socket.startTls();
    talk.sockets.push(secured);
    lines = new SmtpLines(secured, talk.deadline);
    features = await command(lines, hello);
    if (features.code !== 250) return refused("EHLO", features);
  }
  const login = await authenticate(lines, target, features);
  if (!login.ok) return login;
  for (const step of [`MAIL FROM:<${from}>`, `RCPT TO:<${mail.to}>`]) {
    const reply = await command(lines, `${step}\r\n`);
    if (reply.code !== 250 && reply.code !== 251) return refused(step.slice(0, 4), reply);
  }
  const ready = await command(lines, "DATA\r\n");
  if (ready.code !== 354) return refused("DATA", ready);
  const accepted = await command(lines, `${dotStuffed(mimeMessage(mail, from, talk.atMs))}.\r\n`);
  if (accepted.code !== 250) return refused("message", accepted);
  // The mail is taken; a server that dies now changes nothing.
  await command(lines, "QUIT\r\n").catch(() => {});
  return ok(undefined);
}

async function authenticate(
  lines: SmtpLines,
  target: SmtpTarget,
  features: SmtpReply,
): Promise<Result<void, MailFailure>> {
  const { username, password } = target;
  if (username === null || password === null) return ok(undefined);
  const offered = features.lines.find((line) => /^AUTH[ =]/i.test(line)) ?? "";
  const methods = offered.slice(5).toUpperCase().split(" ");
  if (methods.includes("PLAIN")) {
    const reply = await command(lines, `AUTH PLAIN ${encodeBase64(utf8(`\0${username}\0${password}`))}\r\n`);
    return reply.code === 235 ? ok(undefined) : refused("AUTH", reply);
  }
  if (!methods.includes("LOGIN")) return err({ retryable: false, reason: "SMTP: no known AUTH method" });
  for (const [text, expected] of [
    ["AUTH LOGIN", 334],
    [encodeBase64(utf8(username)), 334],
    [encodeBase64(utf8(password)), 235],
  ] as const) {
    const reply = await command(lines, `${text}\r\n`);
    if (reply.code !== expected) return refused("AUTH", reply);
  }
  return ok(undefined);
}

async function command(lines: SmtpLines, text: string): Promise<SmtpReply> {
  await lines.write(text);
  return lines.reply();
}

/** 4xx passes, 5xx does not (RFC 5321 §4.2.1). */
function refused(step: string, reply: SmtpReply): Result<void, MailFailure> {
  return err({ retryable: reply.code < 500, reason: `SMTP: ${step} was answered ${reply.code}` });
}

/** RFC 5321 §4.5.2. The message ends with CRLF already. */
function dotStuffed(message: string): string {
  return message.replaceAll(/^\./gm, "..");
}
