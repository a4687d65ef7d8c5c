// The frame of every page: scope, command menu, colour scheme, user menu, navigation.
import { ActionIcon, AppShell, Burger, Button, Group, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconMoon, IconPlugConnected, IconPlugConnectedX, IconSearch, IconSun } from '@tabler/icons-react';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { Fragment, lazy, Suspense } from 'react';
import { NavLinkTo } from '../ui/Link';
import { LiveProvider, useLiveState } from './live';
import { useNav } from './nav';
import { ChooseCustomer, useCustomers, useScope } from './scope';

// Not needed to show a page, so loaded after it.
const Commands = lazy(() => import('./Commands'));
const OrganizationGroupSelector = lazy(() => import('./OrganizationGroupSelector'));
const UserMenu = lazy(() => import('./UserMenu'));
const openCommands = () => void import('@mantine/spotlight').then(({ spotlight }) => spotlight.open());

export function Shell() {
  const { customer } = useScope();
  const { undecided } = useCustomers();
  const [opened, { toggle, close }] = useDisclosure();
  const scheme = useComputedColorScheme('light');
  const { setColorScheme } = useMantineColorScheme();
  const otherScheme = scheme === 'dark' ? 'light' : 'dark';
  const switchScheme = () => setColorScheme(otherScheme);
  return (
    <LiveProvider customer={customer}>
      <a className="skip-link" href="#page">Skip to the page</a>
      <AppShell header={{ height: 52 }} navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !opened } }} padding="md">
        <AppShell.Header>
          <Group h="100%" px="md" justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap">
              <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
              <Text fw={700} visibleFrom="sm">Allclear</Text>
              <Suspense><OrganizationGroupSelector /></Suspense>
            </Group>
            <Group gap="xs" wrap="nowrap">
              <Live />
              <Button variant="default" visibleFrom="sm" leftSection={<IconSearch size={16} aria-hidden />} onClick={openCommands}>Search <Text span size="xs" c="dimmed" ml={8}>Ctrl K</Text></Button>
              <ActionIcon variant="default" size={36} hiddenFrom="sm" aria-label="Search" onClick={openCommands}><IconSearch size={18} /></ActionIcon>
              <ActionIcon variant="default" size={36} aria-label={`Use the ${otherScheme} colour scheme`} onClick={switchScheme}>
                {scheme === 'dark' ? <IconSun size={18} /> : <IconMoon size={18} />}
              </ActionIcon>
              <Suspense><UserMenu /></Suspense>
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs" aria-label="Main" style={{ overflowY: 'auto' }}><Nav onGo={close} /></AppShell.Navbar>
        <AppShell.Main id="page" tabIndex={-1} style={{ outline: 'none' }}>
          <Fragment key={customer ?? ''}>{undecided ? <ChooseCustomer /> : <Outlet />}</Fragment>
        </AppShell.Main>
        <Suspense><Commands actions={[{ id: 'scheme', label: `Use the ${otherScheme} colour scheme`, onClick: switchScheme }]} /></Suspense>
      </AppShell>
    </LiveProvider>
  );
}

function Nav({ onGo }: { onGo: () => void }) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  return useNav().map(({ label, entries }) => (
    <div key={label} role="group" aria-label={label}>
      <div className="nav-heading" aria-hidden>{label}</div>
      {entries.map(({ to, label, icon: Icon }) => {
        const active = to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`);
        return <NavLinkTo key={to} to={to} label={label} active={active} aria-current={path === to ? 'page' : undefined} onClick={onGo} leftSection={<Icon size={18} aria-hidden />} />;
      })}
    </div>
  ));
}

function Live() {
  const state = useLiveState();
  if (state === 'off') return null;
  const [Icon, text] = state === 'live' ? ([IconPlugConnected, 'Live'] as const) : ([IconPlugConnectedX, 'Reconnecting'] as const);
  return (
    <span className="badge" data-tone={state === 'live' ? 'good' : 'warn'} role="status">
      <Icon size={13} aria-hidden />
      <Text span fz={12} fw={600} visibleFrom="sm">{text}</Text>
      <Text span hiddenFrom="sm" fz={0}>{text}</Text>
    </span>
  );
}
