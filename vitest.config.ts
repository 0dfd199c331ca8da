import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "domain",
          environment: "node",
          include: ["src/domain/**/*.test.ts", "src/contract/**/*.test.ts", "src/catalogue/**/*.test.ts"],
        },
      },
    ],
  },
});
