/**
 * A part of a form that stands closed until it is wanted. It opens by itself when something in it has failed, or when the
 * browser finds a field in it that is not filled in: of one that cannot be seen it would say nothing.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Failure } from "../api/client.ts";
import { errorOf } from "./field.tsx";

export function Disclosure(props: {
  readonly summary: string;
  /** The members of the request that its fields are about. */
  readonly names: readonly string[];
  readonly failure: Failure | null;
  readonly children: ComponentChildren;
}) {
  const ref = useRef<HTMLDetailsElement>(null);
  const { failure, names } = props;
  const open = () => {
    if (ref.current !== null) ref.current.open = true;
  };
  useEffect(() => {
    if (names.some((name) => errorOf(failure, name) !== null)) open();
  }, [failure]);
  return (
    <details ref={ref} onInvalidCapture={open}>
      <summary>{props.summary}</summary>
      <div class="stack">{props.children}</div>
    </details>
  );
}
