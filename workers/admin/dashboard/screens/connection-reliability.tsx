/** How a connection waits, repeats and gives up, as it holds; and the way to change it. */
import { useSignal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import { canEdit } from "../api/session.ts";
import { bytes, count, duration, millis } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { Facts, Section } from "../ui/page.tsx";
import { Code, Status } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";
import { EditReliability } from "./reliability-editor.tsx";

export function ConnectionReliability({
  connection,
  onChanged,
}: {
  readonly connection: Connection;
  readonly onChanged: (next: Connection) => void;
}) {
  const editing = useSignal(false);
  return (
    <Section
      title="Reliability"
      note="What the vendor documents, or RelayKey’s defaults. Writes are repeated only with an idempotency key."
      actions={canEdit.value ? <Button onClick={() => (editing.value = true)}>Edit reliability</Button> : undefined}
    >
      <Values reliability={connection.reliability} />
      {editing.value ? (
        <EditReliability
          connection={connection}
          onSaved={(next) => {
            editing.value = false;
            notify("Saved. Every credential that reaches it follows at once.");
            onChanged(next);
          }}
          onClose={() => (editing.value = false)}
        />
      ) : null}
    </Section>
  );
}

function Values({ reliability }: { readonly reliability: Connection["reliability"] }) {
  const breaker = reliability.breaker ?? null;
  const share = Math.round((reliability.retry_budget_share ?? 0) * 100);
  const paths = reliability.idempotency_paths ?? [];
  const signs = (reliability.limit_signs?.length ?? 0) + (reliability.refused_signs?.length ?? 0);
  return (
    <Facts
      facts={[
        ["Attempts at most", count(reliability.max_attempts ?? 1)],
        ["Repeated on", reliability.retry_statuses?.join(", ") || "nothing"],
        ["Pause between attempts", `${span(reliability.base_delay_ms)} to ${span(reliability.max_delay_ms)}`],
        ["Extra calls at most", `${share} % of all`],
        ["Answer must begin within", span(reliability.first_byte_timeout_ms)],
        ["Pause in an answer at most", span(reliability.idle_timeout_ms)],
        ["Whole call at most", span(reliability.total_timeout_ms)],
        ["Bodies kept for repeating", `up to ${bytes(reliability.replay_body_max_bytes ?? 0)}`],
        [
          "Idempotency header",
          reliability.idempotency_header ? (
            <>
              <Code value={reliability.idempotency_header} />
              {paths.length === 0 ? "" : `, on ${paths.join(" and ")}`}
              {reliability.inject_idempotency_key === true ? ", added where missing" : ""}
            </>
          ) : (
            "none"
          ),
        ],
        [
          "Circuit breaker",
          breaker === null ? (
            <Status value="off" />
          ) : (
            `after ${breaker.failures} failures in ${duration(breaker.window_seconds)}, for ${duration(breaker.open_seconds)}`
          ),
        ],
        ["Signs of limits and refused keys", signs === 0 ? "the usual statuses" : `${signs} beside the usual statuses`],
      ]}
    />
  );
}

/** Whole seconds as people say them, others as they are. */
function span(ms = 0): string {
  return ms >= 1_000 && ms % 1_000 === 0 ? duration(ms / 1_000) : millis(ms);
}
