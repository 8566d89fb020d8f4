/** At which values of a number the lines or panels are drawn: presets, or values typed. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Segmented } from "../controls/segmented";
import type { GridValuesPayload } from "../model/payload";
import { useUid } from "../model/session";

const MODES = [
  { value: "sd", label: "\u22121 sd, mean, +1 sd" },
  { value: "quartiles", label: "Quartiles" },
  { value: "given", label: "Values" },
] as const;

/** What is wrong with typed values, in words; null when nothing is. */
export function valuesProblem(text: string): string | null {
  const parts = text.split(/[,;\s]+/).filter(Boolean);
  if (parts.length === 0) return "Type numbers, such as 0, 7";
  const odd = parts.find((part) => !Number.isFinite(Number(part.replace(/\u2212/g, "-"))));
  if (odd !== undefined) return `“${odd}” is not a number`;
  return parts.length > 6 ? "At most six values can be told apart" : null;
}

/** Typed values as Python reads them. */
export function cleanValues(text: string): string {
  return text
    .replace(/\u2212/g, "-")
    .split(/[,;\s]+/)
    .filter(Boolean)
    .join(", ");
}

interface GridValuesProps {
  name: string;
  label: string;
  values: GridValuesPayload;
  onChange(values: GridValuesPayload): void;
}

export function GridValues({ name, label, values, onChange }: GridValuesProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const [isGiven, setGiven] = useState(values.mode === "given");
  const field = useRef<HTMLInputElement>(null);
  const wantsField = useRef(false);
  const id = useUid();
  useLayoutEffect(() => {
    if (wantsField.current) field.current?.focus();
    wantsField.current = false;
  });
  const text = draft ?? values.text;
  const problem = draft !== null ? valuesProblem(draft) : null;
  const commit = () => {
    if (draft === null || valuesProblem(draft)) return;
    onChange({ mode: "given", text: cleanValues(draft) });
    setDraft(null);
  };
  const onMode = (mode: GridValuesPayload["mode"], isClick: boolean) => {
    setGiven(mode === "given");
    wantsField.current = isClick && mode === "given";
    const isReady = mode !== "given" || valuesProblem(values.text) === null;
    if (isReady) onChange({ mode, text: values.text });
  };
  return (
    <div class="mlm-grid-values">
      <span class="mlm-grid-label">
        <b>{label}</b> at
      </span>
      <Segmented
        name={`values-${name}`}
        label={`Values of ${label}`}
        value={isGiven ? "given" : values.mode}
        choices={MODES}
        onChange={onMode}
      />
      {isGiven && (
        <input
          ref={field}
          class="mlm-text-field"
          data-mlm={`values-${name}-text`}
          aria-label={`Values of ${label}, separated by commas`}
          aria-invalid={problem ? true : undefined}
          aria-describedby={problem ? id : undefined}
          placeholder="0, 7"
          value={text}
          onInput={(event) => setDraft(event.currentTarget.value)}
          onBlur={commit}
          onKeyDown={(event) => {
            if (event.key === "Enter") commit();
            if (event.key === "Escape") setDraft(null);
          }}
        />
      )}
      {problem && (
        <span id={id} class="mlm-field-problem" role="alert">
          {problem}
        </span>
      )}
    </div>
  );
}
