/** One of several alike: its fields in a frame, and the button that takes it away. */
import type { ComponentChildren } from "preact";
import { Button } from "./button.tsx";

export function RemovableRow(props: {
  readonly title: string;
  readonly onRemove: () => void;
  readonly children: ComponentChildren;
}) {
  return (
    <fieldset class="rule">
      <legend class="sr-only">{props.title}</legend>
      <div class="columns narrow">{props.children}</div>
      <div class="row">
        <Button look="quiet" label={`Remove ${props.title}`} onClick={props.onRemove}>
          Remove
        </Button>
      </div>
    </fieldset>
  );
}
