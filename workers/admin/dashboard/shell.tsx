/** The frame around every screen: navigation, the palette's button, who is signed in. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { canRead, session, signOut } from "./api/session.ts";
import { plain } from "./format.ts";
import { path } from "./router.ts";
import { NAVIGATION } from "./screens/table.tsx";
import { Brand } from "./ui/brand.tsx";
import { Button, Link } from "./ui/button.tsx";
import { Icon } from "./ui/icon.tsx";
import { Palette, paletteOpen } from "./ui/palette.tsx";

export function Shell({ children, wide }: { readonly children: ComponentChildren; readonly wide: boolean }) {
  const menuOpen = useSignal(false);
  const close = () => (menuOpen.value = false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        paletteOpen.value = !paletteOpen.value;
      }
      if (event.key === "Escape") menuOpen.value = false;
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <header class="topbar">
        <Link to="/" class="brand">
          <Brand />
        </Link>
        <div class="row">
          <Button look="quiet" icon="search" label="Search and commands" onClick={() => (paletteOpen.value = true)} />
          <Button look="quiet" icon="menu" label="Menu" onClick={() => (menuOpen.value = true)} />
        </div>
      </header>
      <div class="shell">
        <Side open={menuOpen.value} onClose={close} />
        <main id="main" tabIndex={-1} class={wide ? "full" : undefined}>
          {children}
        </main>
      </div>
      {paletteOpen.value ? <Palette /> : null}
    </>
  );
}

function Side({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  return (
    <nav class={`side${open ? " open" : ""}`} aria-label="Main">
      <div class="row spread">
        <Link to="/" class="brand" onFollow={onClose}>
          <Brand />
        </Link>
        {open ? <Button look="quiet" icon="close" label="Close the menu" onClick={onClose} /> : null}
      </div>
      <button type="button" class="palette-button" onClick={() => (paletteOpen.value = true)}>
        <Icon name="search" />
        Search
        <kbd>{/Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      {NAVIGATION.filter((group) => group.entries.some((entry) => entry.open())).map((group) => (
        <div key={group.title}>
          {group.title === "" ? null : <h2>{group.title}</h2>}
          <ul>
            {group.entries
              .filter((entry) => entry.open())
              .map((entry) => (
                <li key={entry.to}>
                  <Link to={entry.to} current={isHere(entry.to)} onFollow={onClose}>
                    <Icon name={entry.icon} />
                    {entry.label}
                  </Link>
                </li>
              ))}
          </ul>
        </div>
      ))}
      <Who />
    </nav>
  );
}

function Who() {
  const who = session.value;
  if (who === null) return null;
  return (
    <div class="who">
      <div>
        <strong>{plain(who.name)}</strong>
        <span class="muted">
          {who.role}
          {canRead.value ? `, ${plain(who.organisation.name)}` : ""}
        </span>
      </div>
      <Button look="plain" onClick={signOut}>
        Sign out
      </Button>
    </div>
  );
}

function isHere(to: string): boolean {
  return to === "/" ? path.value === "/" : path.value === to || path.value.startsWith(`${to}/`);
}
