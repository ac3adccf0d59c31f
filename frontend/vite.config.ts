/// <reference types="vitest/config" />
import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// The daemon that `npm run dev` and `npm run preview` hand /api and /ws to; the built files ask their own origin or what /config.json says.
const daemon = process.env["BREAKOUT_URL"] ?? "http://127.0.0.1:8000";
const proxy = {
  // The daemon refuses requests of other origins; the proxy speaks as its own page.
  "/api": { target: daemon, changeOrigin: true, headers: { Origin: daemon } },
  "/ws": { target: daemon, ws: true, changeOrigin: true, headers: { Origin: daemon } },
};

const nonce = "__CSP_NONCE__";

/** The page is painted before any script or style sheet has come: the styles of its shell stand in it, and the sheets, which would hold the painting back, follow the shell. */
function shell(): Plugin {
  const styles = ["tokens", "shell"].map((name) => readFileSync(new URL(`src/ui/${name}.css`, import.meta.url), "utf8")).join("");
  const small = styles.replace(/\/\*.*?\*\//gs, "").replace(/\s+/g, " ");
  const mark = "<!-- styles of the shell -->";
  const sheet = /\s*<link rel="stylesheet"[^>]*>/g;
  return {
    name: "shell",
    transformIndexHtml: {
      order: "post",
      handler: (page) => {
        const sheets = page.match(sheet) ?? [];
        return page
          .replace(sheet, "")
          .replace(mark, () => `<style nonce="${nonce}">${small}</style>`)
          .replace(/\s*<div id="root">/, (root) => sheets.join("") + root);
      },
    },
  };
}

export default defineConfig({
  plugins: [react(), shell()],
  server: { host: "127.0.0.1", proxy },
  preview: { host: "127.0.0.1", proxy },
  // The server puts a fresh nonce into the page with each answer: the kit adds a few style elements.
  html: { cspNonce: nonce },
  build: {
    target: "es2023",
    manifest: true,
    // The content policy allows no inline script and no data: address for one.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
  },
  test: {
    css: false,
    // What draws nothing needs no document: making one takes longer than most tests.
    projects: [
      { extends: true, test: { name: "logic", environment: "node", include: ["src/**/*.test.ts"] } },
      {
        extends: true,
        test: { name: "parts", environment: "jsdom", setupFiles: ["src/testing/setup.ts"], include: ["src/**/*.test.tsx"] },
      },
    ],
  },
});
