// The end of the page: language, notifications, and which phone this is about.
import type { DeviceState } from '../../../src/api/types.gen';
import { LANGUAGES } from '../language';
import { PushSetting } from './PushCard';
import { usePhone, useView, useWords } from './shared';

const PLATFORMS = { android: 'Android', ios: 'iOS' };

export function Settings({ state }: { state: DeviceState }) {
  const { t } = useWords();
  const { chosen } = useView();
  const phone = usePhone();
  const { device, organisation } = state;
  return (
    <section aria-labelledby="settings">
      <h2 id="settings">{t('settings.title')}</h2>
      <div class="card">
        <label>
          <span class="name">{t('settings.language')}</span>
          <select value={chosen ?? ''} onChange={(event) => void phone.choose(event.currentTarget.value || undefined)}>
            <option value="">{t('settings.language_default', { organisation })}</option>
            {Object.entries(LANGUAGES).map(([tag, words]) => (
              <option key={tag} value={tag} lang={tag}>{words._name}</option>
            ))}
          </select>
        </label>
        <h3>{t('settings.notifications')}</h3>
        <PushSetting />
        <h3>{t('settings.device')}</h3>
        <p><bdi>{device.name}</bdi></p>
        <p class="quiet">{PLATFORMS[device.platform]} {device.os_version}</p>
      </div>
    </section>
  );
}
