/** Small pieces of text: hostile text made harmless, ids, badges, times, copying. */
import { useSignal } from "@preact/signals";
import { nowMs } from "../clock.ts";
import { exact, plain, relative, relativeShort } from "../format.ts";
import { Button } from "./button.tsx";

/** Text of unknown origin. Preact escapes it; `plain` shows what would hide or reorder the rest. */
export function Text({ value }: { readonly value: string }) {
  return <bdi>{plain(value)}</bdi>;
}

export function Code({ value }: { readonly value: string }) {
  return (
    <code>
      <bdi>{plain(value)}</bdi>
    </code>
  );
}

export type Tone = "ok" | "warn" | "bad" | "calm" | "accent";

export function Badge({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return <span class={`badge ${tone}`}>{plain(children)}</span>;
}

const STATUS_TONES: Readonly<Record<string, Tone>> = {
  active: "ok",
  delivered: "ok",
  done: "ok",
  allowed: "ok",
  low: "ok",
  canary: "accent",
  invited: "accent",
  pending: "accent",
  running: "accent",
  paused: "warn",
  medium: "warn",
  high: "bad",
  critical: "bad",
  failed: "bad",
  denied: "bad",
};

export function Status({ value }: { readonly value: string }) {
  return <Badge tone={STATUS_TONES[value] ?? "calm"}>{value}</Badge>;
}

/** Relative, with the exact time on hover. `at` is RFC 3339. `short`: for narrow columns. */
export function Time(props: { readonly at: string | null; readonly none?: string; readonly short?: boolean }) {
  const { at, none = "never", short = false } = props;
  if (at === null) return <span class="muted">{none}</span>;
  const atMs = Date.parse(at);
  return (
    <time dateTime={at} title={exact(atMs)}>
      {short ? relativeShort(atMs, nowMs.value) : relative(atMs, nowMs.value)}
    </time>
  );
}

const COPIED_MS = 2_000;

/** Copies and says so. */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const said = useSignal<"" | "Copied" | "Copy failed">("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.value = "Copied";
    } catch {
      said.value = "Copy failed";
    }
    setTimeout(() => (said.value = ""), COPIED_MS);
  };
  return (
    <span class="copy">
      <Button
        look="quiet"
        icon={said.value === "Copied" ? "check" : "copy"}
        label={`${said.value || "Copy"} ${what}`}
        onClick={copy}
      >
        {said.value || "Copy"}
      </Button>
      <span class="sr-only" aria-live="polite">
        {said.value === "" ? "" : `${said.value}: ${what}`}
      </span>
    </span>
  );
}

export function Id({ value }: { readonly value: string }) {
  return (
    <span class="id">
      <Code value={value} />
      <CopyButton text={value} what="id" />
    </span>
  );
}

export function CodeBlock({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <div class="code-block">
      <pre tabIndex={0} aria-label={what}>
        {plainLines(text)}
      </pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}

/** As `plain`, line feeds kept. */
function plainLines(text: string): string {
  return text.split("\n").map(plain).join("\n");
}
