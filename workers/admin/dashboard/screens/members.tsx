/** Members: people who sign in to this dashboard. Only an owner changes them. */
import { useSignal } from "@preact/signals";
import type { Member } from "../../../../src/contract/member.ts";
import { apiPath, call, patch, post } from "../api/client.ts";
import { useAction, useList } from "../api/resource.ts";
import { isOwner } from "../api/session.ts";
import { plain } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog, FormDialog } from "../ui/dialog.tsx";
import { Choices, TextField } from "../ui/field.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Status, Text, Time } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";

const ROLES = [
  { value: "owner", label: "Owner", hint: "Everything, members and keys too" },
  { value: "admin", label: "Admin", hint: "Connections, credentials, policies" },
  { value: "auditor", label: "Auditor", hint: "Sees everything, changes nothing" },
];

type Open = { readonly kind: "invite" } | { readonly kind: "edit" | "remove"; readonly member: Member };

export function Members() {
  const list = useList<Member>("/members");
  const open = useSignal<Open | null>(null);
  const close = () => (open.value = null);
  const done = (text: string) => {
    close();
    notify(text);
    void list.reload();
  };
  const end = useAction(
    (id: string) => post(`/members/${id}/revoke-sessions`),
    () => notify("All their sessions are over."),
  );
  const invite = (
    <Button look="primary" icon="plus" onClick={() => (open.value = { kind: "invite" })}>
      Invite somebody
    </Button>
  );
  const now = open.value;
  return (
    <>
      <PageHead title="Members" actions={isOwner.value ? invite : undefined}>
        People who sign in here, with a link by mail. Machines use management keys instead.
      </PageHead>
      <ListView
        label="Members"
        list={list}
        empty={
          <Empty icon="member" title="No member yet" action={isOwner.value ? invite : undefined}>
            Until then only management keys open this dashboard.
          </Empty>
        }
        columns={[
          { head: "Name", cell: (row) => <Text value={row.name} /> },
          { head: "Email", cell: (row) => plain(row.email) },
          { head: "Role", cell: (row) => row.role },
          { head: "Status", cell: (row) => <Status value={row.status} /> },
          { head: "Last sign-in", cell: (row) => <Time at={row.last_login_at} /> },
          {
            head: "",
            right: true,
            cell: (row) =>
              isOwner.value && row.status !== "removed" ? (
                <span class="actions">
                  <Button look="quiet" onClick={() => (open.value = { kind: "edit", member: row })}>
                    Role
                  </Button>
                  <Button look="quiet" onClick={() => end.run(row.id)}>
                    End sessions
                  </Button>
                  <Button look="quiet" onClick={() => (open.value = { kind: "remove", member: row })}>
                    Remove
                  </Button>
                </span>
              ) : null,
          },
        ]}
      />
      {now?.kind === "invite" ? (
        <Invite onDone={() => done("Invited. They sign in with a link that they ask for.")} onClose={close} />
      ) : null}
      {now?.kind === "edit" ? <EditRole member={now.member} onDone={() => done("Changed.")} onClose={close} /> : null}
      {now?.kind === "remove" ? (
        <ConfirmDialog
          title={`Remove ${now.member.name}`}
          verb="Remove"
          name={now.member.name}
          run={() => call("DELETE", apiPath(`/members/${now.member.id}`))}
          onDone={() => done("Removed.")}
          onClose={close}
        >
          <p>Their sessions end at once and they cannot sign in again.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function Invite({ onDone, onClose }: { readonly onDone: () => void; readonly onClose: () => void }) {
  const email = useSignal("");
  const name = useSignal("");
  const role = useSignal("admin");
  const action = useAction(
    () => post<Member>("/members", { email: email.value.trim(), name: name.value.trim(), role: role.value }),
    onDone,
  );
  return (
    <FormDialog title="Invite somebody" verb="Invite" action={action} submit={() => action.run()} onClose={onClose}>
      <TextField
        label="Email"
        name="email"
        type="email"
        value={email}
        failure={action.failure.value}
        required
        autoFocus
      />
      <TextField label="Name" name="name" value={name} failure={action.failure.value} required />
      <Choices legend="Role" value={role} choices={ROLES} />
    </FormDialog>
  );
}

function EditRole({
  member,
  onDone,
  onClose,
}: {
  readonly member: Member;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const role = useSignal<string>(member.role);
  const action = useAction(() => patch<Member>(`/members/${member.id}`, { role: role.value }), onDone);
  return (
    <FormDialog
      title={`Role of ${member.name}`}
      verb="Save"
      action={action}
      submit={() => action.run()}
      onClose={onClose}
    >
      <Choices legend="Role" value={role} choices={ROLES} />
    </FormDialog>
  );
}
