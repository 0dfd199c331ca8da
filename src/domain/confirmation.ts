/**
 * The signed links that confirm a new address, and the form tokens of the page behind them.
 * Pure: keys and time are arguments. A link says what it is for (credential, address, confirmation, when) and is
 * worthless when any of it is changed; that it works once is the gate's business, which knows the confirmation's id.
 * A form token is made under another key, so that a link alone can never be posted as consent.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { decodeBase64Url, encodeBase64Url, equalBytes, utf8, utf8Text } from "./encoding.ts";
import { err, ok, type Result } from "./result.ts";

export const FORM_TOKEN_TTL_MS = 60 * 60 * 1000;
const MAX_LINK_TOKEN_CHARS = 2048;
const MAX_DETAIL_CHARS = 160;
const MAC_BYTES = 32;
const LINK_VERSION = "c1";

/** What a confirmation link stands for. Only the first five members decide; the others are shown on the page. */
export interface Confirmation {
  readonly organisationId: string;
  readonly credentialId: string;
  readonly confirmationId: string;
  /** Canonical address as the gate keys it: IPv4, or an IPv6 /64. */
  readonly address: string;
  readonly expiresAtMs: number;
  readonly requestedAtMs: number;
  readonly credentialName: string;
  readonly connectionName: string;
  readonly userAgent: string;
}

export type ConfirmationAction = "confirm" | "reject";
export type LinkFailure = "malformed" | "forged" | "expired";

/** Makes the part of the link after `/confirm/`. Texts for display are shortened. */
export function signConfirmation(key: Uint8Array, confirmation: Confirmation): string {
  const payload = encodeBase64Url(
    utf8(
      JSON.stringify([
        confirmation.credentialId,
        confirmation.confirmationId,
        confirmation.address,
        confirmation.expiresAtMs,
        confirmation.requestedAtMs,
        confirmation.credentialName.slice(0, MAX_DETAIL_CHARS),
        confirmation.connectionName.slice(0, MAX_DETAIL_CHARS),
        confirmation.userAgent.slice(0, MAX_DETAIL_CHARS),
        confirmation.organisationId,
      ]),
    ),
  );
  return `${LINK_VERSION}.${payload}.${encodeBase64Url(mac(key, `${LINK_VERSION}.${payload}`))}`;
}

/** Reads a link back. The signature is checked before anything inside is believed. */
export function readConfirmation(key: Uint8Array, token: string, nowMs: number): Result<Confirmation, LinkFailure> {
  if (token.length > MAX_LINK_TOKEN_CHARS) return err("malformed");
  const [version, payload, signature, ...rest] = token.split(".");
  if (version !== LINK_VERSION || payload === undefined || signature === undefined || rest.length > 0) {
    return err("malformed");
  }
  const given = decodeBase64Url(signature);
  if (given === null || given.length !== MAC_BYTES) return err("malformed");
  if (!equalBytes(given, mac(key, `${version}.${payload}`))) return err("forged");
  const confirmation = parsePayload(payload);
  if (confirmation === null) return err("malformed");
  return nowMs >= confirmation.expiresAtMs ? err("expired") : ok(confirmation);
}

/** Makes the token that the page's form carries for one action. */
export function signForm(key: Uint8Array, link: string, action: ConfirmationAction, expiresAtMs: number): string {
  return `${expiresAtMs}.${encodeBase64Url(mac(key, `form.${action}.${expiresAtMs}.${link}`))}`;
}

/** Whether a posted form token belongs to this link and action and is still fresh. */
export function checkForm(
  key: Uint8Array,
  link: string,
  action: ConfirmationAction,
  token: string,
  nowMs: number,
): boolean {
  const match = /^(\d{1,16})\.([A-Za-z0-9_-]{43})$/.exec(token);
  const given = match?.[2] === undefined ? null : decodeBase64Url(match[2]);
  if (match === null || given === null) return false;
  const expiresAtMs = Number(match[1]);
  return equalBytes(given, mac(key, `form.${action}.${expiresAtMs}.${link}`)) && nowMs < expiresAtMs;
}

function parsePayload(payload: string): Confirmation | null {
  const bytes = decodeBase64Url(payload);
  if (bytes === null) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(utf8Text(bytes) ?? "");
  } catch {
    return null;
  }
  if (!Array.isArray(parsed)) return null;
  const members: readonly unknown[] = parsed;
  const texts = [0, 1, 2, 5, 6, 7, 8].map((at) => members[at]);
  const times = [members[3], members[4]];
  if (!texts.every((text) => typeof text === "string") || !times.every((time) => Number.isSafeInteger(time)))
    return null;
  const [credentialId, confirmationId, address, credentialName, connectionName, userAgent, organisationId] =
    texts.map(String);
  if (credentialId === undefined || confirmationId === undefined || address === undefined) return null;
  if (organisationId === undefined) return null;
  return {
    organisationId,
    credentialId,
    confirmationId,
    address,
    expiresAtMs: Number(times[0]),
    requestedAtMs: Number(times[1]),
    credentialName: credentialName ?? "",
    connectionName: connectionName ?? "",
    userAgent: userAgent ?? "",
  };
}

function mac(key: Uint8Array, text: string): Uint8Array {
  return hmac(sha256, key, utf8(text));
}
