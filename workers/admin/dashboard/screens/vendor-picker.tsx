/** The catalogue: search, and one tile per vendor. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { VendorView } from "../../../../src/contract/vendor.ts";
import { vendors } from "../api/directory.ts";
import { plain, plural, words } from "../format.ts";
import { TextField } from "../ui/field.tsx";
import { Loading } from "../ui/states.tsx";

/** Null stands for an API that the catalogue does not know. */
export function VendorPicker(props: { readonly onChoose: (vendor: VendorView | null) => void }) {
  const typed = useSignal("");
  useEffect(() => void vendors.want(), []);
  if (!vendors.loaded.value) return <Loading />;
  const wanted = typed.value.trim().toLowerCase();
  const found = vendors.items.value.filter(
    (each) => each.id !== "any" && `${each.name} ${each.category} ${each.summary}`.toLowerCase().includes(wanted),
  );
  return (
    <div class="stack">
      <TextField
        label="Search the catalogue"
        name="q"
        type="search"
        value={typed}
        placeholder="Stripe, HR, messaging …"
        autoFocus
      />
      <p class="sr-only" role="status">
        {plural(found.length, "vendor")}
      </p>
      <ul class="tiles">
        {found.map((vendor) => (
          <li key={vendor.id}>
            <button type="button" class="tile" onClick={() => props.onChoose(vendor)}>
              <strong>{plain(vendor.name)}</strong>
              <small>{vendor.summary === "" ? words(vendor.category) : plain(vendor.summary)}</small>
            </button>
          </li>
        ))}
        <li>
          <button type="button" class="tile" onClick={() => props.onChoose(null)}>
            <strong>Another API</strong>
            <small>Any HTTP API with a base URL and a key</small>
          </button>
        </li>
      </ul>
    </div>
  );
}
