// The link by which a phone is connected. Its token leaves the address bar before anything else happens.

export interface Link {
  token: string;
  /** Somebody opened it just now; else the home screen did, as it does each time, though it is good only once. */
  fresh: boolean;
}

/** The link in an address. */
export function linkIn(address: URL): Link | undefined {
  const fragment = address.hash.slice(1);
  if (fragment) return { token: fragment, fresh: true };
  const start = address.searchParams.get('link');
  return start ? { token: start, fresh: false } : undefined;
}

/** Takes the link out of the address bar and the history. */
export function takeLink(): Link | undefined {
  const address = new URL(location.href);
  const link = linkIn(address);
  if (link) history.replaceState(null, '', address.pathname);
  return link;
}
