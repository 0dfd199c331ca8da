/** One recipient with all its credentials, and the one step that ends them. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type * as z from "zod";
import type { Credential } from "../../../../src/contract/credential.ts";
import type { Recipient, RevokedRecipient } from "../../../../src/contract/recipient.ts";
import { post } from "../api/client.ts";
import { connections, credentials, recipients } from "../api/directory.ts";
import { useList, useResource } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plain, plural } from "../format.ts";
import { Button, ButtonLink, Link } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Facts, PageHead, PendingPage, Section } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Id, Status, Time } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";
import { CREDENTIAL_COLUMNS } from "./credentials.tsx";
import { Labels } from "./labels.tsx";
import { LimitsText } from "./limits-form.tsx";
import { RecipientForm } from "./recipient-form.tsx";
import type { ScreenProps } from "./screen.ts";
import { Use } from "./use.tsx";

export function RecipientPage({ params }: ScreenProps) {
  const id = params["id"] ?? "";
  const resource = useResource<Recipient>(`/recipients/${id}`);
  const list = useList<Credential>("/delegated-credentials", { recipient_id: id });
  const dialog = useSignal<"none" | "edit" | "offboard">("none");
  const close = () => (dialog.value = "none");
  useEffect(() => void connections.want(), []);
  const recipient = resource.value.value;
  if (recipient === null) {
    return (
      <PendingPage
        title="Recipient"
        up={{ to: "/recipients", label: "Recipients" }}
        failure={resource.failure.value}
        retry={() => void resource.reload()}
      />
    );
  }
  const mayChange = canEdit.value && recipient.status === "active";
  return (
    <>
      <PageHead
        title={recipient.name}
        up={{ to: "/recipients", label: "Recipients" }}
        badge={<Status value={recipient.status} />}
        actions={
          mayChange ? (
            <>
              <Button onClick={() => (dialog.value = "edit")}>Edit</Button>
              <Button look="danger" onClick={() => (dialog.value = "offboard")}>
                Offboard
              </Button>
              <ButtonLink to={`/credentials/new?recipient_id=${recipient.id}`} look="primary">
                Issue a credential
              </ButtonLink>
            </>
          ) : undefined
        }
      />
      <Section title="About">
        <Facts
          facts={[
            ["Id", <Id value={recipient.id} />],
            ["Kind", recipient.kind],
            ["Email", recipient.email === null ? "none" : plain(recipient.email)],
            ["Environment", recipient.environment === null ? "any" : plain(recipient.environment)],
            ["Limits over all credentials", <LimitsText limits={recipient.limits} />],
            ["Credits", <Link to={`/payments/credits/recipients/${recipient.id}`}>Balance and statement</Link>],
            ["Labels", <Labels labels={recipient.labels} list="/recipients" />],
            ["Added", <Time at={recipient.created_at} />],
            ...(recipient.revoked_at === null ? [] : [["Offboarded", <Time at={recipient.revoked_at} />] as const]),
          ]}
        />
      </Section>
      <Section title="Credentials">
        <ListView
          label="Credentials of this recipient"
          list={list}
          to={(row) => `/credentials/${row.id}`}
          columns={CREDENTIAL_COLUMNS.filter((column) => column.head !== "Recipient")}
          empty={<Empty icon="credential" title="Holds no credential" />}
        />
      </Section>
      <Use filter={{ recipient_id: recipient.id }} />
      {dialog.value === "edit" ? (
        <RecipientForm
          from={recipient}
          onDone={(next) => {
            resource.value.value = next;
            notify("Saved. It holds for every credential from now on.");
            close();
          }}
          onClose={close}
        />
      ) : null}
      {dialog.value === "offboard" ? (
        <ConfirmDialog
          title={`Offboard ${recipient.name}`}
          verb="Offboard"
          name={recipient.name}
          run={() => post<z.infer<typeof RevokedRecipient>>(`/recipients/${recipient.id}/revoke`)}
          onDone={(revoked) => {
            close();
            notify(`Offboarded: ${plural(revoked.revoked_credentials.length, "credential")} revoked, everywhere.`);
            void Promise.all([recipients.want(true), credentials.want(true), resource.reload(), list.reload()]);
          }}
          onClose={close}
        >
          <p>
            Every credential they hold is revoked in one step. From then on no request with any of them is admitted.
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
