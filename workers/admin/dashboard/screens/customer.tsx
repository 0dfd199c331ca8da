/** One customer: what it has used, and where its calls are on record. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Customer } from "../../../../src/contract/customer.ts";
import { apiPath, call } from "../api/client.ts";
import { connections, customers } from "../api/directory.ts";
import { useResource } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { navigate } from "../router.ts";
import { Button, ButtonLink, Link } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Facts, PageHead, PendingPage, Section } from "../ui/page.tsx";
import { Code, Id, Time } from "../ui/text.tsx";
import { notify } from "../ui/toast.tsx";
import { CustomerForm } from "./customer-form.tsx";
import { CustomerLimits } from "./customer-limits.tsx";
import { Labels } from "./labels.tsx";
import { LimitsText } from "./limits-form.tsx";
import type { ScreenProps } from "./screen.ts";
import { Use } from "./use.tsx";

export function CustomerPage({ params }: ScreenProps) {
  const id = params["id"] ?? "";
  const resource = useResource<Customer>(`/customers/${id}`);
  const dialog = useSignal<"none" | "edit" | "remove">("none");
  const close = () => (dialog.value = "none");
  useEffect(() => void connections.want(), []);
  const customer = resource.value.value;
  const up = { to: "/customers", label: "Customers" };
  if (customer === null) {
    return (
      <PendingPage title="Customer" up={up} failure={resource.failure.value} retry={() => void resource.reload()} />
    );
  }
  return (
    <>
      <PageHead
        title={customer.name}
        up={up}
        actions={
          <>
            <ButtonLink to={`/audit?customer=${encodeURIComponent(customer.reference)}`}>Its calls</ButtonLink>
            {canEdit.value ? <Button onClick={() => (dialog.value = "edit")}>Edit</Button> : null}
            {canEdit.value ? (
              <Button look="danger" onClick={() => (dialog.value = "remove")}>
                Remove
              </Button>
            ) : null}
          </>
        }
      />
      <Section title="About">
        <Facts
          facts={[
            ["Id", <Id value={customer.id} />],
            ["Reference", <Code value={customer.reference} />],
            ["Limits over all its calls", <LimitsText limits={customer.limits} />],
            ["Credits", <Link to={`/payments/credits/customers/${customer.id}`}>Balance and statement</Link>],
            ["Labels", <Labels labels={customer.labels} list={null} />],
            ["Added", <Time at={customer.created_at} />],
          ]}
        />
      </Section>
      <Use filter={{ customer: customer.reference }} />
      <CustomerLimits stated />
      {dialog.value === "edit" ? (
        <CustomerForm
          from={customer}
          onDone={(next) => {
            resource.value.value = next;
            notify("Saved. It holds for every credential from now on.");
            close();
          }}
          onClose={close}
        />
      ) : null}
      {dialog.value === "remove" ? (
        <ConfirmDialog
          title={`Remove ${customer.name}`}
          verb="Remove"
          name={customer.name}
          run={() => call("DELETE", apiPath(`/customers/${customer.id}`))}
          onDone={() => {
            void customers.want(true);
            navigate("/customers");
          }}
          onClose={close}
        >
          <p>Credentials that ask for a known customer will refuse its calls. What it did stays on record.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
