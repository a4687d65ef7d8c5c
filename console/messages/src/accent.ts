// The organisation's colour, and the ink that can be read on it.

/** The relative luminance of `#rrggbb` (WCAG 2); undefined if it is no such colour. */
export function luminance(colour: string): number | undefined {
  const [, ...parts] = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(colour) ?? [];
  if (parts.length < 3) return undefined;
  const [red = 0, green = 0, blue = 0] = parts.map((part) => {
    const value = parseInt(part, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Black or white: one of them always has a contrast of 4.5 and more. */
export const inkOn = (light: number) => (1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? '#ffffff' : '#000000');

export function paint(accent: string | null): void {
  const light = accent === null ? undefined : luminance(accent);
  const { style } = document.documentElement;
  if (accent === null || light === undefined) {
    style.removeProperty('--accent');
    style.removeProperty('--accent-ink');
  } else {
    style.setProperty('--accent', accent);
    style.setProperty('--accent-ink', inkOn(light));
  }
}
