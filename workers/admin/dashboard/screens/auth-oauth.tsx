/** OAuth 2 client credentials: what every token server asks for, and what only some do. */
import type { Failure } from "../api/client.ts";
import { Disclosure } from "../ui/disclosure.tsx";
import { SelectField, TextArea, TextField } from "../ui/field.tsx";
import type { AuthDraft } from "./auth-draft.ts";

interface Props {
  readonly draft: AuthDraft["oauth"];
  readonly failure: Failure | null;
}

export function ClientCredentials({ draft, failure }: Props) {
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
      <div class="columns">
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
      </div>
      <div class="columns">
        <TextField label="Scope" name="auth.scope" value={draft.scope} failure={failure} code optional />
        <TextField label="Audience" name="auth.audience" value={draft.audience} failure={failure} code optional />
      </div>
      <UnusualTokens draft={draft} failure={failure} />
    </>
  );
}

function UnusualTokens({ draft, failure }: Props) {
  return (
    <Disclosure
      summary="What this token server does otherwise"
      names={["auth.params", "auth.token_ttl_seconds", "auth.sent_as"]}
      failure={failure}
    >
      <div class="columns">
        <TextArea
          label="Further fields of its form"
          name="auth.params"
          value={draft.params}
          failure={failure}
          placeholder="sub: 4711"
          hint="One a line; no secret belongs in them"
          optional
        />
        <TextField
          label="A token holds, seconds"
          name="auth.token_ttl_seconds"
          type="number"
          min={1}
          value={draft.ttlSeconds}
          failure={failure}
          hint="Where its answer does not say"
          optional
        />
        <TextField
          label="Token’s header"
          name="auth.sent_as.header"
          value={draft.sentHeader}
          failure={failure}
          placeholder="Authorization"
          code
          optional
        />
        {draft.sentHeader.value.trim() === "" ? null : (
          <TextField
            label="Text before the token"
            name="auth.sent_as.prefix"
            value={draft.sentPrefix}
            failure={failure}
            code
            optional
          />
        )}
      </div>
    </Disclosure>
  );
}
