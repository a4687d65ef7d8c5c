// The two halves of Admins & roles.
import { useRights } from '../../app/session';
import { AreaTabs } from '../../ui/AreaTabs';

export function AdminTabs() {
  const mayManage = useRights()('manage_roles');
  return <AreaTabs label="Admins and roles" pages={mayManage ? [['/admins', 'Administrators'], ['/roles', 'Roles']] : [['/roles', 'Roles']]} />;
}
