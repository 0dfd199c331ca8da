/** Prepaid credits: whose accounts there are, and what is in each. Every recipient and every customer can have one. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { CreditBalance } from "../../../../src/contract/payment.ts";
import type { Customer } from "../../../../src/contract/customer.ts";
import type { Recipient } from "../../../../src/contract/recipient.ts";
import { dollars } from "../amount.ts";
import { get } from "../api/client.ts";
import { useList } from "../api/resource.ts";
import { query } from "../router.ts";
import { Link } from "../ui/button.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Code, Status, Text } from "../ui/text.tsx";
import { PaymentsNav } from "./payment-parts.tsx";

/** Each account's balance is a question to its own ledger, so a page is short. */
const PAGE_SIZE = 25;

export function CreditAccounts() {
  const ofCustomers = query.value.get("of") === "customers";
  return (
    <>
      <PageHead title="Prepaid credits">
        Money that callers have paid in. A policy with a price in credits takes it from the account of the recipient, or
        of the customer that the call names.
      </PageHead>
      <PaymentsNav />
      <nav class="chips" aria-label="Accounts of">
        <Link to="/payments/credits" class="chip-link" current={!ofCustomers}>
          Recipients
        </Link>
        <Link to="/payments/credits?of=customers" class="chip-link" current={ofCustomers}>
          Customers
        </Link>
      </nav>
      {ofCustomers ? <OfCustomers /> : <OfRecipients />}
    </>
  );
}

function OfRecipients() {
  const list = useList<Recipient>("/recipients", {}, PAGE_SIZE);
  const balances = useBalances("recipients");
  return (
    <ListView
      label="Recipients’ accounts"
      list={list}
      to={(row) => `/payments/credits/recipients/${row.id}`}
      empty={
        <Empty icon="recipient" title="No recipient yet">
          Whoever holds credentials can have an account: a team, a person, a service, an agent.
        </Empty>
      }
      columns={[
        { head: "Name", cell: (row) => <Text value={row.name} /> },
        { head: "Kind", cell: (row) => row.kind },
        { head: "Status", cell: (row) => <Status value={row.status} /> },
        { head: "Held", right: true, cell: (row) => <Amount of="held" known={balances(row.id)} /> },
        { head: "Available", right: true, cell: (row) => <Amount of="available" known={balances(row.id)} /> },
      ]}
    />
  );
}

function OfCustomers() {
  const list = useList<Customer>("/customers", {}, PAGE_SIZE);
  const balances = useBalances("customers");
  return (
    <ListView
      label="Customers’ accounts"
      list={list}
      to={(row) => `/payments/credits/customers/${row.id}`}
      empty={
        <Empty icon="customer" title="No customer yet">
          A call names its customer in the header X-RelayKey-Customer; a policy can have the customer’s credits pay.
        </Empty>
      }
      columns={[
        { head: "Name", cell: (row) => <Text value={row.name} /> },
        { head: "Reference", cell: (row) => <Code value={row.reference} /> },
        { head: "Held", right: true, cell: (row) => <Amount of="held" known={balances(row.id)} /> },
        { head: "Available", right: true, cell: (row) => <Amount of="available" known={balances(row.id)} /> },
      ]}
    />
  );
}

type Known = Signal<CreditBalance | "failed" | null>;

/** Balances by account, each asked for when its row is first drawn; never more than a few questions at a time. */
function useBalances(family: "recipients" | "customers"): (id: string) => Known {
  return useMemo(() => {
    const known = new Map<string, Known>();
    const ask = limited(async (id: string, into: Known) => {
      const answer = await get<CreditBalance>(`/${family}/${id}/credits`);
      into.value = answer.ok ? answer.value : "failed";
    });
    return (id) => {
      const found = known.get(id);
      if (found !== undefined) return found;
      const fresh: Known = signal(null);
      known.set(id, fresh);
      ask(id, fresh);
      return fresh;
    };
  }, [family]);
}

const MAX_QUESTIONS = 4;

function limited<A extends readonly unknown[]>(work: (...args: A) => Promise<void>): (...args: A) => void {
  const waiting: A[] = [];
  let running = 0;
  const next = (): void => {
    while (running < MAX_QUESTIONS) {
      const args = waiting.shift();
      if (args === undefined) return;
      running += 1;
      void work(...args).finally(() => {
        running -= 1;
        next();
      });
    }
  };
  return (...args) => {
    waiting.push(args);
    next();
  };
}

function Amount({ of, known }: { readonly of: "held" | "available"; readonly known: Known }) {
  const balance = known.value;
  if (balance === null) return <span class="muted">…</span>;
  if (balance === "failed") return <span class="muted">not readable</span>;
  const micros = of === "held" ? balance.held_usd_micros : balance.available_usd_micros;
  if (micros === 0) return <span class="muted">{dollars(0)}</span>;
  return <span class={micros < 0 ? "owed" : undefined}>{dollars(micros)}</span>;
}
