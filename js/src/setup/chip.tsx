/** A piece of the model: its name and level, one option, and its removal. Delete removes it. */
import type { ComponentChildren } from "preact";
import { Icon } from "../controls/icon";
import { LevelBadge } from "../controls/levelBadge";
import { useSession } from "../model/session";

interface ChipProps {
  name: string;
  label: string;
  note?: string;
  level?: string | null;
  column?: string | null;
  title?: string;
  children?: ComponentChildren;
  onRemove(): void;
}

export function Chip({ name, label, note, level = null, column = null, title, children, onRemove }: ChipProps) {
  const { linked, setLinked } = useSession();
  const isLinked = column !== null && linked === column;
  const link = () => column && setLinked(column);
  const unlink = () => setLinked(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const isOwn = (event.target as HTMLElement).closest(".mlm-popover") === null;
    if (!isOwn || (event.key !== "Delete" && event.key !== "Backspace")) return;
    event.preventDefault();
    onRemove();
  };
  return (
    <span
      class="mlm-chip"
      data-chip
      data-linked={isLinked || undefined}
      onKeyDown={onKeyDown}
      onFocusCapture={link}
      onBlurCapture={unlink}
      onMouseEnter={link}
      onMouseLeave={unlink}
    >
      <button
        type="button"
        class="mlm-chip-name"
        data-mlm={name}
        title={title ? `${label}, ${title}` : label}
        aria-description="Delete removes it"
      >
        <span>{label}</span>
        {note && <span class="mlm-chip-note">{note}</span>}
        <LevelBadge level={level} />
      </button>
      {children}
      <button
        type="button"
        class="mlm-chip-remove"
        data-mlm={`${name}-remove`}
        aria-label={`Remove ${label}`}
        onClick={onRemove}
      >
        <Icon name="close" size={12} />
      </button>
    </span>
  );
}
