import { defineConfig } from "vitest/config";

// Against the real program, one file after another: each starts its own. Pictures are asked for by name.
const suite = process.env["SUITE"];

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: suite === undefined ? ["*.e2e.ts"] : [`${suite}.e2e.ts`],
    exclude: suite === undefined ? ["screenshots.e2e.ts"] : [],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 20_000, interval: 100 } },
    reporters: ["verbose"],
  },
});
