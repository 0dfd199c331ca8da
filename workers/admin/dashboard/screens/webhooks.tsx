/** Webhooks: who is told when something happens. */
import { useSignal } from "@preact/signals";
import type * as z from "zod";
import type { Webhook, WebhookWithSecret } from "../../../../src/contract/webhook.ts";
import { useList } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plain } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { SecretDialog } from "../ui/dialog.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Code, Status, Text, Time } from "../ui/text.tsx";
import { WebhookForm } from "./webhook-form.tsx";

type Made = z.infer<typeof WebhookWithSecret>;

export function Webhooks() {
  const list = useList<Webhook>("/webhooks");
  const making = useSignal(false);
  const made = useSignal<Made | null>(null);
  const make = (
    <Button look="primary" icon="plus" onClick={() => (making.value = true)}>
      New webhook
    </Button>
  );
  return (
    <>
      <PageHead title="Webhooks" actions={canEdit.value ? make : undefined}>
        Signed messages to your own systems when an address, a budget, a vendor or a credential needs attention.
      </PageHead>
      <ListView
        label="Webhooks"
        list={list}
        to={(row) => `/webhooks/${row.id}`}
        empty={
          <Empty icon="webhook" title="No webhook yet" action={canEdit.value ? make : undefined}>
            Chat, paging and tickets can be told the moment something needs somebody.
          </Empty>
        }
        columns={[
          { head: "Name", cell: (row) => <Text value={row.name} /> },
          { head: "Status", cell: (row) => <Status value={row.status} /> },
          { head: "URL", cell: (row) => <Code value={row.url} /> },
          { head: "Told of", cell: (row) => plain(row.events.includes("*") ? "everything" : row.events.join(", ")) },
          { head: "Changed", cell: (row) => <Time at={row.updated_at} /> },
        ]}
      />
      {making.value ? (
        <WebhookForm
          from={null}
          onDone={(each) => {
            making.value = false;
            made.value = each;
            void list.reload();
          }}
          onClose={() => (making.value = false)}
        />
      ) : null}
      {made.value === null ? null : <SecretShown secret={made.value.secret} onClose={() => (made.value = null)} />}
    </>
  );
}

export function SecretShown({ secret, onClose }: { readonly secret: string; readonly onClose: () => void }) {
  return (
    <SecretDialog
      title="The signing secret"
      secret={secret}
      what="signing secret"
      done="I have kept the secret"
      onClose={onClose}
    >
      This is the only time it is shown. Deliveries are signed as Standard Webhooks 1.0 says.
    </SecretDialog>
  );
}
