export const PAYMENT_PROVIDERS = ["x402", "credits"] as const;
export type PaymentProvider = (typeof PAYMENT_PROVIDERS)[number];

/**
 * What became of a payment, as the record has it. `reserved`: set aside for a call that is under way. `settled`: taken, and
 * the call was answered. `released`: not taken; a token payment can be used again. `failed`: the settlement was refused, so
 * nothing was taken. `unknown`: nobody knows whether it was taken. `kept`: taken, and still good for the next try of its
 * call. `refunded`: taken, and given back as credits.
 */
export const PAYMENT_STATES = ["reserved", "settled", "released", "failed", "unknown", "kept", "refunded"] as const;
export type PaymentState = (typeof PAYMENT_STATES)[number];

/** A grant's demand for payment, as configured in its policy. Providers stand behind `PaymentPort` in `src/ports.ts`. */
export interface PaymentRule {
  readonly provider: PaymentProvider;
  /** Price in millionths of a US dollar per call; the first rule that matches wins, else `defaultUsdMicros`. */
  readonly prices: readonly {
    readonly methods: readonly string[];
    readonly paths: readonly string[];
    readonly usdMicros: number;
  }[];
  readonly defaultUsdMicros: number;
  readonly flow: "authorization" | "upfront";
  readonly quoteLifetimeSeconds: number;
  /** x402 only: what is accepted, in the caller's order of preference. */
  readonly accepts: readonly {
    readonly network: string;
    readonly asset: string;
    readonly payTo: string;
    readonly decimals: number;
    readonly name: string;
    readonly version: string;
  }[];
  readonly facilitatorUrl: string | null;
  /** credits: whose ledger pays. x402: whose ledger takes what an `upfront` call paid for nothing; null: the payment keeps. */
  readonly account: "recipient" | "customer" | null;
}
