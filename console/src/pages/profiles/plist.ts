// Reads an Apple property list (XML) of one payload as JSON.

type Read = { payload_type: string | undefined; content: Record<string, unknown> };

/** Set by the server, so not part of what is pasted. */
const OWN = ['PayloadType', 'PayloadIdentifier', 'PayloadUUID', 'PayloadVersion'];

function value(element: Element): unknown {
  const text = element.textContent?.trim() ?? '';
  switch (element.tagName) {
    case 'dict':
      return dict(element);
    case 'array':
      return [...element.children].map(value);
    case 'string':
      return element.textContent ?? '';
    case 'integer':
    case 'real': {
      const number = Number(text);
      if (text === '' || !Number.isFinite(number)) throw new Error(`“${text}” is not a number`);
      return number;
    }
    case 'true':
      return true;
    case 'false':
      return false;
    default:
      throw new Error(`<${element.tagName}> cannot be kept as JSON`);
  }
}

function dict(element: Element): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  const children = [...element.children];
  for (let i = 0; i < children.length; i += 2) {
    const [key, member] = [children[i], children[i + 1]];
    if (key?.tagName !== 'key' || !member) throw new Error('a <dict> needs a value after each <key>');
    entries.push([key.textContent ?? '', value(member)]);
  }
  return Object.fromEntries(entries);
}

/** Takes a payload, or a whole configuration profile with one payload in it. */
export function readPropertyList(text: string): Read {
  const document = new DOMParser().parseFromString(text, 'application/xml');
  if (document.querySelector('parsererror')) throw new Error('this is not well-formed XML');
  const top = document.documentElement;
  const root = top.tagName === 'plist' ? top.firstElementChild : top;
  if (root?.tagName !== 'dict') throw new Error('a <dict> is expected at the top');
  let payload = dict(root);
  if (Array.isArray(payload.PayloadContent) && payload.PayloadType === 'Configuration') {
    if (payload.PayloadContent.length !== 1) throw new Error('it holds several payloads: paste one at a time');
    payload = payload.PayloadContent[0] as Record<string, unknown>;
  }
  const content = Object.fromEntries(Object.entries(payload).filter(([key]) => !OWN.includes(key)));
  return { payload_type: typeof payload.PayloadType === 'string' ? payload.PayloadType : undefined, content };
}

/** The text of custom settings: JSON, or for iOS a property list. */
export function readCustomSettings(text: string, propertyLists: boolean): Read {
  if (propertyLists && text.trimStart().startsWith('<')) return readPropertyList(text);
  const content: unknown = JSON.parse(text.trim() || '{}');
  if (typeof content !== 'object' || content === null || Array.isArray(content)) throw new Error('an object in { } is expected');
  return { payload_type: undefined, content: content as Record<string, unknown> };
}
