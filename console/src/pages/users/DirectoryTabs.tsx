// The two halves of Users > Directory.
import { AreaTabs } from '../../ui/AreaTabs';

export const DirectoryTabs = () => <AreaTabs label="Directory" pages={[['/users', 'Users'], ['/users/groups', 'User groups']]} />;
