/** A grant's demand for payment, as configured in its policy. Providers stand behind `PaymentPort` in `src/ports.ts`. */
export interface PaymentRule {
  readonly provider: "x402" | "credits";
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
