// What the address of Getting started can say.
import { one, search, text } from '../../lib/search';

export const STEPS = ['response', 'source', 'device', 'watch'] as const;
export const SOURCES = ['feed', 'agent', 'file', 'simulator'] as const;

/** `step`: the one that is open, or `none` once it was closed. `device`: the one that is watched. */
export const startSearch = search({ step: one([...STEPS, 'none']), source: one(SOURCES), device: text });
