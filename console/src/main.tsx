// Starts the console.
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import './app/app.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { lazy, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient } from './app/queries';
import { cssVariables, theme } from './app/theme';
import { setUpClient } from './lib/api';
import { router } from './router';

const Notifications = lazy(() => import('@mantine/notifications').then(({ Notifications }) => ({ default: Notifications })));

// Every style element made at run time needs the page's nonce.
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
if (nonce) setNonce(nonce);
setUpClient();

const container = document.getElementById('root');
if (container) {
  createRoot(container).render(
    <MantineProvider getStyleNonce={() => nonce} theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <Suspense><Notifications position="top-right" /></Suspense>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
}
