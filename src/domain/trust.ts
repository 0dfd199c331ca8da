/**
 * Which addresses may use a credential. Pure.
 *
 * `first_use`: the first address is trusted on the spot. `fixed`: only the listed blocks, and what was confirmed or
 * added later. `off`: every address. In all modes but `off`, an address that is not known must be confirmed by the
 * recipient. An address of another Worker can be allowed by a list and never be confirmed or learned: whoever writes a
 * Worker sends from the same addresses as everyone else's Workers. Lists are a policy's `addresses` and `allow_workers`, and
 * what an administrator added to the credential.
 */
import type { AddressBytes, Block } from "./address.ts";
import { blockHolds, formatAddress, formatBlock, parseAddress, parseBlock, trustKey } from "./address.ts";
import type { ClientAddress } from "./admission.ts";
import type { TrustOrigin } from "./gate-records.ts";
import type { Trust } from "./limits.ts";

export const CONFIRMATION_TTL_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;
/** Confirmations asked for, per credential and hour; and one per address and hour. */
export const MAX_ASKS_PER_HOUR = 5;

export type AddressVerdict =
  | { readonly verdict: "trusted" }
  /** Trusted from now on, because it is the first. */
  | { readonly verdict: "first_use"; readonly key: string }
  | { readonly verdict: "unconfirmed"; readonly key: string }
  /** Nobody can confirm it: another Worker, or no address at all. */
  | { readonly verdict: "unconfirmable" };

export interface KnownAddresses {
  /** By trust key (`trustKey`); `how` says who trusted it. */
  readonly trusted: ReadonlyMap<string, { readonly how: TrustOrigin }>;
  readonly firstUseOver: boolean;
}

export function judgeAddress(trust: Trust, known: KnownAddresses, address: ClientAddress): AddressVerdict {
  if (trust.mode === "off") return { verdict: "trusted" };
  // An IPv4 address is its own key: the usual case needs no parsing.
  if (!address.viaWorker && address.ip !== null && known.trusted.has(address.ip)) return { verdict: "trusted" };
  const bytes = address.ip === null ? null : parseAddress(address.ip);
  if (address.ip === null || bytes === null) return { verdict: "unconfirmable" };
  const key = trustKey(address.ip);
  if (address.viaWorker) {
    const lists = listed(trust.addresses, bytes) || listed(trust.allowWorkers, bytes);
    const allowed = lists || known.trusted.get(key)?.how === "admin";
    return allowed ? { verdict: "trusted" } : { verdict: "unconfirmable" };
  }
  if (known.trusted.has(key) || listed(trust.addresses, bytes)) return { verdict: "trusted" };
  if (trust.mode === "first_use" && !known.firstUseOver) return { verdict: "first_use", key };
  return { verdict: "unconfirmed", key };
}

export interface PastAsk {
  readonly atMs: number;
  readonly address: string;
  readonly outcome: "open" | "confirmed" | "denied";
}

/** Whether one more confirmation may be asked for: one per address and hour, five per credential and hour. */
export function mayAsk(asks: Iterable<PastAsk>, key: string, nowMs: number): boolean {
  let recent = 0;
  for (const ask of asks) {
    if (ask.atMs <= nowMs - HOUR_MS) continue;
    recent += 1;
    if (ask.address === key || recent >= MAX_ASKS_PER_HOUR) return false;
  }
  return true;
}

export type ConfirmFailure = "unknown" | "used" | "expired" | "mismatch";

/** Why a confirmation cannot be used, or null when it can. */
export function confirmFailure(ask: PastAsk | undefined, address: string, nowMs: number): ConfirmFailure | null {
  if (ask === undefined) return "unknown";
  if (ask.address !== address) return "mismatch";
  if (ask.outcome !== "open") return "used";
  return nowMs >= ask.atMs + CONFIRMATION_TTL_MS ? "expired" : null;
}

/** `kate@example.com` → `k***@example.com`. */
export function maskEmail(email: string): string {
  const at = email.lastIndexOf("@");
  return at < 1 ? "***" : `${email.slice(0, 1)}***${email.slice(at)}`;
}

/** The name under which a given address is trusted: IPv4, or an IPv6 /64 or narrower; null for anything else. */
export function trustKeyOf(text: string): string | null {
  const block = parseBlock(text);
  if (block === null) return null;
  if (block.bytes.length === 4) return block.bits === 32 ? formatBlock(block) : null;
  return block.bits >= 64 ? trustKey(formatAddress(block.bytes)) : null;
}

/** Lists are parsed once per document; blocks that do not parse match nothing. */
const parsedLists = new WeakMap<readonly string[], readonly Block[]>();

function listed(blocks: readonly string[], bytes: AddressBytes): boolean {
  if (blocks.length === 0) return false;
  let list = parsedLists.get(blocks);
  if (list === undefined) {
    list = blocks.map((block) => parseBlock(block)).filter((block) => block !== null);
    parsedLists.set(blocks, list);
  }
  return list.some((block) => blockHolds(block, bytes));
}
