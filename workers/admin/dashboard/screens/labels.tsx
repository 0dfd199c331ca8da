/** Labels: shown as links to whatever carries the same one, and edited as rows of a name and a value. */
import type { Failure } from "../api/client.ts";
import { plain } from "../format.ts";
import { Button, Link } from "../ui/button.tsx";
import { TextField, useError } from "../ui/field.tsx";
import { labelDraft } from "./labels-draft.ts";
import type { LabelsDraft } from "./labels-draft.ts";

/** As many as the API takes. */
const MAX_LABELS = 32;

/** `list`: the screen that is filtered by a label when it is followed; null: there is none. */
export function Labels(props: { readonly labels: Readonly<Record<string, string>>; readonly list: string | null }) {
  const entries = Object.entries(props.labels);
  if (entries.length === 0) return <span class="muted">–</span>;
  return (
    <ul class="labels">
      {entries.map(([name, value]) => (
        <li key={name}>
          {props.list === null ? (
            <span class="label">
              <LabelText name={name} value={value} />
            </span>
          ) : (
            <Link to={`${props.list}?label=${encodeURIComponent(`${name}:${value}`)}`} class="label">
              <LabelText name={name} value={value} />
            </Link>
          )}
        </li>
      ))}
    </ul>
  );
}

function LabelText({ name, value }: { readonly name: string; readonly value: string }) {
  return <bdi>{value === "" ? plain(name) : `${plain(name)}: ${plain(value)}`}</bdi>;
}

export function LabelsField(props: {
  readonly draft: LabelsDraft;
  readonly failure: Failure | null;
  /** The request's member, by which errors are found. */
  readonly name?: string;
  readonly hint?: string;
}) {
  const { draft, failure } = props;
  const rows = draft.value;
  const { error, listeners } = useError(failure, props.name ?? "labels");
  return (
    <fieldset class="stack tight" {...listeners}>
      <legend>
        Labels<span class="muted"> (optional)</span>
      </legend>
      {rows.map((row, i) => (
        <div class="label-row" key={row.key}>
          <TextField
            label={`Name of label ${i + 1}`}
            name="label_name"
            value={row.name}
            placeholder="team"
            autoFocus={row.name.value === "" && i > 0}
            bare
            required
          />
          <TextField
            label={`Value of label ${i + 1}`}
            name="label_value"
            value={row.value}
            placeholder="payments"
            bare
          />
          <Button
            look="quiet"
            icon="close"
            label={`Remove label ${i + 1}`}
            onClick={() => (draft.value = rows.filter((each) => each !== row))}
          />
        </div>
      ))}
      {error === null ? null : <p class="error">{error}</p>}
      {props.hint === undefined ? null : <p class="hint">{props.hint}</p>}
      {rows.length < MAX_LABELS ? (
        <div class="row">
          <Button icon="plus" onClick={() => (draft.value = [...rows, labelDraft()])}>
            Add a label
          </Button>
        </div>
      ) : null}
    </fieldset>
  );
}
