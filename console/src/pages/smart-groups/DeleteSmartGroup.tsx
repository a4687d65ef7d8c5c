// Deletes a smart group once it is shown who leaves it; says what still uses it.
import { Button, Group, List, Loader, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { deleteSmartGroup, type Profile, type SmartGroup } from '../../api';
import { listProfilesOptions, listSmartGroupsQueryKey } from '../../api/@tanstack/react-query.gen';
import { counted } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { Modal } from '../../ui/Modal';
import { ProfileLink } from '../../ui/names';
import { ErrorState } from '../../ui/states';
import { toastDone } from '../../ui/toasts';

type Props = { group: SmartGroup; onDeleted: (job: string | null) => void; onClose: () => void };

export function DeleteSmartGroup({ group, onDeleted, onClose }: Props) {
  const queries = useQueryClient();
  const profiles = useQuery(listProfilesOptions({ query: { smart_group_id: group.id, limit: 500 } }));
  const title = `Delete ${group.name}`;
  const how = ({ spec }: Profile) => [
    ...(spec.assigned_groups?.includes(group.id) ? ['is assigned to it'] : []),
    ...(spec.excluded_groups?.includes(group.id) ? ['excludes it'] : []),
  ];
  const users = profiles.data?.items;
  if (!users || users.length > 0 || group.assignments + group.exclusions > 0) {
    return (
      <Modal opened onClose={onClose} title={title}>
        <Stack>
          {profiles.error ? <ErrorState error={profiles.error} onRetry={() => void profiles.refetch()} /> : !users ? <Loader aria-label="Looking for what uses it" /> : (
            <>
              <Text size="sm">It cannot be deleted while profiles use it. Take it out of these and publish them first:</Text>
              <List size="sm">
                {users.map((profile) => <List.Item key={profile.id}><ProfileLink id={profile.id}>{profile.name}</ProfileLink> {how(profile).join(' and ')}</List.Item>)}
                {users.length === 0 && <List.Item>the published version of a profile whose draft no longer does</List.Item>}
              </List>
            </>
          )}
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Close</Button></Group>
        </Stack>
      </Modal>
    );
  }
  const remove = async () => {
    const { data } = await deleteSmartGroup({ path: { id: group.id }, throwOnError: true });
    toastDone(`Smart group ${group.name} deleted`);
    onDeleted(data.job_id);
    await queries.invalidateQueries({ queryKey: listSmartGroupsQueryKey() });
  };
  return (
    <ConfirmModal title={title} confirmLabel="Delete smart group" typed={group.name} onConfirm={remove} onClose={onClose}>
      <Text size="sm">{counted(group.devices, 'device')} {group.devices === 1 ? 'leaves' : 'leave'} it. No profile is assigned to it or excludes it, so nothing changes on a device. It is gone for good.</Text>
    </ConfirmModal>
  );
}
