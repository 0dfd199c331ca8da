/** Filters as removable chips, kept in the URL so that a view can be sent to somebody. */
import { useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { plain } from "../format.ts";
import { query, setQuery } from "../router.ts";
import { Button } from "./button.tsx";
import { SelectField, TextField } from "./field.tsx";
import { Icon } from "./icon.tsx";

export interface FilterField {
  readonly name: string;
  readonly label: string;
  /** A fixed set; or things with names; or, with neither, free text. */
  readonly choices?: readonly string[];
  readonly options?: readonly { readonly id: string; readonly name: string }[];
  readonly type?: "datetime-local";
  readonly hint?: string;
}

export function Filters({ fields }: { readonly fields: readonly FilterField[] }) {
  const adding = useSignal(false);
  const field = useSignal(fields[0]?.name ?? "");
  const value = useSignal("");
  const set = fields.filter((each) => query.value.has(each.name));
  const chosen = fields.find((each) => each.name === field.value) ?? fields[0];
  const add = () => {
    const text = value.value.trim();
    if (text === "" || chosen === undefined) return;
    setQuery({ [chosen.name]: chosen.type === undefined ? text : new Date(text).toISOString() });
    value.value = "";
    adding.value = false;
  };
  return (
    <div class="stack tight">
      <div class="chips" role="group" aria-label="Filters">
        {set.map((each) => (
          <span class="chip" key={each.name}>
            <bdi>
              {each.label}: {plain(shown(each, query.value.get(each.name) ?? ""))}
            </bdi>
            <button
              type="button"
              aria-label={`Remove the filter ${each.label}`}
              onClick={() => setQuery({ [each.name]: null })}
            >
              <Icon name="close" />
            </button>
          </span>
        ))}
        <Button look="quiet" icon="plus" pressed={adding.value} onClick={() => (adding.value = !adding.value)}>
          Filter
        </Button>
        {set.length > 1 ? (
          <Button look="quiet" onClick={() => setQuery(Object.fromEntries(set.map((each) => [each.name, null])))}>
            Clear all
          </Button>
        ) : null}
      </div>
      {adding.value && chosen !== undefined ? (
        <form
          class="card"
          onSubmit={(event) => {
            event.preventDefault();
            add();
          }}
        >
          <div class="inner">
            <div class="columns">
              <SelectField
                label="Filter by"
                name="filter"
                value={field}
                choices={fields.map((each) => ({ value: each.name, label: each.label }))}
              />
              <FilterValue field={chosen} value={value} />
            </div>
            <div class="row">
              <Button type="submit" look="primary">
                Add filter
              </Button>
              <Button onClick={() => (adding.value = false)}>Cancel</Button>
            </div>
          </div>
        </form>
      ) : null}
    </div>
  );
}

function FilterValue({ field, value }: { readonly field: FilterField; readonly value: Signal<string> }) {
  const choices =
    field.choices?.map((each) => ({ value: each, label: each })) ??
    field.options?.map((each) => ({ value: each.id, label: each.name }));
  if (choices !== undefined) {
    return (
      <SelectField
        key={field.name}
        label={field.label}
        name="value"
        value={value}
        choices={[{ value: "", label: "Choose …" }, ...choices]}
        required
      />
    );
  }
  return (
    <TextField
      key={field.name}
      label={field.label}
      name="value"
      value={value}
      required
      type={field.type ?? "text"}
      {...(field.hint === undefined ? {} : { hint: field.hint })}
    />
  );
}

function shown(field: FilterField, value: string): string {
  return field.options?.find((each) => each.id === value)?.name ?? value;
}
