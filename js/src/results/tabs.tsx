/** The results, a page each. One tab stop; arrows move between tabs. */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { useUid } from "../model/session";

export interface Tab {
  id: string;
  label: string;
  panel(): ComponentChildren;
}

function step(key: string, at: number, count: number): number | null {
  if (key === "ArrowRight") return (at + 1) % count;
  if (key === "ArrowLeft") return (at - 1 + count) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

export function Tabs({ tabs, isBusy }: { tabs: Tab[]; isBusy: boolean }) {
  const [at, setAt] = useState(0);
  const uid = useUid();
  const bar = useRef<HTMLDivElement>(null);
  const current = tabs[at];
  const onKeyDown = (event: KeyboardEvent) => {
    const next = step(event.key, at, tabs.length);
    if (next === null) return;
    event.preventDefault();
    setAt(next);
    bar.current?.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
  };
  return (
    <section class="mlm-results" aria-label="Results">
      <div ref={bar} class="mlm-tabs" role="tablist" aria-label="Results" onKeyDown={onKeyDown}>
        {tabs.map((tab, place) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${uid}-${tab.id}`}
            data-mlm={`tab-${tab.id}`}
            data-label={tab.label}
            aria-selected={place === at}
            aria-controls={place === at ? `${uid}-panel` : undefined}
            tabIndex={place === at ? 0 : -1}
            onClick={() => setAt(place)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div class="mlm-busy-bar" data-on={isBusy || undefined} />
      {current && (
        <div
          key={current.id}
          id={`${uid}-panel`}
          class="mlm-panel"
          role="tabpanel"
          data-mlm={`panel-${current.id}`}
          aria-labelledby={`${uid}-${current.id}`}
        >
          {current.panel()}
        </div>
      )}
    </section>
  );
}
