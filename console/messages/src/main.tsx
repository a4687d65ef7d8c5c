// Starts the app: takes the link out of the address, opens what is kept, shows it, then asks the server.
import { render } from 'preact';
import { awaitOffer } from './install';
import { openKept } from './kept';
import { takeLink } from './link';
import { live } from './live';
import { App } from './parts/App';
import { Phone } from './phone';
import { keepOn } from './push';
import { registerWorker, tellLater } from './worker';
import './style.css';

const link = takeLink();
awaitOffer();
registerWorker();

void (async () => {
  const kept = await openKept();
  const phone = new Phone(kept, navigator.languages, Date.now, tellLater);
  const root = document.getElementById('app');
  if (root) render(<App phone={phone} kept={kept} />, root);
  await phone.start(link);
  live(phone);
  // A link pasted where the app is open already changes only the fragment.
  addEventListener('hashchange', () => {
    const pasted = takeLink();
    if (pasted) void phone.start(pasted);
  });
  if (phone.view.page === 'ready') await keepOn().catch(() => undefined);
})();
