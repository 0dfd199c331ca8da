/** What every screen is made of: a head with its one heading and its actions, sections, and lists of facts. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Failure } from "../api/client.ts";
import { plain } from "../format.ts";
import { Link } from "./button.tsx";
import { Failed, Loading } from "./states.tsx";

interface WayUp {
  readonly to: string;
  readonly label: string;
}

export function PageHead(props: {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly up?: WayUp;
  readonly badge?: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${plain(props.title)} – RelayKey`;
  }, [props.title]);
  return (
    <header class="page-head">
      <div>
        {props.up === undefined ? null : (
          <Link to={props.up.to} class="up">
            {props.up.label}
          </Link>
        )}
        <h1>
          {plain(props.title)} {props.badge}
        </h1>
        {props.children === undefined ? null : <p class="lead">{props.children}</p>}
      </div>
      {props.actions === undefined ? null : <div class="actions">{props.actions}</div>}
    </header>
  );
}

/** In place of a page whose one thing is not there: it still loads, or could not be read. */
export function PendingPage(props: {
  readonly title: string;
  readonly up: WayUp;
  /** Null while it loads. */
  readonly failure: Failure | null;
  readonly retry: () => void;
}) {
  return (
    <>
      <PageHead title={props.title} up={props.up} />
      {props.failure === null ? <Loading /> : <Failed failure={props.failure} retry={props.retry} />}
    </>
  );
}

export function Section(props: {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly note?: string;
}) {
  return (
    <section class="card">
      <header>
        <div>
          <h2>{props.title}</h2>
          {props.note === undefined ? null : <p class="muted">{props.note}</p>}
        </div>
        {props.actions === undefined ? null : <div class="actions">{props.actions}</div>}
      </header>
      {props.children}
    </section>
  );
}

/** A section of a form: fields with the same space around and between them. */
export function FormSection(props: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <Section title={props.title}>
      <div class="inner">{props.children}</div>
    </Section>
  );
}

export function Facts({ facts }: { readonly facts: readonly (readonly [label: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
