/** Which tokens are taken, where they go, who settles them and when. */
import type { Failure } from "../api/client.ts";
import { microsOf, tokenText } from "../amount.ts";
import { plain } from "../format.ts";
import { KNOWN_TOKENS } from "../tokens.ts";
import { atomicAmount } from "../../../../src/domain/payment-price.ts";
import { Button } from "../ui/button.tsx";
import { Choices, SelectField, TextField } from "../ui/field.tsx";
import { OTHER_TOKEN, acceptDraft, acceptedToken, tokenKey } from "./payment-draft.ts";
import type { AcceptDraft, PaymentDraft } from "./payment-draft.ts";

const TOKENS = [
  ...KNOWN_TOKENS.map((token) => ({
    value: tokenKey(token),
    label: `${token.symbol} on ${token.networkName}${token.test ? " (test money)" : ""}`,
  })),
  { value: OTHER_TOKEN, label: "Another token …" },
];
/** What an EIP-3009 token can have, and the contract allows. */
const MAX_DECIMALS = 36;

export function PaymentTokens({ draft, failure }: { readonly draft: PaymentDraft; readonly failure: Failure | null }) {
  const accepts = draft.accepts.value;
  const missing = failure?.errors.find((each) => each.field === "price.accepts");
  return (
    <div class="stack">
      <h3>Tokens that are taken</h3>
      {accepts.map((accept, i) => (
        <Accept
          key={accept.key}
          accept={accept}
          index={i}
          usd={draft.usd.value}
          failure={failure}
          onRemove={
            accepts.length === 1 ? null : () => (draft.accepts.value = accepts.filter((each) => each !== accept))
          }
        />
      ))}
      {missing === undefined ? null : <p class="error">{plain(missing.message)}</p>}
      <div class="row">
        <Button icon="plus" onClick={() => (draft.accepts.value = [...accepts, acceptDraft()])}>
          Take another token
        </Button>
      </div>
      <div class="columns">
        <TextField
          label="Facilitator"
          name="price.facilitator_url"
          type="url"
          value={draft.facilitatorUrl}
          failure={failure}
          placeholder="https://facilitator.example.com"
          hint="Verifies and settles the payments. It is trusted to move the money: choose it like a bank"
          code
          required
        />
        <TextField
          label="A quoted price holds for, seconds"
          name="price.quote_lifetime_seconds"
          type="number"
          min={1}
          max={3_600}
          value={draft.quoteSeconds}
          failure={failure}
          hint="An offer stays payable so long although the price has changed since"
          required
        />
      </div>
      <Choices
        legend="The money is taken"
        value={draft.flow}
        choices={[
          {
            value: "authorization",
            label: "When the vendor has answered",
            hint: "Checked before, taken only for a call that succeeds",
          },
          { value: "upfront", label: "Before the call", hint: "For calls whose cost cannot wait for the money" },
        ]}
      />
      {draft.provider.value === "x402" && draft.flow.value === "upfront" ? (
        <SelectField
          label="When such a call fails, what was paid"
          name="price.account"
          value={draft.refundTo}
          failure={failure}
          choices={[
            { value: "", label: "stays good for another try of the same call" },
            { value: "recipient", label: "becomes prepaid credits of the recipient" },
            { value: "customer", label: "becomes prepaid credits of the end customer" },
          ]}
        />
      ) : null}
    </div>
  );
}

function Accept(props: {
  readonly accept: AcceptDraft;
  readonly index: number;
  readonly usd: string;
  readonly failure: Failure | null;
  readonly onRemove: (() => void) | null;
}) {
  const { accept, index, failure } = props;
  const name = `price.accepts[${index}]`;
  const other = accept.token.value === OTHER_TOKEN;
  return (
    <fieldset class="rule">
      <legend class="sr-only">Token {index + 1}</legend>
      <div class="token-row">
        <SelectField
          label="Token"
          name={other ? `${name}.token` : `${name}.asset`}
          value={accept.token}
          failure={failure}
          choices={TOKENS}
          hint={inTokens(accept, props.usd)}
        />
        <TextField
          label="Paid to"
          name={`${name}.pay_to`}
          value={accept.payTo}
          failure={failure}
          placeholder="0x…"
          hint="Your address on that network, with its checksum"
          code
          required
        />
      </div>
      {other ? <OtherToken accept={accept} name={name} failure={failure} /> : null}
      {props.onRemove === null ? null : (
        <div class="row">
          <Button look="quiet" onClick={props.onRemove}>
            Do not take this token
          </Button>
        </div>
      )}
    </fieldset>
  );
}

function OtherToken(props: { readonly accept: AcceptDraft; readonly name: string; readonly failure: Failure | null }) {
  const { accept, name, failure } = props;
  return (
    <div class="columns">
      <TextField
        label="Network"
        name={`${name}.network`}
        value={accept.network}
        failure={failure}
        placeholder="eip155:8453"
        hint="CAIP-2, an EVM chain"
        code
        required
      />
      <TextField
        label="Token’s address"
        name={`${name}.asset`}
        value={accept.asset}
        failure={failure}
        placeholder="0x…"
        hint="It must know EIP-3009"
        code
        required
      />
      <TextField
        label="Decimals"
        name={`${name}.decimals`}
        type="number"
        min={0}
        max={MAX_DECIMALS}
        value={accept.decimals}
        failure={failure}
        required
      />
      <TextField
        label="Name in its signing domain"
        name={`${name}.name`}
        value={accept.name}
        failure={failure}
        placeholder="USD Coin"
        hint="EIP-712, exactly as the contract has it"
        required
      />
      <TextField
        label="Version in its signing domain"
        name={`${name}.version`}
        value={accept.version}
        failure={failure}
        placeholder="2"
        required
      />
    </div>
  );
}

/** What the price comes to in this token; nothing while one of the two is not finished. */
function inTokens(accept: AcceptDraft, usd: string): string {
  const micros = microsOf(usd);
  const { decimals, name } = acceptedToken(accept);
  if (micros === null || micros <= 0) return "One dollar is one token";
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > MAX_DECIMALS) return "One dollar is one token";
  const known = KNOWN_TOKENS.find((each) => tokenKey(each) === accept.token.value);
  const symbol = known?.symbol ?? (name === "" ? "of the token" : name);
  return `A call costs ${tokenText(String(atomicAmount(micros, decimals)), decimals)} ${plain(symbol)}`;
}
