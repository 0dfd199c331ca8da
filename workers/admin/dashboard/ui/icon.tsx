/** The icons, drawn with strokes in the colour of the text around them. They say nothing that a word beside them does not. */
const PATHS = {
  overview: "M3 13h6V3H3zM11 17h6V9h-6zM3 17h6v-2H3zM11 7h6V3h-6z",
  connection: "M8 6H6a4 4 0 0 0 0 8h2M12 6h2a4 4 0 0 1 0 8h-2M7 10h6",
  credential: "M13 3a4 4 0 0 0-3.7 5.5L3 14.8V17h3v-2h2v-2h1.5l1-1A4 4 0 1 0 13 3zM14 6.2v.1",
  recipient: "M10 10a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 10 10zM3.5 17c.6-3 3.200-4.600 6.500-4.600S15.900 14 16.500 17",
  policy: "M10 2.500 16 5v4.500c0 3.700-2.400 6.500-6 8-3.600-1.500-6-4.300-6-8V5zM7.400 10l1.900 1.900 3.400-3.700",
  customer: "M3 17V7l7-4 7 4v10M3 17h14M8 17v-5h4v5",
  audit: "M4 5h12M4 10h12M4 15h7",
  export: "M10 3v9M6.500 8.500 10 12l3.500-3.500M4 16h12",
  change: "M4 7h10l-3-3M16 13H6l3 3",
  member:
    "M7.500 9.500a2.700 2.700 0 1 0 0-5.400 2.700 2.700 0 0 0 0 5.400zM2.500 16c.4-2.600 2.400-4 5-4s4.600 1.400 5 4M13 4.500a2.600 2.600 0 0 1 0 4.900M14.500 12.400c1.700.5 2.700 1.700 3 3.600",
  key: "M6.500 13.500a3.500 3.500 0 1 1 3.300-4.700H17V12h-2.500v-1.500H13V12H9.500a3.500 3.500 0 0 1-3 1.500zM6 10v.1",
  branch:
    "M5.500 6.800a1.800 1.800 0 1 0 0-3.600 1.800 1.800 0 0 0 0 3.600zM5.500 16.800a1.800 1.800 0 1 0 0-3.600 1.800 1.800 0 0 0 0 3.600zM14.500 8.800a1.800 1.800 0 1 0 0-3.600 1.800 1.800 0 0 0 0 3.600zM5.500 6.800v6.400M14.500 8.800c0 3-9 1.400-9 4.400",
  webhook: "M4 10h5l2-5 2 10 1.500-5H17",
  payment: "M3 5.500h14v9H3zM3 8.500h14M6 12h3",
  settings: "M4 6h7M15 6h1M4 14h1M9 14h7M13 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM7 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  search: "M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12zM13.500 13.500 17 17",
  close: "M5 5l10 10M15 5 5 15",
  menu: "M3 6h14M3 10h14M3 14h14",
  plus: "M10 4v12M4 10h12",
  copy: "M7 7V4h9v9h-3M4 7h9v9H4z",
  check: "M4 10.500 8 14.500 16 6",
  alert: "M10 3 18 16.500H2zM10 8v4M10 14.200v.1",
  pause: "M7 5v10M13 5v10",
  play: "M6 4.500v11l9-5.500z",
  arrow: "M4 10h12M11 5l5 5-5 5",
  mail: "M3 5h14v10H3zM3 6l7 5 7-5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
