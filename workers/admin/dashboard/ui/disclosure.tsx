/** A part of a form that stands closed until it is wanted, and opens by itself each time something in it has failed. */
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
  useEffect(() => {
    const failed = names.some((name) => errorOf(failure, name) !== null);
    if (failed && ref.current !== null) ref.current.open = true;
  }, [failure]);
  return (
    <details ref={ref}>
      <summary>{props.summary}</summary>
      {props.children}
    </details>
  );
}
