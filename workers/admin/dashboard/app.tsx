/** Who is there decides what is shown: the login, or the frame with the screen that the URL names. */
import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { online, signedOutCount } from "./api/client.ts";
import { forgetAll } from "./api/directory.ts";
import { loadSession, session, sessionState } from "./api/session.ts";
import { path } from "./router.ts";
import { Login } from "./screens/login.tsx";
import { findScreen } from "./screens/table.tsx";
import { Shell } from "./shell.tsx";
import { Loading } from "./ui/states.tsx";
import { Notices } from "./ui/toast.tsx";
import "./theme.ts";

// A session that ended elsewhere ends here with the next answer.
effect(() => {
  if (signedOutCount.value === 0 || sessionState.peek() !== "in") return;
  session.value = null;
  sessionState.value = "out";
});

effect(() => {
  if (sessionState.value === "out") forgetAll();
});

export function App() {
  useEffect(() => void loadSession(), []);
  return (
    <>
      {online.value ? null : (
        <div class="banner" role="alert">
          RelayKey cannot be reached. What you see may be old, and changes will fail.
        </div>
      )}
      <View />
      <Notices />
    </>
  );
}

function View() {
  switch (sessionState.value) {
    case "unknown":
      return (
        <div class="door">
          <main>
            <h1 class="sr-only">RelayKey</h1>
            <Loading rows={3} />
          </main>
        </div>
      );
    case "out":
    case "unreachable":
      return <Login />;
    case "in": {
      const found = findScreen(path.value);
      return (
        <Shell wide={found.wide}>
          <found.Screen key={path.value} params={found.params} />
        </Shell>
      );
    }
  }
}
