/**
 * Where a vendor's key comes from: pasted here and sealed, in one piece or in parts; or read from a store outside that is
 * named. What is pasted never becomes state: it stays in the fields until it is taken to be sent, and is gone from them then.
 */
import { signal, useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type { Failure } from "../api/client.ts";
import { isOwner } from "../api/session.ts";
import { plain } from "../format.ts";
import { SelectField, TextField } from "../ui/field.tsx";
import { SecretField, useSecretInput } from "../ui/secret-field.tsx";

const FIELDS = ["binding", "mount", "path", "field", "secret_id"] as const;
type LocationField = (typeof FIELDS)[number];

/** Which names each store asks for. */
const STORES: Readonly<Record<string, readonly LocationField[]>> = {
  worker_secret: ["binding"],
  secrets_store: ["binding"],
  vault: ["mount", "path", "field"],
  aws_secrets_manager: ["secret_id", "field"],
};

const LABELS: Readonly<Record<LocationField, { readonly label: string; readonly placeholder: string }>> = {
  binding: { label: "Binding’s name", placeholder: "STRIPE_KEY" },
  mount: { label: "Mount", placeholder: "secret" },
  path: { label: "Path", placeholder: "vendors/stripe" },
  field: { label: "Field", placeholder: "api_key" },
  secret_id: { label: "Secret’s id", placeholder: "prod/stripe" },
};

export interface SecretSource {
  readonly input: ReturnType<typeof useSecretInput>;
  readonly parts: Map<string, HTMLInputElement>;
  /** `sealed`, or a store's name. */
  readonly place: Signal<string>;
  readonly names: Readonly<Record<LocationField, Signal<string>>>;
}

export function useSecretSource(): SecretSource {
  const input = useSecretInput();
  const parts = useRef(new Map<string, HTMLInputElement>());
  const place = useSignal("sealed");
  const names = useMemo(
    () => ({ binding: signal(""), mount: signal(""), path: signal(""), field: signal(""), secret_id: signal("") }),
    [],
  );
  return { input, parts: parts.current, place, names };
}

/** The request's `secret` or `location`; the fields are empty afterwards. */
export function takeSecret(source: SecretSource, parts: readonly string[]): object {
  const fields = STORES[source.place.value];
  if (fields !== undefined) {
    const named = fields.map((name) => [name, source.names[name].value.trim()] as const);
    const stated = named.filter(([name, value]) => value !== "" || !mayBeEmpty(source, name));
    return { location: { provider: source.place.value, ...Object.fromEntries(stated) } };
  }
  if (parts.length === 0) {
    const secret = source.input.take();
    return secret === "" ? {} : { secret };
  }
  const secret: Record<string, string> = {};
  for (const part of parts) {
    const field = source.parts.get(part);
    secret[part] = field?.value.trim() ?? "";
    if (field !== undefined) field.value = "";
  }
  return { secret };
}

/** Only the field of an AWS secret may be left out: then it is the whole of it. */
function mayBeEmpty(source: SecretSource, name: LocationField): boolean {
  return source.place.value === "aws_secrets_manager" && name === "field";
}

export function SecretSourceFields(props: {
  readonly source: SecretSource;
  readonly parts: readonly string[];
  readonly label: string;
  readonly failure: Failure | null;
  readonly autoFocus?: boolean;
}) {
  const { source, failure } = props;
  const fields = STORES[source.place.value];
  return (
    <>
      {fields !== undefined ? null : props.parts.length === 0 ? (
        <SecretField
          input={source.input}
          label={props.label}
          failure={failure}
          required
          autoFocus={props.autoFocus === true}
        />
      ) : (
        props.parts.map((part) => <PartField key={part} part={part} inputs={source.parts} />)
      )}
      {isOwner.value ? (
        <PlaceFields source={source} failure={failure} />
      ) : (
        <p class="hint">Only an owner may have the key read from a store outside.</p>
      )}
    </>
  );
}

/** Owners alone name a place outside: the API refuses it from everyone else. */
function PlaceFields({ source, failure }: { readonly source: SecretSource; readonly failure: Failure | null }) {
  const fields = STORES[source.place.value];
  return (
    <details open={fields !== undefined}>
      <summary>The key is kept elsewhere</summary>
      <div class="stack tight">
        <SelectField
          label="Kept"
          name="location"
          value={source.place}
          failure={fields === undefined ? failure : null}
          choices={[
            { value: "sealed", label: "here, sealed" },
            { value: "worker_secret", label: "as a secret of this Worker" },
            { value: "secrets_store", label: "in Cloudflare’s Secrets Store" },
            { value: "vault", label: "in HashiCorp Vault" },
            { value: "aws_secrets_manager", label: "in AWS Secrets Manager" },
          ]}
        />
        {fields === undefined ? null : (
          <div class="columns">
            {fields.map((name) => (
              <TextField
                key={name}
                label={LABELS[name].label}
                name={`location.${name}`}
                value={source.names[name]}
                failure={failure}
                placeholder={LABELS[name].placeholder}
                code
                required={!mayBeEmpty(source, name)}
                optional={mayBeEmpty(source, name)}
              />
            ))}
          </div>
        )}
      </div>
    </details>
  );
}

function PartField({ part, inputs }: { readonly part: string; readonly inputs: Map<string, HTMLInputElement> }) {
  const id = `secret-${part}`;
  return (
    <div class="field">
      <label for={id}>{plain(part)}</label>
      <input
        id={id}
        type="password"
        autoComplete="off"
        spellcheck={false}
        data-1p-ignore
        data-lpignore="true"
        required
        ref={(element: HTMLInputElement | null) => {
          if (element === null) inputs.delete(part);
          else inputs.set(part, element);
        }}
      />
    </div>
  );
}
