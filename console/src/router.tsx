// All pages. Each is loaded when first visited; the address holds its whole state.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, retainSearchParams } from '@tanstack/react-router';
import { scopeSearch } from './app/scope';
import { requireSession } from './app/session';
import { Shell } from './app/Shell';
import { parseSearch, stringifySearch } from './lib/search';
import { devicePageSearch, deviceSearch } from './pages/devices/search';
import { validateSignInSearch } from './pages/sign-in/search';
import { tagSearch } from './pages/tags/search';
import { adminSearch } from './pages/admins/search';
import { apiTokenSearch } from './pages/api-tokens/search';
import { validateAuditSearch } from './pages/audit/search';
import { dashboardSearch } from './pages/dashboard/search';
import { indicatorSearch, setPage } from './pages/indicators/search';
import { integrationSearch } from './pages/integrations/search';
import { jobSearch } from './pages/jobs/search';
import { notificationSearch } from './pages/notifications/search';
import { validateRoleSearch } from './pages/roles/search';
import { protectionsPage } from './pages/protections/search';
import { riskyUserSearch, userSummarySearch } from './pages/risk/search';
import { smartGroupListPage, smartGroupPage } from './pages/smart-groups/search';
import { startSearch } from './pages/start/search';
import { enrollmentSearch } from './pages/enrollment/search';
import { sourceEventSearch, threatSearch } from './pages/threats/search';
import { profilePage, profileSearch } from './pages/profiles/search';
import { templateSearch } from './pages/templates/search';
import { memberSearch, userGroupSearch, userSearch } from './pages/users/search';
import { EmptyState, ErrorState } from './ui/states';

const root = createRootRoute({
  validateSearch: scopeSearch,
  search: { middlewares: [retainSearchParams(['og', 'customer'])] },
  component: Outlet,
  notFoundComponent: () => <EmptyState title="There is no such page" action={<a href="/">To the start</a>} />,
});
const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: requireSession,
  component: Shell,
});

const at = { getParentRoute: () => shell } as const;
const page = lazyRouteComponent;

