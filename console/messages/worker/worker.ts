// The service worker: keeps the app's files so that it opens without a network, shows what is pushed, and tells the server
// what was read once it can be reached again.
import { pushKey, subscribe } from '../src/api';
import { openKept } from '../src/kept';
import { choose, language } from '../src/language';
import { flush, refresh } from '../src/snapshot';

declare const self: ServiceWorkerGlobalScope;
/** The addresses of the app's files, and a digest of their content; put in by the build. */
declare const SHELL: string[];
declare const BUILD: string;

/** What a push carries. */
interface Push {
  id: string;
  title: string;
  body: string;
  url: string;
}

const HOME = '/m/';
const CACHE = `shell-${BUILD}`;
const kept = openKept();

self.addEventListener('install', (event) => {
  // A page that is open has all it needs: files of another build are never mixed in.
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL.map((url) => new Request(url, { cache: 'reload' })))).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  const drop = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(drop());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  const page = request.mode === 'navigate' && pathname === HOME;
  if (!page && !SHELL.includes(pathname)) return;
  const answer = async () => (await (await caches.open(CACHE)).match(page ? HOME : pathname)) ?? fetch(request);
  event.respondWith(answer());
});

/** Has what is kept brought up to date; without a network it stays as it is. */
async function update(): Promise<void> {
  const badge = (await refresh(await kept, Date.now).catch(() => undefined))?.state.unread;
  if (badge !== undefined) await (navigator as Navigator & { setAppBadge?(count: number): Promise<void> }).setAppBadge?.(badge).catch(() => undefined);
}

async function words() {
  const store = await kept;
  return language(choose([await store.get('language'), (await store.get('snapshot'))?.state.language, ...navigator.languages]));
}

self.addEventListener('push', (event) => {
  const show = async () => {
    let push: Partial<Push> = {};
    try {
      push = event.data?.json() ?? {};
    } catch {
      // Whatever came, the browser wants to see a notification.
    }
    const { t, tag } = await words();
    await self.registration.showNotification(push.title || t('push.fallback'), {
      body: push.body,
      tag: push.id,
      icon: '/m/icon-192.png',
      dir: 'auto',
      lang: tag,
    });
    const windows = await self.clients.matchAll({ type: 'window' });
    if (windows.some((window) => window.visibilityState === 'visible')) for (const window of windows) window.postMessage('news');
    else await update();
  };
  event.waitUntil(show());
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const open = async () => {
    const [window] = await self.clients.matchAll({ type: 'window' });
    if (!window) return self.clients.openWindow(HOME);
    window.postMessage('news');
    return window.focus();
  };
  event.waitUntil(open());
});

// The push service has given the browser another address.
self.addEventListener('pushsubscriptionchange', (event) => {
  const renew = async () => {
    const subscription = await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: await pushKey() });
    await subscribe(subscription.toJSON());
  };
  (event as ExtendableEvent).waitUntil(renew());
});

// Where the browser offers it: what was read is told as soon as there is a network, also with the app closed. What cannot
// be told now is tried again by the browser.
self.addEventListener('sync' as 'message', (event) => (event as ExtendableEvent).waitUntil(kept.then(flush)));
