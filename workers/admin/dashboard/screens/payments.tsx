/** What callers paid for calls: the sums of a month, every payment with its state, and one payment in detail. */
import { useComputed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { PaymentRecord } from "../../../../src/contract/payment-record.ts";
import { dollars } from "../amount.ts";
import type { Query } from "../api/client.ts";
import { connections, credentials, customers, nameOf, recipients } from "../api/directory.ts";
import { useList, useResource } from "../api/resource.ts";
import type { List } from "../api/resource.ts";
import { count, plain, plural } from "../format.ts";
import { query, setQuery } from "../router.ts";
import { Button, ButtonLink, Link } from "../ui/button.tsx";
import { Figure, Figures } from "../ui/figure.tsx";
import { Filters } from "../ui/filters.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty, Failed, FailureNote, Loading } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";
import type { Column } from "../ui/table.tsx";
import { Code, Time } from "../ui/text.tsx";
import { shortHex } from "../tokens.ts";
import type { UsageView } from "./overview.tsx";
import { PaymentPanel } from "./payment-panel.tsx";
import { PaymentState, PaymentsNav, accountName } from "./payment-parts.tsx";
import { PAYMENT_STATES, paidWith } from "./payment-words.ts";

const PAGE_SIZE = 50;
const SUMMED_DAYS = 30;
const HOUR_MS = 3_600_000;
const FILTERS = [
  "provider",
  "state",
  "recipient_id",
  "customer",
  "connection_id",
  "credential_id",
  "payer",
  "transaction",
  "from",
  "to",
] as const;

export function Payments() {
  const filter: Query = Object.fromEntries(FILTERS.map((name) => [name, query.value.get(name) ?? undefined]));
  const list = useList<PaymentRecord>("/payments", filter, PAGE_SIZE);
  useEffect(() => void Promise.all([connections.want(), credentials.want(), recipients.want(), customers.want()]), []);
  return (
    <>
      <PageHead title="Payments">
        What callers paid for calls under a policy with a price: with a token (x402) or out of prepaid credits.
      </PageHead>
      <PaymentsNav />
      <Sums />
      <Filters
        fields={[
          { name: "provider", label: "Paid with", choices: ["x402", "credits"] },
          { name: "state", label: "State", choices: PAYMENT_STATES },
          { name: "recipient_id", label: "Recipient", options: recipients.items.value },
          { name: "customer", label: "Customer", hint: "As calls name it" },
          { name: "connection_id", label: "Connection", options: connections.items.value },
          { name: "credential_id", label: "Credential", options: credentials.items.value },
          { name: "payer", label: "Payer", hint: "The wallet’s address, 0x…" },
          { name: "transaction", label: "Transaction", hint: "Its hash, 0x…" },
          { name: "from", label: "From", type: "datetime-local" },
          { name: "to", label: "To", type: "datetime-local" },
        ]}
      />
      <PaymentList list={list} filtered={FILTERS.some((name) => filter[name] !== undefined)} />
    </>
  );
}

function Sums() {
  const from = useMemo(() => {
    const toMs = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
    return new Date(toMs - SUMMED_DAYS * 24 * HOUR_MS).toISOString();
  }, []);
  const usage = useResource<UsageView>("/usage", { interval: "total", from });
  const sums = usage.value.value?.totals.payments;
  // What failed here is said again, and can be tried again, with the list below.
  if (sums === undefined) return null;
  return (
    <Figures>
      <Figure
        name={`Paid in ${SUMMED_DAYS} days`}
        value={dollars(sums.paid_usd_micros)}
        note={plural(sums.calls, "paid call")}
      />
      <Figure name="With tokens" value={dollars(sums.x402_usd_micros)} note="x402" />
      <Figure name="Out of credits" value={dollars(sums.credits_usd_micros)} note="prepaid" />
      <Figure name="Given back" value={dollars(sums.refunded_usd_micros)} note="as credits, for failed calls" />
      <Figure
        name="Settlements in doubt"
        value={count(sums.unknown)}
        note={sums.unknown === 0 ? "none" : <Link to="/payments?state=unknown">Show them</Link>}
      />
    </Figures>
  );
}

function PaymentList({ list, filtered }: { readonly list: List<PaymentRecord>; readonly filtered: boolean }) {
  const rows = list.value.value;
  const failure = list.failure.value;
  const openId = useComputed(() => query.value.get("payment"));
  // A page may come back empty although there are more behind it.
  const seeking = rows !== null && rows.length === 0 && list.hasMore.value && failure === null;
  const loading = list.loading.value;
  useEffect(() => {
    if (seeking && !loading) void list.more();
  }, [seeking, loading]);
  if (rows === null || seeking) {
    return rows === null && failure !== null ? (
      <Failed failure={failure} retry={() => void list.reload()} />
    ) : (
      <Loading />
    );
  }
  if (rows.length === 0) {
    return filtered ? (
      <Empty icon="payment" title="No payment fits these filters" />
    ) : (
      <Empty
        icon="payment"
        title="Nobody has paid for a call yet"
        action={<ButtonLink to="/policies">Open the policies</ButtonLink>}
      >
        A policy asks for payment when it has a price. Calls that were paid for are listed here, each with its receipt.
      </Empty>
    );
  }
  const open = rows.find((each) => each.id === openId.value) ?? null;
  const close = () => {
    document.querySelector<HTMLElement>("tr[aria-current] a")?.focus();
    setQuery({ payment: null });
  };
  return (
    <div class={`with-panel${open === null ? "" : " open"}`}>
      <div class="stack">
        <FailureNote failure={failure} />
        <Table
          label="Payments"
          rows={rows}
          columns={open === null ? COLUMNS : COLUMNS.filter((each) => BESIDE_PANEL.has(each.head))}
          to={(row) => withPayment(row.id)}
          current={(row) => row === open}
        />
        {list.hasMore.value ? (
          <div class="more">
            <Button busy={loading} onClick={() => list.more()}>
              Show more
            </Button>
          </div>
        ) : null}
      </div>
      {open === null ? null : <PaymentPanel payment={open} onClose={close} />}
    </div>
  );
}

/** The view as it is, with one payment open beside it. */
function withPayment(id: string): string {
  const next = new URLSearchParams(query.value);
  next.set("payment", id);
  return `/payments?${next.toString()}`;
}

const BESIDE_PANEL: ReadonlySet<string> = new Set(["When", "Payer", "Price", "State"]);

const COLUMNS: readonly Column<PaymentRecord>[] = [
  { head: "When", cell: (row) => <Time at={row.at} /> },
  { head: "Payer", cell: (row) => <Payer payment={row} /> },
  { head: "Price", right: true, cell: (row) => dollars(row.usd_micros) },
  { head: "Taken", right: true, cell: (row) => <Taken payment={row} /> },
  { head: "Paid with", cell: (row) => paidWith(row) },
  { head: "State", cell: (row) => <PaymentState state={row.state} /> },
  { head: "Call", cell: (row) => <Code value={`${row.method} ${row.path}`} /> },
  { head: "Connection", cell: (row) => (row.connection_id === null ? "–" : plain(nameOf(row.connection_id))) },
];

function Taken({ payment }: { readonly payment: PaymentRecord }) {
  if (payment.charged_usd_micros === null) return <span class="muted">not known</span>;
  if (payment.charged_usd_micros === 0) return <span class="muted">nothing</span>;
  return <>{dollars(payment.charged_usd_micros)}</>;
}

function Payer({ payment }: { readonly payment: PaymentRecord }) {
  if (payment.payer !== null) {
    return (
      <code title={plain(payment.payer)}>
        <bdi>{plain(shortHex(payment.payer))}</bdi>
      </code>
    );
  }
  return <>{payment.account === null ? "–" : accountName(payment.account)}</>;
}
