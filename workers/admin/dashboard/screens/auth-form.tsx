/** How an API that the catalogue does not know expects its key. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { SelectField, TextField } from "../ui/field.tsx";

export interface AuthDraft {
  readonly scheme: Signal<string>;
  readonly name: Signal<string>;
  readonly prefix: Signal<string>;
  readonly secretIn: Signal<string>;
}

export function authDraft(): AuthDraft {
  return { scheme: signal("bearer"), name: signal("x-api-key"), prefix: signal(""), secretIn: signal("password") };
}

export function authBody(draft: AuthDraft): Readonly<Record<string, unknown>> {
  switch (draft.scheme.value) {
    case "header":
      return { scheme: "header", name: draft.name.value.trim(), prefix: draft.prefix.value };
    case "query":
      return { scheme: "query", name: draft.name.value.trim() };
    case "basic":
      return { scheme: "basic", secret_in: draft.secretIn.value };
    default:
      return { scheme: draft.scheme.value };
  }
}

export function AuthForm({ draft }: { readonly draft: AuthDraft }) {
  const scheme = draft.scheme.value;
  return (
    <div class="columns">
      <SelectField
        label="How it expects its key"
        name="auth.scheme"
        value={draft.scheme}
        choices={[
          { value: "bearer", label: "Authorization: Bearer" },
          { value: "header", label: "A header of its own" },
          { value: "query", label: "A query parameter" },
          { value: "basic", label: "Basic authentication" },
          { value: "none", label: "No key at all" },
        ]}
      />
      {scheme === "header" || scheme === "query" ? (
        <TextField
          label={scheme === "header" ? "Header’s name" : "Parameter’s name"}
          name="auth.name"
          value={draft.name}
          code
          required
        />
      ) : null}
      {scheme === "header" ? (
        <TextField label="Text before the key" name="auth.prefix" value={draft.prefix} code optional />
      ) : null}
      {scheme === "basic" ? (
        <SelectField
          label="The key is the"
          name="auth.secret_in"
          value={draft.secretIn}
          choices={[
            { value: "password", label: "password" },
            { value: "username", label: "user name" },
          ]}
        />
      ) : null}
    </div>
  );
}
