/** Adds a customer, or changes name, labels and limits of one that exists: calls go on naming it by its reference. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Customer } from "../../../../src/contract/customer.ts";
import { patch, post } from "../api/client.ts";
import { customers } from "../api/directory.ts";
import { useAction } from "../api/resource.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { labelsBody, labelsDraft } from "./labels-draft.ts";
import { LabelsField } from "./labels.tsx";
import { limitsBody, limitsDraft } from "./limits-draft.ts";
import { LimitsForm } from "./limits-form.tsx";

export function CustomerForm(props: {
  /** Null: a new one. */
  readonly from: Customer | null;
  readonly onDone: (customer: Customer) => void;
  readonly onClose: () => void;
}) {
  const { from } = props;
  const reference = useSignal(from?.reference ?? "");
  const name = useSignal(from?.name ?? "");
  const labels = useMemo(() => labelsDraft(from?.labels), []);
  const limits = useMemo(() => limitsDraft(from?.limits), []);
  const action = useAction(
    () => {
      const named = name.value.trim() === "" ? {} : { name: name.value.trim() };
      const { rate, budgets } = limitsBody(limits);
      const members = { ...named, labels: labelsBody(labels), limits: { rate, budgets } };
      return from === null
        ? post<Customer>("/customers", { reference: reference.value.trim(), ...members })
        : patch<Customer>(`/customers/${from.id}`, members);
    },
    (made) => {
      void customers.want(true);
      props.onDone(made);
    },
  );
  const failure = action.failure.value;
  return (
    <FormDialog
      title={from === null ? "Add a customer" : `Edit ${from.name}`}
      verb={from === null ? "Add" : "Save"}
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
      wide
    >
      {from === null ? (
        <TextField
          label="Reference"
          name="reference"
          value={reference}
          failure={failure}
          hint="What calls name: letters, digits and . _ : @ -"
          code
          required
          autoFocus
        />
      ) : null}
      <TextField
        label="Name"
        name="name"
        value={name}
        failure={failure}
        autoFocus={from !== null}
        {...(from === null ? { optional: true } : { required: true })}
      />
      <LabelsField draft={labels} failure={failure} />
      <fieldset class="stack tight">
        <legend>Limits over all its calls</legend>
        <LimitsForm draft={limits} failure={failure} perCustomer={false} />
      </fieldset>
    </FormDialog>
  );
}
