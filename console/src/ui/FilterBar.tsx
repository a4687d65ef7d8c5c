// The filters of a list: the usual ones at hand, the others behind a button, those in force as chips.
import { Button, Group, MultiSelect, Popover, Select, Stack, Switch, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconFilter, IconSearch, IconX } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { words } from '../lib/words';

export type Option = { value: string; label: string };
type Kind =
  | { kind: 'text' }
  | { kind: 'search'; placeholder: string }
  | { kind: 'one' | 'many'; values: readonly string[] }
  | { kind: 'flag' }
  /** True or false, each in words. */
  | { kind: 'flags'; words: [yes: string, no: string] }
  /** A moment; written in the address and shown in words of this place. */
  | { kind: 'moment' }
  /** Something with a name of its own: `useOptions` finds some, `useName` names one by its id. */
  | { kind: 'pick'; useOptions: (typed: string) => Option[]; useName: (id: string) => string | undefined };
export type Filter<K extends string = string> = { key: K; label: string; atHand?: boolean } & Kind;

/** What `useListSearch` returns, as far as the filters need it. */
type FilterState = {
  filters: Record<string, unknown>;
  filtered: boolean;
  setFilters: (patch: Record<string, unknown>) => void;
  clearFilters: () => void;
};
type ControlProps<F> = { filter: F; value: unknown; onChange: (value: unknown) => void };

export function FilterBar({ list, filters }: { list: FilterState; filters: Filter[] }) {
  const control = (filter: Filter) => (
    <Control key={filter.key} filter={filter} value={list.filters[filter.key]} onChange={(value) => list.setFilters({ [filter.key]: value })} />
  );
  const more = filters.filter((filter) => !filter.atHand);
  const inForce = filters.flatMap((filter) => [list.filters[filter.key] ?? []].flat().map((value) => ({ filter, value: String(value) })));
  const remove = (key: string, value: string) => {
    const left = [list.filters[key]].flat().filter((each) => String(each) !== value);
    list.setFilters({ [key]: left.length ? left : undefined });
  };
  return (
    <Stack gap="xs" role="search" aria-label="Filters">
      <Group gap="xs" align="flex-end">
        {filters.filter((filter) => filter.atHand).map(control)}
        {more.length > 0 && (
          <Popover trapFocus position="bottom-start" width={320}>
            <Popover.Target>
              <Button variant="default" leftSection={<IconFilter size={16} aria-hidden />}>More filters</Button>
            </Popover.Target>
            <Popover.Dropdown aria-label="More filters">
              <Stack gap="xs" mah="60vh" style={{ overflowY: 'auto' }}>{more.map(control)}</Stack>
            </Popover.Dropdown>
          </Popover>
        )}
      </Group>
      {inForce.length > 0 && (
        <Group gap={6}>
          {inForce.map(({ filter, value }) => {
            const ChipOf = filter.kind === 'pick' ? NamedChip : Chip;
            return <ChipOf key={`${filter.key} ${value}`} filter={filter} value={value} onRemove={() => remove(filter.key, value)} />;
          })}
          <Button size="compact-xs" variant="subtle" onClick={list.clearFilters}>Clear filters</Button>
        </Group>
      )}
    </Stack>
  );
}

function inWords(filter: Filter, value: string): string {
  switch (filter.kind) {
    case 'text':
    case 'search':
      return value;
    case 'flags':
      return filter.words[value === 'true' ? 0 : 1];
    case 'moment':
      return new Date(value).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
    default:
      return words(value);
  }
}

type ChipProps = { filter: Filter; value: string; name?: string; onRemove: () => void };

function Chip({ filter, value, name, onRemove }: ChipProps) {
  const text = `${filter.label}: ${name ?? inWords(filter, value)}`;
  return (
    <Button size="compact-xs" variant="default" rightSection={<IconX size={12} aria-hidden />} aria-label={`Remove the filter ${text}`} onClick={onRemove}>
      {text}
    </Button>
  );
}

function NamedChip(props: ChipProps) {
  const { filter } = props;
  const name = filter.kind === 'pick' ? filter.useName(props.value) : undefined;
  return <Chip {...props} name={name ?? '…'} />;
}

