/** Puts credits in or corrects them. Says what the balance will be, and moves money only once however often it is sent. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type * as z from "zod";
import type { CreditChange } from "../../../../src/contract/payment.ts";
import { dollars, microsOf } from "../amount.ts";
import { apiPath, call } from "../api/client.ts";
import { invalidFields } from "../api/invalid.ts";
import { useAction } from "../api/resource.ts";
import { plain } from "../format.ts";
import { FormDialog } from "../ui/dialog.tsx";
import { Choices, TextField } from "../ui/field.tsx";

type Change = z.infer<typeof CreditChange>;

const AMOUNT_HINT = "In US dollars, with at most six digits after the point, for example 25 or 0.0025";

export function CreditDialog(props: {
  readonly kind: "top_up" | "adjust";
  /** `/recipients/{id}` or `/customers/{id}`. */
  readonly owner: string;
  readonly name: string;
  readonly balanceUsdMicros: number;
  readonly onMoved: (change: Change) => void;
  readonly onClose: () => void;
}) {
  const adjusting = props.kind === "adjust";
  const amount = useSignal("");
  const direction = useSignal("out");
  const note = useSignal("");
  const typed = useSignal("");
  const once = useOnceKey();
  const wanted = plain(props.name).trim();
  const positive = microsOf(amount.value);
  const usdMicros =
    positive === null || positive <= 0 ? null : adjusting && direction.value === "out" ? -positive : positive;
  const action = useAction(() => {
    if (usdMicros === null) {
      return Promise.resolve(invalidFields([{ field: "usd_micros", message: "Is not an amount above zero" }]));
    }
    const body = { usd_micros: usdMicros, ...(note.value.trim() === "" ? {} : { note: note.value.trim() }) };
    const path = apiPath(`${props.owner}/credits/${adjusting ? "adjustments" : "top-ups"}`);
    return call<Change>("POST", path, body, undefined, once(path, body));
  }, props.onMoved);
  const failure = action.failure.value;
  return (
    <FormDialog
      title={`${adjusting ? "Adjust" : "Top up"} ${props.name}`}
      verb={adjusting ? "Adjust the balance" : "Top up"}
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
      disabled={typed.value.trim() !== wanted || amount.value.trim() === ""}
    >
      {adjusting ? (
        <Choices
          legend="Direction"
          value={direction}
          choices={[
            { value: "out", label: "Take away", hint: "May leave a debt" },
            { value: "in", label: "Add" },
          ]}
        />
      ) : null}
      <TextField
        label="Amount"
        name="usd_micros"
        value={amount}
        failure={failure}
        hint={AMOUNT_HINT}
        required
        autoFocus
      />
      <TextField
        label={adjusting ? "Why" : "Note"}
        name="note"
        value={note}
        failure={failure}
        hint={adjusting ? "Stands in the statement" : "Stands in the statement, for example an invoice’s number"}
        required={adjusting}
        optional={!adjusting}
      />
      <p class="sum-preview" role="status">
        {usdMicros === null
          ? `The balance is ${dollars(props.balanceUsdMicros)}.`
          : `From ${dollars(props.balanceUsdMicros)} to ${dollars(props.balanceUsdMicros + usdMicros)}.`}
      </p>
      <TextField label={`Type “${wanted}” to confirm`} name="confirm" value={typed} />
    </FormDialog>
  );
}

/** The same key for the same request, so that sending it again after a lost answer moves no money twice. */
function useOnceKey(): (path: string, body: object) => string {
  const last = useRef<{ request: string; key: string } | null>(null);
  return (path, body) => {
    const request = JSON.stringify([path, body]);
    if (last.current?.request !== request) last.current = { request, key: crypto.randomUUID() };
    return last.current.key;
  };
}
