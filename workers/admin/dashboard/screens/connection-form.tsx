/** Makes a connection: what the vendor's entry asks for, and the key. Used by the first run and by the list of connections. */
import { signal, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Connection } from "../../../../src/contract/connection.ts";
import type { VendorView } from "../../../../src/contract/vendor.ts";
import { connections } from "../api/directory.ts";
import { post } from "../api/client.ts";
import { invalidFields } from "../api/invalid.ts";
import { useAction } from "../api/resource.ts";
import { plain } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { FailureNote } from "../ui/states.tsx";
import { Text } from "../ui/text.tsx";
import { authBody, authDraft, partsOf, secretLabel } from "./auth-draft.ts";
import { AuthForm } from "./auth-form.tsx";
import { EnvironmentField } from "./environment-field.tsx";
import { originsBody } from "./origins-draft.ts";
import type { OriginDraft } from "./origins-draft.ts";
import { OriginsForm } from "./origins-form.tsx";
import { secretParts } from "./secret-parts.ts";
import { SecretSourceFields, takeSecret, useSecretSource } from "./secret-source.tsx";

export function ConnectionForm(props: {
  readonly vendor: VendorView | null;
  readonly onMade: (connection: Connection) => void;
  readonly onBack: () => void;
}) {
  const { vendor } = props;
  const name = useSignal(vendor?.name ?? "");
  const environment = useSignal("");
  const baseUrl = useSignal("");
  const region = useSignal(vendor?.regions[0]?.id ?? "");
  const option = useSignal(vendor?.auth[0]?.id ?? "");
  const auth = useMemo(() => authDraft(), []);
  const origins = useSignal<readonly OriginDraft[]>([]);
  const variables = useMemo(() => (vendor?.variables ?? []).map((each) => ({ ...each, value: signal("") })), [vendor]);
  const chosen = vendor?.auth.find((each) => each.id === option.value);
  const parts = vendor === null ? partsOf(auth) : secretParts(chosen?.scheme ?? {});
  const noSecret = vendor === null ? auth.scheme.value === "none" : chosen?.scheme["scheme"] === "none";
  const source = useSecretSource();
  const asksUrl = vendor === null || (vendor.base_url === null && vendor.regions.length === 0);

  const action = useAction(
    () => {
      const further = originsBody(origins.value);
      if (!further.ok) return Promise.resolve(invalidFields(further.error));
      const way = authBody(auth);
      if (!way.ok) return Promise.resolve(invalidFields(way.error));
      return post<Connection>("/connections", {
        name: name.value.trim(),
        ...(vendor === null ? { auth: way.value } : { vendor: vendor.id }),
        ...(asksUrl ? { base_url: baseUrl.value.trim() } : {}),
        ...(region.value === "" ? {} : { region: region.value }),
        ...(vendor === null || vendor.auth.length < 2 ? {} : { auth_option: option.value }),
        ...(variables.length === 0
          ? {}
          : { variables: Object.fromEntries(variables.map((each) => [each.name, each.value.value.trim()])) }),
        ...(environment.value.trim() === "" ? {} : { environment: environment.value.trim() }),
        ...(further.value.length === 0 ? {} : { origins: further.value }),
        ...(noSecret ? {} : takeSecret(source, parts)),
      });
    },
    (made) => {
      void connections.want(true);
      props.onMade(made);
    },
  );
  const failure = action.failure.value;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void action.run();
      }}
    >
      {vendor === null ? null : <VendorNotes vendor={vendor} />}
      <div class="columns">
        <TextField
          label="Name"
          name="name"
          value={name}
          failure={failure}
          hint="As people will know it"
          required
          autoFocus={vendor === null}
        />
        <EnvironmentField value={environment} failure={failure} placeholder="production" />
      </div>
      {asksUrl ? (
        <TextField
          label="Base URL"
          name="base_url"
          type="url"
          value={baseUrl}
          failure={failure}
          placeholder="https://api.example.com/v1"
          hint={
            origins.value.length === 0 ? "Calls go there and nowhere else" : "Calls go there and to the further hosts"
          }
          code
          required
        />
      ) : null}
      <div class="columns">
        {vendor !== null && vendor.regions.length > 0 ? (
          <SelectField
            label="Region"
            name="region"
            value={region}
            failure={failure}
            choices={vendor.regions.map((each) => ({ value: each.id, label: each.label }))}
          />
        ) : null}
        {vendor !== null && vendor.auth.length > 1 ? (
          <SelectField
            label="Way to authenticate"
            name="auth_option"
            value={option}
            failure={failure}
            choices={vendor.auth.map((each) => ({ value: each.id, label: each.label }))}
          />
        ) : null}
        {variables.map((each) => (
          <TextField
            key={each.name}
            label={plain(each.label)}
            name={`variables.${each.name}`}
            value={each.value}
            failure={failure}
            placeholder={plain(each.example)}
            required
          />
        ))}
      </div>
      {vendor === null ? <AuthForm draft={auth} failure={failure} /> : null}
      {noSecret ? null : (
        <SecretSourceFields
          key={option.value}
          source={source}
          parts={parts}
          label={vendor === null ? secretLabel(auth) : plain(chosen?.secret_label ?? "Key")}
          failure={failure}
          autoFocus={vendor !== null}
        />
      )}
      {/* Those of a vendor come with its entry, and can be changed afterwards. */}
      {vendor === null ? <OriginsForm draft={origins} connectionId={null} failure={failure} /> : null}
      {chosen?.hint === null || chosen?.hint === undefined ? null : <p class="hint">{plain(chosen.hint)}</p>}
      <FailureNote failure={failure} />
      <div class="row">
        <Button type="submit" look="primary" busy={action.pending.value}>
          Save and test
        </Button>
        <Button onClick={props.onBack}>Back</Button>
      </div>
    </form>
  );
}

function VendorNotes({ vendor }: { readonly vendor: VendorView }) {
  const notes = [...vendor.notes, ...vendor.unverified.map((each) => `Not confirmed: ${each}`)];
  if (notes.length === 0 && vendor.limits_note === "") return null;
  return (
    <details>
      <summary>What to know about {plain(vendor.name)}</summary>
      <ul class="stack tight">
        {[vendor.limits_note, ...notes]
          .filter((each) => each !== "")
          .map((each) => (
            <li key={each}>
              <Text value={each} />
            </li>
          ))}
      </ul>
    </details>
  );
}
