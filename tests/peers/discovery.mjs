// Google's discovery documents: which requests there are, and what is wrong with one or with an answer.
import { readFileSync } from 'node:fs';

const formats = {
  'google-duration': (value) => /^[0-9]+(\.[0-9]{1,9})?s$/.test(value),
  'google-datetime': (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(value),
  'google-fieldmask': (value) => /^[a-zA-Z.]+(,[a-zA-Z.]+)*$/.test(value),
  int64: (value) => /^-?\d{1,19}$/.test(value),
  int32: (value) => Number.isInteger(value) && Math.abs(value) < 2 ** 31,
  byte: (value) => /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.length % 4 === 0,
};

export class Description {
  // `kept`: where what is deprecated is not wrong.
  constructor(path, kept = []) {
    this.kept = kept;
    this.document = JSON.parse(readFileSync(path));
    this.methods = [...methods(this.document)].map((method) => ({ ...method, pattern: pattern(method.flatPath ?? method.path) }));
  }

  get revision() {
    return this.document.revision ?? 'ours';
  }

  // What is wrong with a value by a schema. What is deprecated is wrong; in a request also what only answers hold.
  *violations(value, schema, at, isRequest = true) {
    if (schema.$ref) {
      const named = this.document.schemas[schema.$ref];
      return yield* named ? this.violations(value, named, at, isRequest) : [`${at}: there is no ${schema.$ref}`];
    }
    const types = { any: () => true, array: Array.isArray, integer: Number.isInteger };
    const is = types[schema.type] ?? ((one) => typeof one === schema.type && one !== null && !Array.isArray(one));
    if (!is(value)) return yield `${at}: ${JSON.stringify(value)} is no ${schema.type}`;
    if (schema.enum) {
      const index = schema.enum.indexOf(value);
      if (index < 0) yield `${at}: ${value} is none of ${schema.enum}`;
      if (schema.enumDeprecated?.[index]) yield `${at}: ${value} is deprecated`;
    }
    if (schema.format && formats[schema.format]?.(value) === false) yield `${at}: ${value} is no ${schema.format}`;
    if (schema.type === 'array') {
      for (const [i, item] of value.entries()) yield* this.violations(item, schema.items, `${at}/${i}`, isRequest);
    }
    if (schema.type !== 'object') return;
    for (const [name, member] of Object.entries(value)) {
      const known = schema.properties?.[name] ?? schema.additionalProperties;
      if (!known) yield `${at}/${name}: is not known`;
      else if (known.deprecated && !this.kept.includes(`${at}/${name}`)) yield `${at}/${name}: is deprecated`;
      else if (known.readOnly && isRequest) yield `${at}/${name}: is not for requests`;
      else yield* this.violations(member, known, `${at}/${name}`, isRequest);
    }
  }

  // The method that a request is for; undefined if there is none.
  method(verb, path) {
    return this.methods.find((method) => method.httpMethod === verb && method.pattern.test(path));
  }

  // What is wrong with a request for a method.
  *wrong(method, query, body) {
    const seen = new Set();
    for (const [name, text] of query) {
      const known = method.parameters?.[name] ?? this.document.parameters?.[name];
      if (known?.location !== 'query') yield `?${name}: is not known`;
      else if (known.deprecated && !this.kept.includes(`${at}/${name}`)) yield `?${name}: is deprecated`;
      else if (seen.has(name) && !known.repeated) yield `?${name}: is given twice`;
      else yield* this.violations(typed(text, known.type), known, `?${name}`);
      seen.add(name);
    }
    if (method.request) {
      if (body === undefined) yield 'has no body';
      else yield* this.violations(body, method.request, '');
    } else if (body !== undefined && JSON.stringify(body) !== '{}') yield 'has a body';
    const mask = query.get('updateMask');
    const members = this.document.schemas[method.request?.$ref]?.properties;
    for (const path of mask?.split(',') ?? []) {
      if (!members?.[path.split('.')[0]]) yield `?updateMask: ${path} is not known`;
    }
  }
}

function* methods(resource) {
  yield* Object.values(resource.methods ?? {});
  for (const inner of Object.values(resource.resources ?? {})) yield* methods(inner);
}

const pattern = (path) => new RegExp(`^/${path.replace(/\{[^}]+\}/g, '[^/:]+')}$`);

function typed(text, type) {
  if (type === 'integer' || type === 'number') return Number(text);
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}
