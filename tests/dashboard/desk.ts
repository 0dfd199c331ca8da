/** A desk to work at: the real stack, a browser, and a page in it on which the owner is signed in. */
import type { Browser } from "playwright-core";
import { apiClient, type ApiClient, type Json } from "../harness/api-client.ts";
import { startStack, type Stack, type StackOptions } from "../harness/stack.ts";
import { openPage, signIn, startBrowser, type OpenPage, type PageOptions } from "./browser.ts";

export interface Desk {
  readonly browser: Browser;
  readonly stack: Stack;
  readonly api: ApiClient;
  readonly owner: OpenPage;
  /** One more page with a session of its own, of the owner or of whoever holds `key`. The caller closes its context. */
  signedIn(options?: PageOptions & { readonly key?: string }): Promise<OpenPage>;
  /** What the API has at a path below `/api/v1`; any answer but 200 throws. */
  read(path: string): Promise<Json>;
  /** Ends the browser and the stack. */
  stop(): Promise<void>;
}

export async function startDesk(options: StackOptions = {}): Promise<Desk> {
  const browser = await startBrowser();
  let started: Stack | null = null;
  const stop = async (): Promise<void> => {
    await browser.close();
    await started?.stop();
  };
  try {
    const stack = await startStack(options);
    started = stack;
    const api = apiClient(stack);
    const signedIn: Desk["signedIn"] = async ({ key = stack.ownerKey, ...look } = {}) => {
      const opened = await openPage(browser, stack.admin, look);
      await signIn(opened.page, key);
      return opened;
    };
    const read: Desk["read"] = async (path) => {
      const answer = await api.admin("GET", `/api/v1${path}`);
      if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
      return answer.body;
    };
    return { browser, stack, api, owner: await signedIn(), signedIn, read, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
