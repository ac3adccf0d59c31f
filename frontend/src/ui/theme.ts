import { type CSSVariablesResolver, createTheme, type MantineColorsTuple, type MantineThemeOverride } from "@mantine/core";

/* The kit's scales are made so that white on tone 8 passes 4.5:1: its own green and red do not. */
const accent: MantineColorsTuple = [
  "#e1ecfc",
  "#c3d8f8",
  "#9fc2f5",
  "#6ea8ff",
  "#4c8bec",
  "#3a78da",
  "#2f6cce",
  "#2763c4",
  "#1f5ab9",
  "#174a9c",
];
const down: MantineColorsTuple = [
  "#fbe4e6",
  "#f6c4c8",
  "#f19aa1",
  "#ff7a83",
  "#e25560",
  "#d1404c",
  "#c43643",
  "#b92f3b",
  "#b3202f",
  "#901824",
];
const up: MantineColorsTuple = [
  "#dff3e9",
  "#b9e5cf",
  "#7fd4ae",
  "#3ecf98",
  "#22a873",
  "#158a5c",
  "#0f7a50",
  "#0c7049",
  "#0a6b45",
  "#075236",
];
const warn: MantineColorsTuple = [
  "#fbf0d6",
  "#f5deaa",
  "#eecb75",
  "#e8b64a",
  "#c8942b",
  "#a87816",
  "#946709",
  "#835a02",
  "#7a5200",
  "#5f4000",
];

/* What the kit takes for surfaces and borders of the dark theme. */
const dark: MantineColorsTuple = [
  "#e4e9f0",
  "#a9b4c4",
  "#8795a9",
  "#5c6b80",
  "#2b3748",
  "#1c2532",
  "#171f2b",
  "#10161f",
  "#0d1219",
  "#0a0e14",
];

export const theme: MantineThemeOverride = createTheme({
  primaryColor: "accent",
  primaryShade: 8,
  autoContrast: false,
  colors: { accent, down, up, warn, dark },
  fontFamily: "var(--font)",
  fontFamilyMonospace: "var(--font-mono)",
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "15px", xl: "20px" },
  defaultRadius: 4,
  focusRing: "auto",
  respectReducedMotion: true,
  breakpoints: { xs: "36em", sm: "48em", md: "62em", lg: "75em", xl: "90em" },
  components: {
    Button: { defaultProps: { size: "xs" } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray" } },
    Tooltip: {
      defaultProps: {
        withArrow: true,
        openDelay: 250,
        multiline: true,
        maw: 340,
        events: { hover: true, focus: true, touch: true },
      },
    },
    // The page itself never scrolls, so there is nothing to lock.
    Drawer: { defaultProps: { lockScroll: false } },
    Modal: { defaultProps: { lockScroll: false, centered: true, overlayProps: { backgroundOpacity: 0.6 } } },
    Select: { defaultProps: { size: "xs", allowDeselect: false } },
    TextInput: { defaultProps: { size: "xs" } },
    PasswordInput: { defaultProps: { size: "sm" } },
    NumberInput: { defaultProps: { size: "xs" } },
    Textarea: { defaultProps: { size: "xs" } },
    SegmentedControl: { defaultProps: { size: "xs" } },
    Switch: { defaultProps: { size: "xs" } },
    Checkbox: { defaultProps: { size: "xs" } },
    Menu: { defaultProps: { shadow: "md", withinPortal: true } },
  },
});

const shared = {
  "--mantine-color-body": "var(--bg)",
  "--mantine-color-text": "var(--text)",
  "--mantine-color-dimmed": "var(--text-3)",
  "--mantine-color-placeholder": "var(--text-3)",
  "--mantine-color-default": "var(--panel-2)",
  "--mantine-color-default-hover": "var(--raised)",
  "--mantine-color-default-color": "var(--text)",
  "--mantine-color-default-border": "var(--line)",
  "--mantine-color-error": "var(--down)",
  "--mantine-color-anchor": "var(--accent)",
  "--mantine-primary-color-filled": "var(--accent-fill)",
  "--mantine-color-accent-filled": "var(--accent-fill)",
  "--mantine-color-down-filled": "var(--down-fill)",
  "--mantine-color-gray-light-color": "var(--text-2)",
  "--mantine-color-gray-outline": "var(--text-2)",
  "--mantine-color-gray-light": "var(--panel-2)",
  "--mantine-color-gray-light-hover": "var(--raised)",
  "--mantine-color-disabled": "var(--panel-2)",
  "--mantine-color-disabled-color": "var(--text-3)",
  "--mantine-color-disabled-border": "var(--line)",
};

function softTones(name: string): Record<string, string> {
  return {
    [`--mantine-color-${name}-text`]: `var(--${name})`,
    [`--mantine-color-${name}-light`]: `var(--${name}-soft)`,
    [`--mantine-color-${name}-light-hover`]: `var(--${name}-soft)`,
    [`--mantine-color-${name}-light-color`]: `var(--${name})`,
    [`--mantine-color-${name}-outline`]: `var(--${name})`,
  };
}

const tones = Object.assign({}, ...["accent", "up", "down", "warn"].map(softTones)) as Record<string, string>;

export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: { ...shared, ...tones },
  dark: { ...shared, ...tones },
});
