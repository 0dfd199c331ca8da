/** Edits a scope: presets of the vendor, rules of methods and paths, and what is rarer behind a fold. */
import { useComputed, useSignal } from "@preact/signals";
import type { VendorView } from "../../../../src/contract/vendor.ts";
import type { Failure } from "../api/client.ts";
import { plain } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { TextArea, TextField } from "../ui/field.tsx";
import { Methods } from "../ui/methods.tsx";
import { presetRules, ruleDraft } from "./scope-draft.ts";
import type { RuleDraft, ScopeDraft } from "./scope-draft.ts";

export function ScopeEditor(props: {
  readonly draft: ScopeDraft;
  readonly vendor: VendorView | null;
  readonly failure: Failure | null;
  /** Path of the connection's base URL, which every pattern begins with. */
  readonly basePath?: string;
  /** The scope's place in the request, by which errors find its fields: `grants[0].`. */
  readonly prefix?: string;
}) {
  const { draft, prefix = "" } = props;
  const rules = draft.rules.value;
  return (
    <div class="stack">
      {props.vendor === null || props.vendor.presets.length === 0 ? null : (
        <Presets vendor={props.vendor} draft={draft} />
      )}
      {rules.map((rule, i) => (
        <RuleEditor
          key={rule.key}
          rule={rule}
          number={i + 1}
          name={`${prefix}rules[${i}]`}
          basePath={props.basePath ?? ""}
          failure={props.failure}
          onRemove={rules.length > 1 ? () => (draft.rules.value = rules.filter((each) => each !== rule)) : null}
        />
      ))}
      <div class="row">
        <Button icon="plus" onClick={() => (draft.rules.value = [...rules, ruleDraft()])}>
          Add a rule
        </Button>
      </div>
      <details>
        <summary>Query, models and answers</summary>
        <div class="columns">
          <TextArea
            label="Refused query parameters"
            name={`${prefix}deny_query_params`}
            value={draft.denyQuery}
            failure={props.failure}
            hint="One a line; every spelling of a name is refused with it"
            optional
          />
          <TextArea
            label="Allowed models"
            name={`${prefix}models`}
            value={draft.models}
            failure={props.failure}
            hint="For AI vendors; empty allows all"
            optional
          />
          <TextArea
            label="Members removed from answers"
            name={`${prefix}remove_response_members`}
            value={draft.removeMembers}
            failure={props.failure}
            hint="For example data[].email; GraphQL then needs a graphql rule"
            optional
          />
        </div>
      </details>
    </div>
  );
}

function RuleEditor(props: {
  readonly rule: RuleDraft;
  readonly number: number;
  readonly name: string;
  readonly basePath: string;
  readonly failure: Failure | null;
  readonly onRemove: (() => void) | null;
}) {
  const { methods, paths } = props.rule;
  return (
    <fieldset class="rule">
      <legend class="sr-only">Rule {props.number}</legend>
      <div class="row spread">
        <Methods legend={`Methods of rule ${props.number}`} value={methods} />
        {props.onRemove === null ? null : (
          <Button look="quiet" icon="close" label={`Remove rule ${props.number}`} onClick={props.onRemove} />
        )}
      </div>
      <TextArea
        label="Paths"
        name={props.name}
        value={paths}
        failure={props.failure}
        rows={Math.min(Math.max(paths.value.split("\n").length, 2), 8)}
        placeholder={`${props.basePath}/contacts/*`}
        hint={
          <>
            One a line. <code>*</code> is one segment, a last <code>/*</code> everything below.
          </>
        }
      />
    </fieldset>
  );
}

function Presets({ vendor, draft }: { readonly vendor: VendorView; readonly draft: ScopeDraft }) {
  const chosenId = useSignal<string | null>(null);
  const values = useSignal<Readonly<Record<string, string>>>({});
  const chosen = useComputed(() => vendor.presets.find((each) => each.id === chosenId.value) ?? null);
  const apply = (preset: VendorView["presets"][number], filled: Readonly<Record<string, string>>) => {
    draft.rules.value = presetRules(preset, filled).map(ruleDraft);
    draft.ofPreset.value = preset.scope;
  };
  return (
    <div class="stack tight">
      <h3>Start from a preset</h3>
      <ul class="tiles">
        {vendor.presets.map((preset) => (
          <li key={preset.id}>
            <button
              type="button"
              class="tile"
              aria-pressed={preset.id === chosenId.value}
              onClick={() => {
                chosenId.value = preset.id;
                apply(preset, values.value);
              }}
            >
              <strong>{plain(preset.name)}</strong>
              <small>{plain(preset.description)}</small>
            </button>
          </li>
        ))}
      </ul>
      <div class="columns">
        {chosen.value?.variables.map((name) => (
          <PresetValue
            key={name}
            name={name}
            onChange={(text) => {
              values.value = { ...values.value, [name]: text };
              if (chosen.value !== null) apply(chosen.value, values.value);
            }}
          />
        ))}
      </div>
    </div>
  );
}

function PresetValue({ name, onChange }: { readonly name: string; readonly onChange: (text: string) => void }) {
  const value = useSignal("");
  return (
    <div onInput={() => onChange(value.value)}>
      <TextField label={plain(name.replaceAll("_", " "))} name={name} value={value} code required />
    </div>
  );
}
