// Is the API's document valid OpenAPI 3.1, with every reference, path parameter and operation id in order? Needs no network.
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { readFile } from "node:fs/promises";

const file = process.argv[2] ?? "../docs/generated/openapi.json";
const config = await createConfig({
  extends: ["spec", "minimal"],
  rules: {
    "operation-operationId-unique": "error",
    "operation-operationId-url-safe": "error",
    "operation-parameters-unique": "error",
    "path-parameters-defined": "error",
    "path-declaration-must-exist": "error",
    "paths-kebab-case": "off",
    "no-ambiguous-paths": "off", // /presets/schema stands before /presets/{name} by rule (OpenAPI 3.1, 4.8.8.2)
    "no-identical-paths": "error",
    "no-unresolved-refs": "error",
    "no-enum-type-mismatch": "error",
    "no-schema-type-mismatch": "error",
    "no-unused-components": "off", // the messages of the WebSocket are read by clients of /ws
    "operation-summary": "error",
    "operation-2xx-response": "off", // the WebSocket answers 101
    "operation-4xx-response": "error",
    "security-defined": "error",
    "spec-components-invalid-map-name": "error",
    struct: "error",
  },
});
const source = await readFile(file, "utf8");
const problems = await lintFromString({ source, absoluteRef: file, config });
for (const problem of problems) {
  console.error(`${problem.severity}: ${problem.location[0]?.pointer ?? ""}: ${problem.message} (${problem.ruleId})`);
}
const paths = Object.keys(JSON.parse(source).paths ?? {});
if (paths.length === 0) console.error("error: the document has no paths");
process.exit(paths.length === 0 || problems.some((problem) => problem.severity === "error") ? 1 : 0);
