// Shows /api/openapi.json: operations by tag, objects, search, light and dark. Everything is built as elements, never as HTML text.
'use strict';

const main = document.getElementById('main');
const note = document.getElementById('note');

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  for (const child of children.flat()) if (child !== null) made.append(child);
  return made;
}

function nameOf(reference) {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

function linkTo(reference) {
  const name = nameOf(reference);
  return element('a', { href: `#schema-${name}` }, name);
}

// What a schema is, in a few words, with links to named objects.
function typeOf(schema) {
  if (schema === undefined) return ['any'];
  if (schema.$ref !== undefined) return [linkTo(schema.$ref)];
  if (schema.oneOf !== undefined) return schema.oneOf.flatMap((one, i) => (i > 0 ? [' or ', ...typeOf(one)] : typeOf(one)));
  const types = [schema.type ?? 'any'].flat();
  const words = [types.join(' or ')];
  if (types.includes('array')) words.push(' of ', ...typeOf(schema.items));
  if (schema.additionalProperties?.type !== undefined || schema.additionalProperties?.$ref !== undefined) {
    words.push(' of ', ...typeOf(schema.additionalProperties), ' by name');
  }
  if (schema.enum !== undefined) words.push(`: ${schema.enum.filter((word) => word !== null).join(', ')}`);
  if (schema.minimum !== undefined) words.push(` ${schema.minimum} to ${schema.maximum}`);
  return words;
}

function table(heads, rows) {
  return element(
    'div',
    { class: 'table' },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, heads.map((head) => element('th', { scope: 'col' }, head)))),
      element('tbody', {}, rows.map((cells) => element('tr', {}, cells.map((cell) => element('td', {}, cell))))),
    ),
  );
}

function membersOf(schema) {
  const required = new Set(schema.required ?? []);
  return table(
    ['Member', 'Type', 'Meaning'],
    Object.entries(schema.properties ?? {}).map(([name, member]) => [
      element('code', {}, required.has(name) ? name : `${name}?`),
      typeOf(member),
      member.description ?? '',
    ]),
  );
}

function contentOf(content) {
  return Object.entries(content ?? {}).flatMap(([type, { schema }]) => {
    const items = schema.properties?.items?.items;
    return ['  ', element('code', {}, type), ': ', ...(items !== undefined ? ['list of ', ...typeOf(items)] : typeOf(schema))];
  });
}

function parameterOf(document_, parameter) {
  const found = parameter.$ref === undefined ? parameter : document_.components.parameters[nameOf(parameter.$ref)];
  return [element('code', {}, found.name), found.in, typeOf(found.schema), found.description ?? ''];
}

function operationOf(document_, path, method, operation) {
  const body = element('div', {});
  if (operation.parameters.length > 0) {
    body.append(element('h3', {}, 'Parameters'));
    body.append(table(['Name', 'In', 'Type', 'Meaning'], operation.parameters.map((parameter) => parameterOf(document_, parameter))));
  }
  if (operation.requestBody !== undefined) body.append(element('h3', {}, 'Body'), element('p', {}, contentOf(operation.requestBody.content)));
  body.append(element('h3', {}, 'Replies'));
  body.append(
    table(
      ['Status', 'What'],
      Object.entries(operation.responses).map(([status, response]) => {
        if (response.$ref !== undefined) return [status, element('a', { href: '/api/docs/problems' }, 'problem')];
        return [status, [response.description, ...contentOf(response.content)]];
      }),
    ),
  );
  const summary = element(
    'summary',
    {},
    element('span', { class: `method ${method}` }, method.toUpperCase()),
    ' ',
    element('code', {}, path),
    ` ${operation.summary} `,
    element('span', { class: 'role' }, operation['x-role'] === 'none' ? '' : `(${operation['x-role']})`),
  );
  const made = element('details', { id: operation.operationId }, summary, body);
  made.dataset.words = `${method} ${path} ${operation.summary} ${operation.operationId}`.toLowerCase();
  return made;
}

function show(document_) {
  document.getElementById('version').textContent = document_.info.version;
  note.textContent = document_.info.description;
  for (const tag of document_.tags) {
    const section = element('section', { 'aria-labelledby': `tag-${tag.name}` });
    section.append(element('h2', { id: `tag-${tag.name}` }, tag.name, ' ', element('small', {}, tag.description ?? '')));
    for (const [path, methods] of Object.entries(document_.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags.includes(tag.name)) section.append(operationOf(document_, path, method, operation));
      }
    }
    main.append(section);
  }
  const objects = element('section', { 'aria-labelledby': 'objects' }, element('h2', { id: 'objects' }, 'Objects'));
  for (const [name, schema] of Object.entries(document_.components.schemas)) {
    const made = element('details', { id: `schema-${name}` }, element('summary', {}, element('code', {}, name)), element('div', {}, membersOf(schema)));
    made.dataset.words = `${name} ${Object.keys(schema.properties ?? {}).join(' ')}`.toLowerCase();
    objects.append(made);
  }
  main.append(objects);
  main.setAttribute('aria-busy', 'false');
}

function search(text) {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  for (const section of main.querySelectorAll('section')) {
    let shown = 0;
    for (const item of section.querySelectorAll('details')) {
      item.hidden = !words.every((word) => item.dataset.words.includes(word));
      shown += item.hidden ? 0 : 1;
    }
    section.hidden = shown === 0;
  }
}

// A link to an object opens it.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(target instanceof HTMLDetailsElement)) return;
  target.hidden = false;
  target.open = true;
  target.scrollIntoView();
}

function useTheme(name) {
  document.documentElement.dataset.theme = name;
  document.getElementById('theme').setAttribute('aria-pressed', String(name === 'dark'));
}

useTheme(matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
document.getElementById('theme').addEventListener('click', () => {
  useTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
});
document.getElementById('search').addEventListener('input', (event) => search(event.target.value));
addEventListener('hashchange', openTarget);

fetch('/api/openapi.json', { credentials: 'same-origin' })
  .then(async (reply) => {
    if (!reply.ok) throw new Error(`the server answered ${reply.status}`);
    show(await reply.json());
    openTarget();
  })
  .catch((error) => {
    main.setAttribute('aria-busy', 'false');
    note.textContent = `The document cannot be read: ${error.message}.`;
  });
