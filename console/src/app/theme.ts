// Colours and defaults with enough contrast and a name for every control.
import { createTheme, type CSSVariablesResolver } from '@mantine/core';

export const theme = createTheme({
  primaryColor: 'blue',
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  defaultRadius: 'sm',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  components: {
    CloseButton: { defaultProps: { 'aria-label': 'Close' } },
    Modal: {
      defaultProps: {
        closeButtonProps: { 'aria-label': 'Close dialog' },
        attributes: { header: { role: 'presentation' } },
      },
    },
    // The placeholder is a focusable element that a menu may not have.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    // The list itself scrolls, not an element around it that the keyboard could not reach.
    ...Object.fromEntries(['Select', 'MultiSelect', 'TagsInput'].map((name) => [name, { defaultProps: { withScrollArea: false }, classNames: { options: 'options' } }])),
    Popover: { defaultProps: { shadow: 'md' } },
  },
});

export const cssVariables: CSSVariablesResolver = (t) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': t.colors.gray[7],
    '--mantine-color-anchor': t.colors.blue[9],
    '--mantine-color-error': t.colors.red[9],
    '--mantine-color-placeholder': t.colors.gray[7],
  },
  dark: {
    '--mantine-color-dimmed': t.colors.dark[1],
    '--mantine-color-anchor': t.colors.blue[4],
    '--mantine-color-error': t.colors.red[4],
    '--mantine-color-placeholder': t.colors.dark[1],
  },
});
