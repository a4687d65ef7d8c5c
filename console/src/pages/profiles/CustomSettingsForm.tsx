// Custom settings: the platform's own words, typed or pasted as JSON, for iOS also as a property list.
import { Autocomplete, Stack, Textarea } from '@mantine/core';
import { useState } from 'react';
import type { Platform } from '../../api';
import type { ErrorAt } from '../../lib/submit';
import { readCustomSettings } from './plist';
import { usePayloadSettings, usePlatforms } from './settings';
import type { Part } from './spec';

type Props = { platform: Platform; part: Part; onChange: (part: Part) => void; errorAt: ErrorAt; at: string };

export function CustomSettingsForm({ platform, part, onChange, errorAt, at }: Props) {
  const ios = platform === 'ios';
  const known = usePayloadSettings(platform).custom_settings;
  const { ios_release: release, ios_payload_types: types } = usePlatforms();
  const help = (key: string) => known?.find((setting) => setting.key === key)?.help;
  const [text, setText] = useState(() => (typeof part.content === 'string' ? part.content : JSON.stringify(part.content, null, 2)));
  const [wrong, setWrong] = useState<string>();
  const read = (typed: string) => {
    setText(typed);
    try {
      const { payload_type, content } = readCustomSettings(typed, ios);
      setWrong(undefined);
      onChange({ ...part, ...(payload_type ? { payload_type } : {}), content });
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
      onChange({ ...part, content: typed });
    }
  };
  const inside = Object.keys(typeof part.content === 'object' && part.content ? part.content : {}).map((key) => errorAt(`${at}/content/${key}`) && `${key} ${errorAt(`${at}/content/${key}`)}`).filter(Boolean);
  return (
    <Stack gap="sm">
      {ios && (
        <Autocomplete
          label="Payload type" withAsterisk description={`${help('payload_type')} Those of ${release} are checked; others are sent as they are.`} data={types} limit={50}
          value={(part.payload_type as string | undefined) ?? ''} onChange={(payload_type) => onChange({ ...part, payload_type: payload_type.trim() })} error={errorAt(`${at}/payload_type`)}
        />
      )}
      <Textarea
        label="Content"
        description={`${help('content')}${ios ? ' A property list (XML) can be pasted too.' : ''}`}
        autosize
        minRows={8}
        maxRows={24}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
        value={text}
        onChange={(event) => read(event.currentTarget.value)}
        // Shown as it will be kept.
        onBlur={() => typeof part.content === 'object' && setText(JSON.stringify(part.content, null, 2))}
        error={wrong ?? errorAt(`${at}/content`) ?? (inside.length ? inside.join('; ') : undefined)}
      />
    </Stack>
  );
}
