// Builds the console; in development passes the API on to a running server.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const token = process.env.ALLCLEAR_TOKEN;
const proxy = {
  // Not `/api-tokens`, which is a page.
  '^/api/': {
    target: process.env.ALLCLEAR_URL ?? 'http://127.0.0.1:8080',
    headers: token ? { Authorization: `Bearer ${token}` } : undefined,
  },
};

export default defineConfig({
  plugins: [react()],
  server: { proxy },
  preview: { proxy },
  // The server puts a fresh nonce here in every answer.
  html: { cspNonce: '__ALLCLEAR_CSP_NONCE__' },
  build: { manifest: true, chunkSizeWarningLimit: 700 },
  test: {
    projects: [
      { extends: true, test: { name: 'console', environment: 'happy-dom', setupFiles: './src/test-setup.ts', include: ['src/**/*.test.{ts,tsx}'] } },
      './messages/vite.config.ts',
    ],
  },
});
