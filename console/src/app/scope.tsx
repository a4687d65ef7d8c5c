// What all pages are about: an organization group and, for administrators with Global reach, one customer. Both are in
// the address of every page (`og`, `customer`); the header's selector chooses them.
import { Button, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { listOrganizationGroups, type OrganizationGroup } from '../api';
import { listOrganizationGroupsQueryKey } from '../api/@tanstack/react-query.gen';
import { allItems, type Problem } from '../lib/api';
import { search, text } from '../lib/search';
import { EmptyState } from '../ui/states';
import { useSession } from './session';

export const GLOBAL = '00000000-0000-0000-0000-000000000000';

export const scopeSearch = search({ og: text, customer: text });

/** `og`: what lists are limited to, as `organization_group_id`; undefined for everything within reach. */
export const useScope = () => scopeSearch(useSearch({ strict: false }));

const NONE: OrganizationGroup[] = [];

/** The groups of one tenant, or of Global: itself and the customers. Without `tenant` that of the pages shown. */
function useGroupsOf(tenant: string | undefined, enabled: boolean) {
  const options = { headers: tenant ? { 'Allclear-Organization-Group': tenant } : undefined };
  return useQuery<OrganizationGroup[], Problem>({
    queryKey: [...listOrganizationGroupsQueryKey(options), 'all'],
    queryFn: async ({ signal }) => {
      const groups: OrganizationGroup[] = [];
      const page = (cursor?: string) => listOrganizationGroups({ ...options, query: { limit: 500, cursor }, signal, throwOnError: true });
      for await (const items of allItems(page)) groups.push(...items);
      return groups;
    },
    staleTime: 60_000,
    enabled,
  });
}

/** Whether the person signed in still has to choose a customer before there is anything to show. */
export function useCustomers(): { customers: OrganizationGroup[]; undecided: boolean } {
  const global = useSession().organization_group?.id === GLOBAL;
  const { customer } = useScope();
  const customers = (useGroupsOf(GLOBAL, global).data ?? NONE).filter((group) => group.kind === 'customer');
  return { customers, undecided: global && !customer && customers.length > 1 };
}

/** The query of all organization groups of the tenant shown, within the reach of the person signed in. */
export function useOrganizationGroupsQuery() {
  const { undecided } = useCustomers();
  return useGroupsOf(undefined, !undecided);
}
export const useOrganizationGroups = (): OrganizationGroup[] => useOrganizationGroupsQuery().data ?? NONE;

/** Where something new lives unless somewhere else is chosen: the group shown, or the topmost within reach. */
export function useHome(): OrganizationGroup | undefined {
  const groups = useOrganizationGroups();
  const { og } = useScope();
  return groups.find((group) => group.id === og) ?? groups.find((group) => !groups.some((each) => each.id === group.parent_id));
}

/** Shown instead of a page while there are several customers and none is chosen. */
export function ChooseCustomer() {
  const { customers } = useCustomers();
  const navigate = useNavigate();
  return (
    <EmptyState
      title="Choose a customer"
      action={
        <Stack gap="xs">
          {customers.map((group) => (
            <Button key={group.id} variant="default" onClick={() => void navigate({ to: '.', search: ((now: object) => ({ ...now, customer: group.id })) as never })}>
              {group.name}
            </Button>
          ))}
        </Stack>
      }
    >
      You can reach all customers of this server. Everything shown is about one of them at a time.
    </EmptyState>
  );
}
