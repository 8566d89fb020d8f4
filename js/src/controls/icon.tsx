/** Line icons, 16 px, in the colour of the text around them. Decorative: words stand beside each. */
const PATHS = {
  chevron: "M4 6l4 4 4-4",
  "chevron-right": "M6 4l4 4-4 4",
  "chevron-up": "M4 10l4-4 4 4",
  plus: "M8 3.5v9M3.5 8h9",
  close: "M4.5 4.5l7 7M11.5 4.5l-7 7",
  check: "M3.5 8.5l3 3 6-7",
  undo: "M6 3L3 6l3 3M3 6h6.5a3.5 3.5 0 010 7H7",
  redo: "M10 3l3 3-3 3M13 6H6.5a3.5 3.5 0 000 7H9",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 015 0v2.5",
  done: "M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM5.2 8.2l2 2 3.6-4.2",
  warning: "M8 2.2L14.4 13.4H1.6zM8 6.4v3.2M8 11.4v.3",
  error: "M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM8 4.8v4M8 10.8v.4",
  info: "M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM8 7.4v4M8 4.9v.3",
  waiting: "M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM8 4.6V8l2.4 1.6",
  search: "M7 2.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9zM10.3 10.3l3.2 3.2",
  copy: "M5.5 5.5h7.5v8H5.5zM3 10.5V2.5h7.5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="mlm-icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg class="mlm-logo" width="20" height="18" viewBox="0 0 20 18" aria-hidden="true" focusable="false">
      <rect x="1" y="1" width="18" height="3.4" rx="1.4" />
      <rect x="1" y="7.3" width="8" height="3.4" rx="1.4" opacity=".75" />
      <rect x="11" y="7.3" width="8" height="3.4" rx="1.4" opacity=".75" />
      {[1, 5.9, 10.8, 15.7].map((x) => (
        <rect key={x} x={x} y="13.6" width="3.3" height="3.4" rx="1.4" opacity=".45" />
      ))}
    </svg>
  );
}
