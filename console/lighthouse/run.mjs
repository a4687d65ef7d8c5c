// Lighthouse on the console, filled by the demo: accessibility and best practices have to be perfect; performance is told.
import { launch } from 'chrome-launcher';
import lighthouse, { desktopConfig } from 'lighthouse';
import { CHROMIUM, startDemo } from '../scripts/demo.mjs';

const MUST_BE_PERFECT = ['accessibility', 'best-practices'];
const seconds = (audit) => `${(audit.numericValue / 1000).toFixed(1)} s`;

const demo = await startDemo('--live', '0');
let chrome;
let failed = false;
try {
  const cookie = await demo.signIn();
  const [device] = (await demo.api('/api/v1/devices?risk_level=high&sort=-score&limit=1')).items;
  const pages = [
    ['sign-in', '/sign-in', {}],
    ['dashboard', '/', { Cookie: cookie }],
    ['device list', '/devices', { Cookie: cookie }],
    ['device page', `/devices/${device.id}`, { Cookie: cookie }],
    ['settings', '/settings', { Cookie: cookie }],
  ];
  chrome = await launch({ chromePath: CHROMIUM, chromeFlags: ['--headless=new', '--no-sandbox', '--disable-gpu'], logLevel: 'silent' });
  console.log('| page | accessibility | best practices | performance | first paint | largest paint | blocked | transferred |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const [name, path, extraHeaders] of pages) {
    const { lhr } = await lighthouse(
      demo.url + path,
      { port: chrome.port, extraHeaders, logLevel: 'error', onlyCategories: [...MUST_BE_PERFECT, 'performance'] },
      desktopConfig,
    );
    if (lhr.runtimeError) throw new Error(`${path}: ${lhr.runtimeError.message}`);
    if (new URL(lhr.finalDisplayedUrl).pathname !== path) throw new Error(`${path} led to ${lhr.finalDisplayedUrl}`);
    const { audits, categories } = lhr;
    const score = (category) => categories[category].score.toFixed(2);
    const ms = (audit) => `${Math.round(audits[audit].numericValue)} ms`;
    console.log(
      `| ${name} | ${score('accessibility')} | ${score('best-practices')} | ${score('performance')} | ${seconds(audits['first-contentful-paint'])} | ` +
        `${seconds(audits['largest-contentful-paint'])} | ${ms('total-blocking-time')} | ${Math.round(audits['total-byte-weight'].numericValue / 1000)} kB |`,
    );
    for (const category of MUST_BE_PERFECT) {
      if (categories[category].score === 1) continue;
      failed = true;
      for (const { id, weight } of categories[category].auditRefs) {
        const { score, title, details } = audits[id];
        if (weight === 0 || score === null || score === 1) continue;
        console.error(`${path}: ${id}: ${title}`);
        for (const item of details?.items ?? []) console.error(`  ${item.node?.snippet ?? item.description ?? JSON.stringify(item)}`);
      }
    }
  }
} finally {
  chrome?.kill();
  await demo.stop();
}
if (failed) process.exitCode = 1;
