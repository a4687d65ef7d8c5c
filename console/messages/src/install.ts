// Putting the app on the home screen: what this browser is, and its own way of asking.

export type Place = 'ios' | 'ios_elsewhere' | 'android' | 'desktop';

/** `touches` is how many fingers the screen tells apart: an iPad calls itself a Mac. */
export function placeOf(agent: string, touches: number): Place {
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && touches > 1)) {
    return /Version\/[\d.]+.*Safari\//.test(agent) && !/CriOS|FxiOS|EdgiOS|GSA\//.test(agent) ? 'ios' : 'ios_elsewhere';
  }
  return /Android/.test(agent) ? 'android' : 'desktop';
}

export const place = () => placeOf(navigator.userAgent, navigator.maxTouchPoints);

export const onHomeScreen = () =>
  matchMedia('(display-mode: standalone)').matches || (navigator as Navigator & { standalone?: boolean }).standalone === true;

interface Prompt extends Event {
  prompt(): Promise<void>;
  userChoice: Promise<{ outcome: 'accepted' | 'dismissed' }>;
}

let offered: Prompt | undefined;
const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());

/** Must be called before the browser makes its offer, which it does once. */
export function awaitOffer(): void {
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    offered = event as Prompt;
    tell();
  });
  addEventListener('appinstalled', () => {
    offered = undefined;
    tell();
  });
}

export const offer = {
  there: () => offered !== undefined,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  /** Shows the browser's own question; whether its answer was yes. It can be asked only once. */
  async take(): Promise<boolean> {
    const prompt = offered;
    offered = undefined;
    await prompt?.prompt();
    const accepted = (await prompt?.userChoice)?.outcome === 'accepted';
    tell();
    return accepted;
  },
};

/** Names the manifest, which the server makes for who is signed in: the app on the home screen starts with a link of its own. */
export function nameManifest(): void {
  if (document.querySelector('link[rel=manifest]')) return;
  const link = document.createElement('link');
  link.rel = 'manifest';
  link.crossOrigin = 'use-credentials';
  link.href = '/m/manifest.webmanifest';
  document.head.append(link);
}
