/** The palette (Cmd-K): go anywhere, find a thing by name, start the common tasks, by typing. */
import { signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { connections, credentials, customers, policies, recipients } from "../api/directory.ts";
import { canEdit, canIssue, canRead, isOwner, signOut } from "../api/session.ts";
import { plain } from "../format.ts";
import { navigate } from "../router.ts";
import { NAVIGATION } from "../screens/table.tsx";
import { chooseTheme } from "../theme.ts";
import { Icon } from "./icon.tsx";
import type { IconName } from "./icon.tsx";

export const paletteOpen = signal(false);
const MAX_SHOWN = 12;

/** As the ARIA practices have it; JSX's types know this role only beside a datalist. */
const COMBOBOX: Readonly<Record<string, string>> = {
  type: "text",
  role: "combobox",
  "aria-label": "Search and commands",
  "aria-expanded": "true",
  "aria-controls": "palette-list",
};

interface Command {
  readonly label: string;
  readonly kind: string;
  readonly icon: IconName;
  run(): unknown;
}

export function Palette() {
  const typed = useSignal("");
  const at = useSignal(0);
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opener = document.activeElement;
    ref.current?.showModal();
    void credentials.want();
    if (canRead.value) {
      void Promise.all([connections.want(), recipients.want(), policies.want(), customers.want()]);
    }
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  const all = commands();
  const found = useMemo(() => search(all, typed.value), [typed.value, all.length]);
  const chosen = Math.min(at.value, Math.max(found.length - 1, 0));
  const close = () => (paletteOpen.value = false);
  const run = (command: Command | undefined) => {
    close();
    if (command !== undefined) void command.run();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") at.value = (chosen + 1) % Math.max(found.length, 1);
    else if (event.key === "ArrowUp") at.value = (chosen - 1 + found.length) % Math.max(found.length, 1);
    else if (event.key === "Enter") run(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={ref}
      class="palette"
      aria-label="Search and commands"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        if (event.target === ref.current) close();
      }}
    >
      <input
        {...COMBOBOX}
        aria-activedescendant={found.length === 0 ? undefined : `palette-${chosen}`}
        placeholder="Go to, find, or do …"
        autofocus
        value={typed.value}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={onKey}
      />
      <ul id="palette-list" role="listbox" aria-label="Results">
        {found.map((command, i) => (
          <li
            key={`${i} ${command.kind} ${command.label}`}
            id={`palette-${i}`}
            role="option"
            aria-selected={i === chosen}
            onClick={() => run(command)}
            onPointerMove={() => (at.value = i)}
          >
            <Icon name={command.icon} />
            <bdi>{plain(command.label)}</bdi>
            <span>{command.kind}</span>
          </li>
        ))}
      </ul>
      <p class="sr-only" role="status">{`${found.length} results`}</p>
    </dialog>
  );
}

function commands(): readonly Command[] {
  const go = (label: string, kind: string, icon: IconName, to: string): Command => ({
    label,
    kind,
    icon,
    run: () => navigate(to),
  });
  return [
    ...(canIssue.value ? [go("Issue a credential", "Do", "plus", "/credentials/new")] : []),
    ...(canEdit.value
      ? [
          go("Connect a vendor", "Do", "plus", "/connections/new"),
          go("First steps", "Do", "arrow", "/start"),
          go("New policy", "Do", "plus", "/policies/new"),
        ]
      : []),
    ...(isOwner.value ? [go("New CI trust policy", "Do", "plus", "/trust-policies/new")] : []),
    ...(canRead.value ? [go("Refused calls", "Do", "audit", "/audit?decision=denied")] : []),
    ...NAVIGATION.flatMap((group) =>
      group.entries.filter((entry) => entry.open()).map((entry) => go(entry.label, "Go to", entry.icon, entry.to)),
    ),
    { label: "Light theme", kind: "Do", icon: "settings", run: () => chooseTheme("light") },
    { label: "Dark theme", kind: "Do", icon: "settings", run: () => chooseTheme("dark") },
    { label: "Sign out", kind: "Do", icon: "close", run: signOut },
    ...connections.items.value.map((each) => go(each.name, "Connection", "connection", `/connections/${each.id}`)),
    ...credentials.items.value.map((each) => go(each.name, "Credential", "credential", `/credentials/${each.id}`)),
    ...recipients.items.value.map((each) => go(each.name, "Recipient", "recipient", `/recipients/${each.id}`)),
    ...policies.items.value.map((each) => go(each.name, "Policy", "policy", `/policies/${each.id}`)),
    ...customers.items.value.map((each) => go(each.name, "Customer", "customer", `/customers/${each.id}`)),
  ];
}

/** Every typed word must occur; what starts with the text comes first. */
function search(all: readonly Command[], typed: string): readonly Command[] {
  const wanted = typed.trim().toLowerCase().split(/\s+/);
  const first = wanted[0] ?? "";
  return all
    .filter((each) => wanted.every((word) => `${each.label} ${each.kind}`.toLowerCase().includes(word)))
    .sort((a, b) => Number(b.label.toLowerCase().startsWith(first)) - Number(a.label.toLowerCase().startsWith(first)))
    .slice(0, MAX_SHOWN);
}
