/** One credential: what it reaches, from where, its links; rotating and revoking it. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Credential } from "../../../../src/contract/credential.ts";
import { post } from "../api/client.ts";
import { connections, credentials, nameOf, policies, recipients } from "../api/directory.ts";
import { useResource } from "../api/resource.ts";
import type { Resource } from "../api/resource.ts";
import { canEdit, canIssue, canRead } from "../api/session.ts";
import { plain } from "../format.ts";
import { Button, ButtonLink, Link } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Facts, PageHead, PendingPage, Section } from "../ui/page.tsx";
import { notify } from "../ui/toast.tsx";
import { Code, Id, Status, Text, Time } from "../ui/text.tsx";
import { grantWords } from "./grant-words.ts";
import { Labels } from "./labels.tsx";
import { LimitsText, limitsWords } from "./limits-form.tsx";
import { Prompts } from "./prompts.tsx";
import { RotateCredential } from "./rotate-credential.tsx";
import type { ScreenProps } from "./screen.ts";
import { ShareLinks } from "./share-links.tsx";
import { credentialProposal } from "./suggestion.ts";
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
      <PendingPage
        title="Credential"
        up={{ to: "/credentials", label: "Credentials" }}
        failure={resource.failure.value}
        retry={() => void resource.reload()}
      />
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
      {canRead.value && live ? (
        <Suggestions<Credential>
          path={`/delegated-credentials/${credential.id}`}
          propose={credentialProposal}
          verb="Apply to this credential"
          hint="Holds at once, everywhere. Limits and all else stay as they are."
          onApplied={(next) => {
            resource.value.value = next;
            notify("Applied. It holds everywhere.");
          }}
        />
      ) : null}
      {canRead.value ? <Use filter={{ credential_id: credential.id }} /> : null}
      {credential.status === "active" ? <Prompts credential={credential} /> : null}
      {canRead.value ? <TrustedAddresses credential={credential} /> : null}
      <ShareLinks credential={credential} />
      {dialog.value === "rotate" ? (
        <RotateCredential credential={credential} onClose={close} onDone={() => void resource.reload()} />
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
  const facts = [
    ...(limitsWords(grant.limits).length === 0 ? [] : [["Limits", <LimitsText limits={grant.limits} />] as const]),
    ...grantWords(grant).map(([name, value]) => [name, <Text value={value} />] as const),
  ];
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
        {facts.length === 0 ? null : <Facts facts={facts} />}
      </div>
    </Section>
  );
}
