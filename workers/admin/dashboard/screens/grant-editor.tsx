/** One grant of a credential: which connection, and what of it, by a policy or by rules of its own. */
import type { Failure } from "../api/client.ts";
import { connections, policies, vendors } from "../api/directory.ts";
import { canRead } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { CheckField, SelectField, TextField } from "../ui/field.tsx";
import { ownWords } from "./grant-draft.ts";
import type { GrantDraft } from "./grant-draft.ts";
import { Operations } from "./operations.tsx";
import { ScopeEditor } from "./scope-editor.tsx";

export function GrantEditor(props: {
  readonly draft: GrantDraft;
  readonly failure: Failure | null;
  /** The grant's place in the request, by which errors find its fields: `grants[0].`. */
  readonly prefix: string;
  readonly onRemove: (() => void) | null;
}) {
  const { draft } = props;
  const connection = connections.items.value.find((each) => each.id === draft.connectionId.value) ?? null;
  const vendor = vendors.items.value.find((each) => each.id === connection?.vendor) ?? null;
  return (
    <div class="stack">
      <div class="columns">
        {canRead.value ? (
          <SelectField
            label="Connection"
            name={`${props.prefix}connection_id`}
            value={draft.connectionId}
            failure={props.failure}
            required
            choices={[
              { value: "", label: "Choose …" },
              ...connections.items.value.map((each) => ({ value: each.id, label: each.name })),
            ]}
          />
        ) : (
          <TextField
            label="Connection’s id"
            name={`${props.prefix}connection_id`}
            value={draft.connectionId}
            failure={props.failure}
            placeholder="conn_…"
            code
            required
          />
        )}
        {policies.items.value.length === 0 ? null : (
          <SelectField
            label="Scope"
            name={`${props.prefix}policy_id`}
            value={draft.policyId}
            failure={props.failure}
            choices={[
              { value: "", label: "Rules of its own" },
              ...policies.items.value.map((each) => ({ value: each.id, label: `Policy: ${each.name}` })),
            ]}
          />
        )}
      </div>
      {draft.policyId.value === "" ? null : <Refinements draft={draft} />}
      {draft.policyId.value === "" ? (
        <ScopeEditor
          key={vendor?.id ?? "none"}
          draft={draft.scope}
          vendor={vendor}
          prefix={props.prefix}
          failure={props.failure}
          basePath={connection === null ? "" : new URL(connection.base_url).pathname.replace(/\/$/, "")}
        />
      ) : null}
      {connection === null || draft.policyId.value !== "" ? null : (
        <Operations connection={connection} scope={draft.scope} />
      )}
      {props.onRemove === null ? null : (
        <div class="row">
          <Button look="quiet" icon="close" onClick={props.onRemove}>
            Remove this connection
          </Button>
        </div>
      )}
    </div>
  );
}

/** What the grant states beside its policy was written over the API; here it can only be kept or dropped as a whole. */
function Refinements({ draft }: { readonly draft: GrantDraft }) {
  const words = ownWords(draft.from);
  if (words.length === 0) return null;
  return (
    <CheckField
      label="Keep what this grant states beside the policy"
      value={draft.keepsOwn}
      hint={`It has its own: ${words.join(", ")}.`}
    />
  );
}
