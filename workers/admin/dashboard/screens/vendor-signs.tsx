/** How a vendor says "wait" and "this key is not good" where the usual status does not, and where it tells the quota left. */
import type { Signal } from "@preact/signals";
import type { Failure } from "../api/client.ts";
import { Button } from "../ui/button.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { RemovableRow } from "../ui/removable-row.tsx";
import { quotaHeaderDraft, signDraft } from "./reliability-draft.ts";
import type { QuotaHeaderDraft, ReliabilityDraft, SignDraft } from "./reliability-draft.ts";

export function VendorSigns({
  draft,
  failure,
}: {
  readonly draft: ReliabilityDraft;
  readonly failure: Failure | null;
}) {
  const some = draft.limitSigns.value.length + draft.refusedSigns.value.length + draft.quotaHeaders.value.length;
  return (
    <details>
      <summary>How the vendor speaks of limits and keys{some === 0 ? "" : ` (${some})`}</summary>
      <div class="stack">
        <Signs
          title="Signs of “wait”"
          note="Beside 429: answers that mean the caller has to slow down."
          field="limit_signs"
          noun="sign of wait"
          signs={draft.limitSigns}
          failure={failure}
          waits
        />
        <Signs
          title="Signs of a refused key"
          note="Beside 401: answers that mean the vendor no longer takes the key."
          field="refused_signs"
          noun="sign of a refused key"
          signs={draft.refusedSigns}
          failure={failure}
        />
        <QuotaHeaders headers={draft.quotaHeaders} failure={failure} />
      </div>
    </details>
  );
}

function Signs(props: {
  readonly title: string;
  readonly note: string;
  readonly field: "limit_signs" | "refused_signs";
  readonly noun: string;
  readonly signs: Signal<readonly SignDraft[]>;
  readonly failure: Failure | null;
  readonly waits?: boolean;
}) {
  const { signs, failure } = props;
  return (
    <div class="stack tight">
      <h3>{props.title}</h3>
      <p class="hint">{props.note}</p>
      {signs.value.map((sign, i) => {
        const name = `reliability.${props.field}[${i}]`;
        return (
          <RemovableRow
            key={sign.key}
            title={`${props.noun} ${i + 1}`}
            onRemove={() => (signs.value = signs.value.filter((each) => each !== sign))}
          >
            <TextField label="Statuses" name={`${name}.statuses`} value={sign.statuses} failure={failure} required />
            <TextField
              label="Header"
              name={`${name}.header`}
              value={sign.header}
              failure={failure}
              placeholder="x-remaining: 0"
              code
              optional
            />
            <TextField
              label="Body has"
              name={`${name}.body_includes`}
              value={sign.body}
              failure={failure}
              code
              optional
            />
            {props.waits === true ? (
              <TextField
                label="Wait, seconds"
                name={`${name}.wait_seconds`}
                type="number"
                min={1}
                value={sign.waitSeconds}
                failure={failure}
                optional
              />
            ) : null}
          </RemovableRow>
        );
      })}
      <div class="row">
        <Button icon="plus" onClick={() => (signs.value = [...signs.value, signDraft()])}>
          Add a {props.noun}
        </Button>
      </div>
    </div>
  );
}

function QuotaHeaders(props: {
  readonly headers: Signal<readonly QuotaHeaderDraft[]>;
  readonly failure: Failure | null;
}) {
  const { headers, failure } = props;
  return (
    <div class="stack tight">
      <h3>Headers with the quota left</h3>
      {headers.value.map((header, i) => {
        const name = `reliability.quota_headers[${i}]`;
        return (
          <RemovableRow
            key={header.key}
            title={`quota header ${i + 1}`}
            onRemove={() => (headers.value = headers.value.filter((each) => each !== header))}
          >
            <TextField
              label="Calls left"
              name={`${name}.remaining`}
              value={header.remaining}
              failure={failure}
              placeholder="x-ratelimit-remaining"
              code
              required
            />
            <TextField
              label="Full again"
              name={`${name}.reset`}
              value={header.reset}
              failure={failure}
              placeholder="x-ratelimit-reset"
              code
              required
            />
            <SelectField
              label="which is"
              name={`${name}.unit`}
              value={header.unit}
              choices={[
                { value: "seconds", label: "seconds from now" },
                { value: "epoch_seconds", label: "a time, in seconds" },
                { value: "epoch_ms", label: "a time, in milliseconds" },
                { value: "duration", label: "text such as 6m0s" },
              ]}
            />
          </RemovableRow>
        );
      })}
      <div class="row">
        <Button icon="plus" onClick={() => (headers.value = [...headers.value, quotaHeaderDraft()])}>
          Add a quota header
        </Button>
      </div>
    </div>
  );
}
