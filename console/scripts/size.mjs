// Checks the size of what a browser loads: the console's shell, each route's own part, all styles; the whole Messages app.
// Gzip, as sent.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BUDGET = { shell: 190_000, route: 140_000, css: 45_000, messages: 60_000 };

const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));
const sizes = new Map();
function size(file) {
  if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length);
  return sizes.get(file);
}

/** The chunk and all it imports at once. */
function closure(key, seen = new Set()) {
  if (!seen.has(key)) {
    seen.add(key);
    for (const next of manifest[key].imports ?? []) closure(next, seen);
  }
  return seen;
}
const total = (keys) => [...keys].reduce((sum, key) => sum + size(manifest[key].file), 0);

const entry = manifest['index.html'];
if (!entry) throw new Error('dist/.vite/manifest.json names no index.html: build first');
const shell = closure('index.html');
const rows = [['shell', total(shell), BUDGET.shell]];
for (const key of entry.dynamicImports ?? []) {
  rows.push([key, total([...closure(key)].filter((each) => !shell.has(each))), BUDGET.route]);
}
const styles = new Set(Object.values(manifest).flatMap((chunk) => chunk.css ?? []));
rows.push(['all styles', [...styles].reduce((sum, file) => sum + size(file), 0), BUDGET.css]);
// The page, its script and style, and the service worker: all that is fetched the first time but the icons.
const app = ['m/index.html', 'm/sw.js', ...readdirSync(new URL('m/assets', dist)).map((name) => `m/assets/${name}`)];
rows.push(['Messages app', app.reduce((sum, file) => sum + size(file), 0), BUDGET.messages]);

let over = false;
for (const [name, bytes, budget] of rows) {
  const bad = bytes > budget;
  over ||= bad;
  console.log(`${bad ? 'OVER' : 'ok  '} ${(bytes / 1000).toFixed(1).padStart(7)} of ${budget / 1000} kB  ${name}`);
}
if (over) process.exit(1);
