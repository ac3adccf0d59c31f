/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The daemon that `npm run dev` and `npm run preview` hand /api and /ws to; the built files ask their own origin or what /config.json says.
const daemon = process.env["BREAKOUT_URL"] ?? "http://127.0.0.1:8000";
const proxy = {
  // The daemon refuses requests of other origins; the proxy speaks as its own page.
  "/api": { target: daemon, changeOrigin: true, headers: { Origin: daemon } },
  "/ws": { target: daemon, ws: true, changeOrigin: true, headers: { Origin: daemon } },
};

export default defineConfig({
  plugins: [react()],
  server: { host: "127.0.0.1", proxy },
  preview: { host: "127.0.0.1", proxy },
  // The server puts a fresh nonce into the page with each answer: the kit adds a few style elements.
  html: { cspNonce: "__CSP_NONCE__" },
  build: {
    target: "es2023",
    manifest: true,
    // The content policy allows no inline script and no data: address for one.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
  },
  test: {
    environment: "jsdom",
    setupFiles: ["src/testing/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    css: false,
  },
});
