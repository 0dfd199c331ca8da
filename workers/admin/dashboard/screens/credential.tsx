/** One credential: what it reaches, from where, its links; rotating and revoking it. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type * as z from "zod";
import type { Credential, RotatedCredential } from "../../../../src/contract/credential.ts";
import { post } from "../api/client.ts";
import { connections, credentials, nameOf, policies, recipients } from "../api/directory.ts";
import { useAction, useResource } from "../api/resource.ts";
import type { Resource } from "../api/resource.ts";
import { canEdit, canIssue, canRead } from "../api/session.ts";
import { plain } from "../format.ts";
import { Button, ButtonLink, Link } from "../ui/button.tsx";
import { ConfirmDialog, Dialog, FormDialog } from "../ui/dialog.tsx";
import { SelectField } from "../ui/field.tsx";
import { Facts, PageHead, Section } from "../ui/page.tsx";
import { Failed, Loading } from "../ui/states.tsx";
import { notify } from "../ui/toast.tsx";
import { Code, CodeBlock, Id, Status, Time } from "../ui/text.tsx";
import { Labels } from "./labels.tsx";
import { LimitsText } from "./limits-form.tsx";
import { Prompts } from "./prompts.tsx";
import type { ScreenProps } from "./screen.ts";
import { ShareLinks } from "./share-links.tsx";
import { Suggestions } from "./suggestions.tsx";
import { TrustedAddresses } from "./trusted-addresses.tsx";
import { Use } from "./use.tsx";

export function CredentialPage({ params }: ScreenProps) {
  const resource = useResource<Credential>(`/delegated-credentials/${params["id"] ?? ""}`);
  useEffect(() => {
    if (canRead.value) void Promise.all([connections.want(), recipients.want(), policies.want()]);
  }, []);
  const credential = resource.value.value;
  if (credential === null) {
    return (
      <>
        <PageHead title="Credential" up={{ to: "/credentials", label: "Credentials" }} />
        {resource.failure.value === null ? (
          <Loading />
        ) : (
          <Failed failure={resource.failure.value} retry={() => void resource.reload()} />
        )}
      </>
    );
  }
  return <Loaded credential={credential} resource={resource} />;
}

function Loaded({
  credential,
  resource,
}: {
  readonly credential: Credential;
  readonly resource: Resource<Credential>;
}) {
  const dialog = useSignal<"none" | "rotate" | "revoke">("none");
  const live = credential.status !== "revoked";
  const close = () => (dialog.value = "none");
  return (
    <>
      <PageHead
        title={credential.name}
        up={{ to: "/credentials", label: "Credentials" }}
        badge={<Status value={credential.status} />}
        actions={
          <>
            {canRead.value ? <ButtonLink to={`/audit?credential_id=${credential.id}`}>Its calls</ButtonLink> : null}
            {canEdit.value && live ? <ButtonLink to={`/credentials/${credential.id}/edit`}>Edit</ButtonLink> : null}
            {canEdit.value && live ? <Button onClick={() => (dialog.value = "rotate")}>Rotate</Button> : null}
            {canIssue.value && live ? (
              <Button look="danger" onClick={() => (dialog.value = "revoke")}>
                Revoke
              </Button>
            ) : null}
          </>
        }
      />
      <About credential={credential} />
      {credential.grants.map((grant) => (
        <GrantCard key={grant.id} grant={grant} />
      ))}
      {canRead.value ? <Use filter={{ credential_id: credential.id }} /> : null}
      {credential.status === "active" ? <Prompts credential={credential} /> : null}
      {canRead.value ? <TrustedAddresses credential={credential} /> : null}
      <ShareLinks credential={credential} />
      {canRead.value && live ? <Suggestions path={`/delegated-credentials/${credential.id}/suggest`} /> : null}
      {dialog.value === "rotate" ? (
        <Rotate credential={credential} onClose={close} onDone={() => void resource.reload()} />
      ) : null}
      {dialog.value === "revoke" ? (
        <ConfirmDialog
          title={`Revoke ${credential.name}`}
          verb="Revoke"
          name={credential.name}
          run={() => post<Credential>(`/delegated-credentials/${credential.id}/revoke`)}
          onDone={(revoked) => {
            resource.value.value = revoked;
            void credentials.want(true);
            notify("Revoked. It holds everywhere.");
            close();
          }}
          onClose={close}
        >
          <p>No request with it is admitted from that moment on, anywhere. This cannot be undone.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function About({ credential }: { readonly credential: Credential }) {
  return (
    <Section title="About">
      <Facts
        facts={[
          ["Id", <Id value={credential.id} />],
          ["Token", <code>…{plain(credential.token_last4)}</code>],
          ["Kind", credential.kind === "virtual" ? "virtual key" : "delegated credential"],
          [
            "Recipient",
            credential.recipient_id === null ? (
              "nobody"
            ) : (
              <Link to={`/recipients/${credential.recipient_id}`}>{plain(nameOf(credential.recipient_id))}</Link>
            ),
          ],
          ["Environment", credential.environment === null ? "any" : plain(credential.environment)],
          ["Expires", <Time at={credential.expires_at} />],
          ["Limits", <LimitsText limits={credential.limits} />],
          ["Issued", <Time at={credential.created_at} />],
          ...(credential.previous_token_expires_at === null
            ? []
            : [["Old token works until", <Time at={credential.previous_token_expires_at} />] as const]),
          ...(credential.revoked_at === null ? [] : [["Revoked", <Time at={credential.revoked_at} />] as const]),
          ["Labels", <Labels labels={credential.labels} list="/credentials" />],
        ]}
      />
    </Section>
  );
}

export function GrantCard({ grant }: { readonly grant: Credential["grants"][number] }) {
  return (
    <Section
      title={plain(nameOf(grant.connection_id))}
      {...(grant.policy_id === null
        ? {}
        : { note: `By the policy ${plain(nameOf(grant.policy_id))}, version ${grant.policy_version ?? "?"}` })}
    >
      <div class="inner">
        <ul class="plain stack tight">
          {grant.rules.map((rule) => (
            <li key={`${rule.methods.join()} ${rule.paths.join()}`}>
              <strong>{plain(rule.methods.join(", "))}</strong>{" "}
              {rule.paths.map((path) => (
                <span key={path}>
                  <Code value={path} />{" "}
                </span>
              ))}
            </li>
          ))}
        </ul>
        {grant.deny_query_params.length === 0 ? null : (
          <p class="muted">Refused query parameters: {plain(grant.deny_query_params.join(", "))}</p>
        )}
        {grant.models === null ? null : <p class="muted">Models: {plain(grant.models.join(", "))}</p>}
        {grant.remove_response_members.length === 0 ? null : (
          <p class="muted">Removed from answers: {plain(grant.remove_response_members.join(", "))}</p>
        )}
      </div>
    </Section>
  );
}

function Rotate(props: { readonly credential: Credential; readonly onClose: () => void; readonly onDone: () => void }) {
  const overlap = useSignal("0");
  const token = useSignal<string | null>(null);
  const action = useAction(
    () =>
      post<z.infer<typeof RotatedCredential>>(`/delegated-credentials/${props.credential.id}/rotate`, {
        overlap_seconds: Number(overlap.value),
      }),
    (rotated) => (token.value = rotated.token),
  );
  if (token.value !== null) {
    const finish = () => {
      props.onDone();
      props.onClose();
    };
    return (
      <Dialog title="The new token" onClose={finish} firm>
        <div class="dialog-body">
          <p>This is the only time it is shown.</p>
          <CodeBlock text={token.value} what="token" />
        </div>
        <footer>
          <Button look="primary" onClick={finish}>
            I have kept the token
          </Button>
        </footer>
      </Dialog>
    );
  }
  return (
    <FormDialog
      title={`Rotate ${props.credential.name}`}
      verb="Make a new token"
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
    >
      <SelectField
        label="The old token"
        name="overlap_seconds"
        value={overlap}
        choices={[
          { value: "0", label: "ends at once" },
          { value: "3600", label: "works for another hour" },
          { value: "86400", label: "works for another day" },
        ]}
      />
    </FormDialog>
  );
}
