/** How an API that the catalogue does not know expects its key. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import type { Failure } from "../api/client.ts";
import { SelectField, TextField } from "../ui/field.tsx";
import type { Choice } from "../ui/field.tsx";

export interface AuthDraft {
  readonly scheme: Signal<string>;
  readonly name: Signal<string>;
  readonly prefix: Signal<string>;
  readonly secretIn: Signal<string>;
  /** Basic: the other half, which is no secret. */
  readonly fixed: Signal<string>;
  readonly tokenUrl: Signal<string>;
  readonly clientId: Signal<string>;
  readonly clientAuth: Signal<string>;
  readonly scope: Signal<string>;
  readonly audience: Signal<string>;
}

type Auth = Connection["auth"];

const SCHEMES: readonly Choice[] = [
  { value: "bearer", label: "Authorization: Bearer" },
  { value: "header", label: "A header of its own" },
  { value: "query", label: "A query parameter" },
  { value: "basic", label: "Basic authentication" },
  { value: "oauth2_client_credentials", label: "OAuth 2 client credentials" },
  { value: "none", label: "No key at all" },
];

/** Whether this form knows all that a scheme needs; the others come from the catalogue or over the API. */
export function canBeEdited(auth: Auth): boolean {
  return SCHEMES.some((each) => each.value === auth.scheme);
}

export function authDraft(from: Auth = { scheme: "bearer" }): AuthDraft {
  const oauth = from.scheme === "oauth2_client_credentials" ? from : null;
  return {
    scheme: signal<string>(from.scheme),
    name: signal(from.scheme === "header" || from.scheme === "query" ? from.name : "x-api-key"),
    prefix: signal(from.scheme === "header" ? from.prefix : ""),
    secretIn: signal<string>(from.scheme === "basic" ? from.secret_in : "password"),
    fixed: signal(from.scheme === "basic" ? from.fixed : ""),
    tokenUrl: signal(oauth?.token_url ?? ""),
    clientId: signal(oauth?.client_id ?? ""),
    clientAuth: signal<string>(oauth?.client_auth ?? "basic"),
    scope: signal(oauth?.scope ?? ""),
    audience: signal(oauth?.audience ?? ""),
  };
}

/** As `authBody`, with what the form has no field for kept from the scheme as it was; null: nothing was changed. */
export function changedAuth(draft: AuthDraft, from: Auth): object | null {
  const body = authBody(draft);
  const auth = body["scheme"] === from.scheme ? { ...from, ...body } : body;
  return JSON.stringify(auth) === JSON.stringify(from) ? null : auth;
}

export function authBody(draft: AuthDraft): Readonly<Record<string, unknown>> {
  switch (draft.scheme.value) {
    case "header":
      return { scheme: "header", name: draft.name.value.trim(), prefix: draft.prefix.value };
    case "query":
      return { scheme: "query", name: draft.name.value.trim() };
    case "basic":
      return { scheme: "basic", secret_in: draft.secretIn.value, fixed: draft.fixed.value.trim() };
    case "oauth2_client_credentials":
      return {
        scheme: "oauth2_client_credentials",
        token_url: draft.tokenUrl.value.trim(),
        client_id: draft.clientId.value.trim(),
        client_auth: draft.clientAuth.value,
        scope: textOrNull(draft.scope),
        audience: textOrNull(draft.audience),
      };
    default:
      return { scheme: draft.scheme.value };
  }
}

function textOrNull(field: Signal<string>): string | null {
  return field.value.trim() === "" ? null : field.value.trim();
}

/** What the pasted secret is called under a scheme. */
export function secretLabel(draft: AuthDraft): string {
  switch (draft.scheme.value) {
    case "oauth2_client_credentials":
      return "Client secret";
    case "basic":
      return draft.secretIn.value === "username" ? "User name" : "Password";
    default:
      return "Key";
  }
}

interface Props {
  readonly draft: AuthDraft;
  readonly failure: Failure | null;
}

export function AuthForm(props: Props) {
  const { draft, failure } = props;
  const scheme = draft.scheme.value;
  return (
    <div class="columns">
      <SelectField
        label="How it expects its key"
        name="auth.scheme"
        value={draft.scheme}
        failure={failure}
        choices={SCHEMES}
      />
      {scheme === "header" || scheme === "query" ? (
        <TextField
          label={scheme === "header" ? "Header’s name" : "Parameter’s name"}
          name="auth.name"
          value={draft.name}
          failure={failure}
          code
          required
        />
      ) : null}
      {scheme === "header" ? (
        <TextField
          label="Text before the key"
          name="auth.prefix"
          value={draft.prefix}
          failure={failure}
          code
          optional
        />
      ) : null}
      {scheme === "basic" ? <Basic {...props} /> : null}
      {scheme === "oauth2_client_credentials" ? <ClientCredentials {...props} /> : null}
    </div>
  );
}

function Basic({ draft, failure }: Props) {
  return (
    <>
      <SelectField
        label="The key is the"
        name="auth.secret_in"
        value={draft.secretIn}
        failure={failure}
        choices={[
          { value: "password", label: "password" },
          { value: "username", label: "user name" },
        ]}
      />
      <TextField
        label={draft.secretIn.value === "password" ? "User name" : "Password"}
        name="auth.fixed"
        value={draft.fixed}
        failure={failure}
        hint="Shown here; no secret belongs in it"
        optional
      />
    </>
  );
}

function ClientCredentials({ draft, failure }: Props) {
  return (
    <>
      <TextField
        label="Token URL"
        name="auth.token_url"
        type="url"
        value={draft.tokenUrl}
        failure={failure}
        placeholder="https://login.example.com/oauth/token"
        code
        required
      />
      <TextField label="Client id" name="auth.client_id" value={draft.clientId} failure={failure} code required />
      <SelectField
        label="Client shows itself"
        name="auth.client_auth"
        value={draft.clientAuth}
        failure={failure}
        choices={[
          { value: "basic", label: "by Basic authentication" },
          { value: "body", label: "in the form’s body" },
        ]}
      />
      <TextField label="Scope" name="auth.scope" value={draft.scope} failure={failure} code optional />
      <TextField label="Audience" name="auth.audience" value={draft.audience} failure={failure} code optional />
    </>
  );
}
