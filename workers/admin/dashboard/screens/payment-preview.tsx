/** Says what a call would cost by the prices as they stand, by the very rule that the proxy uses. */
import { useSignal } from "@preact/signals";
import { callPrice } from "../../../../src/domain/payment-price.ts";
import { dollars } from "../amount.ts";
import { SelectField, TextField } from "../ui/field.tsx";
import { paymentBody } from "./payment-draft.ts";
import type { PaymentDraft } from "./payment-draft.ts";

export function PricePreview({ draft }: { readonly draft: PaymentDraft }) {
  const method = useSignal("GET");
  const path = useSignal("/");
  return (
    <div class="preview">
      <div class="columns">
        <SelectField
          label="Try a call"
          name="preview.method"
          value={method}
          choices={["GET", "POST", "PUT", "PATCH", "DELETE"].map((each) => ({ value: each, label: each }))}
        />
        <TextField label="Its path" name="preview.path" value={path} placeholder="/v1/reports/7" code />
      </div>
      <p role="status">{costText(draft, method.value, path.value.trim())}</p>
    </div>
  );
}

function costText(draft: PaymentDraft, method: string, path: string): string {
  const body = paymentBody(draft);
  if (!body.ok || body.value === null) return "Once every price is an amount, this says what a call costs.";
  const { default_usd_micros: defaultUsdMicros, prices = [] } = body.value;
  const rule = {
    provider: body.value.provider,
    defaultUsdMicros,
    // A price without methods or paths would match every call; the API does not take one.
    prices: prices
      .filter((each) => each.methods.length > 0 && each.paths.length > 0)
      .map(({ usd_micros: usdMicros, ...rest }) => ({ ...rest, usdMicros })),
    flow: "authorization",
    quoteLifetimeSeconds: 1,
    accepts: [],
    facilitatorUrl: null,
    account: null,
  } as const;
  const micros = callPrice(rule, method, path);
  return micros === 0 ? "This call is free." : `This call costs ${dollars(micros)}.`;
}
