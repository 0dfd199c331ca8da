/** Changes a connection's name, place, quota and shared limits. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Connection } from "../../../../src/contract/connection.ts";
import { patch } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { duration } from "../format.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { limitsBody, limitsDraft } from "./limits-draft.ts";
import { LimitsForm } from "./limits-form.tsx";

export function EditConnection(props: {
  readonly connection: Connection;
  readonly onSaved: (next: Connection) => void;
  readonly onClose: () => void;
}) {
  const { connection } = props;
  const name = useSignal(connection.name);
  const baseUrl = useSignal(connection.base_url);
  const environment = useSignal(connection.environment ?? "");
  const requests = useSignal(connection.quota === null ? "" : String(connection.quota.requests));
  const seconds = useSignal(String(connection.quota?.per_seconds ?? 60));
  const share = useSignal(String(Math.round((connection.quota?.max_share ?? 1) * 100)));
  const limits = useMemo(() => limitsDraft(connection.limits), []);
  const action = useAction(
    () =>
      patch<Connection>(`/connections/${connection.id}`, {
        name: name.value.trim(),
        ...(baseUrl.value.trim() === connection.base_url ? {} : { base_url: baseUrl.value.trim() }),
        environment: environment.value.trim() === "" ? null : environment.value.trim(),
        quota:
          requests.value === ""
            ? null
            : {
                requests: Number(requests.value),
                per_seconds: Number(seconds.value),
                max_share: Number(share.value) / 100,
              },
        limits: limitsBody(limits),
      }),
    props.onSaved,
  );
  const failure = action.failure.value;
  return (
    <FormDialog
      title={`Edit ${connection.name}`}
      verb="Save"
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
      wide
    >
      <div class="columns">
        <TextField label="Name" name="name" value={name} failure={failure} required autoFocus />
        <TextField
          label="Environment"
          name="environment"
          value={environment}
          failure={failure}
          placeholder="any"
          optional
        />
      </div>
      <TextField
        label="Base URL"
        name="base_url"
        type="url"
        value={baseUrl}
        failure={failure}
        code
        required
        hint="Every credential that reaches it follows at once"
      />
      <h3>What the vendor allows</h3>
      <div class="columns">
        <TextField
          label="Calls"
          name="quota.requests"
          type="number"
          min={1}
          value={requests}
          failure={failure}
          placeholder="not set"
          optional
        />
        <SelectField
          label="in"
          name="quota.per_seconds"
          value={seconds}
          choices={[...new Set([1, 10, 60, 3600, 86400, Number(seconds.value)])].map((each) => ({
            value: String(each),
            label: duration(each),
          }))}
        />
        <TextField
          label="Of which use at most, %"
          name="quota.max_share"
          type="number"
          min={1}
          max={100}
          value={share}
          failure={failure}
        />
      </div>
      <h3>Limits for everyone together</h3>
      <LimitsForm draft={limits} failure={failure} />
    </FormDialog>
  );
}
