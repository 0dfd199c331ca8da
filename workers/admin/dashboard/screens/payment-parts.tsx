/** What the payments' screens share: their links to each other, a state's badge, an account's name. */
import type { PaymentRecord } from "../../../../src/contract/payment-record.ts";
import { customers, nameOf } from "../api/directory.ts";
import { plain } from "../format.ts";
import { SubNav } from "../ui/subnav.tsx";
import { Badge } from "../ui/text.tsx";
import { STATE_WORDS } from "./payment-words.ts";

export function PaymentsNav() {
  return (
    <SubNav
      label="Payments"
      pages={[
        { to: "/payments", label: "Payments" },
        { to: "/payments/credits", label: "Prepaid credits" },
      ]}
    />
  );
}

export function PaymentState({ state }: { readonly state: PaymentRecord["state"] }) {
  return <Badge tone={STATE_WORDS[state].tone}>{state}</Badge>;
}

/** The account's owner by name, as far as it is known. */
export function accountName(account: NonNullable<PaymentRecord["account"]>): string {
  if (account.kind === "recipient") return plain(nameOf(account.reference));
  return plain(customers.items.value.find((each) => each.reference === account.reference)?.name ?? account.reference);
}
