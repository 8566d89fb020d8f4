/** A button that opens a list: dropdowns, "add" buttons and the options of a chip are all this. */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { Listbox } from "./listbox";
import type { Option } from "./options";
import { Popover } from "./popover";

interface PickerProps {
  name: string;
  label: string;
  options: readonly Option[];
  chosen: string | null;
  search?: string | null;
  head?: ComponentChildren;
  empty?: string;
  look?: "select" | "add" | "half" | "square";
  wide?: boolean;
  /** Options with long details or reasons, without a table's columns. */
  roomy?: boolean;
  describe?: string;
  onPick(id: string): void;
  children: ComponentChildren;
}

export function Picker(props: PickerProps) {
  const {
    name,
    label,
    options,
    chosen,
    search = null,
    head,
    empty,
    look = "select",
    wide,
    roomy,
    describe,
    onPick,
    children,
  } = props;
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = (back: boolean) => {
    setOpen(false);
    if (back) button.current?.focus({ preventScroll: true });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (isOpen || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    event.preventDefault();
    setOpen(true);
  };
  return (
    <span class="mlm-picker" data-wide={wide || undefined} data-roomy={roomy || undefined}>
      <button
        ref={button}
        type="button"
        class={`mlm-button mlm-${look}`}
        data-mlm={name}
        aria-haspopup="listbox"
        aria-expanded={isOpen}
        aria-label={label}
        title={describe}
        onClick={() => setOpen(!isOpen)}
        onKeyDown={onKeyDown}
      >
        {children}
      </button>
      {isOpen && (
        <Popover anchor={button} label={label} name={`${name}-list`} isList onClose={close}>
          <Listbox
            label={label}
            options={options}
            chosen={chosen === null ? [] : [chosen]}
            search={search}
            head={head}
            empty={empty}
            onPick={(id) => {
              close(true);
              onPick(id);
            }}
            onClose={close}
          />
        </Popover>
      )}
    </span>
  );
}
