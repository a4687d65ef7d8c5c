// What the app knows and does: one view, which the parts show, and the acts that change it.
import * as api from './api';
import { check as checkOf, type Glance, glance, isAllClear } from './glance';
import type { Kept, Snapshot } from './kept';
import { choose } from './language';
import type { Link } from './link';
import { markRead, older, refresh } from './snapshot';

/** Why there is nothing to show. */
export type Trouble = 'used' | 'expired' | 'unknown' | 'unreachable' | 'busy' | 'offline' | 'none' | 'ended' | 'unenrolled';
/** What became of asking for a check; `soon` says after how many seconds one may ask again. */
export type Asking = 'idle' | 'asking' | 'asked' | 'failed' | { soon: number };

export interface View {
  page: 'starting' | 'linking' | 'ready' | { trouble: Trouble; again?: () => void };
  snapshot?: Snapshot;
  /** False once the server could not be reached. */
  online: boolean;
  language: string;
  /** The language its user chose; undefined to have the organisation's. */
  chosen?: string;
  asking: Asking;
  /** Everything was put right since the owner last looked. */
  allClear: boolean;
}

const TROUBLES: Record<string, Trouble> = { 'link-used': 'used', 'link-expired': 'expired', unenrolled: 'unenrolled' };

function troubleOf(error: unknown): Trouble {
  if (!(error instanceof api.Refused)) return 'unreachable';
  return TROUBLES[error.kind] ?? (error.status === 429 ? 'busy' : 'unknown');
}

export class Phone {
  view: View;
  #listeners = new Set<() => void>();
  #refreshing?: Promise<boolean>;
  #again = false;

  constructor(
    private readonly kept: Kept,
    private readonly spoken: readonly string[],
    private readonly now: () => number = Date.now,
    /** Called when something was read that the server could not be told. */
    private readonly later: () => void = () => {},
  ) {
    this.view = { page: 'starting', online: true, language: choose(spoken), asking: 'idle', allClear: false };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #set(change: Partial<View>) {
    this.view = { ...this.view, ...change };
    const { chosen, snapshot } = this.view;
    this.view.language = choose([chosen, snapshot?.state.language, ...this.spoken]);
    for (const listener of this.#listeners) listener();
  }

  async start(link?: Link): Promise<void> {
    const [snapshot, chosen] = await Promise.all([this.kept.get('snapshot'), this.kept.get('language')]);
    this.#set({ chosen });
    if (link?.fresh) return this.#enroll(link);
    if (snapshot) await this.#show(snapshot);
    await this.refresh();
    const { page } = this.view;
    if (link && typeof page === 'object' && (page.trouble === 'none' || page.trouble === 'ended')) await this.#enroll(link);
  }

  async #enroll(link: Link): Promise<void> {
    this.#set({ page: 'linking' });
    try {
      await api.enroll(link.token);
    } catch (error) {
      const trouble = troubleOf(error);
      const again = trouble === 'unreachable' || trouble === 'busy' ? () => void this.#enroll(link) : undefined;
      // Whoever opens their own link a second time comes to what it led to.
      if (!again && (await this.refresh())) return;
      // The home screen's link was used when the app was opened first: that it is no longer good says nothing.
      this.#set({ page: { trouble: again || link.fresh ? trouble : 'ended', again } });
      return;
    }
    await this.#forget();
    if (!(await this.refresh()) && this.view.page === 'linking') this.#set({ page: { trouble: 'offline', again: () => void this.refresh() } });
  }

  async #forget(): Promise<void> {
    await Promise.all([this.kept.update('snapshot', () => undefined), this.kept.update('reads', () => undefined), this.kept.update('seen', () => undefined)]);
    this.#set({ snapshot: undefined, allClear: false, asking: 'idle' });
  }

  async #show(snapshot: Snapshot): Promise<void> {
    const found: Glance = glance(snapshot.state);
    const allClear = isAllClear(await this.kept.get('seen'), found);
    if (!allClear) await this.kept.update('seen', () => found);
    this.#set({ page: 'ready', snapshot, allClear });
  }

  /** Fetches what has changed; whether the server answered. Calls at the same time share one answer, newer than all. */
  async refresh(): Promise<boolean> {
    if (this.#refreshing) {
      this.#again = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#refresh();
    try {
      return await this.#refreshing;
    } finally {
      this.#refreshing = undefined;
    }
  }

  async #refresh(): Promise<boolean> {
    try {
      let snapshot: Snapshot;
      do {
        this.#again = false;
        snapshot = await refresh(this.kept, this.now);
      } while (this.#again);
      this.#set({ online: true });
      await this.#show(snapshot);
      return true;
    } catch (error) {
      if (error instanceof api.Refused && (error.status === 401 || error.kind === 'unenrolled')) {
        const had = this.view.snapshot !== undefined;
        await this.#forget();
        if (this.view.page !== 'linking') this.#set({ page: { trouble: error.kind === 'unenrolled' ? 'unenrolled' : had ? 'ended' : 'none' } });
      } else {
        this.#set({ online: false });
        if (this.view.page === 'starting') this.#set({ page: { trouble: 'offline', again: () => void this.refresh() } });
      }
      return false;
    }
  }

  /** Waits for the next change and shows it; false if the server could not be asked. */
  async wait(signal: AbortSignal): Promise<boolean> {
    const { snapshot } = this.view;
    if (!snapshot) return false;
    try {
      if (await api.wait(snapshot.etag, this.view.chosen, signal)) return await this.refresh();
      await this.kept.update('snapshot', (last) => last && { ...last, at: this.now() });
      this.#set({ online: true, snapshot: (await this.kept.get('snapshot')) ?? snapshot });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      // What it was refused for, the state is refused for as well.
      if (error instanceof api.Refused) return await this.refresh();
      this.#set({ online: false });
      return false;
    }
  }

  async read(id: string): Promise<void> {
    await markRead(this.kept, id, new Date(this.now()));
    const snapshot = await this.kept.get('snapshot');
    if (snapshot) this.#set({ snapshot });
    if (!(await this.refresh())) this.later();
  }

  async older(): Promise<void> {
    try {
      const snapshot = await older(this.kept);
      if (snapshot) this.#set({ snapshot });
    } catch {
      await this.refresh();
    }
  }

  /** Has the phone checked. */
  async check(): Promise<void> {
    this.#set({ asking: 'asking' });
    let asking: Asking = 'asked';
    try {
      await api.check();
    } catch (error) {
      const soon = error instanceof api.Refused && error.status === 429;
      asking = soon ? { soon: Math.max(1, error.retryAfter) } : 'failed';
    }
    // What was asked for is known by the state only.
    await this.refresh();
    this.#set({ asking });
  }

  /** Where the check stands that was asked for, here or on a former visit. */
  get checking() {
    const { snapshot } = this.view;
    return snapshot ? checkOf(snapshot.state, this.now()) : 'none';
  }

  async thanks(): Promise<void> {
    const { snapshot } = this.view;
    await this.kept.update('seen', () => snapshot && glance(snapshot.state));
    this.#set({ allClear: false });
  }

  async choose(language: string | undefined): Promise<void> {
    await this.kept.update('language', () => language);
    this.#set({ chosen: language });
    await this.refresh();
  }
}
