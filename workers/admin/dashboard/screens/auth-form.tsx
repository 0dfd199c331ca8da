/** How an API expects its key: the scheme, and the fields of that scheme. */
import type { Connection } from "../../../../src/contract/connection.ts";
import type { Failure } from "../api/client.ts";
import { CheckField, SelectField, TextField } from "../ui/field.tsx";
import type { Choice } from "../ui/field.tsx";
import { partsOf } from "./auth-draft.ts";
import type { AuthDraft } from "./auth-draft.ts";
import { LoginFields } from "./auth-login.tsx";
import { ClientCredentials } from "./auth-oauth.tsx";
import { SignatureFields } from "./auth-signature.tsx";
import { secretParts } from "./secret-parts.ts";

const SCHEMES: readonly Choice[] = [
  { value: "bearer", label: "Authorization: Bearer" },
  { value: "header", label: "A header of its own" },
  { value: "query", label: "A query parameter" },
  { value: "basic", label: "Basic authentication" },
  { value: "oauth2_client_credentials", label: "OAuth 2 client credentials" },
  { value: "token_exchange", label: "A login that gives a token" },
  { value: "hmac", label: "A signature over each call (HMAC)" },
  { value: "none", label: "No key at all" },
];

interface Props {
  readonly draft: AuthDraft;
  readonly failure: Failure | null;
}

export function AuthForm(props: Props) {
  const { draft, failure } = props;
  const scheme = draft.scheme.value;
  return (
    <div class="stack">
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
      </div>
      {scheme === "oauth2_client_credentials" ? <ClientCredentials draft={draft.oauth} failure={failure} /> : null}
      {scheme === "basic" ? (
        <CheckField
          label="Sent as it is"
          value={draft.raw}
          hint="The key follows “Basic ” without encoding and without another half"
        />
      ) : null}
      {scheme === "hmac" ? <SignatureFields draft={draft.hmac} failure={failure} /> : null}
      {scheme === "token_exchange" ? <LoginFields draft={draft.exchange} failure={failure} /> : null}
    </div>
  );
}

function Basic({ draft, failure }: Props) {
  if (draft.raw.value) return null;
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

/** Keys that are there were taken in for the way of now: one that wants other parts finds none of them. */
export function OtherParts({ connection, draft }: { readonly connection: Connection; readonly draft: AuthDraft }) {
  const parts = draft.scheme.value === "none" ? [] : partsOf(draft);
  const isSame = JSON.stringify(parts) === JSON.stringify(secretParts(connection.auth));
  if (isSame || connection.upstream_credentials.length === 0) return null;
  return (
    <p class="note warn">
      {parts.length === 0
        ? "This way takes a key of one piece."
        : `This way takes a key of the parts ${parts.join(", ")}.`}{" "}
      Rotate each key afterwards; until then its calls fail.
    </p>
  );
}
