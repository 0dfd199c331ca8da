/** A new management key; for a provisioner, with the constraints inside which it may mint. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type * as z from "zod";
import type { IssuedManagementKey } from "../../../../src/contract/management-key.ts";
import { post } from "../api/client.ts";
import { connections } from "../api/directory.ts";
import { useAction } from "../api/resource.ts";
import { isOwner } from "../api/session.ts";
import { plain } from "../format.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { Choices, SelectField, TextField, errorOf } from "../ui/field.tsx";
import { ScopeEditor } from "./scope-editor.tsx";
import { scopeBody, scopeDraft } from "./scope-draft.ts";

const ROLES = [
  { value: "provisioner", label: "Provisioner", hint: "Mints credentials inside constraints" },
  { value: "auditor", label: "Auditor", hint: "Reads everything" },
  { value: "admin", label: "Admin", hint: "Manages access" },
  { value: "owner", label: "Owner", hint: "Everything" },
];

export function NewKey(props: {
  readonly onMade: (made: z.infer<typeof IssuedManagementKey>) => void;
  readonly onClose: () => void;
}) {
  const name = useSignal("");
  const role = useSignal("provisioner");
  const chosen = useSignal<readonly string[]>([]);
  const ttl = useSignal("3600");
  const maxActive = useSignal("");
  const namePattern = useSignal("");
  const scope = useMemo(() => scopeDraft(), []);
  const action = useAction(
    () =>
      post<z.infer<typeof IssuedManagementKey>>("/management-keys", {
        name: name.value.trim(),
        role: role.value,
        ...(role.value === "provisioner"
          ? {
              constraints: {
                ...scopeBody(scope),
                connections: chosen.value,
                max_ttl_seconds: Number(ttl.value),
                ...(maxActive.value === "" ? {} : { max_active: Number(maxActive.value) }),
                ...(namePattern.value.trim() === "" ? {} : { name_pattern: namePattern.value.trim() }),
              },
            }
          : {}),
      }),
    props.onMade,
  );
  const failure = action.failure.value;
  const connectionError = errorOf(failure, "constraints.connections");
  return (
    <FormDialog
      title="New management key"
      verb="Make the key"
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
      wide
    >
      <TextField
        label="Name"
        name="name"
        value={name}
        failure={failure}
        placeholder="agent-runner"
        required
        autoFocus
      />
      <Choices
        legend="Role"
        value={role}
        choices={ROLES.filter((each) => isOwner.value || each.value === "provisioner" || each.value === "auditor")}
      />
      {role.value === "provisioner" ? (
        <>
          <fieldset>
            <legend>Connections it may grant</legend>
            <div class="methods names">
              {connections.items.value.map((each) => (
                <label key={each.id}>
                  <input
                    type="checkbox"
                    checked={chosen.value.includes(each.id)}
                    onChange={(event) => {
                      const rest = chosen.value.filter((id) => id !== each.id);
                      chosen.value = event.currentTarget.checked ? [...rest, each.id] : rest;
                    }}
                  />
                  {plain(each.name)}
                </label>
              ))}
            </div>
            {connectionError === null ? null : <p class="error">{connectionError}</p>}
          </fieldset>
          <ScopeEditor draft={scope} vendor={null} failure={failure} prefix="constraints." />
          <div class="columns">
            <SelectField
              label="Lifetime at most"
              name="constraints.max_ttl_seconds"
              value={ttl}
              failure={failure}
              choices={[
                { value: "900", label: "15 minutes" },
                { value: "3600", label: "1 hour" },
                { value: "86400", label: "1 day" },
                { value: "2592000", label: "30 days" },
              ]}
            />
            <TextField
              label="At a time"
              name="constraints.max_active"
              type="number"
              min={1}
              value={maxActive}
              failure={failure}
              placeholder="no limit"
              optional
            />
            <TextField
              label="Names like"
              name="constraints.name_pattern"
              value={namePattern}
              failure={failure}
              placeholder="agent-run-*"
              optional
            />
          </div>
        </>
      ) : null}
    </FormDialog>
  );
}
