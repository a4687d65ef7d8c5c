// What stays on the phone between visits, shared by the page and the service worker: a small store of values by name.
import type { DeviceState, OwnMessage } from '../../src/api/types.gen';

/** The last that is known of the phone. */
export interface Snapshot {
  state: DeviceState;
  etag: string;
  /** The language that was asked for, if any. */
  asked?: string;
  /** The newest first. */
  messages: OwnMessage[];
  next_cursor: string | null;
  /** When the server last said that this is so, in milliseconds since 1970. */
  at: number;
}

interface Values {
  snapshot: Snapshot;
  /** Messages that were read and whose reading the server may not know of yet. */
  reads: string[];
  /** The language its user chose in the app. */
  language: string;
  /** What the user last saw at a glance. */
  seen: string;
  /** The user does not want to be asked to put the app on the home screen. */
  install_later: boolean;
  push_later: boolean;
}
export type Name = keyof Values;

export interface Kept {
  get<N extends Name>(name: N): Promise<Values[N] | undefined>;
  /** Changes a value in one step; undefined removes it. */
  update<N extends Name>(name: N, change: (old: Values[N] | undefined) => Values[N] | undefined): Promise<void>;
}

const STORE = 'kept';

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** The phone's own; in memory where the browser keeps nothing, as in a private window. */
export async function openKept(): Promise<Kept> {
  try {
    const opening = indexedDB.open('allclear-messages', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    const database = await done(opening);
    return {
      get: (name) => done(database.transaction(STORE).objectStore(STORE).get(name)),
      update: (name, change) =>
        new Promise((resolve, reject) => {
          const transaction = database.transaction(STORE, 'readwrite');
          transaction.oncomplete = () => resolve();
          transaction.onabort = () => reject(transaction.error);
          const store = transaction.objectStore(STORE);
          const reading = store.get(name);
          reading.onsuccess = () => {
            const value = change(reading.result);
            if (value === undefined) store.delete(name);
            else store.put(value, name);
          };
        }),
    };
  } catch {
    return inMemory();
  }
}

export function inMemory(): Kept {
  const values: Partial<Values> = {};
  return {
    get: async (name) => values[name],
    update: async (name, change) => {
      values[name] = change(values[name]);
    },
  };
}
