/** The parts of a policy's form: what it is, whom it trusts, what it allows, how much, and for what price. */
import type { Policy } from "../../../../src/contract/policy.ts";
import type { Failure } from "../api/client.ts";
import { CheckField, SelectField, TextArea, TextField } from "../ui/field.tsx";
import { Section } from "../ui/page.tsx";
import { LimitsForm } from "./limits-form.tsx";
import { PaymentEditor } from "./payment-editor.tsx";
import type { PolicyDraft } from "./policy-draft.ts";
import { ScopeEditor } from "./scope-editor.tsx";

interface Props {
  readonly draft: PolicyDraft;
  readonly policy: Policy | null;
  readonly failure: Failure | null;
}

export function PolicyForm(props: Props) {
  const { draft, failure } = props;
  return (
    <>
      <About {...props} />
      <Section title="Rules">
        <div class="inner">
          <ScopeEditor draft={draft.scope} vendor={null} failure={failure} />
        </div>
      </Section>
      <Section title="Limits">
        <div class="inner">
          <LimitsForm draft={draft.limits} failure={failure} />
        </div>
      </Section>
      <Section title="Payment" note="What callers pay you. The vendor sees nothing of it.">
        <div class="inner">
          <PaymentEditor draft={draft.payment} failure={failure} />
        </div>
      </Section>
    </>
  );
}

function About({ draft, policy, failure }: Props) {
  return (
    <Section title="Policy">
      <div class="inner">
        <div class="columns">
          <TextField
            label="Name"
            name="name"
            value={draft.name}
            failure={failure}
            required
            autoFocus={policy === null}
          />
          <SelectField
            label="Review stops issuing from"
            name="block_from"
            value={draft.blockFrom}
            failure={failure}
            choices={[
              { value: "", label: "critical, for provisioners" },
              ...["medium", "high", "critical"].map((each) => ({ value: each, label: each })),
            ]}
          />
          <SelectField
            label="Addresses"
            name="trust.mode"
            value={draft.trust}
            failure={failure}
            choices={[
              { value: "", label: "As usual for the kind" },
              { value: "first_use", label: "Trust the first, confirm others" },
              { value: "fixed", label: "Only those listed" },
              { value: "off", label: "Any address" },
            ]}
          />
          <SelectField
            label="End customers"
            name="customers.mode"
            value={draft.customers}
            failure={failure}
            choices={[
              // Once stated, the rule can be changed but not taken away.
              ...(policy === null || policy.customers === null ? [{ value: "", label: "As the credential says" }] : []),
              { value: "required", label: "Every call names one" },
              { value: "optional", label: "A call may name one" },
              { value: "refused", label: "No call may name one" },
            ]}
          />
        </div>
        {draft.trust.value === "fixed" ? (
          <TextArea
            label="Listed addresses"
            name="trust.addresses"
            value={draft.addresses}
            failure={failure}
            placeholder={"203.0.113.7\n2001:db8::/48"}
            hint="One address or block a line; empty: those of the credential"
          />
        ) : null}
        {draft.customers.value === "required" || draft.customers.value === "optional" ? (
          <CheckField label="Only customers that are registered here" value={draft.onlyKnown} />
        ) : null}
      </div>
    </Section>
  );
}
