/** Large figures with a name and a note, side by side. */
import type { ComponentChildren } from "preact";

export function Figures({ children }: { readonly children: ComponentChildren }) {
  return <dl class="figures">{children}</dl>;
}

export function Figure(props: { readonly name: string; readonly value: string; readonly note?: ComponentChildren }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>
        {props.value}
        {props.note === undefined ? null : <small>{props.note}</small>}
      </dd>
    </div>
  );
}
