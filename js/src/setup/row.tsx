import type { ComponentChildren } from "preact";

/** One line of the setup: a word at the left, controls at the right. Focus that is lost is sought in the same row. */
export function SetupRow({ label, name, children }: { label: string; name: string; children: ComponentChildren }) {
  return (
    <div class="mlm-row" role="group" aria-label={label} data-row={name}>
      <span class="mlm-row-label" aria-hidden="true">
        {label}
      </span>
      <div class="mlm-row-body">{children}</div>
    </div>
  );
}
