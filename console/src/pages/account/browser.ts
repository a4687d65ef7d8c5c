// What a browser calls itself, in two words.

const BROWSERS: [RegExp, string][] = [[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/Chrom(e|ium)\//, 'Chrome'], [/Safari\//, 'Safari']];
const SYSTEMS: [RegExp, string][] = [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux']];

/** `Firefox on Linux`; what is not known is shown as it is. */
export function browser(userAgent: string | null): string {
  if (!userAgent) return 'Unknown browser';
  const name = (known: [RegExp, string][]) => known.find(([pattern]) => pattern.test(userAgent))?.[1];
  const [what, where] = [name(BROWSERS), name(SYSTEMS)];
  return what ? `${what}${where ? ` on ${where}` : ''}` : userAgent.slice(0, 60);
}
