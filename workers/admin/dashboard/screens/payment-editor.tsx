/** What callers pay under a policy: nothing, out of prepaid credits, or with a token, and how much for which calls. */
import type { Failure } from "../api/client.ts";
import { Button } from "../ui/button.tsx";
import { CheckField, Choices, TextArea, TextField } from "../ui/field.tsx";
import { Methods } from "../ui/methods.tsx";
import { PaymentTokens } from "./payment-tokens.tsx";
import { PricePreview } from "./payment-preview.tsx";
import { priceRuleDraft, takesTokens } from "./payment-draft.ts";
import type { PaymentDraft, PriceRuleDraft } from "./payment-draft.ts";

export function PaymentEditor({ draft, failure }: { readonly draft: PaymentDraft; readonly failure: Failure | null }) {
  const provider = draft.provider.value;
  return (
    <div class="stack">
      <Choices
        legend="Callers pay"
        value={draft.provider}
        choices={[
          { value: "", label: "Nothing", hint: "No payment is asked for" },
          { value: "credits", label: "Prepaid credits", hint: "Out of an account that you top up" },
          { value: "x402", label: "A token (x402)", hint: "An agent’s wallet pays each call" },
        ]}
      />
      {provider === "" ? null : (
        <>
          <Prices draft={draft} failure={failure} />
          {provider === "credits" ? <Credits draft={draft} /> : null}
          {takesTokens(draft) ? <PaymentTokens draft={draft} failure={failure} /> : null}
          <PricePreview draft={draft} />
        </>
      )}
    </div>
  );
}

function Credits({ draft }: { readonly draft: PaymentDraft }) {
  return (
    <>
      <Choices
        legend="Whose account pays"
        value={draft.account}
        choices={[
          { value: "recipient", label: "The recipient’s", hint: "Of the team or agent that holds the credential" },
          { value: "customer", label: "The end customer’s", hint: "Named by each call in X-RelayKey-Customer" },
        ]}
      />
      <CheckField
        label="Offer a token to callers whose credits do not suffice"
        value={draft.alsoTokens}
        hint="They are asked to pay with x402 in the same answer"
      />
    </>
  );
}

function Prices({ draft, failure }: { readonly draft: PaymentDraft; readonly failure: Failure | null }) {
  const rules = draft.rules.value;
  return (
    <div class="stack">
      <div class="price-single">
        <TextField
          label="Price of a call, US dollars"
          name="price.default_usd_micros"
          value={draft.usd}
          failure={failure}
          hint={rules.length === 0 ? "0 is free" : "For calls that no price below is for; 0 is free"}
          required
        />
      </div>
      {rules.map((rule, i) => (
        <PriceRule
          key={rule.key}
          rule={rule}
          index={i}
          failure={failure}
          onRemove={() => (draft.rules.value = rules.filter((each) => each !== rule))}
        />
      ))}
      <div class="row">
        <Button icon="plus" onClick={() => (draft.rules.value = [...rules, priceRuleDraft()])}>
          Add a price for some calls
        </Button>
        {rules.length > 1 ? <span class="muted">The first that fits a call counts.</span> : null}
      </div>
    </div>
  );
}

function PriceRule(props: {
  readonly rule: PriceRuleDraft;
  readonly index: number;
  readonly failure: Failure | null;
  readonly onRemove: () => void;
}) {
  const { rule, index, failure } = props;
  const name = `price.prices[${index}]`;
  return (
    <fieldset class="rule">
      <legend class="sr-only">Price {index + 1}</legend>
      <div class="row spread">
        <Methods legend={`Methods of price ${index + 1}`} value={rule.methods} />
        <Button look="quiet" icon="close" label={`Remove price ${index + 1}`} onClick={props.onRemove} />
      </div>
      {rule.methods.value.length === 0 ? <p class="error">Choose a method</p> : null}
      <div class="price-rule">
        <TextArea
          label="Paths"
          name={`${name}.paths`}
          value={rule.paths}
          failure={failure}
          rows={2}
          placeholder="/v1/reports/*"
          hint="One a line, from the vendor’s root"
        />
        <TextField
          label="US dollars a call"
          name={`${name}.usd_micros`}
          value={rule.usd}
          failure={failure}
          placeholder="0.05"
          required
        />
      </div>
    </fieldset>
  );
}
