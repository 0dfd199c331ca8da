/**
 * Vendors' own SDKs, unmodified, against loopback vendors that behave as documented, through the whole stack. One stack
 * serves all suites: each has a connection, a vendor and a token of its own.
 */
import { afterAll, beforeAll, describe } from "vitest";
import { anthropicSuite } from "./anthropic.ts";
import { echoSuite } from "./echo.ts";
import { githubSuite } from "./github.ts";
import { openaiSuite } from "./openai.ts";
import { plainSuite } from "./plain.ts";
import { slackSuite } from "./slack.ts";
import { stripeSuite } from "./stripe.ts";
import { webSocketSuite } from "./websocket.ts";
import { startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

describe("openai", () => openaiSuite(() => world));
describe("anthropic", () => anthropicSuite(() => world));
describe("stripe", () => stripeSuite(() => world));
describe("octokit", () => githubSuite(() => world));
describe("slack", () => slackSuite(() => world));
describe("echo", () => echoSuite(() => world));
describe("websocket", () => webSocketSuite(() => world));
describe("without an SDK", () => plainSuite(() => world));
