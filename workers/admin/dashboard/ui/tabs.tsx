/** Tabs as the ARIA practices have them: one stop for Tab, arrows between them. */
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export interface Tab {
  readonly id: string;
  readonly label: string;
  readonly content: () => ComponentChildren;
}

export function Tabs(props: {
  readonly label: string;
  readonly chosen: Signal<string>;
  readonly tabs: readonly Tab[];
}) {
  const base = useId();
  const at = Math.max(
    props.tabs.findIndex((tab) => tab.id === props.chosen.value),
    0,
  );
  const current = props.tabs[at];
  const move = (step: number, list: HTMLElement) => {
    const next = (at + step + props.tabs.length) % props.tabs.length;
    props.chosen.value = props.tabs[next]?.id ?? "";
    const button = list.children[next];
    if (button instanceof HTMLElement) button.focus();
  };
  return (
    <div class="stack">
      <div
        class="tabs"
        role="tablist"
        aria-label={props.label}
        onKeyDown={(event) => {
          if (event.key === "ArrowRight") move(1, event.currentTarget);
          else if (event.key === "ArrowLeft") move(-1, event.currentTarget);
        }}
      >
        {props.tabs.map((tab, i) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${base}-${tab.id}`}
            aria-selected={i === at}
            aria-controls={`${base}-panel`}
            tabIndex={i === at ? 0 : -1}
            onClick={() => (props.chosen.value = tab.id)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${base}-panel`} aria-labelledby={`${base}-${current?.id ?? ""}`} class="stack">
        {current?.content()}
      </div>
    </div>
  );
}
