/**
 * The least scope that covers what was really used, beside what holds now, and one button that puts it in place. Asked for by
 * a button, since it reads the whole history; what holds is read again with it, so that the difference is that of now.
 */
import { useSignal } from "@preact/signals";
import { get, patch, post } from "../api/client.ts";
import type { Answer } from "../api/client.ts";
import { nameOf } from "../api/directory.ts";
import { useAction } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plain, plural } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { SelectField } from "../ui/field.tsx";
import { Section } from "../ui/page.tsx";
import { Empty, FailureNote } from "../ui/states.tsx";
import { Badge, Code } from "../ui/text.tsx";
import { changes } from "./suggestion.ts";
import type { Proposal, ProposedPart, ScopeLine, Suggestion } from "./suggestion.ts";

interface Props<T> {
  /** Of what it is for; its suggestion is asked for below it, and its change goes there. */
  readonly path: string;
  readonly propose: (now: T, found: Suggestion) => Proposal;
  readonly verb: string;
  /** What applying it means. */
  readonly hint: string;
  /** Why it cannot be applied at the moment. */
  readonly hindrance?: string | null;
  readonly onApplied: (next: T) => void;
}

interface Found {
  readonly proposal: Proposal;
  /** Of all parts together. */
  readonly calls: number;
  /** Over connections that are no part of it any more. */
  readonly callsElsewhere: number;
  readonly complete: boolean;
  readonly days: string;
}

export function Suggestions<T>(props: Props<T>) {
  const days = useSignal("30");
  const found = useSignal<Found | null>(null);
  const ask = useAction(
    () => read(props, days.value),
    (next) => (found.value = next),
  );
  return (
    <Section title="Least scope" note="The fewest methods and paths that cover what was really called.">
      <div class="inner">
        <div class="row ask">
          <SelectField
            label="Going by the calls of the last"
            name="days"
            value={days}
            choices={["7", "30", "90"].map((each) => ({ value: each, label: `${each} days` }))}
          />
          <Button busy={ask.pending.value} onClick={() => ask.run()}>
            Suggest the least scope from what was used
          </Button>
        </div>
        <FailureNote failure={ask.failure.value} />
        {found.value === null ? null : <Shown {...props} found={found.value} onDone={() => (found.value = null)} />}
      </div>
    </Section>
  );
}

async function read<T>({ path, propose }: Props<T>, days: string): Promise<Answer<Found>> {
  const [found, now] = await Promise.all([post<Suggestion>(`${path}/suggest`, { days: Number(days) }), get<T>(path)]);
  if (!found.ok) return found;
  if (!now.ok) return now;
  const proposal = propose(now.value, found.value);
  const calls = proposal.parts.reduce((sum, part) => sum + part.calls, 0);
  const { complete } = found.value;
  return { ok: true, value: { proposal, calls, callsElsewhere: found.value.calls - calls, complete, days } };
}

function Shown<T>(props: Props<T> & { readonly found: Found; readonly onDone: () => void }) {
  const { calls, callsElsewhere, complete, days, proposal } = props.found;
  const apply = useAction(
    () => patch<T>(props.path, proposal.body),
    (next) => {
      props.onDone();
      props.onApplied(next);
    },
  );
  if (calls === 0) {
    return (
      <div role="status">
        <Empty icon="audit" title={`No allowed calls in the last ${days} days`}>
          There is nothing to go by yet, so nothing is suggested and nothing changes.
        </Empty>
      </div>
    );
  }
  const ofAll = `${calls === 1 ? "the " : complete ? "all " : ""}${plural(calls, "allowed call")}`;
  const hindrance = props.hindrance ?? null;
  return (
    <>
      <p role="status">
        {proposal.body === null
          ? `Nothing to narrow: the rules of now are the least that cover ${ofAll} of the last ${days} days.`
          : `These rules cover ${ofAll} of the last ${days} days.`}
      </p>
      {complete ? null : (
        <p class="note warn">There were more different paths than are looked at; the least used are not covered.</p>
      )}
      {callsElsewhere === 0 ? null : (
        <p class="muted">{plural(callsElsewhere, "call")} over connections that it no longer reaches: left out.</p>
      )}
      {proposal.parts.map((part) => (
        <Part key={part.connectionId} part={part} />
      ))}
      {proposal.body === null || !canEdit.value ? null : (
        <>
          <FailureNote failure={apply.failure.value} />
          <div class="row">
            <Button look="primary" busy={apply.pending.value} disabled={hindrance !== null} onClick={() => apply.run()}>
              {props.verb}
            </Button>
            <span class="hint">{hindrance ?? props.hint}</span>
          </div>
        </>
      )}
    </>
  );
}

function Part({ part }: { readonly part: ProposedPart }) {
  const { connectionId, leavesPolicyId, lines } = part;
  return (
    <div class="stack tight">
      {connectionId === null ? null : (
        <h3>
          {plain(nameOf(connectionId))}: {plural(part.calls, "call")}
        </h3>
      )}
      {lines === null ? <p class="muted">Not called in that time. It stays as it is.</p> : <Difference lines={lines} />}
      {lines?.some((line) => line.wider) === true ? (
        <p class="note warn">
          What is marked reaches further than now: where ids stood in paths, every id would fit, and calls that the
          rules have stopped allowing would be allowed again.
        </p>
      ) : null}
      {leavesPolicyId !== null && changes(part) ? (
        <p class="hint">
          It gets methods and paths of its own in place of those of the policy {plain(nameOf(leavesPolicyId))}; all else
          that the policy says still holds.
        </p>
      ) : null}
    </div>
  );
}

const SAID = {
  added: { sign: "+", word: "added" },
  removed: { sign: "−", word: "removed" },
  kept: { sign: "", word: "stays" },
} as const;

function Difference({ lines }: { readonly lines: readonly ScopeLine[] }) {
  return (
    <ul class="difference">
      {lines.map((line) => (
        <li key={`${line.change} ${line.wider} ${line.path}`} class={line.change}>
          <span aria-hidden="true">{SAID[line.change].sign}</span>
          <span>
            <strong>{plain(line.methods.join(", "))}</strong> <Code value={line.path} />
          </span>
          <span class="row">
            {line.wider ? <Badge tone="warn">wider than now</Badge> : null}
            {SAID[line.change].word}
          </span>
        </li>
      ))}
    </ul>
  );
}
