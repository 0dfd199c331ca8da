/** What a call costs, as configured on a connection. Amounts are millionths of a US dollar (integers). */
export type PriceRule =
  | {
      readonly kind: "fixed";
      readonly methods: readonly string[];
      readonly paths: readonly string[];
      readonly usdMicros: number;
    }
  /** The vendor states the cost in a response header: value × `usdMicrosPerUnit`. */
  | {
      readonly kind: "header";
      readonly methods: readonly string[];
      readonly paths: readonly string[];
      readonly name: string;
      readonly usdMicrosPerUnit: number;
      readonly maxUsdMicros: number;
    }
  /** JSON members of the answer × their rates, summed; for streamed answers the last usage seen counts. */
  | {
      readonly kind: "json";
      readonly methods: readonly string[];
      readonly paths: readonly string[];
      readonly members: readonly {
        readonly member: string;
        readonly usdMicrosPerUnit: number;
        /** An answer without it is priced by the others (cached tokens, another API's name); else its cost is not known. */
        readonly optional?: boolean;
      }[];
      /** Reserved at admission; the actual cost is settled and the rest given back. */
      readonly maxUsdMicros: number;
    };
