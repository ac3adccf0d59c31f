/** ICU messages: {name}, {n, number}, {n, plural, =0 {…} one {# x} other {# x}}, {x, select, a {…} other {…}}. Enough for our texts, and no more. */
export type MessageValues = Readonly<Record<string, string | number>>;

type Part =
  | string
  | { name: string; kind: "value" | "number" }
  | { name: string; kind: "plural" | "select"; cases: Map<string, Part[]> };

const HASH = "#";

interface Cursor {
  text: string;
  at: number;
}

function readWord(cursor: Cursor, stop: RegExp): string {
  let word = "";
  while (cursor.at < cursor.text.length && !stop.test(cursor.text.charAt(cursor.at))) word += cursor.text.charAt(cursor.at++);
  return word.trim();
}

function expect(cursor: Cursor, sign: string): void {
  if (cursor.text.charAt(cursor.at) !== sign) throw new Error(`message "${cursor.text}": '${sign}' expected at ${cursor.at}`);
  cursor.at++;
}

function readCases(cursor: Cursor): Map<string, Part[]> {
  const cases = new Map<string, Part[]>();
  for (;;) {
    const key = readWord(cursor, /[{}]/);
    if (cursor.text.charAt(cursor.at) !== "{") break;
    cursor.at++;
    cases.set(key, readParts(cursor, true));
    expect(cursor, "}");
  }
  if (!cases.has("other")) throw new Error(`message "${cursor.text}": a choice needs 'other'`);
  return cases;
}

function readArgument(cursor: Cursor): Part {
  expect(cursor, "{");
  const name = readWord(cursor, /[,}]/);
  let part: Part = { name, kind: "value" };
  if (cursor.text.charAt(cursor.at) === ",") {
    cursor.at++;
    const kind = readWord(cursor, /[,}]/);
    if (kind === "number") part = { name, kind };
    else if (kind === "plural" || kind === "select") {
      expect(cursor, ",");
      part = { name, kind, cases: readCases(cursor) };
    } else throw new Error(`message "${cursor.text}": unknown kind '${kind}'`);
  }
  expect(cursor, "}");
  return part;
}

function readParts(cursor: Cursor, isInside: boolean): Part[] {
  const parts: Part[] = [];
  let plain = "";
  while (cursor.at < cursor.text.length) {
    const sign = cursor.text.charAt(cursor.at);
    if (sign === "}") {
      if (isInside) break;
      throw new Error(`message "${cursor.text}": '}' without '{'`);
    }
    if (sign === "{" || (sign === HASH && isInside)) {
      if (plain !== "") parts.push(plain);
      plain = "";
      if (sign === "{") parts.push(readArgument(cursor));
      else {
        parts.push(HASH);
        cursor.at++;
      }
      continue;
    }
    plain += sign;
    cursor.at++;
  }
  if (plain !== "") parts.push(plain);
  return parts;
}

const pluralRules = new Intl.PluralRules("en");
const numbers = new Intl.NumberFormat("en");

function chooseCase(cases: Map<string, Part[]>, value: string | number | undefined, isPlural: boolean): Part[] {
  const exact = isPlural ? cases.get(`=${value ?? ""}`) : cases.get(String(value));
  if (exact) return exact;
  const rule = isPlural && typeof value === "number" ? cases.get(pluralRules.select(value)) : undefined;
  return rule ?? cases.get("other") ?? [];
}

function render(parts: readonly Part[], values: MessageValues, hash: string): string {
  return parts
    .map((part) => {
      if (typeof part === "string") return part === HASH ? hash : part;
      const value = values[part.name];
      if (part.kind === "plural" || part.kind === "select") {
        const count = typeof value === "number" ? numbers.format(value) : hash;
        return render(chooseCase(part.cases, value, part.kind === "plural"), values, count);
      }
      if (value === undefined) return `{${part.name}}`;
      return part.kind === "number" && typeof value === "number" ? numbers.format(value) : String(value);
    })
    .join("");
}

const parsed = new Map<string, Part[]>();

/** The sentence of an ICU message with its values put in. A message that is not well formed throws: the catalogue check finds it. */
export function formatMessage(message: string, values: MessageValues = {}): string {
  let parts = parsed.get(message);
  if (!parts) {
    parts = readParts({ text: message, at: 0 }, false);
    parsed.set(message, parts);
  }
  return render(parts, values, HASH);
}
