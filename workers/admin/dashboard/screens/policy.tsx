/** One policy: its editor, and a replay of the rules against what was really called. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Policy } from "../../../../src/contract/policy.ts";
import { apiPath, call, patch, post } from "../api/client.ts";
import { policies } from "../api/directory.ts";
import { useAction, useResource } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { navigate } from "../router.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { PageHead, Section } from "../ui/page.tsx";
import { Failed, FailureNote, Loading } from "../ui/states.tsx";
import { Badge } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";
import { LimitsForm, limitsBody, limitsDraft } from "./limits-form.tsx";
import { ReplayPanel } from "./replay-panel.tsx";
import { scopeBody, scopeDraft } from "./scope-draft.ts";
import { ScopeEditor } from "./scope-editor.tsx";
import type { ScreenProps } from "./screen.ts";
import { Suggestions } from "./suggestions.tsx";

export function PolicyPage({ params }: ScreenProps) {
  const id = params["id"];
  const resource = useResource<Policy>(id === undefined ? null : `/policies/${id}`);
  const policy = resource.value.value;
  if (id !== undefined && policy === null) {
    return (
      <>
        <PageHead title="Policy" up={{ to: "/policies", label: "Policies" }} />
        {resource.failure.value === null ? (
          <Loading />
        ) : (
          <Failed failure={resource.failure.value} retry={() => void resource.reload()} />
        )}
      </>
    );
  }
  return <Editor key={policy?.version ?? 0} policy={policy} onSaved={(next) => (resource.value.value = next)} />;
}

function Editor({ policy, onSaved }: { readonly policy: Policy | null; readonly onSaved: (next: Policy) => void }) {
  const name = useSignal(policy?.name ?? "");
  const blockFrom = useSignal(policy?.block_from ?? "");
  const trust = useSignal(policy?.trust?.mode ?? "");
  const draft = useMemo(() => scopeDraft(policy), []);
  const limits = useMemo(() => limitsDraft(policy?.limits), []);
  const deleting = useSignal(false);
  const body = () => ({
    ...scopeBody(draft),
    name: name.value.trim(),
    limits: limitsBody(limits),
    block_from: blockFrom.value === "" ? null : blockFrom.value,
    trust: trust.value === "" ? null : { ...policy?.trust, mode: trust.value },
    ...(policy === null || policy.customers === null ? {} : { customers: policy.customers }),
    ...(policy === null || policy.price === null ? {} : { price: policy.price }),
  });
  const save = useAction(
    () => (policy === null ? post<Policy>("/policies", body()) : patch<Policy>(`/policies/${policy.id}`, body())),
    (saved) => {
      void policies.want(true);
      notify(policy === null ? "The policy is made." : `Saved as version ${saved.version}. Every credential follows.`);
      if (policy === null) navigate(`/policies/${saved.id}`);
      else onSaved(saved);
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
        <div class="stack">
          <Section title="Policy">
            <div class="inner">
              <div class="columns">
                <TextField
                  label="Name"
                  name="name"
                  value={name}
                  failure={failure}
                  required
                  autoFocus={policy === null}
                />
                <SelectField
                  label="Review stops issuing from"
                  name="block_from"
                  value={blockFrom}
                  failure={failure}
                  choices={[
                    { value: "", label: "critical, for provisioners" },
                    ...["medium", "high", "critical"].map((each) => ({ value: each, label: each })),
                  ]}
                />
                <SelectField
                  label="Addresses"
                  name="trust.mode"
                  value={trust}
                  failure={failure}
                  choices={[
                    { value: "", label: "As usual for the kind" },
                    { value: "first_use", label: "Trust the first, confirm others" },
                    { value: "fixed", label: "Only those listed" },
                    { value: "off", label: "Any address" },
                  ]}
                />
              </div>
            </div>
          </Section>
          <Section title="Rules">
            <div class="inner">
              <ScopeEditor draft={draft} vendor={null} failure={failure} />
            </div>
          </Section>
          <Section title="Limits">
            <div class="inner">
              <LimitsForm draft={limits} failure={failure} />
            </div>
          </Section>
          <FailureNote failure={failure} />
          {canEdit.value ? (
            <div class="row">
              <Button type="submit" look="primary" busy={save.pending.value}>
                {policy === null ? "Make the policy" : "Save"}
              </Button>
            </div>
          ) : null}
        </div>
        {policy === null ? null : (
          <aside aria-label="History">
            <ReplayPanel policyId={policy.id} draft={draft} />
          </aside>
        )}
      </form>
      {policy === null ? null : <Suggestions path={`/policies/${policy.id}/suggest`} />}
      {deleting.value && policy !== null ? (
        <ConfirmDialog
          title={`Delete ${policy.name}`}
          verb="Delete"
          name={policy.name}
          run={() => call("DELETE", apiPath(`/policies/${policy.id}`))}
          onDone={() => {
            void policies.want(true);
            navigate("/policies");
          }}
          onClose={() => (deleting.value = false)}
        >
          <p>A policy that credentials follow cannot be deleted. Versions stay on record.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
