/**
 * Form fields. Each has a label, and says its hint and its error to people who cannot see them. An error is of what was
 * sent: it goes when the field is changed.
 */
import { useSignal, type Signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";
import type { Failure } from "../api/client.ts";
import { plain } from "../format.ts";

interface FieldProps {
  readonly label: string;
  /** The member of the request, by which an error finds its field. */
  readonly name: string;
  readonly hint?: ComponentChildren;
  readonly failure?: Failure | null;
  readonly optional?: boolean;
  /** The label is only for screen readers: what it is shows by its place. */
  readonly bare?: boolean;
}

interface ControlProps {
  readonly id: string;
  readonly name: string;
  readonly "aria-describedby"?: string | undefined;
  readonly "aria-invalid": boolean;
}

export function errorOf(failure: Failure | null | undefined, name: string): string | null {
  const found = failure?.errors.find(
    (each) => each.field === name || each.field.startsWith(`${name}.`) || each.field.startsWith(`${name}[`),
  );
  return found === undefined ? null : plain(found.message);
}

/** The field's error until the field is changed; `listeners` are for what holds its controls. */
export function useError(failure: Failure | null | undefined, name: string) {
  const mended = useSignal<Failure | null>(null);
  const told = failure ?? null;
  const onChange = (): void => {
    mended.value = told;
  };
  const onInput = (event: Event): void => {
    // Boxes and lists say `input` before the `change` by which they are read: drawn anew in between, they would lose it.
    const { target } = event;
    const isTyped = target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && !isBox(target));
    if (isTyped) onChange();
  };
  return { error: mended.value === told ? null : errorOf(told, name), listeners: { onChange, onInput } };
}

function isBox(input: HTMLInputElement): boolean {
  return input.type === "checkbox" || input.type === "radio";
}

export function Field(props: FieldProps & { readonly control: (control: ControlProps) => JSX.Element }) {
  const id = useId();
  const { error, listeners } = useError(props.failure, props.name);
  const hintId = props.hint === undefined ? undefined : `${id}-hint`;
  const errorId = error === null ? undefined : `${id}-error`;
  const described = [hintId, errorId].filter((each) => each !== undefined).join(" ");
  return (
    <div class={`field${error === null ? "" : " invalid"}`} {...listeners}>
      <label for={id} class={props.bare === true ? "sr-only" : undefined}>
        {props.label}
        {props.optional === true ? <span class="muted"> (optional)</span> : null}
      </label>
      {props.control({
        id,
        name: props.name,
        "aria-describedby": described === "" ? undefined : described,
        "aria-invalid": error !== null,
      })}
      {error === null ? null : (
        <p class="error" id={errorId}>
          {error}
        </p>
      )}
      {props.hint === undefined ? null : (
        <p class="hint" id={hintId}>
          {props.hint}
        </p>
      )}
    </div>
  );
}

/** Errors of a list as a whole; those of its rows stand at the rows. */
export function ListError(props: { readonly failure: Failure | null; readonly names: readonly string[] }) {
  const own = props.failure?.errors.filter((each) => props.names.includes(each.field)) ?? [];
  return own.map((each) => (
    <p class="error" key={each.field}>
      {plain(each.message)}
    </p>
  ));
}

type InputType = "text" | "email" | "url" | "number" | "search" | "datetime-local";

/** The types of JSX tell apart which roles each type of input may have; none is given here. */
function typed(type: InputType): { readonly type: "text" } {
  return { type } as { readonly type: "text" };
}

interface TextFieldProps extends FieldProps {
  readonly value: Signal<string>;
  readonly type?: InputType;
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Of numbers; `any` allows decimals. */
  readonly step?: number | "any";
  readonly autoFocus?: boolean;
  readonly code?: boolean;
}

export function TextField(props: TextFieldProps) {
  return (
    <Field
      {...props}
      control={(control) => (
        <input
          {...control}
          {...typed(props.type ?? "text")}
          class={props.code === true ? "code" : undefined}
          value={props.value.value}
          placeholder={props.placeholder}
          required={props.required}
          min={props.min}
          max={props.max}
          step={props.step}
          autoComplete={props.type === "email" ? "email" : "off"}
          spellcheck={false}
          autofocus={props.autoFocus}
          onInput={(event) => (props.value.value = event.currentTarget.value)}
        />
      )}
    />
  );
}

export function TextArea(
  props: FieldProps & { readonly value: Signal<string>; readonly rows?: number; readonly placeholder?: string },
) {
  return (
    <Field
      {...props}
      control={(control) => (
        <textarea
          {...control}
          class="code"
          rows={props.rows ?? 3}
          placeholder={props.placeholder}
          spellcheck={false}
          value={props.value.value}
          onInput={(event) => (props.value.value = event.currentTarget.value)}
        />
      )}
    />
  );
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** What is chosen is always among the choices, also before they have been read. */
function withChosen(choices: readonly Choice[], chosen: string): readonly Choice[] {
  if (chosen === "" || choices.some((choice) => choice.value === chosen)) return choices;
  return [...choices, { value: chosen, label: chosen }];
}

export function SelectField(
  props: FieldProps & {
    readonly value: Signal<string>;
    readonly choices: readonly Choice[];
    readonly required?: boolean;
  },
) {
  return (
    <Field
      {...props}
      control={(control) => (
        <select
          {...control}
          required={props.required}
          value={props.value.value}
          onChange={(event) => (props.value.value = event.currentTarget.value)}
        >
          {withChosen(props.choices, props.value.value).map((choice) => (
            <option key={choice.value} value={choice.value} selected={choice.value === props.value.value}>
              {plain(choice.label)}
            </option>
          ))}
        </select>
      )}
    />
  );
}

export function CheckField(props: { readonly label: string; readonly value: Signal<boolean>; readonly hint?: string }) {
  const id = useId();
  return (
    <div class="check">
      <input
        type="checkbox"
        id={id}
        checked={props.value.value}
        aria-describedby={props.hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => (props.value.value = event.currentTarget.checked)}
      />
      <label for={id}>{props.label}</label>
      {props.hint === undefined ? null : (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
    </div>
  );
}

/** One of a few, all visible. */
export function Choices(props: {
  readonly legend: string;
  readonly value: Signal<string>;
  readonly choices: readonly (Choice & { readonly hint?: string })[];
}) {
  const name = useId();
  return (
    <fieldset class="choices">
      <legend>{props.legend}</legend>
      <div>
        {props.choices.map((choice) => (
          <label key={choice.value} class={choice.value === props.value.value ? "chosen" : undefined}>
            <input
              type="radio"
              name={name}
              value={choice.value}
              checked={choice.value === props.value.value}
              onChange={() => (props.value.value = choice.value)}
            />
            <span>
              {plain(choice.label)}
              {choice.hint === undefined ? null : <small>{plain(choice.hint)}</small>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
