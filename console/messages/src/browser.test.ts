// What is made of what browsers say.
import { expect, test } from 'vitest';
import { inkOn, luminance } from './accent';
import { placeOf } from './install';
import { linkIn } from './link';
import { delay } from './live';
import { fromBase64Url, hasKey } from './push';

test('a link stands in the fragment, or in the address the home screen starts with', () => {
  const of = (address: string) => linkIn(new URL(address, 'https://a.example'));
  expect(of('/m/#acm_1_x-Y')).toEqual({ token: 'acm_1_x-Y', fresh: true });
  expect(of('/m/?link=acm_1_x')).toEqual({ token: 'acm_1_x', fresh: false });
  expect(of('/m/?link=old#new')).toEqual({ token: 'new', fresh: true });
  expect(of('/m/')).toBeUndefined();
  expect(of('/m/?link=#')).toBeUndefined();
});

const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
test.each([
  ['ios', `${IPHONE} Version/18.1 Mobile/15E148 Safari/604.1`, 5],
  ['ios_elsewhere', `${IPHONE} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1`, 5],
  ['ios_elsewhere', `${IPHONE} Mobile/15E148 [FBAN/FBIOS]`, 5],
  ['ios', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15', 5],
  ['desktop', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15', 0],
  ['android', 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36', 5],
])('%s is known by %s', (expected, agent, touches) => {
  expect(placeOf(agent, touches)).toBe(expected);
});

test('what is written on the organisation’s colour can be read', () => {
  expect(luminance('#FFFFFF')).toBeCloseTo(1);
  expect(luminance('#000000')).toBe(0);
  for (const colour of ['#777777', '#ff0000', '#ffd400', '#1971c2', '#00ff00', '#767676']) {
    const light = luminance(colour) ?? 0;
    const ink = luminance(inkOn(light)) ?? 0;
    expect((Math.max(light, ink) + 0.05) / (Math.min(light, ink) + 0.05), colour).toBeGreaterThanOrEqual(4.5);
  }
  for (const wrong of ['red', '#fff', '#12345', 'url(x)', '#1234567']) expect(luminance(wrong)).toBeUndefined();
});

test('a subscription made with another key of the server is noticed', () => {
  const key = fromBase64Url('BP-_');
  expect([...key]).toEqual([4, 255, 191]);
  const made = (bytes: number[] | null) => ({ options: { userVisibleOnly: true, applicationServerKey: bytes && new Uint8Array(bytes).buffer } });
  expect(hasKey(made([4, 255, 191]), key)).toBe(true);
  expect(hasKey(made([4, 255, 190]), key)).toBe(false);
  expect(hasKey(made([4, 255]), key)).toBe(false);
  expect(hasKey(made(null), key)).toBe(false);
});

test('after failures it is asked ever more seldom', () => {
  expect([1, 2, 3, 20].map((failures) => delay(failures, 1))).toEqual([2000, 4000, 8000, 60_000]);
  expect(delay(20, 0)).toBe(30_000);
});
