/**
 * The wire of x402, versions 1 and 2: headers in, headers and body members out. Pure.
 *
 * Always holds of what is read: at most 16 KiB, strict base64 and UTF-8, JSON at most 32 deep, and every member that is
 * used has its shape. Members that are not used are dropped here: they reach neither the facilitator nor any record.
 */
import { decodeBase64, encodeBase64, utf8, utf8Text } from "./encoding.ts";
import { err, ok, type Result } from "./result.ts";
import type { TransferAuthorization } from "./x402-authorization.ts";

export const MAX_PAYMENT_HEADER_BYTES = 16_384;
export const MAX_PAYMENT_JSON_DEPTH = 32;
const MAX_TEXT_CHARS = 2_048;
const MAX_SIGNATURE_CHARS = 8_194;

/** One way to pay, version 2 (`PaymentRequirements`). `amount`: atomic units. */
export interface Requirements {
  readonly scheme: "exact";
  readonly network: string;
  readonly amount: string;
  readonly asset: string;
  readonly payTo: string;
  readonly maxTimeoutSeconds: number;
  /** The token's EIP-712 domain, and RelayKey's signed quote. */
  readonly extra: { readonly name: string; readonly version: string; readonly quote: string };
}

export interface SignedTransfer {
  readonly signature: string;
  readonly authorization: TransferAuthorization;
}

/** A payment as it was presented. */
export type PresentedPayment =
  | {
      readonly x402Version: 2;
      readonly accepted: Requirements;
      /** What the client says it pays for; null: it does not say. Nothing of it is signed. */
      readonly resourceUrl: string | null;
      readonly transfer: SignedTransfer;
      /** `payment-identifier`, or null. */
      readonly paymentId: string | null;
    }
  | { readonly x402Version: 1; readonly network: string; readonly transfer: SignedTransfer; readonly paymentId: null };

export type WireProblem =
  | "too_large"
  | "not_base64"
  | "not_json"
  | "too_deep"
  | "unsupported_version"
  | "unsupported_scheme"
  | "malformed";

/** Reads `PAYMENT-SIGNATURE` (version 2) or `X-PAYMENT` (version 1). */
export function readPayment(header: string, version: 1 | 2): Result<PresentedPayment, WireProblem> {
  if (header.length > MAX_PAYMENT_HEADER_BYTES) return err("too_large");
  const bytes = decodeBase64(header.trim());
  const text = bytes === null ? null : utf8Text(bytes);
  if (text === null) return err("not_base64");
  if (jsonDepth(text) > MAX_PAYMENT_JSON_DEPTH) return err("too_deep");
  const root = parseObject(text);
  if (root === null) return err("not_json");
  if (root["x402Version"] !== version) return err("unsupported_version");
  const transfer = signedTransfer(root["payload"]);
  if (version === 1) {
    if (root["scheme"] !== "exact") return err("unsupported_scheme");
    const network = shortText(root["network"]);
    return network === null || transfer === null
      ? err("malformed")
      : ok({ x402Version: 1, network, transfer, paymentId: null });
  }
  const accepted = asObject(root["accepted"]);
  if (accepted !== null && accepted["scheme"] !== "exact") return err("unsupported_scheme");
  const requirements = accepted === null ? null : readRequirements(accepted);
  const resource = readResource(root["resource"]);
  const paymentId = readPaymentId(root["extensions"]);
  if (requirements === null || transfer === null || resource === null || paymentId === null) return err("malformed");
  return ok({
    x402Version: 2,
    accepted: requirements,
    resourceUrl: resource.url,
    transfer,
    paymentId: paymentId.id,
  });
}

/** Base64 of JSON, as all three headers carry it. */
export function encodeHeader(value: object): string {
  return encodeBase64(utf8(JSON.stringify(value)));
}

/** The 402 of version 2. */
export function paymentRequired(
  resource: { readonly url: string; readonly description: string },
  accepts: readonly Requirements[],
  error: string,
): object {
  return { x402Version: 2, error, resource, accepts, extensions: { "payment-identifier": PAYMENT_IDENTIFIER } };
}

/** Extension `payment-identifier`: the client may name its payment; the server refuses the name for a second payment. */
const PAYMENT_IDENTIFIER = {
  info: { required: false },
  schema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: { required: { type: "boolean" }, id: { type: "string", minLength: 16, maxLength: 128 } },
    required: ["required"],
  },
};

