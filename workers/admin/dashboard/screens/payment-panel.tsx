/** One payment: what was asked and taken, who paid with what, the call it paid for, and the audit event that records it. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { AuditEventView } from "../../../../src/contract/audit-event.ts";
import type { PaymentRecord } from "../../../../src/contract/payment-record.ts";
import { dollars } from "../amount.ts";
import { customers, nameOf } from "../api/directory.ts";
import { useResource } from "../api/resource.ts";
import { exact, plain, words } from "../format.ts";
import { networkName } from "../tokens.ts";
import { Button, ButtonLink, Link } from "../ui/button.tsx";
import { Facts } from "../ui/page.tsx";
import { FailureNote } from "../ui/states.tsx";
import { Code, CopyButton, Id, Status, Text } from "../ui/text.tsx";
import { PaymentState, accountName } from "./payment-parts.tsx";
import { STATE_WORDS, paidAmount } from "./payment-words.ts";

export function PaymentPanel({ payment, onClose }: { readonly payment: PaymentRecord; readonly onClose: () => void }) {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => ref.current?.focus({ preventScroll: true }), [payment.id]);
  const amount = paidAmount(payment);
  return (
    <section
      class="card panel receipt-panel"
      aria-label="Payment"
      tabIndex={-1}
      ref={ref}
      onKeyDown={(pressed) => {
        if (pressed.key === "Escape") onClose();
      }}
    >
      <header>
        <h2 class="row">
          {amount ?? dollars(payment.usd_micros)} <PaymentState state={payment.state} />
        </h2>
        <Button look="quiet" icon="close" label="Close the payment" onClick={onClose} />
      </header>
      <div class="inner">
        <p>{STATE_WORDS[payment.state].means}</p>
      </div>
      <Facts
        facts={[
          ["At", exact(Date.parse(payment.at))],
          ["Price", dollars(payment.usd_micros)],
          ["Taken", takenText(payment.charged_usd_micros)],
          ...(payment.provider === "x402" ? tokenFacts(payment) : []),
          ...(payment.account === null
            ? []
            : [["Credits of", <AccountLink account={payment.account} />] satisfies Fact]),
          ...(payment.recipient_id === payment.account?.reference
            ? []
            : [["Recipient", linked(payment.recipient_id, "/recipients/", "nobody")] satisfies Fact]),
          ["Credential", linked(payment.credential_id, "/credentials/", "none")],
          ["Connection", linked(payment.connection_id, "/connections/", "none")],
          ["Customer", payment.customer === null ? "none" : <Text value={payment.customer} />],
        ]}
      />
      <AuditEvent payment={payment} />
    </section>
  );
}

type Fact = readonly [label: string, value: ComponentChildren];

function tokenFacts(payment: PaymentRecord): readonly Fact[] {
  return [
    ["Amount", paidAmount(payment) ?? "not stated"],
    [
      "Network",
      payment.network === null ? "not stated" : `${plain(networkName(payment.network))} (${plain(payment.network)})`,
    ],
    ["Payer", hex(payment.payer, "payer", "unknown")],
    ["Asset", hex(payment.asset, "asset", "not stated")],
    ["Transaction", hex(payment.transaction, "transaction", "none")],
    ["Nonce", hex(payment.nonce, "nonce", "not stated")],
  ];
}

function hex(value: string | null, what: string, none: string): ComponentChildren {
  if (value === null || value === "") return none;
  return (
    <span class="id">
      <Code value={value} />
      <CopyButton text={value} what={what} />
    </span>
  );
}

function takenText(micros: number | null): string {
  if (micros === null) return "not known";
  return micros === 0 ? "nothing" : dollars(micros);
}

function linked(id: string | null, below: string, none: string): ComponentChildren {
  return id === null ? none : <Link to={`${below}${id}`}>{plain(nameOf(id))}</Link>;
}

function AccountLink({ account }: { readonly account: NonNullable<PaymentRecord["account"]> }) {
  const id =
    account.kind === "recipient"
      ? account.reference
      : customers.items.value.find((each) => each.reference === account.reference)?.id;
  const name = accountName(account);
  if (id === undefined) return <>{name}</>;
  return <Link to={`/payments/credits/${account.kind}s/${id}`}>{name}</Link>;
}

function AuditEvent({ payment }: { readonly payment: PaymentRecord }) {
  const resource = useResource<AuditEventView>(`/audit-events/${payment.event_id}`, { at: payment.updated_at });
  const event = resource.value.value;
  return (
    <div class="inner receipt">
      <h3>The call, as the audit log has it</h3>
      <p>
        <Code value={`${payment.method} ${payment.path}`} />
      </p>
      <FailureNote failure={resource.failure.value} />
      {event === null ? null : (
        <>
          <p class="row">
            <Status value={event.decision} />
            {event.reason === "ok" ? "" : `${words(event.reason)}, `}
            {event.status === null ? "no answer seen" : `answered ${event.status}`}
          </p>
          <p class="muted">Event {event.seq} of its credential, with the hash</p>
          <p class="id">
            <span>
              <Code value={event.hash.slice(0, 16)} />…
            </span>
            <CopyButton text={event.hash} what="hash" />
          </p>
        </>
      )}
      <p>
        <Id value={payment.request_id} />
      </p>
      <div class="row">
        <ButtonLink to={`/audit?request_id=${encodeURIComponent(payment.request_id)}`} icon="audit">
          Open in the audit log
        </ButtonLink>
      </div>
    </div>
  );
}
