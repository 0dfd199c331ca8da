/** A new management key; for a provisioner, with the constraints inside which it may mint. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type * as z from "zod";
import type { IssuedManagementKey } from "../../../../src/contract/management-key.ts";
import { post } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { isOwner } from "../api/session.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { Choices, TextField } from "../ui/field.tsx";
import { constraintsBody, constraintsDraft } from "./constraints-draft.ts";
import { MintedFields, ReachFields } from "./constraints-form.tsx";

const DEFAULT_TTL_SECONDS = 3_600;
const TTLS_SECONDS = [900, 3_600, 86_400, 2_592_000];

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
  const constraints = useMemo(() => constraintsDraft(null, DEFAULT_TTL_SECONDS), []);
  const action = useAction(
    () =>
      post<z.infer<typeof IssuedManagementKey>>("/management-keys", {
        name: name.value.trim(),
        role: role.value,
        ...(role.value === "provisioner" ? { constraints: constraintsBody(constraints) } : {}),
      }),
    props.onMade,
  );
  const failure = action.failure.value;
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
          <ReachFields draft={constraints} failure={failure} />
          <MintedFields
            draft={constraints}
            failure={failure}
            ttls={TTLS_SECONDS}
            namesLike="agent-run-*"
            labelsHint="Each credential must carry them; * is any value."
          />
        </>
      ) : null}
    </FormDialog>
  );
}
