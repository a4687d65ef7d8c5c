// The signs. Each stands beside a word that says the same, so screen readers pass them over.

const PATHS = {
  well: 'M12 3 5 6v5c0 4.5 3 8 7 10 4-2 7-5.5 7-10V6zM8.5 12l2.5 2.5 4.5-5',
  to_do: 'M12 4 2.5 20h19zM12 10v4.5M12 17.2v.1',
  restricted: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 14.5v2',
  lifting: 'M6 11h12v9H6zM8.5 11V7a3.5 3.5 0 0 1 6.8-1.2M12 14.5v2',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  again: 'M20 12a8 8 0 1 1-2.5-5.8M20 3.5V8h-4.5',
  bell: 'M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 2h-15zM10 21h4',
  home: 'M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3zM12 8.5v6M9 11.5h6',
  offline: 'M3 3l18 18M8.5 15.5a5 5 0 0 1 6 -.8M5.5 12a9.5 9.5 0 0 1 4-2.3M2.5 8.5A14 14 0 0 1 6.3 6M14 9.3a9.5 9.5 0 0 1 4.5 2.7M10.5 5a14 14 0 0 1 11 3.5M12 19v.1',
  info: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5M12 8v.1',
  message: 'M4 5h16v11H10l-4.5 4v-4H4z',
  arrow_up: 'M12 19V6M6.5 11 12 5.5 17.5 11',
  arrow_down: 'M12 5v13M6.5 13l5.5 5.5 5.5-5.5',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7L12 17',
};

export type IconName = keyof typeof PATHS;

export function Icon({ name, big }: { name: IconName; big?: boolean }) {
  return (
    <svg class={big ? 'icon big' : 'icon'} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} pathLength={1} />
    </svg>
  );
}
