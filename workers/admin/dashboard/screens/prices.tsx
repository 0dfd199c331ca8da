/** What calls cost the owner at the vendor, so that budgets in dollars can count. */
import { useSignal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import { patch } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plain } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { Section } from "../ui/page.tsx";
import { Empty, FailureNote } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";
import { Code } from "../ui/text.tsx";
import { CostDialog } from "./cost-dialog.tsx";
import { costText } from "./cost-draft.ts";
import type { Cost } from "./cost-draft.ts";

export function Prices({
  connection,
  onChanged,
}: {
  readonly connection: Connection;
  readonly onChanged: (next: Connection) => void;
}) {
  const open = useSignal<number | null>(null);
  const { prices } = connection;
  const save = useAction(
    (next: readonly Cost[]) => patch<Connection>(`/connections/${connection.id}`, { prices: next }),
    onChanged,
  );
  return (
    <Section
      title="Prices"
      note="What the vendor takes. The first that fits a call counts."
      actions={
        canEdit.value ? (
          <Button icon="plus" onClick={() => (open.value = prices.length)}>
            Add a price
          </Button>
        ) : undefined
      }
    >
      <FailureNote failure={save.failure.value} />
      {prices.length === 0 ? (
        <Empty icon="payment" title="No prices">
          Without prices, calls count and dollars do not.
        </Empty>
      ) : (
        <Table
          label="Prices"
          rows={prices}
          columns={[
            { head: "Calls", cell: (row) => <Code value={`${row.methods.join(", ")} ${row.paths.join(" ")}`} /> },
            { head: "Price", right: true, cell: (row) => plain(costText(row)) },
            {
              head: "",
              right: true,
              cell: (row) =>
                canEdit.value ? (
                  <span class="actions">
                    <Button look="quiet" onClick={() => (open.value = prices.indexOf(row))}>
                      Change
                    </Button>
                    <Button
                      look="quiet"
                      busy={save.pending.value}
                      onClick={() => save.run(prices.filter((each) => each !== row))}
                    >
                      Remove
                    </Button>
                  </span>
                ) : null,
            },
          ]}
        />
      )}
      {open.value === null ? null : (
        <CostDialog
          connection={connection}
          index={open.value}
          onSaved={(next) => {
            open.value = null;
            onChanged(next);
          }}
          onClose={() => (open.value = null)}
        />
      )}
    </Section>
  );
}
