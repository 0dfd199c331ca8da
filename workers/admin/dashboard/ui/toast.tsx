/** Short notices of what was done, said to screen readers too. */
import { signal } from "@preact/signals";
import { plain } from "../format.ts";

const SHOWN_MS = 5_000;
const notices = signal<readonly { readonly id: number; readonly text: string }[]>([]);
let last = 0;

export function notify(text: string): void {
  last += 1;
  const id = last;
  notices.value = [...notices.value, { id, text }];
  setTimeout(() => (notices.value = notices.value.filter((each) => each.id !== id)), SHOWN_MS);
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((each) => (
        <p key={each.id}>{plain(each.text)}</p>
      ))}
    </div>
  );
}
