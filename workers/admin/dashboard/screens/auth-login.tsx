/** The vendor's own login: what is sent to get a token, and how calls carry that token. */
import type { Signal } from "@preact/signals";
import type { Failure } from "../api/client.ts";
import { TextArea, TextField } from "../ui/field.tsx";
import type { AuthDraft } from "./auth-draft.ts";

interface Props {
  readonly draft: AuthDraft["exchange"];
  readonly failure: Failure | null;
}

export function LoginFields({ draft, failure }: Props) {
  const pairs = (label: string, member: string, value: Signal<string>, placeholder: string, hint: string) => (
    <TextArea
      label={label}
      name={`auth.${member}`}
      value={value}
      failure={failure}
      rows={2}
      placeholder={placeholder}
      hint={hint}
      optional={member !== "headers"}
    />
  );
  return (
    <>
      <div class="columns">
        <TextField
          label="Path of the login"
          name="auth.login_path"
          value={draft.loginPath}
          failure={failure}
          placeholder="/api/authenticate"
          hint="Asked with POST"
          code
          required
        />
        <TextField
          label="A token holds, seconds"
          name="auth.token_ttl_seconds"
          type="number"
          min={1}
          value={draft.ttlSeconds}
          failure={failure}
          required
        />
        <TextField
          label="Parts that are no secret"
          name="auth.public_parts"
          value={draft.publicParts}
          failure={failure}
          placeholder="username"
          code
          optional
        />
      </div>
      <div class="columns">
        {pairs("Headers of the login", "login_headers", draft.loginHeaders, "x-api-key: {key}", "One a line")}
        {pairs(
          "JSON body of the login",
          "login_body",
          draft.loginBody,
          "username: {username}",
          "One member a line; {name} stands for that part of the key",
        )}
        {pairs("Headers of each call", "headers", draft.headers, "", "{token} stands for what the login gave")}
      </div>
    </>
  );
}
