/** A signature over each call: the headers that carry it, what is signed, and the two parts of the key. */
import type { Signal } from "@preact/signals";
import type { Failure } from "../api/client.ts";
import { SelectField, TextField } from "../ui/field.tsx";
import type { AuthDraft } from "./auth-draft.ts";

interface Props {
  readonly draft: AuthDraft["hmac"];
  readonly failure: Failure | null;
}

export function SignatureFields({ draft, failure }: Props) {
  const header = (label: string, member: string, value: Signal<string>, placeholder: string) => (
    <TextField
      label={label}
      name={`auth.${member}`}
      value={value}
      failure={failure}
      placeholder={placeholder}
      code
      required
    />
  );
  return (
    <>
      <div class="columns">
        {header("Header of the token", "token_header", draft.tokenHeader, "X-App-Token")}
        {header("Header of the time", "timestamp_header", draft.timestampHeader, "X-App-Ts")}
        {header("Header of the signature", "signature_header", draft.signatureHeader, "X-App-Sig")}
      </div>
      <div class="columns">
        <TextField
          label="Signed, in this order"
          name="auth.sign"
          value={draft.sign}
          failure={failure}
          hint="Of timestamp, method, path_and_query, body"
          code
          required
        />
        <SelectField
          label="HMAC-SHA256, written as"
          name="auth.encoding"
          value={draft.encoding}
          failure={failure}
          choices={[
            { value: "hex", label: "hexadecimal" },
            { value: "base64", label: "Base64" },
          ]}
        />
      </div>
      <div class="columns">
        {header("Name of the part that is sent", "token_part", draft.tokenPart, "token")}
        {header("Name of the part that signs", "key_part", draft.keyPart, "key")}
      </div>
    </>
  );
}