/** One way to pay, version 1. */
export function v1Requirements(offer: Requirements, network: string, resourceUrl: string, description: string): object {
  return {
    scheme: offer.scheme,
    network,
    maxAmountRequired: offer.amount,
    resource: resourceUrl,
    description,
    mimeType: "",
    payTo: offer.payTo,
    maxTimeoutSeconds: offer.maxTimeoutSeconds,
    asset: offer.asset,
    extra: { name: offer.extra.name, version: offer.extra.version },
  };
}

/** Nesting of the text's brackets, read without recursion; text in quotes does not count. */
export function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char === "\\") at += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") deepest = Math.max(deepest, (depth += 1));
    else if (char === "}" || char === "]") depth -= 1;
  }
  return deepest;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** The object that the text is, or null. */
export function parseObject(text: string): JsonObject | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

export function asObject(value: unknown): JsonObject | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const BYTES32 = /^0x[0-9a-fA-F]{64}$/;
const BYTES = /^0x(?:[0-9a-fA-F]{2})+$/;
const UINT = /^(?:0|[1-9]\d{0,77})$/;
const MAX_UINT256 = 2n ** 256n - 1n;
const PAYMENT_ID = /^[A-Za-z0-9_-]{16,128}$/;

function signedTransfer(value: unknown): SignedTransfer | null {
  const payload = asObject(value);
  const made = asObject(payload?.["authorization"]);
  if (payload === null || made === null) return null;
  const signature = matching(payload["signature"], BYTES, MAX_SIGNATURE_CHARS);
  const from = matching(made["from"], ADDRESS);
  const to = matching(made["to"], ADDRESS);
  const nonce = matching(made["nonce"], BYTES32);
  const amount = uint(made["value"]);
  const validAfter = uint(made["validAfter"]);
  const validBefore = uint(made["validBefore"]);
  if (signature === null || from === null || to === null || nonce === null) return null;
  if (amount === null || validAfter === null || validBefore === null) return null;
  return { signature, authorization: { from, to, value: amount, validAfter, validBefore, nonce } };
}

function readRequirements(accepted: JsonObject): Requirements | null {
  const extra = asObject(accepted["extra"]);
  const network = shortText(accepted["network"]);
  const amount = uint(accepted["amount"]);
  const asset = matching(accepted["asset"], ADDRESS);
  const payTo = matching(accepted["payTo"], ADDRESS);
  const seconds = accepted["maxTimeoutSeconds"];
  const name = shortText(extra?.["name"]);
  const version = shortText(extra?.["version"]);
  // Without a quote the offer is nobody's; that is found when it is compared.
  const quote = extra?.["quote"] === undefined ? "" : shortText(extra["quote"]);
  if (network === null || amount === null || asset === null || payTo === null) return null;
  if (typeof seconds !== "number" || !Number.isSafeInteger(seconds)) return null;
  if (name === null || version === null || quote === null) return null;
  return {
    scheme: "exact",
    network,
    amount,
    asset,
    payTo,
    maxTimeoutSeconds: seconds,
    extra: { name, version, quote },
  };
}

function readResource(value: unknown): { readonly url: string | null } | null {
  if (value === undefined || value === null) return { url: null };
  const url = shortText(asObject(value)?.["url"]);
  return url === null ? null : { url };
}

function readPaymentId(extensions: unknown): { readonly id: string | null } | null {
  const info = asObject(asObject(asObject(extensions)?.["payment-identifier"])?.["info"]);
  const id = info?.["id"];
  if (id === undefined || id === null) return { id: null };
  return typeof id === "string" && PAYMENT_ID.test(id) ? { id } : null;
}

function shortText(value: unknown): string | null {
  return typeof value === "string" && value.length <= MAX_TEXT_CHARS ? value : null;
}

function matching(value: unknown, pattern: RegExp, maxChars = MAX_TEXT_CHARS): string | null {
  return typeof value === "string" && value.length <= maxChars && pattern.test(value) ? value : null;
}

function uint(value: unknown): string | null {
  return typeof value === "string" && UINT.test(value) && BigInt(value) <= MAX_UINT256 ? value : null;
}
