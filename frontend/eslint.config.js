import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

// Imports flow texts, domain, ui, hooks -> api -> commands -> features -> app; what a layer may not see is listed here.
const layers = {
  texts: ["ui", "hooks", "api", "commands", "features", "app"],
  domain: ["ui", "hooks", "api", "commands", "features", "app"],
  hooks: ["api", "commands", "features", "app"],
  ui: ["api", "commands", "features", "app"],
  api: ["commands", "features", "app"],
  commands: ["features", "app"],
  features: ["app"],
};
const flow = Object.entries(layers).map(([layer, above]) => ({
  files: [`src/${layer}/**/*.{ts,tsx}`],
  ignores: ["**/*.test.{ts,tsx}"],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: above.flatMap((name) => [`../${name}/*`, `../../${name}/*`, `../../../${name}/*`]),
            message: "imports flow domain, ui, hooks -> api -> commands -> features -> app",
          },
          ...(layer === "features" ? [{ regex: "^\\.\\./(?!\\.\\./)", message: "a feature does not import another one" }] : []),
        ],
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ["dist", "node_modules", "coverage", "screenshots", "src/api/generated.ts"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  a11y.flatConfigs.recommended,
  hooks.configs.flat["recommended-latest"] ?? hooks.configs["recommended-latest"],
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers and booleans in sentences are meant.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // A part that scrolls, and a badge whose tooltip tells more, must be reachable by keyboard.
      "jsx-a11y/no-noninteractive-tabindex": [
        "error",
        { tags: [], roles: ["tabpanel", "group", "status", "note"], allowExpressionValues: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  ...flow,
  { files: ["**/*.{js,mjs}"], ...tseslint.configs.disableTypeChecked },
  {
    files: ["scripts/**", "e2e/**", ".size-limit.js"],
    languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly" } },
  },
  {
    files: ["public/**"],
    languageOptions: {
      globals: { document: "readonly", localStorage: "readonly", location: "readonly", matchMedia: "readonly" },
    },
  },
);
