/** A list to choose from: type to search, arrows to move, Enter to choose. Focus stays in one place (aria-activedescendant). */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useUid } from "../model/session";
import { Icon } from "./icon";
import { firstUsable, matches, moved, type Option } from "./options";

interface ListboxProps {
  label: string;
  options: readonly Option[];
  /** Chosen ids; more than one makes the list multi-select. */
  chosen: readonly string[];
  multiple?: boolean;
  search?: string | null;
  head?: ComponentChildren;
  empty?: string;
  onPick(id: string): void;
  onClose(back: boolean): void;
}

function Row({ id, option, isActive, isChosen, multiple, onPick, onHover }: RowProps) {
  return (
    <div
      id={id}
      class="mlm-option"
      role="option"
      data-mlm-option={option.id}
      data-active={isActive || undefined}
      aria-selected={isChosen}
      aria-disabled={option.problem ? true : undefined}
      onClick={() => onPick(option)}
      onMouseMove={onHover}
    >
      {multiple && (
        <span class="mlm-tick" data-on={isChosen || undefined}>
          {isChosen && <Icon name="check" size={12} />}
        </span>
      )}
      <span class="mlm-option-label" title={option.label}>
        {option.label}
      </span>
      {option.cells}
      {!multiple && isChosen && !option.cells && <Icon name="check" size={14} />}
      {option.problem && <span class="mlm-option-problem">{option.problem}</span>}
    </div>
  );
}

interface RowProps {
  id: string;
  option: Option;
  isActive: boolean;
  isChosen: boolean;
  multiple: boolean;
  onPick(option: Option): void;
  onHover(): void;
}

export function Listbox(props: ListboxProps) {
  const { label, options, chosen, multiple = false, search = null, head, empty, onPick, onClose } = props;
  const uid = useUid();
  const [query, setQuery] = useState("");
  const shown = matches(options, query);
  const [active, setActive] = useState(() => firstUsable(options, chosen[0]));
  const list = useRef<HTMLDivElement>(null);
  const activeId = shown[active] ? `${uid}-${active}` : undefined;

  useLayoutEffect(() => {
    list.current?.querySelector("[data-active]")?.scrollIntoView?.({ block: "nearest" });
  }, [active, query]);

  const pick = (option: Option | undefined) => option && !option.problem && onPick(option.id);
  const typeAhead = (key: string) => {
    const after = [...shown.slice(active + 1), ...shown.slice(0, active + 1)];
    const found = after.find((option) => option.label.toLowerCase().startsWith(key.toLowerCase()));
    if (found) setActive(shown.indexOf(found));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next =
      search !== null && (event.key === "Home" || event.key === "End") ? null : moved(event.key, active, shown.length);
    const isSpace = event.key === " " && (search === null || multiple);
    if (next !== null) setActive(next);
    else if (event.key === "Enter" || isSpace) pick(shown[active]);
    else if (event.key === "Tab") return onClose(true);
    else if (search === null && event.key.length === 1 && !event.ctrlKey && !event.metaKey) typeAhead(event.key);
    else return;
    event.preventDefault();
  };
  const onInput = (event: InputEvent) => {
    const text = (event.target as HTMLInputElement).value;
    setQuery(text);
    setActive(firstUsable(matches(options, text)));
  };
  const owned = { "aria-label": label, "aria-activedescendant": activeId, onKeyDown };
  return (
    <div class="mlm-listbox">
      {search !== null && (
        <div class="mlm-search">
          <Icon name="search" />
          <input
            data-first-focus
            {...owned}
            type="text"
            role="combobox"
            aria-expanded="true"
            aria-autocomplete="list"
            aria-controls={`${uid}-list`}
            data-mlm="search"
            placeholder={search}
            value={query}
            spellcheck={false}
            autocomplete="off"
            onInput={onInput}
          />
        </div>
      )}
      {head}
      <div
        ref={list}
        data-first-focus={search === null || undefined}
        id={`${uid}-list`}
        role="listbox"
        class="mlm-options"
        aria-multiselectable={multiple || undefined}
        tabIndex={search === null ? 0 : -1}
        {...(search === null ? owned : { "aria-label": label })}
      >
        {shown.map((option, at) => (
          <Row
            key={option.id}
            id={`${uid}-${at}`}
            option={option}
            isActive={at === active}
            isChosen={chosen.includes(option.id)}
            multiple={multiple}
            onPick={pick}
            onHover={() => at !== active && setActive(at)}
          />
        ))}
      </div>
      {shown.length === 0 && (
        <p class="mlm-none" role="status">
          {query ? `Nothing is called “${query}”.` : (empty ?? "Nothing to choose.")}
        </p>
      )}
    </div>
  );
}
