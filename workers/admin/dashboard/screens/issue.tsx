/** Issues a credential, or changes one that exists, with the safety review beside it. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type * as z from "zod";
import type { Credential, IssuedCredential } from "../../../../src/contract/credential.ts";
import { patch, post } from "../api/client.ts";
import { credentials } from "../api/directory.ts";
import { useAction, useResource } from "../api/resource.ts";
import { navigate, query } from "../router.ts";
import { Button } from "../ui/button.tsx";
import { PageHead } from "../ui/page.tsx";
import { Failed, FailureNote, Loading } from "../ui/states.tsx";
import { notify } from "../ui/toast.tsx";
import { CredentialForm } from "./credential-form.tsx";
import { changeBody, createBody, credentialDraft, reviewBody } from "./issue-model.ts";
import { Issued } from "./issued.tsx";
import { ReviewPanel } from "./review-panel.tsx";
import { ruleDraft } from "./scope-draft.ts";
import type { ScreenProps } from "./screen.ts";

export type IssuedView = z.infer<typeof IssuedCredential>;

export function IssueCredential({ params }: ScreenProps) {
  const id = params["id"];
  const existing = useResource<Credential>(id === undefined ? null : `/delegated-credentials/${id}`);
  if (id === undefined) {
    return (
      <>
        <PageHead title="Issue a credential" up={{ to: "/credentials", label: "Credentials" }} />
        <Issue
          connectionId={query.value.get("connection_id") ?? ""}
          recipientId={query.value.get("recipient_id") ?? ""}
          onDone={(made) => navigate(`/credentials/${made.id}`)}
        />
      </>
    );
  }
  const found = existing.value.value;
  return (
    <>
      <PageHead
        title={found === null ? "Change a credential" : `Change ${found.name}`}
        up={{ to: `/credentials/${id}`, label: "Back" }}
      />
      {found !== null ? (
        <Change existing={found} />
      ) : existing.failure.value === null ? (
        <Loading />
      ) : (
        <Failed failure={existing.failure.value} />
      )}
    </>
  );
}

/** The form and, after it, the token. Used by the first run too. */
export function Issue(props: {
  readonly connectionId: string;
  readonly recipientId?: string;
  readonly onDone: (made: IssuedView) => void;
  readonly doneLabel?: string;
}) {
  const draft = useMemo(() => credentialDraft(null, props.connectionId, props.recipientId ?? ""), []);
  const issued = useSignal<IssuedView | null>(null);
  const action = useAction(
    () => post<IssuedView>("/delegated-credentials", createBody(draft)),
    (made) => {
      issued.value = made;
      void credentials.want(true);
    },
  );
  if (issued.value !== null) {
    const made = issued.value;
    return (
      <Issued issued={made} doneLabel={props.doneLabel ?? "I have kept the token"} onDone={() => props.onDone(made)} />
    );
  }
  return <Editor draft={draft} exists={false} verb="Issue the credential" action={action} />;
}

function Change({ existing }: { readonly existing: Credential }) {
  const draft = useMemo(() => credentialDraft(existing), []);
  const action = useAction(
    () => patch<Credential>(`/delegated-credentials/${existing.id}`, changeBody(draft, existing)),
    () => {
      void credentials.want(true);
      notify("Saved. It holds from now on.");
      navigate(`/credentials/${existing.id}`);
    },
  );
  return <Editor draft={draft} exists verb="Save" action={action} />;
}

function Editor(props: {
  readonly draft: ReturnType<typeof credentialDraft>;
  readonly exists: boolean;
  readonly verb: string;
  readonly action: ReturnType<typeof useAction<[], unknown>>;
}) {
  const { draft, action } = props;
  return (
    <form
      class="split"
      onSubmit={(event) => {
        event.preventDefault();
        void action.run();
      }}
    >
      <CredentialForm draft={draft} failure={action.failure.value} exists={props.exists} />
      <aside aria-label="Review">
        <ReviewPanel
          body={() => reviewBody(draft)}
          acknowledged={draft.acknowledged}
          {...(draft.grants.value.length === 1
            ? {
                onNarrow: (rule) => {
                  const [only] = draft.grants.value;
                  if (only !== undefined) only.scope.rules.value = [ruleDraft(rule)];
                },
              }
            : {})}
        />
        <FailureNote failure={action.failure.value} />
        <Button type="submit" look="primary" busy={action.pending.value}>
          {props.verb}
        </Button>
      </aside>
    </form>
  );
}
