// How much of one SMS a text takes, and why there may be less room.
import { Text } from '@mantine/core';
import { smsLength } from '../../lib/sms';
import { count } from '../../lib/words';

export const tooLong = (text: string) => {
  const { units, limit, fits } = smsLength(text);
  return fits ? null : `${count(units - limit)} too many: one SMS holds ${limit} characters`;
};

const NAMED: Record<string, string> = { '\t': 'the tab', '\u00a0': 'the no-break space' };

export function SmsCounter({ text, id }: { text: string; id: string }) {
  const { units, limit, fits, foreign } = smsLength(text);
  const some = foreign.slice(0, 5).map((each) => NAMED[each] ?? each).join(' ');
  return (
    <div id={id}>
      <Text size="sm" c={fits ? 'dimmed' : 'var(--mantine-color-error)'} fw={fits ? undefined : 600}>
        {units} of {limit} characters{units !== [...text].length && foreign.length === 0 ? '; each of € [ ] { } \\ ^ ~ | counts two' : ''}
      </Text>
      {foreign.length > 0 && (
        <Text size="sm" c="dimmed">With {some}{foreign.length > 5 ? ' …' : ''} in it, one SMS holds 70 characters instead of 160.</Text>
      )}
    </div>
  );
}
