/** Judges the rules as they are being edited against past calls: what they would have blocked, and what newly allowed. */
import { useSignal } from "@preact/signals";
import type * as z from "zod";
import type { Policy } from "../../../../src/contract/policy.ts";
import type { Replay } from "../../../../src/contract/scope-review.ts";
import { post } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { count, plural } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { SelectField } from "../ui/field.tsx";
import { Section } from "../ui/page.tsx";
import { FailureNote } from "../ui/states.tsx";
import { Code, Text, Time } from "../ui/text.tsx";
import { policyScope } from "./policy-draft.ts";
import type { ScopeDraft } from "./scope-draft.ts";

type ReplayView = z.infer<typeof Replay>;

export function ReplayPanel({ policy, draft }: { readonly policy: Policy; readonly draft: ScopeDraft }) {
  const days = useSignal("7");
  const replay = useSignal<ReplayView | null>(null);
  const action = useAction(
    () =>
      post<ReplayView>(`/policies/${policy.id}/replay`, { ...policyScope(draft, policy), days: Number(days.value) }),
    (found) => (replay.value = found),
  );
  const found = replay.value;
  return (
    <Section title="Replay against history">
      <div class="inner">
        <SelectField
          label="Calls of the last"
          name="days"
          value={days}
          choices={["1", "7", "30", "90"].map((each) => ({
            value: each,
            label: each === "1" ? "day" : `${each} days`,
          }))}
        />
        <Button busy={action.pending.value} onClick={() => action.run()}>
          Try these rules
        </Button>
        <FailureNote failure={action.failure.value} />
        <div role="status" class="stack tight">
          {found === null ? null : (
            <>
              <p>
                <Text value={found.summary} />
              </p>
              <Samples title={`${count(found.would_block)} would have been blocked`} samples={found.blocked} />
              <Samples title={`${count(found.would_allow)} would newly be allowed`} samples={found.allowed} />
              {found.undecided === 0 ? null : (
                <p class="muted">
                  Of {plural(found.undecided, "call")} the record does not tell:{" "}
                  <Text value={found.not_judged.join(", ")} /> would have judged what is only in the query or the body.
                </p>
              )}
              {found.unaffected_grants === 0 ? null : (
                <p class="muted">{plural(found.unaffected_grants, "grant")} with rules of their own are not reached.</p>
              )}
              {found.complete ? null : <p class="muted">There were more calls than are looked at.</p>}
            </>
          )}
        </div>
      </div>
    </Section>
  );
}

function Samples({ title, samples }: { readonly title: string; readonly samples: ReplayView["blocked"] }) {
  if (samples.length === 0) return null;
  return (
    <details>
      <summary>{title}</summary>
      <ul class="plain stack tight">
        {samples.map((each) => (
          <li key={each.event_id}>
            <Code value={`${each.method} ${each.path}`} />{" "}
            <span class="muted">
              <Time at={each.at} />
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
