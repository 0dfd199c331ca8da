/** What callers pay under a policy or grant, in a few words. Pure. */
import type { Policy } from "../../../../src/contract/policy.ts";
import { dollars } from "../amount.ts";

/** `$0.001 a call, x402`; `$0.00–$0.05 a call, credits` where calls differ. Null: nothing is asked. */
export function priceText(price: Policy["price"]): string | null {
  if (price === null) return null;
  const amounts = [price.default_usd_micros, ...(price.prices ?? []).map((each) => each.usd_micros)];
  const least = Math.min(...amounts);
  const most = Math.max(...amounts);
  const amount = least === most ? dollars(least) : `${dollars(least)}–${dollars(most)}`;
  return `${amount} a call, ${price.provider}`;
}
