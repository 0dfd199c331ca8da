/** Adds a recipient, or changes one that exists. A change sends only what was changed. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Recipient } from "../../../../src/contract/recipient.ts";
import { patch, post } from "../api/client.ts";
import { recipients } from "../api/directory.ts";
import { useAction } from "../api/resource.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { EnvironmentField } from "./environment-field.tsx";
import { labelsBody, labelsDraft } from "./labels-draft.ts";
import type { LabelsDraft } from "./labels-draft.ts";
import { LabelsField } from "./labels.tsx";
import { limitsBody, limitsDraft } from "./limits-draft.ts";
import type { LimitsDraft } from "./limits-draft.ts";
import { LimitsForm } from "./limits-form.tsx";

const KINDS = ["person", "agent", "service", "team", "customer"].map((each) => ({ value: each, label: each }));

interface RecipientDraft {
  readonly name: Signal<string>;
  readonly kind: Signal<string>;
  readonly email: Signal<string>;
  readonly environment: Signal<string>;
  readonly labels: LabelsDraft;
  readonly limits: LimitsDraft;
}

function recipientDraft(from: Recipient | null): RecipientDraft {
  return {
    name: signal(from?.name ?? ""),
    kind: signal<string>(from?.kind ?? "person"),
    email: signal(from?.email ?? ""),
    environment: signal(from?.environment ?? ""),
    labels: labelsDraft(from?.labels),
    limits: limitsDraft(from?.limits),
  };
}

function members(draft: RecipientDraft): Record<string, unknown> {
  const orNull = (text: Signal<string>): string | null => (text.value.trim() === "" ? null : text.value.trim());
  return {
    name: draft.name.value.trim(),
    kind: draft.kind.value,
    email: orNull(draft.email),
    environment: orNull(draft.environment),
    labels: labelsBody(draft.labels),
    limits: limitsBody(draft.limits),
  };
}

function changed(draft: RecipientDraft, from: Recipient): Record<string, unknown> {
  const before = members(recipientDraft(from));
  const entries = Object.entries(members(draft));
  return Object.fromEntries(entries.filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
}

export function RecipientForm(props: {
  /** Null: a new one. */
  readonly from: Recipient | null;
  readonly onDone: (recipient: Recipient) => void;
  readonly onClose: () => void;
}) {
  const { from } = props;
  const draft = useMemo(() => recipientDraft(from), []);
  const action = useAction(
    () =>
      from === null
        ? post<Recipient>("/recipients", members(draft))
        : patch<Recipient>(`/recipients/${from.id}`, changed(draft, from)),
    (made) => {
      void recipients.want(true);
      props.onDone(made);
    },
  );
  const failure = action.failure.value;
  return (
    <FormDialog
      title={from === null ? "Add a recipient" : `Edit ${from.name}`}
      verb={from === null ? "Add" : "Save"}
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
      wide
    >
      <div class="columns">
        <TextField label="Name" name="name" value={draft.name} failure={failure} required autoFocus />
        <SelectField label="Kind" name="kind" value={draft.kind} failure={failure} choices={KINDS} />
      </div>
      <div class="columns">
        <TextField
          label="Email"
          name="email"
          type="email"
          value={draft.email}
          failure={failure}
          hint="Confirmations of new addresses are mailed there"
          optional
        />
        <EnvironmentField
          value={draft.environment}
          failure={failure}
          hint="Only connections and keys of it may be used"
        />
      </div>
      <LabelsField draft={draft.labels} failure={failure} />
      <fieldset class="stack tight">
        <legend>Limits over all credentials together</legend>
        <LimitsForm draft={draft.limits} failure={failure} perCustomer={false} />
      </fieldset>
    </FormDialog>
  );
}
