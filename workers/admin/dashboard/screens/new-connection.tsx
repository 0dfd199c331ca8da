/** A new connection: choose the vendor, then paste its key. */
import { useSignal } from "@preact/signals";
import type { VendorView } from "../../../../src/contract/vendor.ts";
import { navigate } from "../router.ts";
import { PageHead, Section } from "../ui/page.tsx";
import { ConnectionForm } from "./connection-form.tsx";
import { VendorPicker } from "./vendor-picker.tsx";

export function NewConnection() {
  const vendor = useSignal<VendorView | null | undefined>(undefined);
  const chosen = vendor.value;
  const title = chosen === undefined ? "Connect a vendor" : `Connect ${chosen?.name ?? "an API"}`;
  return (
    <>
      <PageHead title={title} up={{ to: "/connections", label: "Connections" }} />
      {chosen === undefined ? (
        <VendorPicker onChoose={(each) => (vendor.value = each)} />
      ) : (
        <Section title="Key and settings">
          <div class="inner">
            <ConnectionForm
              vendor={chosen}
              onBack={() => (vendor.value = undefined)}
              onMade={(made) => navigate(`/connections/${made.id}?test=now`)}
            />
          </div>
        </Section>
      )}
    </>
  );
}