const routeTree = root.addChildren([
  createRoute({ getParentRoute: () => root, path: '/sign-in', validateSearch: validateSignInSearch, component: page(() => import('./pages/sign-in/SignIn')) }),
  createRoute({ getParentRoute: () => root, path: '/welcome', component: page(() => import('./pages/welcome/Welcome')) }),
  createRoute({ getParentRoute: () => root, path: '/second-factor', component: page(() => import('./pages/account/SetUpSecondFactor')) }),
  shell.addChildren([
    createRoute({ ...at, path: '/devices', validateSearch: deviceSearch.validate, component: page(() => import('./pages/devices/DeviceList')) }),
    createRoute({ ...at, path: '/smart-groups', validateSearch: smartGroupListPage, component: page(() => import('./pages/smart-groups/SmartGroupList')) }),
    createRoute({ ...at, path: '/smart-groups/$id', validateSearch: smartGroupPage, component: page(() => import('./pages/smart-groups/SmartGroupPage')) }),
    createRoute({ ...at, path: '/profiles', validateSearch: profileSearch.validate, component: page(() => import('./pages/profiles/ProfileList')) }),
    createRoute({ ...at, path: '/profiles/$id', validateSearch: profilePage, component: page(() => import('./pages/profiles/ProfilePage')) }),
    createRoute({ ...at, path: '/protections', validateSearch: protectionsPage, component: page(() => import('./pages/protections/ProtectionsTable')) }),
    createRoute({ ...at, path: '/devices/$deviceId', validateSearch: devicePageSearch, component: page(() => import('./pages/devices/DevicePage')) }),
    createRoute({ ...at, path: '/threats', validateSearch: threatSearch.validate, component: page(() => import('./pages/threats/ThreatList')) }),
    createRoute({ ...at, path: '/threats/source-events', validateSearch: sourceEventSearch.validate, component: page(() => import('./pages/threats/SourceEvents')) }),
    createRoute({ ...at, path: '/threats/$threatId', component: page(() => import('./pages/threats/ThreatPage')) }),
    createRoute({ ...at, path: '/users', validateSearch: userSearch.validate, component: page(() => import('./pages/users/UserList')) }),
    createRoute({ ...at, path: '/users/groups', validateSearch: userGroupSearch.validate, component: page(() => import('./pages/users/UserGroupList')) }),
    createRoute({ ...at, path: '/users/groups/$userGroupId', validateSearch: memberSearch.validate, component: page(() => import('./pages/users/UserGroupPage')) }),
    createRoute({ ...at, path: '/users/$userId', component: page(() => import('./pages/users/UserPage')) }),
    createRoute({ ...at, path: '/organization-groups', component: page(() => import('./pages/organization-groups/OrganizationGroupTree')) }),
    createRoute({ ...at, path: '/enrollment', validateSearch: enrollmentSearch.validate, component: page(() => import('./pages/enrollment/EnrollmentTokenList')) }),
    createRoute({ ...at, path: '/tags', validateSearch: tagSearch.validate, component: page(() => import('./pages/tags/TagList')) }),
    createRoute({ ...at, path: '/integrations', validateSearch: integrationSearch.validate, component: page(() => import('./pages/integrations/IntegrationList')) }),
    createRoute({ ...at, path: '/indicators', validateSearch: setPage, component: page(() => import('./pages/indicators/SetList')) }),
    createRoute({ ...at, path: '/indicators/search', validateSearch: indicatorSearch.validate, component: page(() => import('./pages/indicators/IndicatorList')) }),
    createRoute({ ...at, path: '/settings', component: page(() => import('./pages/settings/SettingsPage')) }),
    createRoute({ ...at, path: '/settings/channels', component: page(() => import('./pages/channels/ChannelList')) }),
    createRoute({ ...at, path: '/settings/channels/email', component: page(() => import('./pages/channels/ChannelPage'), 'Email') }),
    createRoute({ ...at, path: '/settings/channels/sms', component: page(() => import('./pages/channels/ChannelPage'), 'Sms') }),
    createRoute({ ...at, path: '/settings/channels/apns', component: page(() => import('./pages/channels/ChannelPage'), 'Apns') }),
    createRoute({ ...at, path: '/settings/channels/fcm', component: page(() => import('./pages/channels/ChannelPage'), 'Fcm') }),
    createRoute({ ...at, path: '/settings/apple', component: page(() => import('./pages/apple/AppleDevices')) }),
    createRoute({ ...at, path: '/settings/android', component: page(() => import('./pages/android/AndroidEnterprise')) }),
    createRoute({ ...at, path: '/settings/templates', validateSearch: templateSearch.validate, component: page(() => import('./pages/templates/TemplateList')) }),
    createRoute({ ...at, path: '/settings/templates/$trigger/$channel/$language', component: page(() => import('./pages/templates/TemplatePage')) }),
    createRoute({ ...at, path: '/account', component: page(() => import('./pages/account/Account')) }),
    createRoute({ ...at, path: '/admins', validateSearch: adminSearch.validate, component: page(() => import('./pages/admins/AdminList')) }),
    createRoute({ ...at, path: '/roles', validateSearch: validateRoleSearch, component: page(() => import('./pages/roles/RoleList')) }),
    createRoute({ ...at, path: '/api-tokens', validateSearch: apiTokenSearch.validate, component: page(() => import('./pages/api-tokens/ApiTokenList')) }),
    createRoute({ ...at, path: '/audit', validateSearch: validateAuditSearch, component: page(() => import('./pages/audit/Audit')) }),
    createRoute({ ...at, path: '/jobs', validateSearch: jobSearch.validate, component: page(() => import('./pages/jobs/JobList')) }),
    createRoute({ ...at, path: '/', validateSearch: dashboardSearch, component: page(() => import('./pages/dashboard/Dashboard')) }),
    createRoute({ ...at, path: '/risk/users', validateSearch: riskyUserSearch.validate, component: page(() => import('./pages/risk/UserList')) }),
    createRoute({ ...at, path: '/risk/users/$id', validateSearch: userSummarySearch, component: page(() => import('./pages/risk/UserSummary')) }),
    createRoute({ ...at, path: '/notifications', validateSearch: notificationSearch.validateAll, component: page(() => import('./pages/notifications/NotificationList')) }),
    createRoute({ ...at, path: '/start', validateSearch: startSearch, component: page(() => import('./pages/start/GettingStarted')) }),
  ]),
]);

export const router = createRouter({
  routeTree,
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultErrorComponent: ({ error, reset }) => <ErrorState error={error} onRetry={reset} />,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
