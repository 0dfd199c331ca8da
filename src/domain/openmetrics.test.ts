import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { openMetrics } from "./openmetrics.ts";

/** Any character, and often one that means something somewhere. */
const character = fc.oneof(
  fc.constantFrom(..."\r\n\t\0\"'`<>=+-@|%,;:.*_[]{}#\\ \u2028\u202e\u00a0\uff1d"),
  fc
    .integer({ min: 0, max: 0x10ffff })
    .filter((code) => code < 0xd800 || code > 0xdfff)
    .map((code) => String.fromCodePoint(code)),
);

describe("openMetrics", () => {
  it("writes type, unit, help, samples and the end", () => {
    const text = openMetrics([
      {
        name: "relaykey_requests",
        type: "counter",
        help: "Requests",
        unit: null,
        samples: [{ labels: { decision: "allowed" }, value: 3 }],
      },
      {
        name: "relaykey_latency_seconds",
        type: "gauge",
        help: "p95",
        unit: "seconds",
        samples: [
          { labels: {}, value: 0.25 },
          { labels: {}, value: Number.NaN },
        ],
      },
    ]);
    expect(text).toBe(
      '# TYPE relaykey_requests counter\n# HELP relaykey_requests Requests\nrelaykey_requests_total{decision="allowed"} 3\n' +
        "# TYPE relaykey_latency_seconds gauge\n# UNIT relaykey_latency_seconds seconds\n# HELP relaykey_latency_seconds p95\nrelaykey_latency_seconds 0.25\n# EOF\n",
    );
  });

  it("lets no label value add a line", () => {
    fc.assert(
      fc.property(fc.string({ unit: character }), (value) => {
        const text = openMetrics([
          { name: "m", type: "gauge", help: value, unit: null, samples: [{ labels: { l: value }, value: 1 }] },
        ]);
        expect(text.split("\n")).toHaveLength(5);
        expect(text).not.toContain("\r");
      }),
    );
  });

  it("throws on names that the format does not know", () => {
    expect(() => openMetrics([{ name: "a b", type: "gauge", help: "", unit: null, samples: [] }])).toThrow("not valid");
    expect(() => openMetrics([{ name: "a", type: "gauge", help: "", unit: "seconds", samples: [] }])).toThrow("unit");
    expect(() =>
      openMetrics([{ name: "a", type: "gauge", help: "", unit: null, samples: [{ labels: { "x}": "" }, value: 1 }] }]),
    ).toThrow("label");
  });
});
