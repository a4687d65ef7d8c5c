// Generates the typed client, the types and the TanStack Query options of the whole API into src/api.
import { defineConfig } from '@hey-api/openapi-ts';

export default defineConfig({
  input: '../docs/openapi.json',
  output: 'src/api',
  // A stream is no query.
  parser: { hooks: { operations: { getKind: (operation) => (operation.path === '/api/v1/live' ? [] : undefined) } } },
  plugins: ['@hey-api/client-fetch', '@hey-api/typescript', { name: '@hey-api/sdk', operations: { strategy: 'flat' } }, '@tanstack/react-query'],
});
