/** Management keys: authority over the API for scripts and services, and what a provisioner may mint. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type * as z from "zod";
import type { IssuedManagementKey, ManagementKey } from "../../../../src/contract/management-key.ts";
import { post } from "../api/client.ts";
import { connections } from "../api/directory.ts";
import { useAction, useList } from "../api/resource.ts";
import { canEdit, session, signInWithKey } from "../api/session.ts";
import { plain } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog, SecretDialog } from "../ui/dialog.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty, FailureNote } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Status, Text, Time } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";
import { constraintsText } from "./constraints-form.tsx";
import { NewKey } from "./new-key.tsx";

type Issued = z.infer<typeof IssuedManagementKey>;

export function Keys() {
  const list = useList<ManagementKey>("/management-keys");
  const making = useSignal(false);
  const issued = useSignal<Issued | null>(null);
  const revoking = useSignal<ManagementKey | null>(null);
  useEffect(() => void connections.want(), []);
  const rotate = useAction(
    (id: string) => post<Issued>(`/management-keys/${id}/rotate`),
    (made) => {
      issued.value = made;
      void stay(made).then((here) => (here ? list.reload() : undefined));
    },
  );
  const make = (
    <Button look="primary" icon="plus" onClick={() => (making.value = true)}>
      New key
    </Button>
  );
  const gone = revoking.value;
  return (
    <>
      <PageHead title="Management keys" actions={canEdit.value ? make : undefined}>
        For scripts, services and agents that manage access. A provisioner mints credentials, and only inside its
        constraints.
      </PageHead>
      <FailureNote failure={rotate.failure.value} />
      <ListView
        label="Management keys"
        list={list}
        empty={
          <Empty icon="key" title="No management key yet" action={canEdit.value ? make : undefined}>
            The owner’s key from the installation is not listed here.
          </Empty>
        }
        columns={[
          { head: "Name", cell: (row) => <Text value={row.name} /> },
          { head: "Role", cell: (row) => row.role },
          { head: "Status", cell: (row) => <Status value={row.status} /> },
          { head: "Key", cell: (row) => <code>…{plain(row.last4)}</code> },
          { head: "May mint", cell: (row) => constraintText(row) },
          { head: "Last used", cell: (row) => <Time at={row.last_used_at} /> },
          {
            head: "",
            right: true,
            cell: (row) =>
              canEdit.value && row.status === "active" ? (
                <span class="actions">
                  <Button look="quiet" onClick={() => rotate.run(row.id)}>
                    Rotate
                  </Button>
                  <Button look="quiet" onClick={() => (revoking.value = row)}>
                    Revoke
                  </Button>
                </span>
              ) : null,
          },
        ]}
      />
      {making.value ? (
        <NewKey
          onMade={(made) => {
            making.value = false;
            issued.value = made;
            void list.reload();
          }}
          onClose={() => (making.value = false)}
        />
      ) : null}
      {issued.value === null ? null : (
        <SecretDialog
          title={`${issued.value.name} is ready`}
          secret={issued.value.key}
          what="management key"
          done="I have kept the key"
          onClose={() => (issued.value = null)}
        >
          This is the only time the key is shown.
        </SecretDialog>
      )}
      {gone === null ? null : (
        <ConfirmDialog
          title={`Revoke ${gone.name}`}
          verb="Revoke"
          name={gone.name}
          run={() => post(`/management-keys/${gone.id}/revoke`)}
          onDone={() => {
            revoking.value = null;
            notify("Revoked.");
            void list.reload();
          }}
          onClose={() => (revoking.value = null)}
        >
          <p>The key stops working at once. Credentials that it minted stay as they are.</p>
        </ConfirmDialog>
      )}
    </>
  );
}

/** Replacing the key that opened this session ends it: the new key opens the next. Whether somebody is signed in. */
async function stay(made: Issued): Promise<boolean> {
  return made.id !== session.value?.id || (await signInWithKey(made.key)) === null;
}

function constraintText(row: ManagementKey): string {
  if (row.constraints !== null) return constraintsText(row.constraints);
  return row.role === "auditor" ? "nothing" : "anything its role may";
}
