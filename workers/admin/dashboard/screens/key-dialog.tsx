/** Takes a master key in, new or in the place of another, and says which calls a key is for. */
import { useSignal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import type { UpstreamCredential } from "../../../../src/contract/upstream-credential.ts";
import { patch, post } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { EnvironmentField } from "./environment-field.tsx";
import { secretParts } from "./secret-parts.ts";
import { SecretSourceFields, takeSecret, useSecretSource } from "./secret-source.tsx";

const MAX_RANK = 1_000;

export function KeyDialog(props: {
  readonly title: string;
  readonly connection: Connection;
  /** Null: a further key. */
  readonly replaces: UpstreamCredential | null;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const { connection, replaces } = props;
  const base = `/connections/${connection.id}/upstream-credentials`;
  const parts = secretParts(connection.auth);
  const source = useSecretSource();
  const name = useSignal("");
  const environment = useSignal("");
  const share = useSignal("0");
  const action = useAction(
    (key: object) =>
      replaces === null
        ? post(base, {
            ...key,
            ...(name.value.trim() === "" ? {} : { name: name.value.trim() }),
            ...(environment.value.trim() === "" ? {} : { environment: environment.value.trim() }),
          })
        : post(`${base}/${replaces.id}/rotate`, {
            ...key,
            ...(share.value === "0" ? {} : { canary_share: Number(share.value) / 100 }),
          }),
    props.onDone,
  );
  const failure = action.failure.value;
  return (
    <FormDialog
      title={props.title}
      verb={source.place.value === "sealed" ? "Seal the key" : "Use that key"}
      action={action}
      submit={() => action.run(takeSecret(source, parts))}
      onClose={props.onClose}
    >
      <SecretSourceFields source={source} parts={parts} label="New key" failure={failure} autoFocus />
      {replaces === null ? (
        <div class="columns">
          <TextField label="Name" name="name" value={name} failure={failure} optional />
          <EnvironmentField value={environment} failure={failure} />
        </div>
      ) : (
        <SelectField
          label="It takes"
          name="canary_share"
          value={share}
          failure={failure}
          choices={[
            { value: "0", label: "all calls, at once" },
            { value: "1", label: "1 % of the calls, beside the old one" },
            { value: "10", label: "10 % of the calls, beside the old one" },
            { value: "50", label: "half of the calls, beside the old one" },
          ]}
        />
      )}
    </FormDialog>
  );
}

/** A key's name and rank: never the key itself. */
export function KeyPlacement(props: {
  readonly upstream: UpstreamCredential;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const { upstream } = props;
  const name = useSignal(upstream.name ?? "");
  const environment = useSignal(upstream.environment ?? "");
  const priority = useSignal(String(upstream.priority));
  const weight = useSignal(String(upstream.weight));
  const action = useAction(
    () =>
      patch(`/connections/${upstream.connection_id}/upstream-credentials/${upstream.id}`, {
        name: name.value.trim() === "" ? null : name.value.trim(),
        environment: environment.value.trim() === "" ? null : environment.value.trim(),
        priority: Number(priority.value),
        weight: Number(weight.value),
      }),
    props.onDone,
  );
  const failure = action.failure.value;
  return (
    <FormDialog
      title="Edit the key’s place"
      verb="Save"
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
    >
      <div class="columns">
        <TextField label="Name" name="name" value={name} failure={failure} optional autoFocus />
        <EnvironmentField value={environment} failure={failure} />
      </div>
      <div class="columns">
        <TextField
          label="Priority"
          name="priority"
          type="number"
          min={0}
          max={MAX_RANK}
          value={priority}
          failure={failure}
          hint="A lower number is used first"
          required
        />
        <TextField
          label="Weight"
          name="weight"
          type="number"
          min={0}
          max={MAX_RANK}
          value={weight}
          failure={failure}
          hint="Its share among keys of one priority; 0 is only fallen back to"
          required
        />
      </div>
    </FormDialog>
  );
}
