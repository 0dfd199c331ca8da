/** Changes a connection's name, place, further hosts, quota, fixed headers, way to take its key, and shared limits. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Connection } from "../../../../src/contract/connection.ts";
import { patch } from "../api/client.ts";
import type { Answer, Failure } from "../api/client.ts";
import { invalidFields } from "../api/invalid.ts";
import { useAction } from "../api/resource.ts";
import { duration } from "../format.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { Disclosure } from "../ui/disclosure.tsx";
import { SelectField, TextArea, TextField } from "../ui/field.tsx";
import { authDraft, changedAuth } from "./auth-draft.ts";
import { AuthForm, OtherParts } from "./auth-form.tsx";
import { EnvironmentField } from "./environment-field.tsx";
import { headerLines, headersOf } from "./header-lines.ts";
import { limitsBody, limitsDraft } from "./limits-draft.ts";
import { LimitsForm } from "./limits-form.tsx";
import { originDraft, originsBody } from "./origins-draft.ts";
import type { OriginDraft } from "./origins-draft.ts";
import { OriginsForm } from "./origins-form.tsx";

const DEFAULT_SECONDS = 60;
const SPANS_SECONDS = [1, 10, 60, 3_600, 86_400];
const PERCENT = 100;

type Draft = ReturnType<typeof draftOf>;

function draftOf(connection: Connection) {
  const { quota } = connection;
  return {
    name: signal(connection.name),
    baseUrl: signal(connection.base_url),
    environment: signal(connection.environment ?? ""),
    requests: signal(quota === null ? "" : String(quota.requests)),
    seconds: signal(String(quota?.per_seconds ?? DEFAULT_SECONDS)),
    share: signal(String(Math.round((quota?.max_share ?? 1) * PERCENT))),
    headers: signal(headerLines(connection.headers)),
    defaultHeaders: signal(headerLines(connection.default_headers)),
    limits: limitsDraft(connection.limits),
    auth: authDraft(connection.auth),
    origins: signal<readonly OriginDraft[]>(connection.origins.map(originDraft)),
  };
}

function save(connection: Connection, draft: Draft): Promise<Answer<Connection>> {
  const headers = headersOf(draft.headers.value);
  if (!headers.ok) return Promise.resolve(invalidFields([{ field: "headers", message: headers.error }]));
  const defaults = headersOf(draft.defaultHeaders.value);
  if (!defaults.ok) return Promise.resolve(invalidFields([{ field: "default_headers", message: defaults.error }]));
  const origins = originsBody(draft.origins.value);
  if (!origins.ok) return Promise.resolve(invalidFields(origins.error));
  const auth = changedAuth(draft.auth, connection.auth);
  if (!auth.ok) return Promise.resolve(invalidFields(auth.error));
  const baseUrl = draft.baseUrl.value.trim();
  const environment = draft.environment.value.trim();
  return patch<Connection>(`/connections/${connection.id}`, {
    name: draft.name.value.trim(),
    ...(baseUrl === connection.base_url ? {} : { base_url: baseUrl }),
    environment: environment === "" ? null : environment,
    quota:
      draft.requests.value === ""
        ? null
        : {
            requests: Number(draft.requests.value),
            per_seconds: Number(draft.seconds.value),
            max_share: Number(draft.share.value) / PERCENT,
          },
    ...(auth.value === null ? {} : { auth: auth.value }),
    ...(JSON.stringify(origins.value) === JSON.stringify(connection.origins) ? {} : { origins: origins.value }),
    headers: headers.value,
    default_headers: defaults.value,
    limits: limitsBody(draft.limits),
  });
}

export function EditConnection(props: {
  readonly connection: Connection;
  readonly onSaved: (next: Connection) => void;
  readonly onClose: () => void;
}) {
  const { connection } = props;
  const draft = useMemo(() => draftOf(connection), []);
  const action = useAction(() => save(connection, draft), props.onSaved);
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
        <TextField label="Name" name="name" value={draft.name} failure={failure} required autoFocus />
        <EnvironmentField value={draft.environment} failure={failure} />
      </div>
      <TextField
        label="Base URL"
        name="base_url"
        type="url"
        value={draft.baseUrl}
        failure={failure}
        code
        required
        hint="Every credential that reaches it follows at once"
      />
      <OriginsForm draft={draft.origins} connectionId={connection.id} failure={failure} />
      <h3>What the vendor allows</h3>
      <Quota draft={draft} failure={failure} />
      <Headers {...draft} failure={failure} />
      <Disclosure summary="How it expects its key" names={["auth"]} failure={failure}>
        <AuthForm draft={draft.auth} failure={failure} />
        <OtherParts connection={connection} draft={draft.auth} />
      </Disclosure>
      <h3>Limits for everyone together</h3>
      <LimitsForm draft={draft.limits} failure={failure} />
    </FormDialog>
  );
}

function Quota({ draft, failure }: { readonly draft: Draft; readonly failure: Failure | null }) {
  const spans = [...new Set([...SPANS_SECONDS, Number(draft.seconds.value)])].toSorted((a, b) => a - b);
  return (
    <div class="columns">
      <TextField
        label="Calls"
        name="quota.requests"
        type="number"
        min={1}
        value={draft.requests}
        failure={failure}
        placeholder="not set"
        optional
      />
      <SelectField
        label="in"
        name="quota.per_seconds"
        value={draft.seconds}
        failure={failure}
        choices={spans.map((each) => ({ value: String(each), label: duration(each) }))}
      />
      <TextField
        label="Of which use at most, %"
        name="quota.max_share"
        type="number"
        min={1}
        max={100}
        value={draft.share}
        failure={failure}
      />
    </div>
  );
}

function Headers(props: {
  readonly headers: Signal<string>;
  readonly defaultHeaders: Signal<string>;
  readonly failure: Failure | null;
}) {
  return (
    <Disclosure summary="Headers that RelayKey adds" names={["headers", "default_headers"]} failure={props.failure}>
      <div class="columns">
        <TextArea
          label="On every call"
          name="headers"
          value={props.headers}
          failure={props.failure}
          placeholder="x-account: 7"
          hint="One a line. They replace the caller’s; no key belongs here"
          optional
        />
        <TextArea
          label="Where the caller sends none"
          name="default_headers"
          value={props.defaultHeaders}
          failure={props.failure}
          placeholder="api-version: 2026-01-01"
          optional
        />
      </div>
    </Disclosure>
  );
}
