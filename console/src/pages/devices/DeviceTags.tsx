// A device's tags: the engine's, and the ordinary ones, which can be set and taken off here.
import { CloseButton, Group, Select, Text } from '@mantine/core';
import { type Device, type Tag, tagDevice, untagDevice } from '../../api';
import { useRights } from '../../app/session';
import { newKey } from '../../lib/api';
import { Link } from '../../ui/Link';
import { useAllTags } from '../../ui/PickMany';
import { reversible } from '../../ui/reversible';
import { Section } from '../../ui/Section';
import { useRefreshDevice } from './device';

export function DeviceTags({ device }: { device: Device }) {
  const all = useAllTags();
  const mayTag = useRights()('manage_tags');
  const refresh = useRefreshDevice(device.id);
  const set = (tag: Tag) => tagDevice({ path: { id: device.id }, body: { tag_id: tag.id }, headers: { 'Idempotency-Key': newKey() }, throwOnError: true });
  const unset = (tag: Tag) => untagDevice({ path: { id: device.id, tag_id: tag.id }, throwOnError: true });
  const free = all?.filter((tag) => !tag.engine && !device.tags.includes(tag.name)) ?? [];
  return (
    <Section title="Tags">
      {device.tags.length === 0 && <Text size="sm">None.</Text>}
      <Group gap={6} component="ul" role="list" p={0} m={0} style={{ listStyle: 'none' }}>
        {device.tags.map((name) => {
          const tag = all?.find((each) => each.name === name);
          return (
            <Group component="li" key={name} gap={2} className="badge" data-tone="neutral">
              {tag ? <Link to="/devices" search={{ tag_id: tag.id }} size="xs" c="inherit">{name}</Link> : name}
              {tag && !tag.engine && mayTag && (
                <CloseButton size="xs" c="inherit" aria-label={`Take off ${name}`} onClick={() => void reversible(`${name} taken off`, () => unset(tag), () => set(tag), refresh)} />
              )}
            </Group>
          );
        })}
      </Group>
      {mayTag && all && (
        free.length > 0 ? (
          <Select
            label="Set a tag"
            placeholder="Choose a tag"
            searchable
            nothingFoundMessage="Nothing found"
            data={free.map((tag) => ({ value: tag.id, label: tag.name }))}
            value={null}
            onChange={(id) => {
              const tag = free.find((each) => each.id === id);
              if (tag) void reversible(`${tag.name} set`, () => set(tag), () => unset(tag), refresh);
            }}
          />
        ) : (
          <Text size="sm" c="dimmed">There is no further tag to set. Tags named MTD are set by the engine alone; <Link to="/tags" underline="always">make an ordinary one</Link>.</Text>
        )
      )}
    </Section>
  );
}
