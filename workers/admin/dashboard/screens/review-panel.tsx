/** The safety review of what is being written, asked for again shortly after each change. */
import { useSignal, useSignalEffect } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type * as z from "zod";
import type { ScopeReview } from "../../../../src/contract/scope-review.ts";
import { apiPath, call, isRecord } from "../api/client.ts";
import type { Failure } from "../api/client.ts";
import { canEdit } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { Section } from "../ui/page.tsx";
import { FailureNote } from "../ui/states.tsx";
import { Code, Status, Text } from "../ui/text.tsx";

type Review = z.infer<typeof ScopeReview>;

const PAUSE_MS = 350;

/** `body` reads signals and gives what would be issued, or null while it is not complete. */
export function ReviewPanel(props: {
  readonly body: () => Readonly<Record<string, unknown>> | null;
  /** Ids of findings that stop it and that somebody accepts all the same. */
  readonly acknowledged?: Signal<readonly string[]>;
  /**
   * It is minted while nobody looks on, as for provisioners: what is critical stops it, and nobody can accept that. Says
   * so: `stops every job`.
   */
  readonly unattended?: string;
  /** Puts a narrower rule in place of the rules of the only grant. */
  readonly onNarrow?: (rule: { readonly methods: readonly string[]; readonly paths: readonly string[] }) => void;
}) {
  const review = useSignal<Review | null>(null);
  const failure = useSignal<Failure | null>(null);
  const asking = useSignal(false);
  useSignalEffect(() => {
    const body = props.body();
    if (body === null) {
      review.value = null;
      failure.value = null;
      return undefined;
    }
    const aborter = new AbortController();
    const timer = setTimeout(async () => {
      asking.value = true;
      const answer = await call<Review>("POST", apiPath("/scope-reviews"), body, aborter.signal);
      if (aborter.signal.aborted) return;
      asking.value = false;
      failure.value = answer.ok ? null : answer.error;
      if (answer.ok) review.value = answer.value;
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      aborter.abort();
    };
  });
  const found = review.value;
  return (
    <Section title="Safety review" actions={found === null ? undefined : <Status value={found.risk} />}>
      <div class="inner" aria-live="polite" aria-busy={asking.value}>
        {failure.value === null ? null : <FailureNote failure={failure.value} />}
        {found === null && failure.value === null ? (
          <p class="muted">Say what it may reach, and what to think about appears here while you type.</p>
        ) : null}
        {found !== null && failure.value === null ? (
          <Findings
            review={props.unattended === undefined ? found : unattended(found)}
            stops={props.unattended}
            onNarrow={props.onNarrow}
            acknowledged={props.acknowledged}
          />
        ) : null}
      </div>
    </Section>
  );
}

function unattended(review: Review): Review {
  const critical = review.findings.filter((finding) => finding.severity === "critical");
  return { ...review, blocking: critical.map((finding) => finding.id) };
}

export function Findings({
  review,
  onNarrow,
  acknowledged,
  stops = "stops it",
}: {
  readonly review: Pick<Review, "risk" | "findings"> & Partial<Pick<Review, "blocking">>;
  readonly onNarrow?: Parameters<typeof ReviewPanel>[0]["onNarrow"];
  readonly acknowledged?: Signal<readonly string[]> | undefined;
  readonly stops?: string | undefined;
}) {
  if (review.findings.length === 0) return <p>Nothing stands out. It reaches only what the rules say.</p>;
  return (
    <ul class="findings">
      {review.findings.map((finding) => {
        const rule = narrower(finding.rule);
        return (
          <li key={finding.id}>
            <div class="row">
              <Status value={finding.severity} />
              {review.blocking?.includes(finding.id) === true ? <strong>{stops}</strong> : null}
            </div>
            <p>
              <Text value={finding.message} />
            </p>
            {rule === null ? null : (
              <div class="row">
                <Code value={`${rule.methods.join(", ")} ${rule.paths.join(" ")}`} />
                {onNarrow === undefined ? null : (
                  <Button look="quiet" onClick={() => onNarrow(rule)}>
                    Use this instead
                  </Button>
                )}
              </div>
            )}
            {acknowledged === undefined || !canEdit.value ? null : (
              <Accept id={finding.id} blocking={review.blocking ?? []} acknowledged={acknowledged} />
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** A finding that stops it can be accepted by somebody who may; that is kept with the credential. */
function Accept(props: {
  readonly id: string;
  readonly blocking: readonly string[];
  readonly acknowledged: Signal<readonly string[]>;
}) {
  const { id, acknowledged } = props;
  const accepted = acknowledged.value.includes(id);
  if (!accepted && !props.blocking.includes(id)) return null;
  const rest = acknowledged.value.filter((each) => each !== id);
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={accepted}
        onChange={(event) => (acknowledged.value = event.currentTarget.checked ? [...rest, id] : rest)}
      />
      I accept this
    </label>
  );
}

function narrower(rule: unknown): { readonly methods: readonly string[]; readonly paths: readonly string[] } | null {
  if (!isRecord(rule)) return null;
  const { methods, paths } = rule;
  if (!Array.isArray(methods) || !Array.isArray(paths)) return null;
  return { methods: methods.map(String), paths: paths.map(String) };
}
