/** What the vendor takes for some calls: the same for each, by a header of its answer, or by numbers in its answer. */
import { useMemo } from "preact/hooks";
import type { Connection } from "../../../../src/contract/connection.ts";
import { patch } from "../api/client.ts";
import type { Failure } from "../api/client.ts";
import { invalidFields } from "../api/invalid.ts";
import { useAction } from "../api/resource.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { CheckField, Choices, TextArea, TextField } from "../ui/field.tsx";
import { Methods } from "../ui/methods.tsx";
import { costBody, costDraft, costMemberDraft } from "./cost-draft.ts";
import type { CostDraft } from "./cost-draft.ts";

export function CostDialog(props: {
  readonly connection: Connection;
  /** Its place among the prices; their number for a new one. */
  readonly index: number;
  readonly onSaved: (next: Connection) => void;
  readonly onClose: () => void;
}) {
  const { connection, index } = props;
  const before = connection.prices[index] ?? null;
  const draft = useMemo(() => costDraft(before), []);
  const action = useAction(() => {
    const body = costBody(draft, index);
    if (!body.ok) return Promise.resolve(invalidFields(body.error));
    const prices = before === null ? [...connection.prices, body.value] : connection.prices.with(index, body.value);
    return patch<Connection>(`/connections/${connection.id}`, { prices });
  }, props.onSaved);
  const failure = action.failure.value;
  const at = (member: string) => `prices[${index}].${member}`;
  return (
    <FormDialog
      title={before === null ? "Add a price" : "Change a price"}
      verb={before === null ? "Add" : "Save"}
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
      disabled={draft.methods.value.length === 0}
      wide
    >
      <Methods legend="Methods" value={draft.methods} />
      <TextArea
        label="Paths"
        name={at("paths")}
        value={draft.paths}
        failure={failure}
        rows={2}
        placeholder="/v1/messages"
        hint="One a line, from the vendor’s root"
      />
      <Choices
        legend="The vendor takes"
        value={draft.kind}
        choices={[
          { value: "fixed", label: "The same for each call" },
          { value: "header", label: "What a header of its answer says" },
          { value: "json", label: "By numbers in its answer", hint: "Such as tokens of a model" },
        ]}
      />
      {draft.kind.value === "header" ? (
        <div class="columns">
          <TextField label="Header" name={at("name")} value={draft.header} failure={failure} code required />
          <TextField
            label="US dollars for one unit"
            name={at("usd_micros_per_unit")}
            value={draft.unitUsd}
            failure={failure}
            placeholder="1"
            required
          />
        </div>
      ) : null}
      {draft.kind.value === "json" ? <Members draft={draft} at={at} failure={failure} /> : null}
      <TextField
        label={draft.kind.value === "fixed" ? "US dollars a call" : "US dollars a call at most"}
        name={at(draft.kind.value === "fixed" ? "usd_micros" : "max_usd_micros")}
        value={draft.usd}
        failure={failure}
        hint={
          draft.kind.value === "fixed"
            ? "For example 0.0025"
            : "Set aside before the call; what it did not cost is given back"
        }
        required
      />
    </FormDialog>
  );
}

function Members(props: {
  readonly draft: CostDraft;
  readonly at: (member: string) => string;
  readonly failure: Failure | null;
}) {
  const { members } = props.draft;
  return (
    <div class="stack tight">
      {members.value.map((each, i) => (
        <div class="stack tight" key={each.key}>
          <div class="columns">
            <TextField
              label="Member"
              name={props.at(`members[${i}].member`)}
              value={each.member}
              failure={props.failure}
              placeholder="usage.output_tokens"
              code
              required
            />
            <TextField
              label="US dollars for a million"
              name={props.at(`members[${i}].usd_micros_per_unit`)}
              value={each.usd}
              failure={props.failure}
              placeholder="15"
              required
            />
          </div>
          <CheckField label="Not in every answer" value={each.optional} />
        </div>
      ))}
      <div class="row">
        <Button icon="plus" onClick={() => (members.value = [...members.value, costMemberDraft()])}>
          Add a member
        </Button>
        {members.value.length > 1 ? (
          <Button look="quiet" onClick={() => (members.value = members.value.slice(0, -1))}>
            Remove the last
          </Button>
        ) : null}
      </div>
    </div>
  );
}
