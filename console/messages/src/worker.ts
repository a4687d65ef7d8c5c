// The page's side of the service worker: registers it, takes up a new build, and asks it to tell later what was read.

const HOUR = 3_600_000;

export function registerWorker(): void {
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return;
  const { serviceWorker } = navigator;
  const registered = serviceWorker.register('/m/sw.js', { scope: '/m/', updateViaCache: 'none' });
  let looked = Date.now();
  // The first worker of all takes over a page that is already as new.
  let stale = false;
  const first = !serviceWorker.controller;
  let took = false;
  serviceWorker.addEventListener('controllerchange', () => {
    stale = took || !first;
    took = true;
    if (document.visibilityState === 'hidden' && stale) location.reload();
  });
  document.addEventListener('visibilitychange', () => {
    // Not under the eyes of its reader.
    if (document.visibilityState === 'hidden' && stale) return location.reload();
    if (document.visibilityState === 'visible' && Date.now() - looked > HOUR) {
      looked = Date.now();
      void registered.then((registration) => registration.update()).catch(() => undefined);
    }
  });
  void registered.catch(() => undefined);
}

type WithSync = ServiceWorkerRegistration & { sync?: { register(tag: string): Promise<void> } };

/** Has the browser tell the server what was read as soon as it can, where it offers that; else the page does. */
export function tellLater(): void {
  if (!('serviceWorker' in navigator)) return;
  void navigator.serviceWorker.ready.then((registration) => (registration as WithSync).sync?.register('reads')).catch(() => undefined);
}
