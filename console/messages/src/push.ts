// Notifications while the app is closed (Web Push).
import * as api from './api';
import { onHomeScreen, place } from './install';

export type PushState = 'on' | 'off' | 'denied' | 'home_first' | 'unsupported';

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const bytes = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(bytes, (character) => character.charCodeAt(0));
}

/** Whether a subscription was made with this key of the server's. */
export function hasKey(subscription: Pick<PushSubscription, 'options'>, key: Uint8Array): boolean {
  const own = subscription.options.applicationServerKey;
  return own !== null && own.byteLength === key.length && new Uint8Array(own).every((byte, at) => byte === key[at]);
}

const supported = () => 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;
const subscription = async () => (await navigator.serviceWorker.ready).pushManager.getSubscription();

export async function pushState(): Promise<PushState> {
  if (!supported()) return place().startsWith('ios') && !onHomeScreen() ? 'home_first' : 'unsupported';
  if (Notification.permission === 'denied') return 'denied';
  return Notification.permission === 'granted' && (await subscription()) ? 'on' : 'off';
}

/** Asks the owner, the browser and the server in turn. */
export async function turnOn(): Promise<PushState> {
  if ((await Notification.requestPermission()) === 'granted') await subscribe();
  return pushState();
}

async function subscribe(): Promise<void> {
  const key = fromBase64Url(await api.pushKey());
  const { pushManager } = await navigator.serviceWorker.ready;
  let current = await pushManager.getSubscription();
  if (current && !hasKey(current, key)) {
    await current.unsubscribe();
    current = null;
  }
  current ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  await api.subscribe(current.toJSON());
}

/** Tells the server again what this browser is subscribed to: either side may have lost it. */
export async function keepOn(): Promise<void> {
  if ((await pushState()) === 'on') await subscribe();
}

export async function turnOff(): Promise<PushState> {
  await api.unsubscribe();
  await (await subscription())?.unsubscribe();
  return pushState();
}
