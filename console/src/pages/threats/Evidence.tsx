// What a source says it has seen: member by member, indicators with the way to them.
import { Code, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { IndicatorKind } from '../../api';
import { words } from '../../lib/words';
import { Link } from '../../ui/Link';
import { Facts } from '../../ui/Section';
import { INDICATOR_KINDS } from '../indicators/search';

type Members = Record<string, unknown>;
type Indicator = { kind: IndicatorKind; value: string; name?: string; sets?: string[]; set?: string; server?: string; reference?: string };
type App = { identifier: string; name?: string; version?: string };

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value);
const isIndicator = (value: unknown): value is Indicator => isObject(value) && typeof value.value === 'string' && INDICATOR_KINDS.some((kind) => kind === value.kind);
const isApp = (value: unknown): value is App => isObject(value) && typeof value.identifier === 'string';

export function Evidence({ details }: { details: Members }) {
  const known = Object.entries(details);
  if (known.length === 0) return <Text size="sm">The source gave none.</Text>;
  return <Facts facts={known.map(([key, value]) => [words(key), <Value key={key} value={value} />])} />;
}

function Value({ value }: { value: unknown }): ReactNode {
  const all = Array.isArray(value) ? value : [value];
  if (all.length > 0 && all.every(isIndicator)) return <Stack gap={4} className="in-text">{all.map((each) => <IndicatorText key={`${each.server} ${each.kind} ${each.value}`} of={each} />)}</Stack>;
  if (all.length > 0 && all.every(isApp)) return <Stack gap={4}>{all.map((each) => <AppText key={each.identifier + each.version} of={each} />)}</Stack>;
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  return typeof value === 'object' && value !== null ? <Code block>{JSON.stringify(value, null, 2)}</Code> : String(value);
}

function IndicatorText({ of: { kind, value, name, sets, set, server, reference } }: { of: Indicator }) {
  return (
    <div>
      {server && server !== value && `${server}: `}
      <Link to="/indicators/search" search={{ q: value, kind }}>{name ?? value}</Link>
      <Text size="xs" c="dimmed">{words(kind)} {value}, from {sets?.join(', ') || set || 'a set that is gone'}{reference && ` (${reference})`}</Text>
    </div>
  );
}

const AppText = ({ of: { identifier, name, version } }: { of: App }) => (
  <div>
    {name ?? identifier} {version}
    {name && <Text size="xs" c="dimmed">{identifier}</Text>}
  </div>
);
