// A mail's page made fit to be shown inside the console, whose policy takes no style attributes and no pictures of mails.

const TAG = /<[a-z](?:"[^"]*"|'[^']*'|[^"'>])*>/gi;
const STYLE = /\sstyle\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i;

const decoded = (text: string) => {
  const area = document.createElement('textarea');
  area.innerHTML = text;
  return area.value;
};

/**
 * The page with its styles in a sheet that carries the `nonce`, and with `logo`, a `data:` address, where the mail has
 * `cid:logo`. Nothing in it may run: show it in a frame with an empty `sandbox`.
 */
export function mailPage(html: string, nonce: string | undefined, logo: string | undefined): string {
  const sheet: string[] = [];
  const attribute = nonce ? ` nonce="${nonce}"` : '';
  const page = html.replace(TAG, (tag) => {
    if (/^<style\b/i.test(tag)) return `<style${attribute}>`;
    return tag
      .replace(STYLE, (_, double?: string, single?: string, bare?: string) => {
        sheet.push(`[data-look="${sheet.length}"]{${decoded(double ?? single ?? bare ?? '').replace(/[{}<]/g, '')}}`);
        return ` data-look="${sheet.length - 1}"`;
      })
      .replace(/(["'])cid:logo\1/gi, `"${logo ?? 'data:,'}"`);
  });
  const rules = `<style${attribute}>${sheet.join('\n')}</style>`;
  const head = page.search(/<\/head>/i);
  return head < 0 ? rules + page : page.slice(0, head) + rules + page.slice(head);
}
