/** One policy: its editor, a replay of the rules against what was really called, its price, and its versions. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Policy } from "../../../../src/contract/policy.ts";
import { apiPath, call, patch, post } from "../api/client.ts";
import { policies } from "../api/directory.ts";
import { invalidFields } from "../api/invalid.ts";
import { useAction, useResource } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { navigate } from "../router.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { PageHead, PendingPage } from "../ui/page.tsx";
import { FailureNote } from "../ui/states.tsx";
import { Badge } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";
import { policyBody, policyDraft } from "./policy-draft.ts";
import { PolicyForm } from "./policy-form.tsx";
import { PolicyVersions } from "./policy-versions.tsx";
import { ReplayPanel } from "./replay-panel.tsx";
import type { ScreenProps } from "./screen.ts";
import { policyProposal } from "./suggestion.ts";
import { Suggestions } from "./suggestions.tsx";

export function PolicyPage({ params }: ScreenProps) {
  const id = params["id"];
  const resource = useResource<Policy>(id === undefined ? null : `/policies/${id}`);
  const policy = resource.value.value;
  if (id !== undefined && policy === null) {
    return (
      <PendingPage
        title="Policy"
        up={{ to: "/policies", label: "Policies" }}
        failure={resource.failure.value}
        retry={() => void resource.reload()}
      />
    );
  }
  return <Editor key={policy?.version ?? 0} policy={policy} onSaved={(next) => (resource.value.value = next)} />;
}

function Editor({ policy, onSaved }: { readonly policy: Policy | null; readonly onSaved: (next: Policy) => void }) {
  const draft = useMemo(() => policyDraft(policy), []);
  const bodyText = () => JSON.stringify(policyBody(draft, policy));
  const before = useMemo(bodyText, []);
  const isEdited = () => bodyText() !== before;
  const deleting = useSignal(false);
  const saved = (next: Policy) => {
    void policies.want(true);
    notify(`Saved as version ${next.version}. Every credential follows.`);
    onSaved(next);
  };
  const save = useAction(
    () => {
      const body = policyBody(draft, policy);
      if (!body.ok) return Promise.resolve(invalidFields(body.error));
      return policy === null
        ? post<Policy>("/policies", body.value)
        : patch<Policy>(`/policies/${policy.id}`, body.value);
    },
    (next) => {
      if (policy !== null) return saved(next);
      void policies.want(true);
      notify("The policy is made.");
      navigate(`/policies/${next.id}`);
    },
  );
  const failure = save.failure.value;
  return (
    <>
      <PageHead
        title={policy?.name ?? "New policy"}
        up={{ to: "/policies", label: "Policies" }}
        badge={policy === null ? undefined : <Badge tone="calm">{`version ${policy.version}`}</Badge>}
        actions={
          policy !== null && canEdit.value ? (
            <Button look="danger" onClick={() => (deleting.value = true)}>
              Delete
            </Button>
          ) : undefined
        }
      />
      <form
        class={policy === null ? undefined : "split"}
        onSubmit={(event) => {
          event.preventDefault();
          void save.run();
        }}
      >
        {/* What may not be changed is shown alike, but cannot be typed into. */}
        <fieldset class="stack" disabled={!canEdit.value}>
          <PolicyForm draft={draft} policy={policy} failure={failure} />
          {canEdit.value ? (
            <div class="save-bar">
              <FailureNote failure={failure} />
              <Button type="submit" look="primary" busy={save.pending.value}>
                {policy === null ? "Make the policy" : "Save"}
              </Button>
            </div>
          ) : null}
        </fieldset>
        {policy === null ? null : (
          <aside aria-label="History">
            <ReplayPanel policy={policy} draft={draft.scope} />
          </aside>
        )}
      </form>
      {policy === null ? null : (
        <Suggestions<Policy>
          path={`/policies/${policy.id}`}
          propose={policyProposal}
          verb="Apply to this policy"
          hint={`Makes version ${policy.version + 1}, and every credential follows. Limits and all else stay as they are.`}
          hindrance={isEdited() ? "First save or undo what you changed above." : null}
          onApplied={saved}
        />
      )}
      {policy === null ? null : <PolicyVersions policy={policy} />}
      {deleting.value && policy !== null ? (
        <DeletePolicy policy={policy} onClose={() => (deleting.value = false)} />
      ) : null}
    </>
  );
}

function DeletePolicy({ policy, onClose }: { readonly policy: Policy; readonly onClose: () => void }) {
  return (
    <ConfirmDialog
      title={`Delete ${policy.name}`}
      verb="Delete"
      name={policy.name}
      run={() => call("DELETE", apiPath(`/policies/${policy.id}`))}
      onDone={() => {
        void policies.want(true);
        navigate("/policies");
      }}
      onClose={onClose}
    >
      <p>A policy that credentials follow cannot be deleted. Versions stay on record.</p>
    </ConfirmDialog>
  );
}
