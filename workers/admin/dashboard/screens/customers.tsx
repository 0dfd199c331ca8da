/** End customers behind shared credentials, as `X-RelayKey-Customer` names them, and what each of them may use. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Customer } from "../../../../src/contract/customer.ts";
import { connections } from "../api/directory.ts";
import { useList } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { navigate } from "../router.ts";
import { Button, Link } from "../ui/button.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Code, Text, Time } from "../ui/text.tsx";
import { CustomerForm } from "./customer-form.tsx";
import { CustomerLimits } from "./customer-limits.tsx";
import { Labels } from "./labels.tsx";
import { LimitsText } from "./limits-form.tsx";

export function Customers() {
  const list = useList<Customer>("/customers");
  const adding = useSignal(false);
  useEffect(() => void connections.want(true), []);
  const add = (
    <Button look="primary" icon="plus" onClick={() => (adding.value = true)}>
      Add a customer
    </Button>
  );
  return (
    <>
      <PageHead title="Customers" actions={canEdit.value ? add : undefined}>
        Your own customers, when one credential serves many. Each is counted, limited and billed apart.
      </PageHead>
      <ListView
        label="Customers"
        list={list}
        to={(row) => `/customers/${row.id}`}
        empty={
          <Empty icon="customer" title="No customer yet" action={canEdit.value ? add : undefined}>
            A call names its customer in the header X-RelayKey-Customer.
          </Empty>
        }
        columns={[
          { head: "Name", cell: (row) => <Text value={row.name} /> },
          { head: "Reference", cell: (row) => <Code value={row.reference} /> },
          { head: "Limits of its own", cell: (row) => <LimitsText limits={row.limits} /> },
          { head: "Labels", cell: (row) => <Labels labels={row.labels} list={null} /> },
          { head: "Added", cell: (row) => <Time at={row.created_at} /> },
          {
            head: "Calls",
            cell: (row) => <Link to={`/audit?customer=${encodeURIComponent(row.reference)}`}>In the audit log</Link>,
          },
        ]}
      />
      <CustomerLimits />
      {adding.value ? (
        <CustomerForm
          from={null}
          onDone={(made) => navigate(`/customers/${made.id}`)}
          onClose={() => (adding.value = false)}
        />
      ) : null}
    </>
  );
}
