/** One webhook: its deliveries, a test, a new secret, pausing and deleting. */
import { useSignal } from "@preact/signals";
import type * as z from "zod";
import type { Webhook, WebhookDelivery, WebhookWithSecret } from "../../../../src/contract/webhook.ts";
import { apiPath, call, patch, post } from "../api/client.ts";
import { useAction, useList, useResource } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plain } from "../format.ts";
import { navigate } from "../router.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Facts, PageHead, PendingPage, Section } from "../ui/page.tsx";
import { Empty, FailureNote } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Code, Id, Status, Time } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";
import type { ScreenProps } from "./screen.ts";
import { WebhookForm } from "./webhook-form.tsx";
import { SecretShown } from "./webhooks.tsx";

export function WebhookPage({ params }: ScreenProps) {
  const path = `/webhooks/${params["id"] ?? ""}`;
  const resource = useResource<Webhook>(path);
  const deliveries = useList<WebhookDelivery>(`${path}/deliveries`);
  const secret = useSignal<string | null>(null);
  const deleting = useSignal(false);
  const editing = useSignal(false);
  const webhook = resource.value.value;
  const change = useAction(
    () => patch<Webhook>(path, { status: webhook?.status === "active" ? "paused" : "active" }),
    (next) => (resource.value.value = next),
  );
  const test = useAction(
    () => post(`${path}/test`),
    () => {
      notify("A test message is on its way.");
      void deliveries.reload();
    },
  );
  const rotate = useAction(
    () => post<z.infer<typeof WebhookWithSecret>>(`${path}/rotate-secret`),
    (made) => (secret.value = made.secret),
  );
  if (webhook === null) {
    return (
      <PendingPage
        title="Webhook"
        up={{ to: "/webhooks", label: "Webhooks" }}
        failure={resource.failure.value}
        retry={() => void resource.reload()}
      />
    );
  }
  return (
    <>
      <PageHead
        title={webhook.name}
        up={{ to: "/webhooks", label: "Webhooks" }}
        badge={<Status value={webhook.status} />}
        actions={
          canEdit.value ? (
            <>
              <Button busy={test.pending.value} onClick={() => test.run()}>
                Send a test
              </Button>
              <Button busy={change.pending.value} onClick={() => change.run()}>
                {webhook.status === "active" ? "Pause" : "Resume"}
              </Button>
              <Button onClick={() => (editing.value = true)}>Edit</Button>
              <Button busy={rotate.pending.value} onClick={() => rotate.run()}>
                New secret
              </Button>
              <Button look="danger" onClick={() => (deleting.value = true)}>
                Delete
              </Button>
            </>
          ) : undefined
        }
      />
      <FailureNote failure={change.failure.value ?? test.failure.value ?? rotate.failure.value} />
      <Section title="About">
        <Facts
          facts={[
            ["Id", <Id value={webhook.id} />],
            ["URL", <Code value={webhook.url} />],
            ["Told of", webhook.events.includes("*") ? "everything" : plain(webhook.events.join(", "))],
            ["Made", <Time at={webhook.created_at} />],
          ]}
        />
      </Section>
      <Section title="Deliveries" actions={<Button onClick={() => deliveries.reload()}>Refresh</Button>}>
        <ListView
          label="Deliveries"
          list={deliveries}
          empty={<Empty icon="webhook" title="Nothing was sent yet" />}
          columns={[
            { head: "Event", cell: (row) => <Code value={row.event} /> },
            { head: "State", cell: (row) => <Status value={row.state} /> },
            { head: "Attempts", right: true, cell: (row) => row.attempts },
            { head: "Last answer", right: true, cell: (row) => row.last_status ?? "–" },
            { head: "Next attempt", cell: (row) => <Time at={row.next_attempt_at} none="–" /> },
            { head: "Made", cell: (row) => <Time at={row.created_at} /> },
          ]}
        />
      </Section>
      {secret.value === null ? null : <SecretShown secret={secret.value} onClose={() => (secret.value = null)} />}
      {editing.value ? (
        <WebhookForm
          from={webhook}
          onDone={(next) => {
            resource.value.value = next;
            editing.value = false;
            notify("Saved.");
          }}
          onClose={() => (editing.value = false)}
        />
      ) : null}
      {deleting.value ? (
        <ConfirmDialog
          title={`Delete ${webhook.name}`}
          verb="Delete"
          name={webhook.name}
          run={() => call("DELETE", apiPath(path))}
          onDone={() => navigate("/webhooks")}
          onClose={() => (deleting.value = false)}
        >
          <p>Nothing is sent there any more. What still waits is dropped.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
