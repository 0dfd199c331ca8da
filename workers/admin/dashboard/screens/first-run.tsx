/** Three steps to the first protected key: choose a vendor, paste and test its key, issue a credential. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Connection } from "../../../../src/contract/connection.ts";
import type { VendorView } from "../../../../src/contract/vendor.ts";
import { connections } from "../api/directory.ts";
import { navigate } from "../router.ts";
import { Button } from "../ui/button.tsx";
import { PageHead, Section } from "../ui/page.tsx";
import { ConnectionForm } from "./connection-form.tsx";
import { ConnectionTest } from "./connection-test.tsx";
import { Issue } from "./issue.tsx";
import { VendorPicker } from "./vendor-picker.tsx";

const STEPS = ["Choose a vendor", "Paste its key", "Issue a credential"];

export function FirstRun() {
  const vendor = useSignal<VendorView | null | undefined>(undefined);
  const made = useSignal<Connection | null>(null);
  const tested = useSignal(false);
  const at = vendor.value === undefined ? 0 : tested.value ? 2 : 1;
  useEffect(() => {
    document.getElementById("main")?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [at]);
  return (
    <>
      <PageHead title="Protect your first key">Three steps, a minute each. You can change everything later.</PageHead>
      <ol class="wizard" aria-label="Steps">
        {STEPS.map((step, i) => (
          <li key={step} class={i < at ? "done" : undefined} aria-current={i === at ? "step" : undefined}>
            {step}
          </li>
        ))}
      </ol>
      {vendor.value === undefined ? <VendorPicker onChoose={(each) => (vendor.value = each)} /> : null}
      {vendor.value !== undefined && at === 1 ? (
        <Section title={vendor.value === null ? "Your API" : vendor.value.name}>
          <div class="inner">
            {made.value === null ? (
              <ConnectionForm
                vendor={vendor.value}
                onBack={() => (vendor.value = undefined)}
                onMade={(each) => (made.value = each)}
              />
            ) : (
              <>
                <p>The key is sealed. Try whether the vendor takes it, then go on.</p>
                <ConnectionTest id={made.value.id} known={made.value.vendor !== null} atOnce />
                <div class="row">
                  <Button
                    look="primary"
                    onClick={async () => {
                      await connections.want(true);
                      tested.value = true;
                    }}
                  >
                    Go on
                  </Button>
                </div>
              </>
            )}
          </div>
        </Section>
      ) : null}
      {made.value !== null && at === 2 ? (
        <Issue
          connectionId={made.value.id}
          doneLabel="Done"
          onDone={(issued) => navigate(`/credentials/${issued.id}`)}
        />
      ) : null}
    </>
  );
}
