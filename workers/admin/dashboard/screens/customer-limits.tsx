/** What each customer may use of a connection, counted apart for every one of them: shown for all connections, edited for one. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Connection } from "../../../../src/contract/connection.ts";
import { patch } from "../api/client.ts";
import { connections } from "../api/directory.ts";
import { useAction, useResource } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { Dialog, FormDialog } from "../ui/dialog.tsx";
import { Section } from "../ui/page.tsx";
import { Failed, Loading } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";
import { Text } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";
import { limitsBody, limitsDraft } from "./limits-draft.ts";
import { LimitSet, LimitsText, limitsWords } from "./limits-form.tsx";

/** `stated`: only connections that have any. */
export function CustomerLimits({ stated = false }: { readonly stated?: boolean }) {
  const editing = useSignal<Connection | null>(null);
  const close = () => (editing.value = null);
  const rows = connections.items.value.filter(
    ({ limits }) => !stated || limitsWords(limits.per_customer ?? {}).length > 0,
  );
  if (rows.length === 0) return null;
  return (
    <Section
      title="Limits for each customer"
      note="What a connection allows every customer that calls name, counted apart for each."
    >
      <Table
        label="Limits for each customer, by connection"
        rows={rows}
        to={(row) => `/connections/${row.id}`}
        columns={[
          { head: "Connection", cell: (row) => <Text value={row.name} /> },
          {
            head: "Each customer",
            cell: (row) => <LimitsText limits={row.limits.per_customer ?? {}} />,
          },
          {
            head: "",
            right: true,
            cell: (row) =>
              canEdit.value ? (
                <Button
                  look="quiet"
                  label={`Change the limits for each customer at ${row.name}`}
                  onClick={() => (editing.value = row)}
                >
                  Change
                </Button>
              ) : null,
          },
        ]}
      />
      {editing.value === null ? null : <Edit id={editing.value.id} name={editing.value.name} onClose={close} />}
    </Section>
  );
}

interface EditProps {
  readonly id: string;
  readonly name: string;
  readonly onClose: () => void;
}

/** Read anew: the limits are one member of the connection, and those that are not edited here go back with it. */
function Edit(props: EditProps) {
  const resource = useResource<Connection>(`/connections/${props.id}`);
  const found = resource.value.value;
  if (found !== null) return <EditLoaded {...props} connection={found} />;
  return (
    <Dialog title={props.name} onClose={props.onClose}>
      <div class="dialog-body">
        {resource.failure.value === null ? <Loading rows={3} /> : <Failed failure={resource.failure.value} />}
      </div>
    </Dialog>
  );
}

function EditLoaded({ connection, onClose }: EditProps & { readonly connection: Connection }) {
  const draft = useMemo(() => limitsDraft(connection.limits), []);
  const action = useAction(
    () => patch<Connection>(`/connections/${connection.id}`, { limits: limitsBody(draft) }),
    () => {
      void connections.want(true);
      notify("Saved. It holds for every credential from now on.");
      onClose();
    },
  );
  return (
    <FormDialog
      title={`Each customer at ${connection.name}`}
      verb="Save"
      action={action}
      submit={() => action.run()}
      onClose={onClose}
      wide
    >
      <LimitSet
        draft={draft.perCustomer}
        failure={action.failure.value}
        name="limits.per_customer"
        label=", per customer"
      />
    </FormDialog>
  );
}
