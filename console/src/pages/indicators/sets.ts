// What can be said about indicator sets, and handing one its content.
import { type IndicatorSet, loadIndicatorSet } from '../../api';
import { asProblem } from '../../lib/api';
import { duration } from '../../lib/duration';

const LARGEST = 64 * 1024 * 1024;

const OFTEN: Record<number, string> = { 3_600: 'Every hour', 21_600: 'Every 6 hours', 86_400: 'Every day', 604_800: 'Every week' };
export const DAILY = 86_400;
export const often = (seconds: number) => OFTEN[seconds] ?? `Every ${duration(seconds)}`;
/** How often a set can be fetched, as choices; `also` is one of them. */
export const intervals = (also: number) =>
  [...new Set([...Object.keys(OFTEN).map(Number), also])].sort((a, b) => a - b).map((seconds) => ({ value: String(seconds), label: often(seconds) }));

/** Whether the server is about to look at it, or does. */
export const awaited = ({ loading, next_check_at: next }: IndicatorSet) => loading || (next !== null && Date.parse(next) <= Date.now());

/** Why a file cannot be a content, as far as that can be told without the server. */
export function fileProblem(file: { size: number } | null): string | null {
  if (!file) return 'Choose a file';
  if (file.size === 0) return 'It is empty';
  return file.size > LARGEST ? 'It has more than 64 MiB, which are the most' : null;
}

const isYaml = (name: string) => /\.ya?ml$/i.test(name);

/** Puts a file in the place of what a set holds; what is wrong with it is wrong with the field `file`. */
export async function load(id: string, file: File): Promise<IndicatorSet> {
  try {
    const headers = { 'Content-Type': isYaml(file.name) ? 'application/yaml' : 'application/json' };
    return (await loadIndicatorSet({ path: { id }, body: file, bodySerializer: null, headers, throwOnError: true })).data;
  } catch (error) {
    const problem = asProblem(error);
    throw { ...problem, errors: problem.errors?.map((each) => (each.pointer === '' ? { ...each, pointer: '/file' } : each)) };
  }
}
