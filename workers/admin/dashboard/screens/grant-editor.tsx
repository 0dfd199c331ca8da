/** One grant of a credential: which connection, and what of it, by a policy or by rules of its own. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Grant } from "../../../../src/contract/policy.ts";
import type { Failure } from "../api/client.ts";
import { connections, policies, vendors } from "../api/directory.ts";
import { canRead } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { Operations } from "./operations.tsx";
import { scopeBody, scopeDraft, isComplete } from "./scope-draft.ts";
import type { ScopeDraft } from "./scope-draft.ts";
import { ScopeEditor } from "./scope-editor.tsx";

export interface GrantDraft {
  readonly key: number;
  readonly connectionId: Signal<string>;
  /** Empty: rules of its own. */
  readonly policyId: Signal<string>;
  readonly scope: ScopeDraft;
  /** Members of an existing grant that this form has no field for. */
  readonly kept: Readonly<Record<string, unknown>>;
}

let lastKey = 0;

export function grantDraft(connectionId = "", from: Grant | null = null): GrantDraft {
  lastKey += 1;
  const kept: Record<string, unknown> = {};
  for (const name of ["environment", "customers", "price"] as const) {
    if (from !== null && from[name] !== null) kept[name] = from[name];
  }
  return {
    key: lastKey,
    connectionId: signal(from?.connection_id ?? connectionId),
    policyId: signal(from?.policy_id ?? ""),
    scope: scopeDraft(from),
    kept: from === null ? {} : { ...kept, ...(from.policy_id === null ? { limits: from.limits } : {}) },
  };
}

export function grantBody(draft: GrantDraft): Record<string, unknown> {
  const base = { ...draft.kept, connection_id: draft.connectionId.value.trim() };
  if (draft.policyId.value !== "") return { ...base, policy_id: draft.policyId.value };
  return { ...base, ...scopeBody(draft.scope) };
}

export function grantIsComplete(draft: GrantDraft): boolean {
  return draft.connectionId.value !== "" && (draft.policyId.value !== "" || isComplete(draft.scope));
}

export function GrantEditor(props: {
  readonly draft: GrantDraft;
  readonly failure: Failure | null;
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
            name="connection_id"
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
            name="connection_id"
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
            name="policy_id"
            value={draft.policyId}
            failure={props.failure}
            choices={[
              { value: "", label: "Rules of its own" },
              ...policies.items.value.map((each) => ({ value: each.id, label: `Policy: ${each.name}` })),
            ]}
          />
        )}
      </div>
      {draft.policyId.value === "" ? (
        <ScopeEditor
          key={vendor?.id ?? "none"}
          draft={draft.scope}
          vendor={vendor}
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
