/**
 * Reads the usage that a vendor states in its answer, for pricing, while the answer passes by. It changes no byte, holds
 * none back, and keeps nothing but the last numbers seen.
 */
import type { ReadHeaders } from "../domain/header-map.ts";
import { priceRule, type JsonUsage } from "../domain/price-cost.ts";
import type { PriceRule } from "../domain/price.ts";
import { UsageScan } from "../domain/usage-scan.ts";

export interface UsageMeter {
  /** Returns the chunk itself. */
  push(chunk: Uint8Array): Uint8Array;
  end(): Uint8Array;
  usage(): JsonUsage | null;
}

const NOTHING = new Uint8Array(0);

/** Null when the call's price does not depend on the body, or the body is of a kind that states none. */
export function usageMeter(
  prices: readonly PriceRule[],
  method: string,
  path: string,
  headers: ReadHeaders,
): UsageMeter | null {
  if (prices.length === 0) return null;
  const rule = priceRule(prices, method, path);
  if (rule === null || rule.kind !== "json") return null;
  const type = (headers.get("content-type") ?? "").toLowerCase();
  const events = type.startsWith("text/event-stream");
  if (!events && !type.includes("json")) return null;
  const scan = new UsageScan(
    rule.members.map((each) => each.member),
    events,
  );
  return {
    push(chunk) {
      scan.push(chunk);
      return chunk;
    },
    end: () => NOTHING,
    usage: () => scan.usage(),
  };
}
