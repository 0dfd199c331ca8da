/**
 * The field for a vendor's master key. What is pasted is never shown, never kept in state, and is gone from the field the
 * moment it is taken to be sent.
 */
import { useId, useRef } from "preact/hooks";
import type { Failure } from "../api/client.ts";
import { useError } from "./field.tsx";

export interface SecretInput {
  /** The text, taken out of the field. */
  take(): string;
}

export function useSecretInput(): SecretInput & { readonly ref: { current: HTMLInputElement | null } } {
  const ref = useRef<HTMLInputElement | null>(null);
  return {
    ref,
    take: () => {
      const text = ref.current?.value.trim() ?? "";
      if (ref.current !== null) ref.current.value = "";
      return text;
    },
  };
}

export function SecretField(props: {
  readonly input: ReturnType<typeof useSecretInput>;
  readonly label: string;
  readonly name?: string;
  readonly hint?: string;
  readonly failure?: Failure | null;
  readonly required?: boolean;
  readonly autoFocus?: boolean;
}) {
  const id = useId();
  const { error, listeners } = useError(props.failure, props.name ?? "secret");
  return (
    <div class={`field${error === null ? "" : " invalid"}`} {...listeners}>
      <label for={id}>{props.label}</label>
      <input
        id={id}
        ref={props.input.ref}
        type="password"
        autoComplete="off"
        spellcheck={false}
        data-1p-ignore
        data-lpignore="true"
        required={props.required}
        autofocus={props.autoFocus}
        aria-describedby={`${id}-hint`}
        aria-invalid={error !== null}
      />
      {error === null ? null : <p class="error">{error}</p>}
      <p class="hint" id={`${id}-hint`}>
        {props.hint ?? "Goes in once and never comes out: afterwards only its last four characters are shown."}
      </p>
    </div>
  );
}
