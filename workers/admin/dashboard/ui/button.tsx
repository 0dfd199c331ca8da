/** Buttons and links. A link goes somewhere, a button does something; both look alike where that helps. */
import type { ComponentChildren } from "preact";
import { navigate } from "../router.ts";
import { Icon } from "./icon.tsx";
import type { IconName } from "./icon.tsx";

type Look = "primary" | "plain" | "quiet" | "danger";

interface ButtonProps {
  readonly children?: ComponentChildren;
  readonly look?: Look;
  readonly icon?: IconName;
  readonly type?: "button" | "submit";
  readonly disabled?: boolean;
  readonly busy?: boolean;
  /** What a screen reader says where the visible text is short or missing. */
  readonly label?: string;
  readonly pressed?: boolean;
  readonly onClick?: (() => void) | (() => Promise<unknown>);
}

export function Button(props: ButtonProps) {
  const { children, look = "plain", icon, type = "button", busy = false } = props;
  return (
    <button
      type={type}
      class={`button ${look}${children === undefined ? " bare" : ""}`}
      disabled={props.disabled === true || busy}
      aria-busy={busy}
      aria-label={props.label}
      title={children === undefined ? props.label : undefined}
      aria-pressed={props.pressed}
      onClick={() => void props.onClick?.()}
    >
      {icon === undefined ? null : <Icon name={icon} />}
      {children}
    </button>
  );
}

interface LinkProps {
  readonly to: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly current?: boolean;
  readonly onFollow?: () => void;
}

export function Link({ to, children, class: className, current, onFollow }: LinkProps) {
  return (
    <a
      href={to}
      class={className}
      aria-current={current === true ? "page" : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
        event.preventDefault();
        onFollow?.();
        navigate(to);
      }}
    >
      {children}
    </a>
  );
}

export function ButtonLink(props: {
  readonly to: string;
  readonly look?: Look;
  readonly icon?: IconName;
  readonly children: ComponentChildren;
}) {
  return (
    <Link to={props.to} class={`button ${props.look ?? "plain"}`}>
      {props.icon === undefined ? null : <Icon name={props.icon} />}
      {props.children}
    </Link>
  );
}
