// What the dashboard loads before anything is shown: the entry, its static imports and those of the page. Charts come after it.
import { existsSync, readFileSync } from "node:fs";

const manifestPath = new URL("dist/.vite/manifest.json", import.meta.url);
if (!existsSync(manifestPath)) throw new Error("dist is missing: npm run build comes first");
const manifest = JSON.parse(readFileSync(manifestPath, "utf8"));

function filesOf(...keys) {
  const seen = new Set();
  const add = (key) => {
    if (seen.has(key)) return;
    seen.add(key);
    for (const next of manifest[key].imports ?? []) add(next);
  };
  keys.forEach(add);
  return [...seen].map((key) => manifest[key].file).filter((file) => file.endsWith(".js"));
}

export default [
  {
    name: "first load of the dashboard (scripts)",
    path: filesOf("index.html", "src/app/routes/dashboard.tsx").map((file) => `dist/${file}`),
    gzip: true,
    limit: "300 kB",
  },
];
