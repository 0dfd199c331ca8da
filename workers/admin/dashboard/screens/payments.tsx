/** The place of payments: prices to callers are part of policies; what was earned will be shown here. */
import { ButtonLink } from "../ui/button.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";

export function Payments() {
  return (
    <>
      <PageHead title="Payments">What callers pay for calls, and how.</PageHead>
      <Empty
        icon="payment"
        title="Not available in this deployment"
        action={<ButtonLink to="/policies">Open the policies</ButtonLink>}
      >
        A policy can already ask callers for a price. Balances and receipts will be listed here.
      </Empty>
    </>
  );
}
