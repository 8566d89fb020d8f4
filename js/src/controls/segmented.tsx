import { useRef } from "preact/hooks";

interface SegmentedProps<Value extends string> {
  name: string;
  label: string;
  value: Value;
  choices: readonly { value: Value; label: string }[];
  /** `isClick` tells a pointer from the arrow keys, which must keep the focus. */
  onChange(value: Value, isClick: boolean): void;
}

const STEP: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** One of a few, all in sight: a radio group with one tab stop. */
export function Segmented<Value extends string>({ name, label, value, choices, onChange }: SegmentedProps<Value>) {
  const group = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEP[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = choices.findIndex((choice) => choice.value === value);
    const next = (at + step + choices.length) % choices.length;
    const choice = choices[next];
    if (choice) onChange(choice.value, false);
    group.current?.querySelectorAll<HTMLElement>("[role=radio]")[next]?.focus();
  };
  return (
    <div ref={group} class="mlm-segmented" role="radiogroup" aria-label={label} onKeyDown={onKeyDown}>
      {choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          role="radio"
          data-mlm={`${name}-${choice.value}`}
          aria-checked={choice.value === value}
          tabIndex={choice.value === value ? 0 : -1}
          onClick={(event) => choice.value !== value && onChange(choice.value, event.detail > 0)}
        >
          {choice.label}
        </button>
      ))}
    </div>
  );
}
