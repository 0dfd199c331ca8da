/** The four states that every list and page can be in besides full: loading, empty, failed, not offered here. */
import type { ComponentChildren } from "preact";
import type { Failure } from "../api/client.ts";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";
import type { IconName } from "./icon.tsx";
import { Code, Text } from "./text.tsx";

export function Loading({ rows = 5 }: { readonly rows?: number }) {
  return (
    <div class="loading" role="status">
      <span class="sr-only">Loading</span>
      {Array.from({ length: rows }, (_, i) => (
        <span class="skeleton" key={i} />
      ))}
    </div>
  );
}

export function Empty(props: {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly action?: ComponentChildren;
}) {
  return (
    <div class="state">
      <Icon name={props.icon} />
      <h2>{props.title}</h2>
      {props.children === undefined ? null : <p>{props.children}</p>}
      {props.action}
    </div>
  );
}

export function Failed({ failure, retry }: { readonly failure: Failure; readonly retry?: () => void }) {
  if (failure.kind === "missing") {
    return (
      <Empty icon="settings" title="Not available in this deployment">
        This RelayKey has no such part yet. Nothing is wrong with your account.
      </Empty>
    );
  }
  return (
    <div class="state bad" role="alert">
      <Icon name="alert" />
      <h2>{failure.title}</h2>
      <p>
        <Text value={failure.detail} />
      </p>
      {failure.requestId === null ? null : (
        <p class="muted">
          Request <Code value={failure.requestId} />
        </p>
      )}
      {retry === undefined ? null : <Button onClick={retry}>Try again</Button>}
    </div>
  );
}

/** Beside what is shown already: the last refresh or change failed. */
export function FailureNote({ failure }: { readonly failure: Failure | null }) {
  if (failure === null) return null;
  const about = failure.kind === "missing" ? "This deployment does not offer this." : failure.detail;
  return (
    <div class="note bad" role="alert">
      <Icon name="alert" />
      <p>
        <strong>{failure.title}.</strong> <Text value={about} />
      </p>
    </div>
  );
}
