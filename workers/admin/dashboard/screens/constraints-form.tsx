/** The fields of constraints, for a provisioner's key and for a trust policy alike, and constraints in words. */
import { useEffect } from "preact/hooks";
import type { ConstraintsWire } from "../../../../src/contract/management-key.ts";
import type { Failure } from "../api/client.ts";
import { connections, nameOf, vendors } from "../api/directory.ts";
import { duration, plain } from "../format.ts";
import { SelectField, TextField, useError } from "../ui/field.tsx";
import type { ConstraintsDraft } from "./constraints-draft.ts";
import { LabelsField } from "./labels.tsx";
import { ScopeEditor } from "./scope-editor.tsx";

interface FieldsProps {
  readonly draft: ConstraintsDraft;
  readonly failure: Failure | null;
}

/** Which connections, and what of them. */
export function ReachFields({ draft, failure }: FieldsProps) {
  useEffect(() => void Promise.all([connections.want(), vendors.want()]), []);
  const chosen = draft.connectionIds.value;
  const [only] = chosen.length === 1 ? connections.items.value.filter((each) => each.id === chosen[0]) : [];
  const vendor = vendors.items.value.find((each) => each.id === only?.vendor) ?? null;
  return (
    <>
      <ConnectionsField draft={draft} failure={failure} />
      <ScopeEditor
        key={vendor?.id ?? "none"}
        draft={draft.scope}
        vendor={vendor}
        failure={failure}
        prefix="constraints."
        basePath={only === undefined ? "" : new URL(only.base_url).pathname.replace(/\/$/, "")}
      />
    </>
  );
}

function ConnectionsField({ draft, failure }: FieldsProps) {
  const { connectionIds } = draft;
  const known = connections.items.value;
  // What was chosen can be taken away also when it is not among the newest.
  const others = connectionIds.value.filter((id) => !known.some((each) => each.id === id));
  const shown = [...known, ...others.map((id) => ({ id, name: id }))];
  const { error, listeners } = useError(failure, "constraints.connections");
  return (
    <fieldset {...listeners}>
      <legend>Connections it may grant</legend>
      <div class="methods names">
        {shown.map((each) => (
          <label key={each.id}>
            <input
              type="checkbox"
              checked={connectionIds.value.includes(each.id)}
              onChange={(event) => {
                const rest = connectionIds.value.filter((id) => id !== each.id);
                connectionIds.value = event.currentTarget.checked ? [...rest, each.id] : rest;
              }}
            />
            {plain(each.name)}
          </label>
        ))}
        {shown.length === 0 ? <p class="muted">There is no connection yet.</p> : null}
      </div>
      {error === null ? null : <p class="error">{error}</p>}
    </fieldset>
  );
}

/** How long what is minted lives, how many there may be, and what they are called. */
export function MintedFields(
  props: FieldsProps & {
    /** Lifetimes to choose from, in seconds. */
    readonly ttls: readonly number[];
    readonly namesLike: string;
    readonly namesHint?: string;
    readonly labelsHint: string;
  },
) {
  const { draft, failure } = props;
  const ttls = [...new Set([...props.ttls, Number(draft.ttl.value)])].toSorted((a, b) => a - b);
  return (
    <>
      <div class="columns">
        <SelectField
          label="Lifetime at most"
          name="constraints.max_ttl_seconds"
          value={draft.ttl}
          failure={failure}
          choices={ttls.map((each) => ({ value: String(each), label: duration(each) }))}
        />
        <TextField
          label="At a time"
          name="constraints.max_active"
          type="number"
          min={1}
          value={draft.maxActive}
          failure={failure}
          placeholder="no limit"
          optional
        />
        <TextField
          label="Names like"
          name="constraints.name_pattern"
          value={draft.namePattern}
          failure={failure}
          placeholder={props.namesLike}
          hint={props.namesHint}
          optional
        />
      </div>
      <LabelsField draft={draft.labels} failure={failure} name="constraints.labels" hint={props.labelsHint} />
    </>
  );
}

/** `HubSpot; at most 1 hour; 20 at a time` */
export function constraintsText(constraints: ConstraintsWire): string {
  const { connections: ids, max_ttl_seconds: seconds, max_active: active } = constraints;
  return plain(
    [
      ids.map(nameOf).join(", "),
      `at most ${duration(seconds)}`,
      ...(active === undefined ? [] : [`${active} at a time`]),
    ].join("; "),
  );
}
