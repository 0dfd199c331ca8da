/** All recipients: who holds credentials. */
import { useSignal } from "@preact/signals";
import type { Recipient } from "../../../../src/contract/recipient.ts";
import { post } from "../api/client.ts";
import { recipients } from "../api/directory.ts";
import { useAction, useList } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plain } from "../format.ts";
import { navigate } from "../router.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Status, Text, Time } from "../ui/text.tsx";

export function Recipients() {
  const list = useList<Recipient>("/recipients");
  const adding = useSignal(false);
  const add = (
    <Button look="primary" icon="plus" onClick={() => (adding.value = true)}>
      Add a recipient
    </Button>
  );
  return (
    <>
      <PageHead title="Recipients" actions={canEdit.value ? add : undefined}>
        People, agents, services and teams that hold credentials. When one leaves, one step ends all of them.
      </PageHead>
      <ListView
        label="Recipients"
        list={list}
        to={(row) => `/recipients/${row.id}`}
        empty={
          <Empty icon="recipient" title="No recipient yet" action={canEdit.value ? add : undefined}>
            A credential may do without one, but confirmation by mail needs somebody to write to.
          </Empty>
        }
        columns={[
          { head: "Name", cell: (row) => <Text value={row.name} /> },
          { head: "Kind", cell: (row) => row.kind },
          { head: "Status", cell: (row) => <Status value={row.status} /> },
          { head: "Email", cell: (row) => (row.email === null ? <span class="muted">none</span> : plain(row.email)) },
          {
            head: "Environment",
            cell: (row) => (row.environment === null ? <span class="muted">any</span> : plain(row.environment)),
          },
          { head: "Added", cell: (row) => <Time at={row.created_at} /> },
        ]}
      />
      {adding.value ? <AddRecipient onClose={() => (adding.value = false)} /> : null}
    </>
  );
}

function AddRecipient({ onClose }: { readonly onClose: () => void }) {
  const name = useSignal("");
  const email = useSignal("");
  const kind = useSignal("person");
  const action = useAction(
    () =>
      post<Recipient>("/recipients", {
        name: name.value.trim(),
        kind: kind.value,
        ...(email.value.trim() === "" ? {} : { email: email.value.trim() }),
      }),
    (made) => {
      void recipients.want(true);
      navigate(`/recipients/${made.id}`);
    },
  );
  const failure = action.failure.value;
  return (
    <FormDialog title="Add a recipient" verb="Add" action={action} submit={() => action.run()} onClose={onClose}>
      <TextField label="Name" name="name" value={name} failure={failure} required autoFocus />
      <SelectField
        label="Kind"
        name="kind"
        value={kind}
        failure={failure}
        choices={["person", "agent", "service", "team", "customer"].map((each) => ({ value: each, label: each }))}
      />
      <TextField
        label="Email"
        name="email"
        type="email"
        value={email}
        failure={failure}
        hint="Confirmations of new addresses are mailed there"
        optional
      />
    </FormDialog>
  );
}
