/** Every screen and where it lies, and the navigation. What a role may not open is not offered. */
import type { ComponentType } from "preact";
import { canEdit, canIssue, canRead, isOwner, session } from "../api/session.ts";
import { match } from "../router.ts";
import type { IconName } from "../ui/icon.tsx";
import { Audit } from "./audit.tsx";
import { Changes } from "./changes.tsx";
import { ConnectionPage } from "./connection.tsx";
import { Connections } from "./connections.tsx";
import { CreditAccountPage } from "./credit-account.tsx";
import { CreditAccounts } from "./credit-accounts.tsx";
import { CredentialPage } from "./credential.tsx";
import { Credentials } from "./credentials.tsx";
import { CustomerPage } from "./customer.tsx";
import { Customers } from "./customers.tsx";
import { Exports } from "./exports.tsx";
import { FirstRun } from "./first-run.tsx";
import { IssueCredential } from "./issue.tsx";
import { Keys } from "./keys.tsx";
import { Members } from "./members.tsx";
import { NewConnection } from "./new-connection.tsx";
import { NotFound } from "./not-found.tsx";
import { Overview } from "./overview.tsx";
import { Payments } from "./payments.tsx";
import { Policies } from "./policies.tsx";
import { PolicyPage } from "./policy.tsx";
import { RecipientPage } from "./recipient.tsx";
import { Recipients } from "./recipients.tsx";
import { Settings } from "./settings.tsx";
import { TrustPolicies } from "./trust-policies.tsx";
import { TrustPolicyPage } from "./trust-policy.tsx";
import { WebhookPage } from "./webhook.tsx";
import { Webhooks } from "./webhooks.tsx";
import type { ScreenProps } from "./screen.ts";

const isSignedIn = (): boolean => session.value !== null;
const reads = (): boolean => canRead.value;
const edits = (): boolean => canEdit.value;
const issues = (): boolean => canIssue.value;
const owns = (): boolean => isOwner.value;

interface ScreenEntry {
  readonly pattern: string;
  readonly Screen: ComponentType<ScreenProps>;
  readonly open: () => boolean;
  readonly wide?: boolean;
}

const SCREENS: readonly ScreenEntry[] = [
  { pattern: "/", Screen: Overview, open: isSignedIn },
  { pattern: "/start", Screen: FirstRun, open: edits },
  { pattern: "/connections", Screen: Connections, open: reads },
  { pattern: "/connections/new", Screen: NewConnection, open: edits },
  { pattern: "/connections/:id", Screen: ConnectionPage, open: reads },
  { pattern: "/credentials", Screen: Credentials, open: isSignedIn },
  { pattern: "/credentials/new", Screen: IssueCredential, open: issues },
  { pattern: "/credentials/:id", Screen: CredentialPage, open: isSignedIn },
  { pattern: "/credentials/:id/edit", Screen: IssueCredential, open: edits },
  { pattern: "/recipients", Screen: Recipients, open: reads },
  { pattern: "/recipients/:id", Screen: RecipientPage, open: reads },
  { pattern: "/policies", Screen: Policies, open: reads },
  { pattern: "/policies/new", Screen: PolicyPage, open: edits },
  { pattern: "/policies/:id", Screen: PolicyPage, open: reads },
  { pattern: "/customers", Screen: Customers, open: reads },
  { pattern: "/customers/:id", Screen: CustomerPage, open: reads },
  { pattern: "/audit", Screen: Audit, open: reads, wide: true },
  { pattern: "/exports", Screen: Exports, open: reads },
  { pattern: "/changes", Screen: Changes, open: reads },
  { pattern: "/members", Screen: Members, open: reads },
  { pattern: "/keys", Screen: Keys, open: reads },
  { pattern: "/trust-policies", Screen: TrustPolicies, open: reads },
  { pattern: "/trust-policies/new", Screen: TrustPolicyPage, open: owns },
  { pattern: "/trust-policies/:id", Screen: TrustPolicyPage, open: reads },
  { pattern: "/webhooks", Screen: Webhooks, open: reads },
  { pattern: "/webhooks/:id", Screen: WebhookPage, open: reads },
  { pattern: "/payments", Screen: Payments, open: reads, wide: true },
  { pattern: "/payments/credits", Screen: CreditAccounts, open: reads },
  { pattern: "/payments/credits/:family/:id", Screen: CreditAccountPage, open: reads },
  { pattern: "/settings", Screen: Settings, open: isSignedIn },
];

export interface NavigationEntry {
  readonly to: string;
  readonly label: string;
  readonly icon: IconName;
  readonly open: () => boolean;
}

export const NAVIGATION: readonly { readonly title: string; readonly entries: readonly NavigationEntry[] }[] = [
  { title: "", entries: [{ to: "/", label: "Overview", icon: "overview", open: isSignedIn }] },
  {
    title: "Access",
    entries: [
      { to: "/connections", label: "Connections", icon: "connection", open: reads },
      { to: "/credentials", label: "Credentials", icon: "credential", open: isSignedIn },
      { to: "/recipients", label: "Recipients", icon: "recipient", open: reads },
      { to: "/policies", label: "Policies", icon: "policy", open: reads },
      { to: "/customers", label: "Customers", icon: "customer", open: reads },
    ],
  },
  {
    title: "Record",
    entries: [
      { to: "/audit", label: "Audit log", icon: "audit", open: reads },
      { to: "/exports", label: "Exports", icon: "export", open: reads },
      { to: "/changes", label: "Changes", icon: "change", open: reads },
    ],
  },
  {
    title: "Organisation",
    entries: [
      { to: "/members", label: "Members", icon: "member", open: reads },
      { to: "/keys", label: "Management keys", icon: "key", open: reads },
      { to: "/trust-policies", label: "CI trust policies", icon: "branch", open: reads },
      { to: "/webhooks", label: "Webhooks", icon: "webhook", open: reads },
      { to: "/payments", label: "Payments", icon: "payment", open: reads },
      { to: "/settings", label: "Settings", icon: "settings", open: isSignedIn },
    ],
  },
];

const NOTHING = { Screen: NotFound, params: {}, wide: false };

/** The first that matches decides, also when this role may not open it. Literal patterns stand before those with parameters, so `/connections/new` is never taken for an id. */
export function findScreen(path: string): {
  readonly Screen: ComponentType<ScreenProps>;
  readonly params: Readonly<Record<string, string>>;
  readonly wide: boolean;
} {
  for (const entry of SCREENS) {
    const params = match(entry.pattern, path);
    if (params === null) continue;
    return entry.open() ? { Screen: entry.Screen, params, wide: entry.wide === true } : NOTHING;
  }
  return NOTHING;
}
