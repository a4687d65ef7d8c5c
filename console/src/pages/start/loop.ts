// One round of the loop as the journal tells it: from the last threat on a device to the restriction, and back.
import type { Change, Entry } from '../../api';

export type Stage = { title: string; waiting: string; at?: string; what?: string };

type Of<T extends Change['type']> = Extract<Change, { type: T }>;

/** `entries` of one device in any order. Nothing is known without a threat among them. */
export function round(entries: Entry[]): Stage[] | undefined {
  const inOrder = [...entries].sort((a, b) => a.position - b.position);
  const changes = inOrder.flatMap(({ at, changes }) => changes.map((change) => ({ at, change })));
  const opened = changes.map(({ change }) => change.type === 'threat' && change.to === 'open').lastIndexOf(true);
  const start = changes[opened];
  if (!start) return undefined;
  const threat = start.change as Of<'threat'>;
  const from = changes.slice(opened);
  const ended = from.findIndex(({ change }) => change.type === 'threat' && change.threat === threat.threat && change.to !== 'open');
  const before = ended < 0 ? from : from.slice(0, ended);
  const after = ended < 0 ? [] : from.slice(ended);

  const stage = <T extends Change['type']>(
    title: string, waiting: string, list: typeof changes, type: T, text: (change: Of<T>) => string, accept: (change: Of<T>) => boolean = () => true,
  ): Stage => {
    const found = list.filter(({ change }) => change.type === type && accept(change as Of<T>));
    return { title, waiting, at: found.at(-1)?.at, what: found.map(({ change }) => text(change as Of<T>)).join(', ') || undefined };
  };
  const name = (change: { name: string }) => change.name;
  return [
    { title: 'Detected', waiting: '', at: start.at, what: threat.classification },
    stage('Rated', 'The risk level was as high before.', before, 'risk', ({ from, to }) => `${from} → ${to}`),
    stage('Tagged', 'The tags were there before.', before, 'tag_added', name),
    stage('In a smart group', 'No smart group asks for it, or the device was in it before.', before, 'smart_group_joined', name),
    stage('Profile wanted', 'No profile is assigned, or it was wanted before.', before, 'profile', name, ({ desired }) => desired.action === 'install'),
    stage('Sent to the device', 'When the device asks what to do.', before, 'command_issued', name, ({ desired }) => desired.action === 'install'),
    stage('In force', 'When the device reports it installed.', before, 'profile_reported', name, ({ status }) => status === 'installed'),
    stage('Threat gone', 'When the source says that it is resolved.', after, 'threat', ({ to }) => to, ({ threat: id }) => id === threat.threat),
    stage('Lifted', 'When the device reports the profile removed.', after, 'profile_reported', name, ({ status }) => status === 'removed'),
  ];
}
