// Builds the Messages app into dist/m beside the console: the page first, then its service worker, which knows every file
// of the page and a digest of them all.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build, type Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const ROOT = import.meta.dirname;
const OUT = join(ROOT, '../dist/m');
const BASE = '/m/';
// Phones whose system is out of date are those that need this most.
const target = ['es2020', 'chrome87', 'firefox90', 'safari14'];

function files(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.name.startsWith('.')) return [];
    return entry.isDirectory() ? files(path) : [path];
  });
}

function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    apply: 'build',
    async closeBundle() {
      const shell = files(OUT).sort();
      const digest = createHash('sha256');
      for (const path of shell) digest.update(relative(OUT, path)).update(readFileSync(path));
      const addresses = shell.map((path) => BASE + relative(OUT, path).replace(/^index\.html$/, ''));
      await build({
        configFile: false,
        root: ROOT,
        logLevel: 'warn',
        define: { SHELL: JSON.stringify(addresses), BUILD: JSON.stringify(digest.digest('hex').slice(0, 12)) },
        build: {
          outDir: OUT,
          emptyOutDir: false,
          copyPublicDir: false,
          target,
          rolldownOptions: { input: join(ROOT, 'worker/worker.ts'), output: { format: 'iife', entryFileNames: 'sw.js' } },
        },
      });
    },
  };
}

export default defineConfig({
  root: ROOT,
  base: BASE,
  plugins: [serviceWorker()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { proxy: { '^/m/v1/': process.env.ALLCLEAR_URL ?? 'http://127.0.0.1:8080' } },
  build: { outDir: OUT, emptyOutDir: true, modulePreload: { polyfill: false }, target },
  test: { name: 'messages', environment: 'node', include: ['src/**/*.test.ts'] },
});
