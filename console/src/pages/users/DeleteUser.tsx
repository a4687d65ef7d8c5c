// Deletes a user, who must have no devices any more.
import { Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { deleteUser, type User } from '../../api';
import { listUsersQueryKey } from '../../api/@tanstack/react-query.gen';
import { counted } from '../../lib/words';
import { ConfirmModal } from '../../ui/ConfirmModal';
import { Link } from '../../ui/Link';
import { toastDone } from '../../ui/toasts';

export function DeleteUser({ user, onClose, onDeleted }: { user: User; onClose: () => void; onDeleted?: () => void }) {
  const queries = useQueryClient();
  const name = user.display_name ?? user.user_name;
  const remove = async () => {
    await deleteUser({ path: { id: user.id }, throwOnError: true });
    toastDone(`${name} deleted`);
    onDeleted?.();
    await queries.invalidateQueries({ queryKey: listUsersQueryKey() });
  };
  return (
    <ConfirmModal title={`Delete ${name}`} confirmLabel="Delete user" typed={user.user_name} onConfirm={remove} onClose={onClose}>
      {user.devices > 0 ? (
        <Text size="sm">
          {name} has <Link to="/devices" search={{ user_id: user.id }} underline="always">{counted(user.devices, 'device')}</Link>. Delete those or give them to somebody else first; until then the server refuses this.
        </Text>
      ) : (
        <Text size="sm">{name} is deleted for good, with their enrollment tokens and their membership in user groups. They have no devices.</Text>
      )}
    </ConfirmModal>
  );
}
