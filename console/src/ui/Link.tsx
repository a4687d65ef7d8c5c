// A link to another page of the console; `to` and `search` are checked against the router.
import { Anchor, type AnchorProps, NavLink, type NavLinkProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentPropsWithRef } from 'react';

type Rest = Omit<ComponentPropsWithRef<'a'>, keyof AnchorProps | keyof NavLinkProps | 'href'>;

export const Link = createLink((props: AnchorProps & Rest) => <Anchor size="sm" {...props} />);
export const NavLinkTo = createLink((props: NavLinkProps & Rest) => <NavLink py={5} {...props} />);
