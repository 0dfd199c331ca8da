/** The master keys of a connection: last four characters, rotation at once or with a canary, disabling. */
import { useSignal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import type { UpstreamCredential } from "../../../../src/contract/upstream-credential.ts";
import { apiPath, call, patch, post } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plain } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog, FormDialog } from "../ui/dialog.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { Section } from "../ui/page.tsx";
import { SecretField, useSecretInput } from "../ui/secret-field.tsx";
import { Empty, FailureNote } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";
import { Status, Time } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";

interface Props {
  readonly connection: Connection;
  readonly onChanged: () => void;
}

export function UpstreamKeys({ connection, onChanged }: Props) {
  const dialog = useSignal<
    { readonly kind: "add" } | { readonly kind: "rotate" | "remove"; readonly key: UpstreamCredential } | null
  >(null);
  const base = `/connections/${connection.id}/upstream-credentials`;
  const act = useAction((run: () => ReturnType<typeof patch>) => run(), onChanged);
  const close = () => (dialog.value = null);
  const done = (text: string) => {
    close();
    notify(text);
    onChanged();
  };
  if (connection.auth.scheme === "none") return null;
  const open = dialog.value;
  return (
    <Section
      title="Keys"
      note="Sealed. Only the last four characters are ever shown."
      actions={
        canEdit.value ? (
          <Button icon="plus" onClick={() => (dialog.value = { kind: "add" })}>
            Add a key
          </Button>
        ) : undefined
      }
    >
      <FailureNote failure={act.failure.value} />
      {connection.upstream_credentials.length === 0 ? (
        <Empty icon="key" title="No key yet">
          Calls are refused until there is one.
        </Empty>
      ) : (
        <Table
          label="Keys"
          rows={connection.upstream_credentials}
          columns={[
            { head: "Key", cell: (key) => <code>…{plain(key.last4)}</code> },
            { head: "Status", cell: (key) => <Status value={key.status} /> },
            { head: "Name", cell: (key) => (key.name === null ? <span class="muted">none</span> : plain(key.name)) },
            {
              head: "Share",
              right: true,
              cell: (key) =>
                key.canary_share === null || key.status !== "canary"
                  ? `weight ${key.weight}`
                  : `${Math.round(key.canary_share * 100)} %`,
            },
            { head: "Rotated", cell: (key) => <Time at={key.rotated_at} /> },
            {
              head: "",
              right: true,
              cell: (key) =>
                canEdit.value ? (
                  <span class="actions">
                    {key.status === "canary" ? (
                      <Button look="quiet" onClick={() => act.run(() => post(`${base}/${key.id}/promote`))}>
                        Promote
                      </Button>
                    ) : (
                      <Button
                        look="quiet"
                        onClick={() =>
                          act.run(() =>
                            patch(`${base}/${key.id}`, { status: key.status === "active" ? "disabled" : "active" }),
                          )
                        }
                      >
                        {key.status === "active" ? "Disable" : "Enable"}
                      </Button>
                    )}
                    <Button look="quiet" onClick={() => (dialog.value = { kind: "rotate", key })}>
                      Rotate
                    </Button>
                    <Button look="quiet" onClick={() => (dialog.value = { kind: "remove", key })}>
                      Remove
                    </Button>
                  </span>
                ) : null,
            },
          ]}
        />
      )}
      {open?.kind === "add" ? (
        <KeyDialog
          title="Add a key"
          path={base}
          canary={false}
          onDone={() => done("The key is sealed.")}
          onClose={close}
        />
      ) : null}
      {open?.kind === "rotate" ? (
        <KeyDialog
          title={`Rotate …${open.key.last4}`}
          path={`${base}/${open.key.id}/rotate`}
          canary
          onDone={() => done("Rotated.")}
          onClose={close}
        />
      ) : null}
      {open?.kind === "remove" ? (
        <ConfirmDialog
          title="Remove the key"
          verb="Remove"
          name={open.key.name ?? (open.key.last4 || open.key.id)}
          run={() => call("DELETE", apiPath(`${base}/${open.key.id}`))}
          onDone={() => done("Removed.")}
          onClose={close}
        >
          <p>It is destroyed here. It stays valid at the vendor until you revoke it there.</p>
        </ConfirmDialog>
      ) : null}
    </Section>
  );
}

function KeyDialog(props: {
  readonly title: string;
  readonly path: string;
  readonly canary: boolean;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const input = useSecretInput();
  const name = useSignal("");
  const share = useSignal("0");
  const action = useAction(
    (secret: string) =>
      post(props.path, {
        secret,
        ...(props.canary || name.value.trim() === "" ? {} : { name: name.value.trim() }),
        ...(share.value === "0" ? {} : { canary_share: Number(share.value) / 100 }),
      }),
    props.onDone,
  );
  return (
    <FormDialog
      title={props.title}
      verb="Seal the key"
      action={action}
      submit={() => action.run(input.take())}
      onClose={props.onClose}
    >
      <SecretField input={input} label="New key" failure={action.failure.value} required autoFocus />
      {props.canary ? (
        <SelectField
          label="It takes"
          name="canary_share"
          value={share}
          choices={[
            { value: "0", label: "all calls, at once" },
            { value: "1", label: "1 % of the calls, beside the old one" },
            { value: "10", label: "10 % of the calls, beside the old one" },
            { value: "50", label: "half of the calls, beside the old one" },
          ]}
        />
      ) : (
        <TextField label="Name" name="name" value={name} failure={action.failure.value} optional />
      )}
    </FormDialog>
  );
}
