import { useUid } from "../model/session";

interface SwitchProps {
  name: string;
  label: string;
  on: boolean;
  onChange(on: boolean): void;
  hideLabel?: boolean;
  problem?: string | null;
}

/** An on/off control that acts at once. `problem` says in words why it cannot be used. */
export function Switch({ name, label, on, onChange, hideLabel = false, problem = null }: SwitchProps) {
  const id = useUid();
  return (
    <span class="mlm-switch-row" title={problem ?? undefined}>
      <button
        type="button"
        class="mlm-switch"
        data-mlm={name}
        role="switch"
        aria-checked={on}
        aria-disabled={problem ? true : undefined}
        aria-label={hideLabel ? label : undefined}
        aria-labelledby={hideLabel ? undefined : id}
        onClick={() => !problem && onChange(!on)}
      />
      {!hideLabel && (
        <span id={id} class="mlm-switch-label" onClick={() => !problem && onChange(!on)}>
          {label}
        </span>
      )}
    </span>
  );
}
