/** One trust policy: what a job runs to use it, its editor, pausing and deleting. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { TrustPolicy } from "../../../../src/contract/exchange.ts";
import { apiPath, call, patch, post } from "../api/client.ts";
import { connections } from "../api/directory.ts";
import { invalidFields } from "../api/invalid.ts";
import { useAction, useResource } from "../api/resource.ts";
import { isOwner } from "../api/session.ts";
import { duration } from "../format.ts";
import { navigate } from "../router.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { PageHead, PendingPage, Section } from "../ui/page.tsx";
import { FailureNote } from "../ui/states.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { CodeBlock, Status } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";
import { ciSnippet } from "./ci-snippet.ts";
import type { Snippet } from "./ci-snippet.ts";
import { constraintsReview } from "./constraints-draft.ts";
import { ReviewPanel } from "./review-panel.tsx";
import { ruleDraft } from "./scope-draft.ts";
import type { ScreenProps } from "./screen.ts";
import { trustBody, trustDraft } from "./trust-draft.ts";
import { TrustForm } from "./trust-form.tsx";
import { knownIssuer, likelySystem } from "./trust-issuers.ts";

const UP = { to: "/trust-policies", label: "CI trust policies" };

export function TrustPolicyPage({ params }: ScreenProps) {
  const id = params["id"];
  const resource = useResource<TrustPolicy>(id === undefined ? null : `/trust-policies/${id}`);
  const policy = resource.value.value;
  const saves = useSignal(0);
  useEffect(() => void connections.want(), []);
  // The form is drawn with all that it offers, so that nothing moves once it is there.
  if ((id !== undefined && policy === null) || !connections.loaded.value) {
    return (
      <PendingPage
        title={id === undefined ? "New trust policy" : "Trust policy"}
        up={UP}
        failure={resource.failure.value}
        retry={() => void resource.reload()}
      />
    );
  }
  const onSaved = (next: TrustPolicy) => (resource.value.value = next);
  return (
    <>
      {policy === null ? <PageHead title="New trust policy" up={UP} /> : <Head policy={policy} onSaved={onSaved} />}
      {policy === null ? null : <InAJob policy={policy} />}
      {/* Begins anew from what was saved; pausing leaves alone what is being written. */}
      <Editor
        key={saves.value}
        policy={policy}
        onSaved={(next) => {
          onSaved(next);
          saves.value += 1;
        }}
      />
    </>
  );
}

interface PartProps {
  readonly policy: TrustPolicy;
  readonly onSaved: (next: TrustPolicy) => void;
}

function Head({ policy, onSaved }: PartProps) {
  const path = `/trust-policies/${policy.id}`;
  const deleting = useSignal(false);
  const active = policy.status === "active";
  const pause = useAction(() => patch<TrustPolicy>(path, { status: active ? "paused" : "active" }), onSaved);
  const lifetime = duration(policy.constraints.max_ttl_seconds);
  return (
    <>
      <PageHead
        title={policy.name}
        up={UP}
        badge={<Status value={policy.status} />}
        actions={
          <>
            <ButtonLink to={`/credentials?created_by=${policy.id}`}>Its credentials</ButtonLink>
            <ButtonLink to={`/changes?target_id=${policy.id}`}>Its changes</ButtonLink>
            {isOwner.value ? (
              <>
                <Button busy={pause.pending.value} onClick={() => pause.run()}>
                  {active ? "Pause" : "Resume"}
                </Button>
                <Button look="danger" onClick={() => (deleting.value = true)}>
                  Delete
                </Button>
              </>
            ) : null}
          </>
        }
      />
      <FailureNote failure={pause.failure.value} />
      {deleting.value ? (
        <ConfirmDialog
          title={`Delete ${policy.name}`}
          verb="Delete"
          name={policy.name}
          run={() => call("DELETE", apiPath(path))}
          onDone={() => {
            notify("Deleted. Its jobs get no credential any more.");
            navigate(UP.to);
          }}
          onClose={() => (deleting.value = false)}
        >
          <p>
            Jobs that rely on it get no credential any more. Credentials that they have already keep working until they
            end, after at most {lifetime}.
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

/** The snippets that can work for its issuer: those of a known one, all for any other. */
function InAJob({ policy }: { readonly policy: TrustPolicy }) {
  const known = knownIssuer(policy.issuer);
  const likely = likelySystem(policy.issuer, Object.keys(policy.claims));
  const chosen = useSignal<string>(likely?.id ?? "shell");
  const all: readonly (readonly [id: Snippet, label: string])[] = [
    ["github", "GitHub Actions"],
    ["gitlab", "GitLab CI"],
    ["shell", "Shell"],
  ];
  return (
    <Section title="In a job" note="Copy it into the pipeline. It holds no secret; the runner needs curl and jq.">
      <div class="inner">
        <Tabs
          label="Pipelines"
          chosen={chosen}
          tabs={all
            .filter(([id]) => known === null || id === known.id || id === "shell")
            .map(([id, label]) => ({
              id,
              label,
              content: () => (
                <CodeBlock key={id} text={ciSnippet(id, policy, window.location.origin)} what={`${label} snippet`} />
              ),
            }))}
        />
        <p class="hint">
          Each identity token works once. The credential ends after at most{" "}
          {duration(policy.constraints.max_ttl_seconds)}
          {policy.status === "active" ? "." : "; while the policy is paused no job gets one."}
        </p>
      </div>
    </Section>
  );
}

function Editor(props: { readonly policy: TrustPolicy | null; readonly onSaved: (next: TrustPolicy) => void }) {
  const { policy } = props;
  const draft = useMemo(() => trustDraft(policy), []);
  const save = useAction(
    () => {
      const body = trustBody(draft, policy);
      if (!body.ok) return Promise.resolve(invalidFields(body.error));
      return policy === null
        ? post<TrustPolicy>("/trust-policies", body.value)
        : patch<TrustPolicy>(`/trust-policies/${policy.id}`, body.value);
    },
    (saved) => {
      notify(policy === null ? "The trust policy is made." : "Saved. It holds from the next exchange on.");
      if (policy === null) navigate(`/trust-policies/${saved.id}`);
      else props.onSaved(saved);
    },
  );
  return (
    <form
      class="split"
      onSubmit={(event) => {
        event.preventDefault();
        void save.run();
      }}
    >
      {/* What may not be changed is shown alike, but cannot be typed into. */}
      <fieldset disabled={!isOwner.value}>
        <TrustForm draft={draft} policy={policy} failure={save.failure.value} />
      </fieldset>
      <aside aria-label="Review">
        <ReviewPanel
          body={() => constraintsReview(draft.constraints)}
          unattended="stops every job"
          onNarrow={(rule) => (draft.constraints.scope.rules.value = [ruleDraft(rule)])}
        />
        <FailureNote failure={save.failure.value} />
        {isOwner.value ? (
          <Button type="submit" look="primary" busy={save.pending.value}>
            {policy === null ? "Make the trust policy" : "Save"}
          </Button>
        ) : null}
      </aside>
    </form>
  );
}
