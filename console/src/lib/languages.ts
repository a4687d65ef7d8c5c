// Languages by their tags.

const names = new Intl.DisplayNames(['en'], { type: 'language' });
/** `German (de)`. */
export function languageName(tag: string): string {
  try {
    const name = names.of(tag);
    return name && name !== tag ? `${name} (${tag})` : tag;
  } catch {
    return tag;
  }
}

/** The tag as languages are written, or undefined if it is none. */
export function languageTag(typed: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(typed.trim().replaceAll('_', '-'))[0];
  } catch {
    return undefined;
  }
}
