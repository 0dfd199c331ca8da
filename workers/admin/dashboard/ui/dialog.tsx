/** Dialogs on the browser's own `<dialog>`, which keeps the focus inside and closes with Escape. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Answer, Failure } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { plain } from "../format.ts";
import { Button } from "./button.tsx";
import { TextField } from "./field.tsx";
import { FailureNote } from "./states.tsx";
import { CodeBlock } from "./text.tsx";

export function Dialog(props: {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly onClose: () => void;
  readonly wide?: boolean;
  /** A token is on show: only the button closes it. */
  readonly firm?: boolean;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const opener = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={props.wide === true ? "wide" : undefined}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        if (props.firm !== true) props.onClose();
      }}
      onClose={() => {
        // Browsers let a page hold back Escape only once; what is on show for the only time is opened again.
        if (props.firm === true) ref.current?.showModal();
        else props.onClose();
      }}
    >
      <header>
        <h2 id={titleId}>{plain(props.title)}</h2>
        {props.firm === true ? null : <Button look="quiet" icon="close" label="Close" onClick={props.onClose} />}
      </header>
      {props.children}
    </dialog>
  );
}

/** A form in a dialog: fields, what failed, and two buttons. */
export function FormDialog<T>(props: {
  readonly title: string;
  readonly verb: string;
  readonly children: ComponentChildren;
  readonly action: {
    readonly pending: { value: boolean };
    readonly failure: { value: Failure | null };
  };
  readonly submit: () => Promise<T>;
  readonly onClose: () => void;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly wide?: boolean;
}) {
  return (
    <Dialog title={props.title} onClose={props.onClose} wide={props.wide === true}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void props.submit();
        }}
      >
        <div class="dialog-body">
          {props.children}
          <FailureNote failure={props.action.failure.value} />
        </div>
        <footer>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button
            type="submit"
            look={props.danger === true ? "danger" : "primary"}
            busy={props.action.pending.value}
            disabled={props.disabled === true}
          >
            {props.verb}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

/** A secret on show for the only time, under what is said of that. */
export function SecretDialog(props: {
  readonly title: string;
  readonly secret: string;
  /** What it is: `signing secret`. */
  readonly what: string;
  /** What the button says: `I have kept the secret`. */
  readonly done: string;
  readonly children: ComponentChildren;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={props.title} onClose={props.onClose} firm>
      <div class="dialog-body">
        <p>{props.children}</p>
        <CodeBlock text={props.secret} what={props.what} />
      </div>
      <footer>
        <Button look="primary" onClick={props.onClose}>
          {props.done}
        </Button>
      </footer>
    </Dialog>
  );
}

/** For what cannot be undone: the person types the name of the thing. */
export function ConfirmDialog<T>(props: {
  readonly title: string;
  readonly verb: string;
  readonly name: string;
  readonly children: ComponentChildren;
  readonly run: () => Promise<Answer<T>>;
  readonly onDone: (value: T) => void;
  readonly onClose: () => void;
}) {
  const typed = useSignal("");
  const action = useAction(props.run, props.onDone);
  const wanted = plain(props.name);
  return (
    <FormDialog
      title={props.title}
      verb={props.verb}
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
      disabled={typed.value.trim() !== wanted.trim()}
      danger
    >
      {props.children}
      <TextField label={`Type “${wanted}” to confirm`} name="confirm" value={typed} autoFocus />
    </FormDialog>
  );
}
