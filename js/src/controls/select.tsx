import { Icon } from "./icon";
import type { Option } from "./options";
import { Picker } from "./picker";

interface SelectProps {
  name: string;
  label: string;
  value: string | null;
  options: readonly Option[];
  none?: string;
  onPick(id: string): void;
}

/** "Sort intercept v": a small word, the chosen value, and a list. */
export function Select({ name, label, value, options, none = "none", onPick }: SelectProps) {
  const chosen = options.find((option) => option.id === value);
  return (
    <Picker name={name} label={`${label} ${chosen?.label ?? none}`} options={options} chosen={value} onPick={onPick}>
      <span class="mlm-select-word">{label} </span>
      <span class="mlm-select-value">{chosen?.label ?? none}</span>
      <Icon name="chevron" />
    </Picker>
  );
}
