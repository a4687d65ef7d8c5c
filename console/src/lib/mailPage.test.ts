import { expect, test } from 'vitest';
import { mailPage } from './mailPage';

const PAGE = `<!doctype html><html><head><style>.quiet{color:#545d69}</style></head>
<body style="margin:0"><img src="cid:logo" alt="a > b" style="height:40px"><p style="font:16px 'Segoe UI';color:red">Hello</p></body></html>`;

test('style attributes become rules of a sheet the policy takes', () => {
  const page = mailPage(PAGE, 'abc', undefined);
  expect(page).not.toMatch(/\sstyle=/);
  expect(page).toContain('<style nonce="abc">.quiet{');
  const shown = new DOMParser().parseFromString(page, 'text/html');
  expect([...shown.querySelectorAll('style')].map((each) => each.nonce || each.getAttribute('nonce'))).toEqual(['abc', 'abc']);
  const look = shown.querySelector('p')?.getAttribute('data-look');
  expect(shown.querySelectorAll('style')[1]?.textContent).toContain(`[data-look="${look}"]{font:16px 'Segoe UI';color:red}`);
});

test('the logo of the mail is the one given, and nothing is asked for without one', () => {
  expect(mailPage(PAGE, undefined, 'data:image/png;base64,AA==')).toContain('src="data:image/png;base64,AA=="');
  expect(mailPage(PAGE, undefined, undefined)).not.toContain('cid:');
});

test('a style cannot close its rule or its sheet', () => {
  const page = mailPage(`<p style="color:red}body{display:none</style><b>">x</p>`, undefined, undefined);
  expect(page.match(/<\/style>/g)).toHaveLength(1);
  expect(page).not.toContain('body{');
});
