import { useEffect, useState } from "preact/hooks";
import { Icon } from "./icon";

// Where the page may not use the clipboard (plain http on another machine) a selected field still can be copied.
function copyBySelection(text: string, near: HTMLElement): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "mlm-offscreen";
  near.after(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  near.focus();
  return isDone;
}

async function copy(text: string, near: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text, near);
  }
}

const SAID_MS = 1600;

export function CopyButton({ name, what, text }: { name: string; what: string; text: string }) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    const timer = said ? setTimeout(() => setSaid(null), SAID_MS) : undefined;
    return () => clearTimeout(timer);
  }, [said]);
  const onClick = async (event: MouseEvent) => {
    const isDone = await copy(text, event.currentTarget as HTMLElement);
    setSaid(isDone ? "Copied" : "Select the text and copy it");
  };
  return (
    <button type="button" class="mlm-button mlm-copy" data-mlm={name} aria-label={`Copy ${what}`} onClick={onClick}>
      <Icon name={said === "Copied" ? "check" : "copy"} />
      <span aria-live="polite">{said ?? "Copy"}</span>
    </button>
  );
}
