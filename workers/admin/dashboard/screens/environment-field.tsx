/** The environment that a thing belongs to: free text, empty for any. */
import type { Signal } from "@preact/signals";
import type { Failure } from "../api/client.ts";
import { TextField } from "../ui/field.tsx";

export function EnvironmentField(props: {
  readonly value: Signal<string>;
  readonly failure: Failure | null;
  readonly placeholder?: string;
  readonly hint?: string;
}) {
  return <TextField placeholder="any" {...props} label="Environment" name="environment" optional />;
}
