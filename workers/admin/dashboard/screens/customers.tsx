/** End customers behind shared credentials, as `X-RelayKey-Customer` names them. */
import { useSignal } from "@preact/signals";
import type { Customer } from "../../../../src/contract/customer.ts";
import { apiPath, call, post } from "../api/client.ts";
import { useAction, useList } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { Button, Link } from "../ui/button.tsx";
import { ConfirmDialog, FormDialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Code, Text, Time } from "../ui/text.tsx";

export function Customers() {
  const list = useList<Customer>("/customers");
  const adding = useSignal(false);
  const removing = useSignal<Customer | null>(null);
  const reference = useSignal("");
  const name = useSignal("");
  const action = useAction(
    () =>
      post<Customer>("/customers", {
        reference: reference.value.trim(),
        ...(name.value.trim() === "" ? {} : { name: name.value.trim() }),
      }),
    () => {
      adding.value = false;
      reference.value = "";
      name.value = "";
      void list.reload();
    },
  );
  const add = (
    <Button look="primary" icon="plus" onClick={() => (adding.value = true)}>
      Add a customer
    </Button>
  );
  const gone = removing.value;
  return (
    <>
      <PageHead title="Customers" actions={canEdit.value ? add : undefined}>
        Your own customers, when one credential serves many: each can have limits of its own.
      </PageHead>
      <ListView
        label="Customers"
        list={list}
        empty={
          <Empty icon="customer" title="No customer yet" action={canEdit.value ? add : undefined}>
            A call names its customer in the header X-RelayKey-Customer.
          </Empty>
        }
        columns={[
          { head: "Name", cell: (row) => <Text value={row.name} /> },
          { head: "Reference", cell: (row) => <Code value={row.reference} /> },
          { head: "Added", cell: (row) => <Time at={row.created_at} /> },
          {
            head: "Calls",
            cell: (row) => <Link to={`/audit?customer=${encodeURIComponent(row.reference)}`}>In the audit log</Link>,
          },
          {
            head: "",
            right: true,
            cell: (row) =>
              canEdit.value ? (
                <Button look="quiet" onClick={() => (removing.value = row)}>
                  Remove
                </Button>
              ) : null,
          },
        ]}
      />
      {adding.value ? (
        <FormDialog
          title="Add a customer"
          verb="Add"
          action={action}
          submit={() => action.run()}
          onClose={() => (adding.value = false)}
        >
          <TextField
            label="Reference"
            name="reference"
            value={reference}
            failure={action.failure.value}
            hint="What calls name: letters, digits and . _ : @ -"
            code
            required
            autoFocus
          />
          <TextField label="Name" name="name" value={name} failure={action.failure.value} optional />
        </FormDialog>
      ) : null}
      {gone === null ? null : (
        <ConfirmDialog
          title={`Remove ${gone.name}`}
          verb="Remove"
          name={gone.name}
          run={() => call("DELETE", apiPath(`/customers/${gone.id}`))}
          onDone={() => {
            removing.value = null;
            void list.reload();
          }}
          onClose={() => (removing.value = null)}
        >
          <p>Credentials that ask for a known customer will refuse its calls. What it did stays on record.</p>
        </ConfirmDialog>
      )}
    </>
  );
}
