/** The fields of a credential: what it is for, what it reaches, how long, how much, from where. */
import { useEffect } from "preact/hooks";
import type { Failure } from "../api/client.ts";
import { connections, policies, recipients, vendors } from "../api/directory.ts";
import { canRead } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { Choices, SelectField, TextArea, TextField } from "../ui/field.tsx";
import { FormSection } from "../ui/page.tsx";
import { EnvironmentField } from "./environment-field.tsx";
import { grantDraft } from "./grant-draft.ts";
import { GrantEditor } from "./grant-editor.tsx";
import type { CredentialDraft } from "./issue-model.ts";
import { LabelsField } from "./labels.tsx";
import { LimitsForm } from "./limits-form.tsx";

const EXPIRIES = [
  { value: "900", label: "15 minutes" },
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
  { value: "604800", label: "7 days" },
  { value: "2592000", label: "30 days" },
  { value: "31536000", label: "1 year" },
  { value: "at", label: "At a time of my choice" },
  { value: "never", label: "Never" },
];

const KINDS = [
  {
    value: "delegated",
    label: "Delegated",
    hint: "For a person or an agent; a new address is confirmed by mail",
  },
  { value: "virtual", label: "Virtual key", hint: "For a service; from any address" },
];

const TRUSTS = [
  { value: "default", label: "As usual for its kind or policy" },
  { value: "first_use", label: "Trust the first, confirm others by mail" },
  { value: "fixed", label: "Only those listed" },
  { value: "off", label: "Any address" },
];

interface FormProps {
  readonly draft: CredentialDraft;
  readonly failure: Failure | null;
  readonly exists: boolean;
}

export function CredentialForm(props: FormProps) {
  const { draft, failure } = props;
  useEffect(() => {
    void vendors.want();
    if (canRead.value) void Promise.all([connections.want(), recipients.want(), policies.want()]);
  }, []);
  const grants = draft.grants.value;
  return (
    <div class="stack">
      <WhoFor {...props} />
      {grants.map((grant, i) => (
        <FormSection key={grant.key} title={grants.length === 1 ? "What it reaches" : `Connection ${i + 1}`}>
          <GrantEditor
            draft={grant}
            failure={failure}
            prefix={`grants[${i}].`}
            onRemove={grants.length > 1 ? () => (draft.grants.value = grants.filter((each) => each !== grant)) : null}
          />
        </FormSection>
      ))}
      <div class="row">
        <Button icon="plus" onClick={() => (draft.grants.value = [...grants, grantDraft()])}>
          Add another connection
        </Button>
      </div>
      <HowMuch {...props} />
      <FromWhere {...props} />
    </div>
  );
}

function WhoFor({ draft, failure, exists }: FormProps) {
  const active = recipients.items.value.filter((each) => each.status === "active");
  return (
    <FormSection title="Who and what for">
      <div class="columns">
        <TextField
          label="Name"
          name="name"
          value={draft.name}
          failure={failure}
          placeholder="kate-reads-contacts"
          required
          autoFocus={!exists}
        />
        {canRead.value ? (
          <SelectField
            label="Recipient"
            name="recipient_id"
            value={draft.recipientId}
            failure={failure}
            choices={[
              { value: "", label: "Nobody in particular" },
              ...active.map((each) => ({ value: each.id, label: each.name })),
            ]}
          />
        ) : null}
        <EnvironmentField value={draft.environment} failure={failure} />
      </div>
      {exists ? null : <Choices legend="Kind" value={draft.kind} choices={KINDS} />}
      <LabelsField draft={draft.labels} failure={failure} />
    </FormSection>
  );
}

function HowMuch({ draft, failure, exists }: FormProps) {
  return (
    <FormSection title="How long and how much">
      <div class="columns">
        <SelectField
          label="Expires"
          name="ttl_seconds"
          value={draft.ttl}
          failure={failure}
          choices={exists ? [{ value: "keep", label: "As it is" }, ...EXPIRIES] : EXPIRIES}
        />
        {draft.ttl.value === "at" ? (
          <TextField
            label="On"
            name="expires_at"
            type="datetime-local"
            value={draft.expiresAt}
            failure={failure}
            required
          />
        ) : null}
      </div>
      <LimitsForm draft={draft.limits} failure={failure} />
    </FormSection>
  );
}

function FromWhere({ draft, failure }: FormProps) {
  return (
    <FormSection title="From where">
      <div class="columns">
        <SelectField label="Addresses" name="trust.mode" value={draft.trust} failure={failure} choices={TRUSTS} />
        {draft.trust.value === "fixed" || draft.trust.value === "first_use" ? (
          <TextArea
            label="Trusted from the start"
            name="trust.addresses"
            value={draft.addresses}
            failure={failure}
            placeholder="203.0.113.0/24"
            hint="Addresses or blocks, one a line"
            optional={draft.trust.value !== "fixed"}
          />
        ) : null}
      </div>
    </FormSection>
  );
}
