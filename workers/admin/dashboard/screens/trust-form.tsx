/** The parts of a trust policy's form: whose tokens count, and what a job then gets. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { TrustPolicy } from "../../../../src/contract/exchange.ts";
import type { Failure } from "../api/client.ts";
import { Button } from "../ui/button.tsx";
import { ListError, TextArea, TextField } from "../ui/field.tsx";
import { FormSection } from "../ui/page.tsx";
import { MintedFields, ReachFields } from "./constraints-form.tsx";
import { LimitsForm } from "./limits-form.tsx";
import { claimDraft, claimField, prefill, systemOf } from "./trust-draft.ts";
import type { ClaimDraft, TrustDraft } from "./trust-draft.ts";
import { KNOWN_ISSUERS } from "./trust-issuers.ts";
import type { KnownClaim } from "./trust-issuers.ts";

const TTLS_SECONDS = [300, 900, 1_800, 3_600, 21_600, 86_400];
/** As many as the API takes. */
const MAX_CLAIMS = 20;

interface Props {
  readonly draft: TrustDraft;
  /** Null: a new one. */
  readonly policy: TrustPolicy | null;
  readonly failure: Failure | null;
}

export function TrustForm(props: Props) {
  const { draft, failure } = props;
  return (
    <div class="stack">
      <FormSection title="Whose tokens count">
        <Issuer {...props} />
        <Claims {...props} />
        <details open={draft.jwksUrl.value !== ""}>
          <summary>Where the issuer’s keys are</summary>
          <TextField
            label="Address of the keys"
            name="jwks_url"
            value={draft.jwksUrl}
            failure={failure}
            placeholder="https://"
            hint="Empty: what the issuer’s own discovery document says"
            code
            optional
          />
        </details>
      </FormSection>
      <FormSection title="What a job may call">
        <ReachFields draft={draft.constraints} failure={failure} />
      </FormSection>
      <FormSection title="Its credential">
        <MintedFields
          draft={draft.constraints}
          failure={failure}
          ttls={TTLS_SECONDS}
          namesLike="ci-*"
          namesHint="The job’s subject takes the place of *"
          labelsHint="Every credential carries them, for search and usage."
        />
      </FormSection>
      <FormSection title="Limits of each credential">
        <LimitsForm draft={draft.constraints.limits} failure={failure} name="constraints.limits" />
      </FormSection>
    </div>
  );
}

function Issuer({ draft, policy, failure }: Props) {
  const known = systemOf(draft);
  return (
    <>
      {policy !== null ? null : (
        <ul class="tiles" aria-label="CI systems">
          {[...KNOWN_ISSUERS, null].map((each) => (
            <li key={each?.id ?? "other"}>
              <button
                type="button"
                class="tile"
                aria-pressed={each === known}
                onClick={() => {
                  if (each !== known) prefill(draft, each);
                }}
              >
                <strong>{each?.name ?? "Another issuer"}</strong>
                <small>{each?.summary ?? "Any system with OpenID Connect"}</small>
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="columns">
        <TextField
          label="Name"
          name="name"
          value={draft.name}
          failure={failure}
          placeholder="Deploy job"
          required
          autoFocus={policy === null}
        />
        <TextField
          label="Audience"
          name="audience"
          value={draft.audience}
          failure={failure}
          hint="What the job asks its token for"
          code
          required
        />
      </div>
      {/* Another issuer is another policy. */}
      <fieldset disabled={policy !== null}>
        <TextField
          label="Issuer"
          name="issuer"
          value={draft.issuer}
          failure={failure}
          placeholder="https://"
          hint={
            policy === null ? "Letter for letter as its tokens say" : "Stays as it is; trust another by a new policy"
          }
          code
          required
        />
      </fieldset>
    </>
  );
}

function Claims({ draft, failure }: Props) {
  const rows = draft.claims.value;
  const known = systemOf(draft)?.claims ?? [];
  const unused = known.filter((claim) => !rows.some((row) => row.name.value.trim() === claim.name));
  const add = (row: ClaimDraft) => (draft.claims.value = [...rows, row]);
  return (
    <fieldset class="stack">
      <legend>Claims that must all agree</legend>
      <p class="hint">
        Compared whole, letter for letter, without wildcards. Of several values, one a line, any is enough.
      </p>
      {rows.map((row, i) => (
        <Claim
          key={row.key}
          row={row}
          number={i + 1}
          known={known.find((claim) => claim.name === row.name.value.trim()) ?? null}
          failure={failure}
          onRemove={() => (draft.claims.value = rows.filter((each) => each !== row))}
        />
      ))}
      <ListError failure={failure} names={["claims"]} />
      {rows.length < MAX_CLAIMS ? (
        <div class="row">
          {unused.map((claim) => (
            <Button key={claim.name} icon="plus" onClick={() => add(claimDraft(claim.name, claim.value, true))}>
              {claim.name}
            </Button>
          ))}
          <Button icon="plus" onClick={() => add(claimDraft("", "", true))}>
            {known.length === 0 ? "Add a claim" : "Another claim"}
          </Button>
        </div>
      ) : null}
    </fieldset>
  );
}

function Claim(props: {
  readonly row: ClaimDraft;
  readonly number: number;
  readonly known: KnownClaim | null;
  readonly failure: Failure | null;
  readonly onRemove: () => void;
}) {
  const { row, number, known } = props;
  const ref = useRef<HTMLDivElement>(null);
  // The button that added it may be gone: the writing goes on in the first empty field.
  useLayoutEffect(() => {
    if (row.fresh) ref.current?.querySelector<HTMLElement>(row.name.peek() === "" ? "input" : "textarea")?.focus();
  }, []);
  return (
    <div class="claim-row" ref={ref}>
      <TextField
        label={`Name of claim ${number}`}
        name="claim_name"
        value={row.name}
        placeholder="sub"
        code
        bare
        required
      />
      <TextArea
        label={`Value of claim ${number}`}
        name={claimField(row.name.value)}
        value={row.values}
        failure={props.failure}
        rows={row.values.value.split("\n").length}
        placeholder={known?.placeholder ?? ""}
        hint={
          known === null ? undefined : (
            <>
              {known.hint} {known.command === undefined ? null : <code>{known.command}</code>}
            </>
          )
        }
        bare
      />
      <Button look="quiet" icon="close" label={`Remove claim ${number}`} onClick={props.onRemove} />
    </div>
  );
}
