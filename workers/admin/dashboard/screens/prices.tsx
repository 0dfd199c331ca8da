/** What calls cost the owner, so that budgets in dollars can count: fixed prices by method and path. */
import { useSignal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import { patch } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { money } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { TextArea, TextField } from "../ui/field.tsx";
import { Section } from "../ui/page.tsx";
import { Empty, FailureNote } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";
import { Code } from "../ui/text.tsx";
import { lines } from "./scope-draft.ts";

type Price = Connection["prices"][number];
const MICROS = 1_000_000;

export function Prices({
  connection,
  onChanged,
}: {
  readonly connection: Connection;
  readonly onChanged: (next: Connection) => void;
}) {
  const adding = useSignal(false);
  const save = useAction(
    (prices: readonly Price[]) => patch<Connection>(`/connections/${connection.id}`, { prices }),
    (next) => {
      adding.value = false;
      onChanged(next);
    },
  );
  return (
    <Section
      title="Prices"
      note="The first that fits a call counts."
      actions={
        canEdit.value ? (
          <Button icon="plus" onClick={() => (adding.value = true)}>
            Add a price
          </Button>
        ) : undefined
      }
    >
      <FailureNote failure={adding.value ? null : save.failure.value} />
      {connection.prices.length === 0 ? (
        <Empty icon="payment" title="No prices">
          Without prices, calls count and dollars do not.
        </Empty>
      ) : (
        <Table
          label="Prices"
          rows={connection.prices}
          columns={[
            { head: "Calls", cell: (row) => <Code value={`${row.methods.join(", ")} ${row.paths.join(" ")}`} /> },
            { head: "Price", right: true, cell: (row) => priceText(row) },
            {
              head: "",
              right: true,
              cell: (row) =>
                canEdit.value ? (
                  <Button
                    look="quiet"
                    busy={save.pending.value}
                    onClick={() => save.run(connection.prices.filter((each) => each !== row))}
                  >
                    Remove
                  </Button>
                ) : null,
            },
          ]}
        />
      )}
      {adding.value ? (
        <AddPrice action={save} prices={connection.prices} onClose={() => (adding.value = false)} />
      ) : null}
    </Section>
  );
}

function AddPrice(props: {
  readonly action: ReturnType<typeof useAction<[readonly Price[]], Connection>>;
  readonly prices: readonly Price[];
  readonly onClose: () => void;
}) {
  const methods = useSignal("GET");
  const paths = useSignal("");
  const usd = useSignal("");
  const submit = () =>
    props.action.run([
      ...props.prices,
      {
        kind: "fixed",
        methods: lines(methods.value),
        paths: lines(paths.value),
        usd_micros: Math.round(Number(usd.value) * MICROS),
      },
    ]);
  return (
    <FormDialog title="Add a price" verb="Add" action={props.action} submit={submit} onClose={props.onClose}>
      <TextField
        label="Methods"
        name="prices.methods"
        value={methods}
        hint="With commas; * is any"
        code
        required
        autoFocus
      />
      <TextArea label="Paths" name="prices.paths" value={paths} placeholder="/v1/messages" />
      <TextField label="US dollars a call" name="prices.usd" value={usd} hint="For example 0.0025" required />
    </FormDialog>
  );
}

function priceText(price: Price): string {
  switch (price.kind) {
    case "fixed":
      return `${money(price.usd_micros)} a call`;
    case "header":
      return `by the header ${price.name}, at most ${money(price.max_usd_micros)}`;
    case "json":
      return `by the answer, at most ${money(price.max_usd_micros)}`;
  }
}
