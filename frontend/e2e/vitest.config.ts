import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Against the real program: each file has one of its own, two files run at a time. Pictures are asked for by name.
const suite = process.env["SUITE"];

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: suite === undefined ? ["*.e2e.ts"] : [`${suite}.e2e.ts`],
    exclude: suite === undefined ? ["screenshots.e2e.ts"] : [],
    globalSetup: suite === "memory" ? [] : ["setup.ts"],
    env: { RECORDED: join(tmpdir(), `breakout-e2e-${process.pid}`) },
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 20_000, interval: 100 } },
    reporters: ["verbose"],
  },
});
