/** Changes how a connection waits for its vendor, when it repeats a call, and when it leaves the vendor alone. */
import { useMemo } from "preact/hooks";
import type { Connection } from "../../../../src/contract/connection.ts";
import { patch } from "../api/client.ts";
import type { Failure } from "../api/client.ts";
import { invalidFields } from "../api/invalid.ts";
import { useAction } from "../api/resource.ts";
import { bytes } from "../format.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { CheckField, TextArea, TextField } from "../ui/field.tsx";
import { TIMES, reliabilityBody, reliabilityDraft } from "./reliability-draft.ts";
import type { ReliabilityDraft, TimeMember } from "./reliability-draft.ts";
import { VendorSigns } from "./vendor-signs.tsx";

export function EditReliability(props: {
  readonly connection: Connection;
  readonly onSaved: (next: Connection) => void;
  readonly onClose: () => void;
}) {
  const { connection } = props;
  const draft = useMemo(() => reliabilityDraft(connection.reliability), []);
  const action = useAction(() => {
    const body = reliabilityBody(draft);
    if (!body.ok) return Promise.resolve(invalidFields(body.error));
    return patch<Connection>(`/connections/${connection.id}`, { reliability: body.value });
  }, props.onSaved);
  const failure = action.failure.value;
  return (
    <FormDialog
      title={`Reliability of ${connection.name}`}
      verb="Save"
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
      wide
    >
      <h3>How long to wait, in seconds</h3>
      <Times
        draft={draft}
        failure={failure}
        members={["first_byte_timeout_ms", "idle_timeout_ms", "total_timeout_ms"]}
      />
      <h3>Repeating a call</h3>
      <Repeating draft={draft} failure={failure} />
      <h3>Writes</h3>
      <Writes draft={draft} failure={failure} />
      <h3>Circuit breaker</h3>
      <Breaker draft={draft} failure={failure} />
      <VendorSigns draft={draft} failure={failure} />
    </FormDialog>
  );
}

interface PartProps {
  readonly draft: ReliabilityDraft;
  readonly failure: Failure | null;
}

function Times({ draft, failure, members }: PartProps & { readonly members: readonly TimeMember[] }) {
  return (
    <div class="columns narrow">
      {TIMES.filter((each) => members.includes(each.member)).map((each) => (
        <TextField
          key={each.member}
          label={each.label}
          name={`reliability.${each.member}`}
          value={draft.times[each.member]}
          failure={failure}
          hint={each.hint}
          required
        />
      ))}
    </div>
  );
}

function Repeating({ draft, failure }: PartProps) {
  const kept = Number(draft.replayBytes.value);
  return (
    <>
      <div class="columns">
        <TextField
          label="Attempts at most"
          name="reliability.max_attempts"
          type="number"
          min={1}
          max={10}
          value={draft.maxAttempts}
          failure={failure}
          hint="1: a call is never repeated"
          required
        />
        <TextField
          label="After the statuses"
          name="reliability.retry_statuses"
          value={draft.retryStatuses}
          failure={failure}
          placeholder="429, 502, 503, 504"
          optional
        />
      </div>
      <Times draft={draft} failure={failure} members={["base_delay_ms", "max_delay_ms"]} />
      <div class="columns">
        <TextField
          label="Extra calls at most, %"
          name="reliability.retry_budget_share"
          type="number"
          min={0}
          max={100}
          value={draft.budgetPercent}
          failure={failure}
          hint="Of all calls: so that repetitions never flood a vendor in trouble"
          required
        />
        <TextField
          label="Bodies kept for repeating, bytes"
          name="reliability.replay_body_max_bytes"
          type="number"
          min={0}
          value={draft.replayBytes}
          failure={failure}
          hint={Number.isFinite(kept) ? `${bytes(kept)}; larger ones are sent once` : "Larger ones are sent once"}
          required
        />
      </div>
    </>
  );
}

function Writes({ draft, failure }: PartProps) {
  return (
    <>
      <TextField
        label="Idempotency header"
        name="reliability.idempotency_header"
        value={draft.idempotencyHeader}
        failure={failure}
        placeholder="idempotency-key"
        hint="Where the vendor knows one: a write that carries it may be repeated"
        code
        optional
      />
      <TextArea
        label="Paths that know it"
        name="reliability.idempotency_paths"
        value={draft.idempotencyPaths}
        failure={failure}
        rows={2}
        placeholder="/v1/payments"
        hint="One a line, from the vendor’s root; none: all of them"
        optional
      />
      <CheckField label="Add a key to writes that carry none" value={draft.injectKey} />
    </>
  );
}

function Breaker({ draft, failure }: PartProps) {
  return (
    <>
      <CheckField
        label="Leave a failing vendor alone for a while"
        value={draft.breaker}
        hint="Calls are refused at once instead of waiting for it"
      />
      {draft.breaker.value ? (
        <div class="columns">
          <TextField
            label="After failures"
            name="reliability.breaker.failures"
            type="number"
            min={1}
            value={draft.failures}
            failure={failure}
            required
          />
          <TextField
            label="within, seconds"
            name="reliability.breaker.window_seconds"
            type="number"
            min={1}
            value={draft.windowSeconds}
            failure={failure}
            required
          />
          <TextField
            label="for, seconds"
            name="reliability.breaker.open_seconds"
            type="number"
            min={1}
            value={draft.openSeconds}
            failure={failure}
            required
          />
        </div>
      ) : null}
    </>
  );
}
