/** The login: a management key, pasted once, or a link by mail. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Failure } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { askLoginLink, loadSession, sessionState, signInWithKey } from "../api/session.ts";
import { Brand } from "../ui/brand.tsx";
import { Button } from "../ui/button.tsx";
import { TextField } from "../ui/field.tsx";
import { SecretField, useSecretInput } from "../ui/secret-field.tsx";
import { Failed, FailureNote } from "../ui/states.tsx";
import { Tabs } from "../ui/tabs.tsx";

const UNREACHABLE: Failure = {
  kind: "offline",
  status: 0,
  code: "offline",
  title: "RelayKey did not answer",
  detail: "Check your connection, then try again.",
  requestId: null,
  errors: [],
  document: {},
};

export function Login() {
  const way = useSignal("key");
  useEffect(() => {
    document.title = "Sign in – RelayKey";
  }, []);
  return (
    <div class="door">
      <main>
        <h1 class="brand">
          <Brand />
        </h1>
        <div class="card">
          {sessionState.value === "unreachable" ? (
            <Failed failure={UNREACHABLE} retry={() => void loadSession()} />
          ) : (
            <>
              <h2>Sign in</h2>
              <Tabs
                label="Ways to sign in"
                chosen={way}
                tabs={[
                  { id: "key", label: "Management key", content: () => <ByKey /> },
                  { id: "mail", label: "Link by mail", content: () => <ByMail /> },
                ]}
              />
            </>
          )}
        </div>
        <p class="muted">
          RelayKey keeps your vendors’ keys and hands out scoped ones. <a href="/docs">API reference</a>
        </p>
      </main>
    </div>
  );
}

function ByMail() {
  const email = useSignal("");
  const sent = useSignal(false);
  const action = useAction(
    () => askLoginLink(email.value.trim()),
    () => (sent.value = true),
  );
  if (sent.value) {
    return (
      <p role="status">If that address belongs to a member, a link is on its way. It works once, for 15 minutes.</p>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void action.run();
      }}
    >
      <TextField label="Email" name="email" type="email" value={email} failure={action.failure.value} required />
      <FailureNote failure={action.failure.value} />
      <Button type="submit" look="primary" busy={action.pending.value}>
        Send me a link
      </Button>
    </form>
  );
}

function ByKey() {
  const input = useSecretInput();
  const pending = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const submit = async () => {
    const key = input.take();
    pending.value = true;
    failure.value = await signInWithKey(key);
    pending.value = false;
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <SecretField
        input={input}
        label="Management key"
        name="key"
        hint="Starts with rk_mgmt_. It is sent once to open a session and not kept in this browser."
        required
      />
      <FailureNote failure={failure.value} />
      <Button type="submit" look="primary" busy={pending.value}>
        Sign in
      </Button>
    </form>
  );
}
