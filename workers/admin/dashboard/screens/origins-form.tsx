/** The further hosts of a connection's API: each by a name, and by how the paths begin that belong there. */
import type { Signal } from "@preact/signals";
import type { Failure } from "../api/client.ts";
import { Button } from "../ui/button.tsx";
import { Disclosure } from "../ui/disclosure.tsx";
import { TextArea, TextField } from "../ui/field.tsx";
import { RemovableRow } from "../ui/removable-row.tsx";
import { originDraft } from "./origins-draft.ts";
import type { OriginDraft } from "./origins-draft.ts";

export function OriginsForm(props: {
  readonly draft: Signal<readonly OriginDraft[]>;
  /** Null: the connection has no id yet. */
  readonly connectionId: string | null;
  readonly failure: Failure | null;
}) {
  const { draft, failure } = props;
  const origins = draft.value;
  return (
    <Disclosure
      summary={`Further hosts of this API${origins.length === 0 ? "" : ` (${origins.length})`}`}
      names={["origins"]}
      failure={failure}
    >
      <p class="hint">Some vendors have a host for each product. The connection’s key goes to each of them.</p>
      {origins.map((origin, i) => (
        <RemovableRow
          key={origin.key}
          title={`host ${i + 1}`}
          onRemove={() => (draft.value = origins.filter((each) => each !== origin))}
        >
          <TextField
            label="Base URL"
            name={`origins[${i}].base_url`}
            type="url"
            value={origin.baseUrl}
            failure={failure}
            placeholder="https://uploads.example.com"
            code
            required
          />
          <TextField
            label="Name"
            name={`origins[${i}].name`}
            value={origin.name}
            failure={failure}
            placeholder="uploads"
            hint={`Called as /${props.connectionId ?? "{connection}"}.${origin.name.value.trim() || "{name}"}/…`}
            code
            required
          />
          <TextArea
            label="Also for paths below"
            name={`origins[${i}].path_prefixes`}
            value={origin.prefixes}
            failure={failure}
            rows={2}
            placeholder="/files"
            hint="One a line, as callers write them"
            optional
          />
        </RemovableRow>
      ))}
      <div class="row">
        <Button icon="plus" onClick={() => (draft.value = [...origins, originDraft()])}>
          Add a host
        </Button>
      </div>
    </Disclosure>
  );
}
