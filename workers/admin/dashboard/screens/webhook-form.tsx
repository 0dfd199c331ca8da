/** Makes a webhook, or changes where one goes and what it is told. The secret is made by the server and shown once. */
import { useSignal } from "@preact/signals";
import type * as z from "zod";
import type { Webhook, WebhookWithSecret } from "../../../../src/contract/webhook.ts";
import { patch, post } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { CheckField, TextField, useError } from "../ui/field.tsx";

type Made = z.infer<typeof WebhookWithSecret>;

const EVENTS = [
  "address.unconfirmed",
  "budget.threshold",
  "breaker.open",
  "credential.revoked",
  "key.echo_masked",
  "recipient.revoked",
] as const;

type FormProps =
  | { readonly from: null; readonly onDone: (made: Made) => void; readonly onClose: () => void }
  | { readonly from: Webhook; readonly onDone: (changed: Webhook) => void; readonly onClose: () => void };

export function WebhookForm(props: FormProps) {
  const { from } = props;
  const name = useSignal(from?.name ?? "");
  const url = useSignal(from?.url ?? "");
  const events = useSignal<readonly string[]>(from === null || from.events.includes("*") ? EVENTS : from.events);
  const everything = useSignal(from?.events.includes("*") ?? false);
  const members = () => ({
    name: name.value.trim(),
    url: url.value.trim(),
    events: everything.value ? ["*"] : events.value,
  });
  const make = useAction(
    () => post<Made>("/webhooks", members()),
    (made) => (props.from === null ? props.onDone(made) : undefined),
  );
  const change = useAction(
    () => patch<Webhook>(`/webhooks/${from?.id ?? ""}`, members()),
    (changed) => (props.from === null ? undefined : props.onDone(changed)),
  );
  const action = from === null ? make : change;
  const failure = action.failure.value;
  const { error, listeners } = useError(failure, "events");
  return (
    <FormDialog
      title={from === null ? "New webhook" : `Edit ${from.name}`}
      verb={from === null ? "Make the webhook" : "Save"}
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
    >
      <TextField label="Name" name="name" value={name} failure={failure} required autoFocus />
      <TextField label="URL" name="url" type="url" value={url} failure={failure} placeholder="https://" code required />
      <fieldset class="stack tight" {...listeners}>
        <legend>Tell of</legend>
        <CheckField label="Everything, also what later releases add" value={everything} />
        {everything.value ? null : (
          <div class="methods">
            {EVENTS.map((each) => (
              <label key={each}>
                <input
                  type="checkbox"
                  checked={events.value.includes(each)}
                  onChange={(event) => {
                    const rest = events.value.filter((other) => other !== each);
                    events.value = event.currentTarget.checked ? [...rest, each] : rest;
                  }}
                />
                {each}
              </label>
            ))}
          </div>
        )}
        {error === null ? null : <p class="error">{error}</p>}
      </fieldset>
    </FormDialog>
  );
}