function Control({ filter, value, onChange }: ControlProps<Filter>) {
  switch (filter.kind) {
    case 'search':
    case 'text':
      return <Typed filter={filter} value={value} onChange={onChange} />;
    case 'flag':
      return <Switch label={filter.label} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked || undefined)} />;
    case 'flags':
      return (
        <Select
          label={filter.label}
          placeholder="Any"
          clearable
          comboboxProps={{ withinPortal: Boolean(filter.atHand) }}
          data={filter.words.map((label, i) => ({ value: String(i === 0), label }))}
          value={value === undefined ? null : String(value)}
          onChange={(chosen) => onChange(chosen === null ? undefined : chosen === 'true')}
          w={filter.atHand ? 150 : undefined}
        />
      );
    case 'moment':
      return <Moment filter={filter} value={value} onChange={onChange} />;
    case 'one':
      return (
        <Select
          label={filter.label}
          placeholder="Any"
          clearable
          comboboxProps={{ withinPortal: Boolean(filter.atHand) }}
          data={filter.values.map((each) => ({ value: each, label: words(each) }))}
          value={(value as string | undefined) ?? null}
          onChange={(chosen) => onChange(chosen ?? undefined)}
          w={filter.atHand ? 150 : undefined}
        />
      );
    case 'many':
      return (
        <MultiSelect
          label={filter.label}
          placeholder={value ? undefined : 'Any'}
          clearable
          comboboxProps={{ withinPortal: Boolean(filter.atHand) }}
          data={filter.values.map((each) => ({ value: each, label: words(each) }))}
          value={(value as string[] | undefined) ?? []}
          onChange={(chosen) => onChange(chosen.length ? chosen : undefined)}
          miw={filter.atHand ? 170 : undefined}
        />
      );
    case 'pick':
      return <Pick filter={filter} value={value} onChange={onChange} />;
  }
}

/** In the clock of whoever looks; the address has it in UTC. */
function Moment({ filter, value, onChange }: ControlProps<Filter>) {
  const at = typeof value === 'string' ? new Date(value) : undefined;
  const local = at ? new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : '';
  return (
    <TextInput
      type="datetime-local"
      label={filter.label}
      max="9999-12-31T23:59"
      key={local}
      defaultValue={local}
      // Not while it is typed: a year begins as 0002.
      onBlur={({ currentTarget: { value: typed } }) => typed !== local && onChange(typed ? new Date(typed).toISOString() : undefined)}
      onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
    />
  );
}

function Typed({ filter, value, onChange }: ControlProps<Filter>) {
  const current = (value as string | undefined) ?? '';
  const [text, setText] = useState(current);
  const sent = useRef(current);
  const send = useDebouncedCallback((typed: string) => {
    sent.current = typed.trim();
    onChange(sent.current || undefined);
  }, 250);
  // The address changed by other means: a chip removed, Back pressed.
  useEffect(() => {
    if (sent.current !== current) {
      sent.current = current;
      setText(current);
    }
  }, [current]);
  const search = filter.kind === 'search';
  return (
    <TextInput
      type={search ? 'search' : 'text'}
      label={filter.label}
      placeholder={search ? filter.placeholder : 'Any'}
      leftSection={search ? <IconSearch size={16} aria-hidden /> : undefined}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        send(event.currentTarget.value);
      }}
      w={search ? { base: '100%', xs: 260 } : undefined}
    />
  );
}

function Pick({ filter, value, onChange }: ControlProps<Extract<Filter, { kind: 'pick' }>>) {
  const [typed, setTyped] = useState('');
  const chosen = (value as string | undefined) ?? null;
  const name = filter.useName(chosen ?? '');
  const options = filter.useOptions(typed === name ? '' : typed);
  const data = chosen && name && !options.some((option) => option.value === chosen) ? [{ value: chosen, label: name }, ...options] : options;
  return (
    <Select
      label={filter.label}
      placeholder="Any"
      searchable
      clearable
      comboboxProps={{ withinPortal: Boolean(filter.atHand) }}
      nothingFoundMessage="Nothing found"
      filter={({ options: found }) => found}
      data={data}
      value={chosen}
      onSearchChange={setTyped}
      onChange={(picked) => onChange(picked ?? undefined)}
    />
  );
}
