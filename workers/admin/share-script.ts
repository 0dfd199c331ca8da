/**
 * The script of the share page, as text: it asks the server for the sealed text, once, and opens it with the key from the
 * URL's fragment, which no server ever sees. Mirrors `openShare` in `src/domain/share.ts`; a test opens one with the other.
 */
export const SHARE_SCRIPT = `"use strict";
(() => {
  const button = document.getElementById("open");
  const status = document.getElementById("status");
  const output = document.getElementById("token");
  const copy = document.getElementById("copy");
  const key = location.hash.slice(1);
  const bytes = (text) => {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  };
  const say = (text) => { status.textContent = text; };
  if (!/^[A-Za-z0-9_-]{43}$/.test(key)) {
    say("This link is not complete: copy it as a whole, with everything after the # sign.");
    return;
  }
  button.disabled = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    say("Opening …");
    try {
      const response = await fetch(location.pathname + "/open", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
      const answer = await response.json();
      if (!response.ok) { say(answer.detail || "This link is no longer valid."); return; }
      const secret = await crypto.subtle.importKey("raw", bytes(key), "AES-GCM", false, ["decrypt"]);
      const additionalData = new TextEncoder().encode("relaykey/share/v1");
      const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(answer.iv), additionalData }, secret, bytes(answer.ciphertext));
      output.textContent = new TextDecoder().decode(plain);
      output.hidden = false;
      copy.hidden = false;
      history.replaceState(null, "", location.pathname);
      say("This is shown once. Keep it somewhere safe, then close the page.");
    } catch {
      say("The link could not be opened: its key does not fit. Ask for a new one.");
    }
  });
  copy.addEventListener("click", () => navigator.clipboard.writeText(output.textContent).then(() => say("Copied.")));
})();
`;
