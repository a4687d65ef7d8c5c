import { expect, test } from 'vitest';
import { readCustomSettings, readPropertyList } from './plist';

const payload = `<dict>
  <key>PayloadType</key><string>com.apple.domains</string>
  <key>PayloadUUID</key><string>1</string>
  <key>EmailDomains</key><array><string>example.com</string></array>
  <key>On</key><true/><key>Off</key><false/><key>Days</key><integer>3</integer><key>Share</key><real>0.5</real>
  <key>Nested</key><dict><key>Name</key><string> x </string></dict>
</dict>`;
const content = { EmailDomains: ['example.com'], On: true, Off: false, Days: 3, Share: 0.5, Nested: { Name: ' x ' } };

test('a payload, with or without what is around it', () => {
  const expected = { payload_type: 'com.apple.domains', content };
  expect(readPropertyList(payload)).toEqual(expected);
  expect(readPropertyList(`<?xml version="1.0"?><plist version="1.0">${payload}</plist>`)).toEqual(expected);
  const whole = `<plist><dict><key>PayloadType</key><string>Configuration</string><key>PayloadContent</key><array>${payload}</array></dict></plist>`;
  expect(readPropertyList(whole)).toEqual(expected);
  expect(() => readPropertyList(whole.replace('</array></dict></plist>', '<dict></dict></array></dict></plist>'))).toThrow('several');
});

test('what cannot be kept as JSON is refused, not dropped', () => {
  expect(() => readPropertyList('<dict><key>Icon</key><data>AAAA</data></dict>')).toThrow('<data>');
  expect(() => readPropertyList('<dict><key>Days</key><integer>many</integer></dict>')).toThrow('many');
  expect(() => readPropertyList('<array></array>')).toThrow('<dict>');
  expect(() => readPropertyList('<dict><key>Days</key></dict>')).toThrow('<key>');
});

test('JSON, and property lists only where they belong', () => {
  expect(readCustomSettings('{"a": 1}', false)).toEqual({ payload_type: undefined, content: { a: 1 } });
  expect(readCustomSettings(' ', true).content).toEqual({});
  expect(readCustomSettings(payload, true).content).toEqual(content);
  expect(() => readCustomSettings(payload, false)).toThrow();
  expect(() => readCustomSettings('[1]', false)).toThrow('object');
});
