// Checks the texts: every ICU message is well formed, every key is used, and no sentence stands in a component instead of the catalogue.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

const root = join(import.meta.dirname, "..", "src");
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name) && !name.startsWith("testing"))
  .map((name) => join(root, name));
const sources = new Map(files.map((file) => [file, readFileSync(file, "utf8")]));
const problems = [];

function parse(file) {
  return ts.createSourceFile(
    file,
    sources.get(file),
    ts.ScriptTarget.Latest,
    true,
    file.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS,
  );
}
function place(source, node) {
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  return `${relative(root, source.fileName)}:${line + 1}`;
}
function walk(node, visit) {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

// --- messages ---
function braces(message) {
  let depth = 0;
  for (const sign of message) {
    if (sign === "{") depth++;
    if (sign === "}" && --depth < 0) return false;
  }
  return depth === 0;
}
const keys = new Map();
for (const file of files.filter((name) => relative(root, name).startsWith("texts/"))) {
  const source = parse(file);
  walk(source, (node) => {
    if (!ts.isCallExpression(node) || node.expression.getText() !== "catalogue") return;
    for (const entry of node.arguments[0].properties) {
      const message = entry.initializer.text;
      if (message === undefined) problems.push(`${place(source, entry)}: a message is a plain text`);
      else if (!braces(message)) problems.push(`${place(source, entry)}: braces of "${entry.name.text}" do not match`);
      else if (/\{\w+,\s*(plural|select),(?![^]*other\s*\{)/.test(message))
        problems.push(`${place(source, entry)}: "${entry.name.text}" has a choice without other`);
      keys.set(`${file} ${entry.name.text}`, place(source, entry));
    }
  });
}
const code = [...sources]
  .filter(([file]) => !relative(root, file).startsWith("texts/"))
  .map(([, text]) => text)
  .join("\n");
for (const [name, where] of keys) {
  const key = name.slice(name.indexOf(" ") + 1);
  // Keys made of a prefix and a word (t(`range.${value}`)) count as used when the prefix is.
  const prefix = key.slice(0, key.lastIndexOf(".") + 1);
  const stem = /^(.*?)[A-Z][A-Za-z0-9]*$/.exec(key)?.[1];
  const isUsed =
    code.includes(`"${key}"`) ||
    code.includes(`\`${prefix}\${`) ||
    (stem !== undefined && code.includes(`\`${stem}\${`)) ||
    new RegExp(`\`[^\`]*\\$\\{[^}]+\\}${key.slice(key.lastIndexOf(".")).replace(".", "\\.")}\``).test(code) ||
    /^mode\.\w+Hint$/.test(key);
  if (!isUsed) problems.push(`${where}: no code uses the key "${key}"`);
}

// --- sentences in components ---
const SHOWN = new Set(["aria-label", "title", "label", "placeholder", "description", "alt", "summary", "note"]);
const WORD = /[A-Za-z]{2,}/;
const UNITS = /^[\s·×%/:()\d.,–—→µ]*(ms|bps|USD|UTC|kB|MB|GB)?[\s·×%/:()\d.,–—→µ]*$/;
for (const file of files.filter((name) => name.endsWith("x"))) {
  const source = parse(file);
  walk(source, (node) => {
    if (ts.isJsxText(node) && WORD.test(node.text) && !UNITS.test(node.text))
      problems.push(`${place(source, node)}: text in code: "${node.text.trim()}"`);
    if (
      ts.isJsxAttribute(node) &&
      SHOWN.has(node.name.getText()) &&
      node.initializer &&
      ts.isStringLiteral(node.initializer) &&
      WORD.test(node.initializer.text)
    )
      problems.push(`${place(source, node)}: text in code: ${node.name.getText()}="${node.initializer.text}"`);
  });
}

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? `texts: ${keys.size} keys, all well formed and used` : `texts: ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
