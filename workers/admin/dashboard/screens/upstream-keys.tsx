/** The master keys of a connection: last four characters, rotation at once or with a canary, disabling. */
import { useSignal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import type { UpstreamCredential } from "../../../../src/contract/upstream-credential.ts";
import { apiPath, call, patch, post } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plain } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Section } from "../ui/page.tsx";
import { Empty, FailureNote } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";
import { Status, Text, Time } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";
import { KeyDialog, KeyPlacement } from "./key-dialog.tsx";

interface Props {
  readonly connection: Connection;
  readonly onChanged: () => void;
}

export function UpstreamKeys({ connection, onChanged }: Props) {
  const dialog = useSignal<
    { readonly kind: "add" } | { readonly kind: "rotate" | "remove" | "edit"; readonly key: UpstreamCredential } | null
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
            { head: "Key", cell: (key) => <KeyName upstream={key} /> },
            { head: "Status", cell: (key) => <Status value={key.status} /> },
            {
              head: "For",
              cell: (key) => (key.environment === null ? <span class="muted">any</span> : plain(key.environment)),
            },
            { head: "Priority", right: true, cell: (key) => key.priority },
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
                    <Button look="quiet" onClick={() => (dialog.value = { kind: "edit", key })}>
                      Edit
                    </Button>
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
          connection={connection}
          replaces={null}
          onDone={() => done("The key is kept.")}
          onClose={close}
        />
      ) : null}
      {open?.kind === "rotate" ? (
        <KeyDialog
          title={`Rotate ${keyText(open.key)}`}
          connection={connection}
          replaces={open.key}
          onDone={() => done("Rotated.")}
          onClose={close}
        />
      ) : null}
      {open?.kind === "edit" ? (
        <KeyPlacement upstream={open.key} onDone={() => done("Saved.")} onClose={close} />
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

/** How people tell one key from another: its name, or its last characters. */
function keyText(key: UpstreamCredential): string {
  return key.name ?? (key.last4 === "" ? key.id : `…${key.last4}`);
}

const STORES: Readonly<Record<string, string>> = {
  worker_secret: "a secret of this Worker",
  secrets_store: "in Secrets Store",
  vault: "in Vault",
  aws_secrets_manager: "in AWS Secrets Manager",
};

function KeyName({ upstream }: { readonly upstream: UpstreamCredential }) {
  const store = STORES[upstream.provider];
  return (
    <>
      {upstream.name === null ? null : <Text value={upstream.name} />}{" "}
      {upstream.last4 === "" ? null : <code>…{plain(upstream.last4)}</code>}
      {store === undefined ? null : <small>{store}</small>}
      {upstream.name === null && upstream.last4 === "" && store === undefined ? (
        <code>{plain(upstream.id)}</code>
      ) : null}
    </>
  );
}
