/** One account of prepaid credits: what is in it, putting money in, correcting it, and the statement that adds up to it. */
import { useSignal } from "@preact/signals";
import type { CreditBalance, CreditMovement } from "../../../../src/contract/payment.ts";
import { digitsOf, dollars, signedDollars } from "../amount.ts";
import { useList, useResource } from "../api/resource.ts";
import type { List } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plural } from "../format.ts";
import { Button, Link } from "../ui/button.tsx";
import { Figure, Figures } from "../ui/figure.tsx";
import { PageHead, PendingPage, Section } from "../ui/page.tsx";
import { Empty, FailureNote } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Badge, Code, Text, Time } from "../ui/text.tsx";
import type { Tone } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";
import { CreditDialog } from "./credit-dialog.tsx";
import { PaymentsNav } from "./payment-parts.tsx";
import type { ScreenProps } from "./screen.ts";
import { checkStatement } from "./statement.ts";

const FAMILIES = ["recipients", "customers"] as const;
const UP = { to: "/payments/credits", label: "Prepaid credits" };

export function CreditAccountPage({ params }: ScreenProps) {
  const family = FAMILIES.find((each) => each === params["family"]) ?? "recipients";
  const owner = `/${family}/${params["id"] ?? ""}`;
  const who = useResource<{ readonly name: string }>(owner);
  const balance = useResource<CreditBalance>(`${owner}/credits`);
  const name = who.value.value?.name;
  const held = balance.value.value;
  const up = family === "recipients" ? UP : { ...UP, to: `${UP.to}?of=customers` };
  if (name === undefined || held === null) {
    const failure = who.failure.value ?? balance.failure.value;
    return (
      <PendingPage
        title="Credits"
        up={up}
        failure={failure}
        retry={() => void Promise.all([who.reload(), balance.reload()])}
      />
    );
  }
  return (
    <Account
      owner={owner}
      name={name}
      up={up}
      balance={held}
      onMoved={(next) => (balance.value.value = next)}
      onRefresh={() => balance.reload()}
    />
  );
}

function Account(props: {
  readonly owner: string;
  readonly name: string;
  readonly up: { readonly to: string; readonly label: string };
  readonly balance: CreditBalance;
  readonly onMoved: (next: CreditBalance) => void;
  readonly onRefresh: () => Promise<void>;
}) {
  const { owner, name, balance } = props;
  const movements = useList<CreditMovement>(`${owner}/credits/movements`);
  const dialog = useSignal<"none" | "top_up" | "adjust">("none");
  const close = () => (dialog.value = "none");
  const refresh = () => void Promise.all([props.onRefresh(), movements.reload()]);
  return (
    <>
      <PageHead
        title={name}
        up={props.up}
        actions={
          canEdit.value ? (
            <>
              <Button onClick={() => (dialog.value = "adjust")}>Adjust</Button>
              <Button look="primary" icon="plus" onClick={() => (dialog.value = "top_up")}>
                Top up
              </Button>
            </>
          ) : undefined
        }
      >
        Prepaid credits.{" "}
        <Link to={owner}>About {owner.startsWith("/recipients") ? "the recipient" : "the customer"}</Link>
      </PageHead>
      <PaymentsNav />
      <Figures>
        <Figure name="Available" value={dollars(balance.available_usd_micros)} note="for the next calls" />
        <Figure name="Held" value={dollars(balance.held_usd_micros)} note="by calls under way" />
        <Figure name="Balance" value={dollars(balance.balance_usd_micros)} note="paid in and not used" />
      </Figures>
      <Statement list={movements} balance={balance} onRefresh={refresh} />
      {dialog.value === "none" ? null : (
        <CreditDialog
          kind={dialog.value}
          owner={owner}
          name={name}
          balanceUsdMicros={balance.balance_usd_micros}
          onClose={close}
          onMoved={(change) => {
            close();
            props.onMoved(change.balance);
            notify(
              `${signedDollars(change.movement.usd_micros)}. The balance is ${dollars(change.balance.balance_usd_micros)}.`,
            );
            void movements.reload();
          }}
        />
      )}
    </>
  );
}

const KINDS: Readonly<Record<CreditMovement["kind"], { readonly label: string; readonly tone: Tone }>> = {
  top_up: { label: "top-up", tone: "ok" },
  adjustment: { label: "adjustment", tone: "warn" },
  charge: { label: "charge", tone: "calm" },
  refund: { label: "refund", tone: "accent" },
};

function Statement(props: {
  readonly list: List<CreditMovement>;
  readonly balance: CreditBalance;
  readonly onRefresh: () => void;
}) {
  const { list } = props;
  const rows = list.value.value ?? [];
  const digits = digitsOf(rows.flatMap((row) => [row.usd_micros, row.balance_usd_micros]));
  return (
    <Section
      title="Statement"
      note="Newest first. A charge names the call that it paid for."
      actions={<Button onClick={props.onRefresh}>Refresh</Button>}
    >
      <FailureNote failure={rows.length === 0 ? null : list.failure.value} />
      <ListView
        label="Statement"
        list={list}
        empty={<Empty icon="payment" title="Nothing has moved yet" />}
        columns={[
          { head: "When", cell: (row) => <Time at={row.at} /> },
          { head: "What", cell: (row) => <Badge tone={KINDS[row.kind].tone}>{KINDS[row.kind].label}</Badge> },
          {
            head: "Amount",
            right: true,
            cell: (row) => (
              <span class={row.usd_micros > 0 ? "gained" : undefined}>{signedDollars(row.usd_micros, digits)}</span>
            ),
          },
          { head: "Balance after", right: true, cell: (row) => dollars(row.balance_usd_micros, digits) },
          { head: "For", cell: (row) => <Reference movement={row} /> },
          { head: "Note", cell: (row) => (row.note === "" ? <span class="muted">–</span> : <Text value={row.note} />) },
        ]}
      />
      {rows.length === 0 ? null : (
        <SumLine rows={rows} complete={!list.hasMore.value} balanceUsdMicros={props.balance.balance_usd_micros} />
      )}
    </Section>
  );
}

/** Only what a call moved has a call to show; what an admin moved is in the changes. */
function Reference({ movement }: { readonly movement: CreditMovement }) {
  if (movement.kind === "charge" || movement.kind === "refund") {
    return (
      <Link to={`/audit?request_id=${encodeURIComponent(movement.reference)}`}>
        <Code value={movement.reference} />
      </Link>
    );
  }
  return <Code value={movement.reference} />;
}

/** The promise of a statement, kept before the reader's eyes: line by line it adds up. */
function SumLine(props: {
  readonly rows: readonly CreditMovement[];
  readonly complete: boolean;
  readonly balanceUsdMicros: number;
}) {
  const { rows } = props;
  const checked = checkStatement(rows, props.complete);
  const newest = rows[0]?.balance_usd_micros ?? 0;
  if (!checked.addsUp) {
    return (
      <p class="statement-sum owed" role="alert">
        These lines do not add up: look at line {checked.brokenAt}. Please report this.
      </p>
    );
  }
  return (
    <p class="statement-sum" role="status">
      {props.complete
        ? `All ${plural(rows.length, "line")} add up to ${dollars(newest)}`
        : `The newest ${plural(rows.length, "line")} add up to ${signedDollars(checked.sumUsdMicros)} on top of ${dollars(newest - checked.sumUsdMicros)} before them`}
      {newest === props.balanceUsdMicros ? ", the balance." : ". The balance has moved since; refresh to see how."}
    </p>
  );
}
