/** What needs somebody: connections that are paused or have no key, credentials that end soon, budgets that are nearly used. */
import type { BudgetUse } from "../../../../src/contract/budget.ts";
import { connections, credentials } from "../api/directory.ts";
import { nowMs } from "../clock.ts";
import { plain, relative } from "../format.ts";
import { Link } from "../ui/button.tsx";
import { Section } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { Badge } from "../ui/text.tsx";
import { NEARLY_USED_SHARE, percentText, usedShare } from "./budget-text.ts";
import { budgetLink } from "./budgets.tsx";

const SOON_MS = 3 * 86_400_000;
const MAX_SHOWN = 6;

interface Matter {
  readonly to: string;
  readonly name: string;
  readonly what: string;
}

export function Attention({ budgets }: { readonly budgets: readonly BudgetUse[] }) {
  const matters = [...connectionMatters(), ...budgetMatters(budgets), ...credentialMatters()];
  return (
    <Section title="Needs attention">
      {matters.length === 0 ? (
        <Empty icon="check" title="Nothing does" />
      ) : (
        <ul class="bars">
          {matters.slice(0, MAX_SHOWN).map((each) => (
            <li key={`${each.to} ${each.what}`}>
              <Link to={each.to}>{plain(each.name)}</Link>
              <Badge tone="warn">{each.what}</Badge>
            </li>
          ))}
          {matters.length > MAX_SHOWN ? <li class="muted">and {matters.length - MAX_SHOWN} more</li> : null}
        </ul>
      )}
    </Section>
  );
}

function connectionMatters(): readonly Matter[] {
  return connections.items.value.flatMap((each): Matter[] => {
    const to = `/connections/${each.id}`;
    const keyless = each.auth.scheme !== "none" && !each.upstream_credentials.some((key) => key.status !== "disabled");
    const what = [...(each.status === "paused" ? ["paused"] : []), ...(keyless ? ["no key"] : [])];
    return what.length === 0 ? [] : [{ to, name: each.name, what: what.join(", ") }];
  });
}

function budgetMatters(budgets: readonly BudgetUse[]): readonly Matter[] {
  return budgets
    .filter((each) => usedShare(each) >= NEARLY_USED_SHARE)
    .map((each) => ({
      to: budgetLink(each),
      name: each.name,
      what: each.used >= each.limit ? "budget used up" : `budget ${percentText(usedShare(each))} used`,
    }));
}

function credentialMatters(): readonly Matter[] {
  return credentials.items.value.flatMap((each): Matter[] => {
    if (each.status !== "active" || each.expires_at === null) return [];
    const leftMs = Date.parse(each.expires_at) - nowMs.value;
    // One that was made for a short time is meant to end.
    const lifetimeMs = Date.parse(each.expires_at) - Date.parse(each.created_at);
    if (leftMs > SOON_MS || lifetimeMs < 2 * SOON_MS) return [];
    return [
      {
        to: `/credentials/${each.id}`,
        name: each.name,
        what: `ends ${relative(Date.parse(each.expires_at), nowMs.value)}`,
      },
    ];
  });
}
