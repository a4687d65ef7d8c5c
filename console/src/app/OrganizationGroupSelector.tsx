// The tree in the header that chooses what all pages are about.
import { Button, getTreeExpandedState, Popover, ScrollArea, Text, Tree, type TreeNodeData, useTree } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChevronRight, IconSitemap } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { OrganizationGroup } from '../api';
import { ErrorState } from '../ui/states';
import { GLOBAL, useCustomers, useOrganizationGroups, useOrganizationGroupsQuery, useScope } from './scope';

function nodes(groups: OrganizationGroup[], parent: (group: OrganizationGroup) => boolean): TreeNodeData[] {
  return groups.filter(parent).map((group) => {
    const children = nodes(groups, (each) => each.parent_id === group.id);
    return { value: group.id, label: group.name, children: children.length ? children : undefined };
  });
}

export default function OrganizationGroupSelector() {
  const [opened, { toggle, close }] = useDisclosure();
  const { og, customer } = useScope();
  const { customers, undecided } = useCustomers();
  const query = useOrganizationGroupsQuery();
  const own = useOrganizationGroups();
  const navigate = useNavigate();
  const data = useMemo(() => {
    const ids = new Set([...own, ...customers].map((group) => group.id));
    const all = [...own, ...customers.filter((group) => !own.some((each) => each.id === group.id))];
    const tree = nodes(all, (group) => !group.parent_id || !ids.has(group.parent_id));
    return customers.length > 0 && !ids.has(GLOBAL) ? [{ value: GLOBAL, label: 'Global', children: tree }] : tree;
  }, [own, customers]);
  const root = own.find((group) => !own.some((each) => each.id === group.parent_id));
  const shown = own.find((group) => group.id === og) ?? root;
  const name = shown?.name ?? (undecided || query.error ? 'Choose' : '…');
  const choose = (id: string) => {
    const isCustomer = id === GLOBAL || customers.some((group) => group.id === id);
    const scope = isCustomer ? { customer: id, og: undefined } : { customer, og: id === root?.id ? undefined : id };
    close();
    void navigate({ to: '.', search: ((now: object) => ({ ...now, cursor: undefined, ...scope })) as never, state: { cursors: undefined } });
  };
  return (
    <Popover opened={opened} onDismiss={close} position="bottom-start" width={320} trapFocus returnFocus>
      <Popover.Target>
        <Button variant="default" maw={{ base: 140, sm: 260 }} leftSection={<IconSitemap size={16} aria-hidden />} onClick={toggle} aria-label={`Organization group: ${name}`}>
          <Text size="sm" truncate>{name}</Text>
        </Button>
      </Popover.Target>
      <Popover.Dropdown p="xs" aria-label="Organization groups">
        {query.error && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
        <ScrollArea.Autosize mah="60vh">
          <GroupTree key={own.length + customers.length} data={data} shown={shown?.id} onChoose={choose} />
        </ScrollArea.Autosize>
      </Popover.Dropdown>
    </Popover>
  );
}

type TreeProps = { data: TreeNodeData[]; shown: string | undefined; onChoose: (id: string) => void };

// Made when the selector opens, with all branches open.
function GroupTree({ data, shown, onChoose }: TreeProps) {
  const tree = useTree({ initialExpandedState: getTreeExpandedState(data, '*') });
  return (
    <Tree
      aria-label="Organization groups"
      data={data}
      tree={tree}
      expandOnClick={false}
      onKeyDown={(event) => {
        const id = event.target instanceof HTMLElement && event.target.dataset.value;
        if (event.key === 'Enter' && id) onChoose(id);
      }}
      renderNode={({ node, expanded, hasChildren, elementProps }) => (
        <div
          {...elementProps}
          style={{ ...elementProps.style, display: 'flex', alignItems: 'center', gap: 6, paddingBlock: 5, cursor: 'pointer', fontWeight: node.value === shown ? 600 : undefined }}
          onClick={(event) => {
            elementProps.onClick(event);
            onChoose(node.value);
          }}
        >
          <IconChevronRight
            size={14}
            aria-hidden
            style={{ visibility: hasChildren ? 'visible' : 'hidden', transform: expanded ? 'rotate(90deg)' : undefined }}
            onClick={(event) => {
              event.stopPropagation();
              tree.toggleExpanded(node.value);
            }}
          />
          <Text size="sm" fw="inherit">{node.label}</Text>
        </div>
      )}
    />
  );
}
