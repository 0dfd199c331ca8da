/** `@octokit/rest`, unmodified: pagination by Link headers, redirects to storage, uploads, GraphQL. */
import { Octokit } from "@octokit/rest";
import { expect, it } from "vitest";
import type { Answer, RecordingVendor } from "../harness/recording-vendor.ts";
import { everythingSeen, thrown, type Connected, type World } from "./world.ts";

const PAGES = 3;

function answerAs(origin: () => string, storage: () => string): Answer {
  return (request, response) => {
    const url = new URL(request.target, "http://vendor.test");
    const json = (body: unknown, headers: Record<string, string> = {}): void =>
      void response
        .writeHead(200, { "content-type": "application/json; charset=utf-8", ...headers })
        .end(JSON.stringify(body));
    if (request.headers["user-agent"] === undefined) return void response.writeHead(403).end("no User-Agent");
    if (url.pathname === "/user") return json({ login: "octocat", id: 1 });
    if (url.pathname === "/user/repos") {
      const page = Number(url.searchParams.get("page") ?? "1");
      const at = (number: number) => `<${origin()}/user/repos?per_page=1&page=${number}>`;
      const next = page < PAGES ? `${at(page + 1)}; rel="next", ` : "";
      return json([{ id: page, name: `repo-${page}` }], { link: `${next}${at(PAGES)}; rel="last"` });
    }
    if (url.pathname === "/repos/o/r/tarball/main") {
      return void response.writeHead(302, { location: `${storage()}/signed?sig=abc` }).end();
    }
    if (url.pathname === "/repos/o/old") {
      return void response.writeHead(301, { location: `${origin()}/repositories/7` }).end();
    }
    if (url.pathname === "/repositories/7") return json({ id: 7, name: "renamed" });
    if (url.pathname === "/graphql") return json({ data: { viewer: { login: "octocat" } } });
    return void response.writeHead(404, { "content-type": "application/json" }).end('{"message":"Not Found"}');
  };
}

export function githubSuite(world: () => World): void {
  let vendor: RecordingVendor;
  let storage: RecordingVendor;
  let connected: Connected;
  let token = "";
  let octokit: Octokit;

  it("octokit: is set up", async () => {
    [vendor, storage] = await Promise.all([world().vendor(), world().vendor()]);
    vendor.answerWith(
      answerAs(
        () => vendor.origin,
        () => storage.origin,
      ),
    );
    storage.answerWith((_request, response) => void response.writeHead(200).end("archive bytes"));
    connected = await world().connect("conn_github", { vendor: "github", base_url: vendor.origin });
    token = await connected.token([
      { methods: ["GET"], paths: ["/user", "/user/repos", "/repos/o/**", "/repositories/*"] },
      { methods: ["POST"], paths: ["/graphql"] },
    ]);
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    octokit = new Octokit({ auth: token, baseUrl: connected.proxy, log });
  });

  it("octokit: reads, with the token word swapped for the vendor's", async () => {
    const user = await octokit.rest.users.getAuthenticated();
    expect(user.data.login).toBe("octocat");
    expect(vendor.requests[0]?.headers.authorization).toBe(`Bearer ${connected.secret}`);
  });

  it("octokit: pages by Link headers, which all point at the proxy", async () => {
    const before = vendor.requests.length;
    const repos = await octokit.paginate(octokit.rest.repos.listForAuthenticatedUser, { per_page: 1 });
    expect(repos.map(({ name }) => name)).toEqual(["repo-1", "repo-2", "repo-3"]);
    expect(vendor.requests.length - before).toBe(PAGES);
    // Had one address pointed at the vendor, the SDK would have sent it the token.
    expect(everythingSeen(vendor)).not.toContain(token);
  });

  it("octokit: a redirect to storage is followed by the SDK, and neither key goes there", async () => {
    const archive = await octokit.rest.repos.downloadTarballArchive({ owner: "o", repo: "r", ref: "main" });
    expect(archive.status).toBe(200);
    expect(storage.requests[0]?.target).toBe("/signed?sig=abc");
    expect(everythingSeen(storage)).not.toContain(connected.secret);
  });

  it("octokit: a redirect within the vendor comes back through the proxy", async () => {
    const repo = await octokit.rest.repos.get({ owner: "o", repo: "old" });
    expect(repo.data.id).toBe(7);
    expect(everythingSeen(vendor)).not.toContain(token);
  });

  it("octokit: GraphQL", async () => {
    expect(await octokit.graphql("{ viewer { login } }")).toEqual({ viewer: { login: "octocat" } });
  });

  it("octokit: the vendor's own error passes unchanged", async () => {
    const error = await thrown(() => octokit.rest.repos.get({ owner: "o", repo: "none" }));
    expect(error).toMatchObject({ status: 404 });
    expect(String(error)).toContain("Not Found");
  });

  it("octokit: a refusal is a RequestError that says why", async () => {
    const before = vendor.requests.length;
    const error = await thrown(() => octokit.rest.repos.delete({ owner: "o", repo: "r" }));
    expect(error).toMatchObject({ status: 403 });
    expect(String(error)).toContain("method_denied");
    expect(vendor.requests.length).toBe(before);
  });
}
