// A link that changes part of this page's address, such as which row is shown in full.
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Link } from './Link';

type Patch = Record<string, string | undefined>;
const patched = (patch: Patch) => ((now: object) => ({ ...now, ...patch })) as never;

export function Here({ patch, label, children }: { patch: Patch; label?: string; children: ReactNode }) {
  return <Link to="." search={patched(patch)} resetScroll={false} aria-label={label}>{children}</Link>;
}

/** Changes part of the address without a new entry in the history. */
export function usePatch(): (patch: Patch) => void {
  const navigate = useNavigate();
  return (patch) => void navigate({ to: '.', search: patched(patch), replace: true, resetScroll: false });
}
