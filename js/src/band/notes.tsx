/** What the fit wants to be known: a pill with the count, the findings behind it. */
import { useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "../controls/icon";
import { Popover } from "../controls/popover";
import type { FindingPayload } from "../model/payload";
import { plural } from "../text/format";

const ICONS: Record<FindingPayload["severity"], IconName> = { info: "info", warning: "warning", error: "error" };
const ORDER: FindingPayload["severity"][] = ["error", "warning", "info"];

function Finding({ finding }: { finding: FindingPayload }) {
  return (
    <li class="mlm-finding" data-severity={finding.severity}>
      <Icon name={ICONS[finding.severity]} />
      <div>
        {finding.component && <b>{finding.component}</b>}
        <p>{finding.message}</p>
        {finding.action && <p class="mlm-finding-action">{finding.action}</p>}
      </div>
    </li>
  );
}

function List({ findings }: { findings: FindingPayload[] }) {
  return (
    <ul class="mlm-findings" tabIndex={-1} data-first-focus>
      {findings.map((finding) => (
        <Finding key={finding.component + finding.message} finding={finding} />
      ))}
    </ul>
  );
}

export function Notes({ findings }: { findings: FindingPayload[] }) {
  const [isOpen, setOpen] = useState(false);
  const pill = useRef<HTMLButtonElement>(null);
  if (findings.length === 0) return null;
  const sorted = [...findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  const worst = sorted[0]?.severity ?? "info";
  const close = (back: boolean) => {
    setOpen(false);
    if (back) pill.current?.focus({ preventScroll: true });
  };
  return (
    <span class="mlm-picker">
      <button
        ref={pill}
        type="button"
        class="mlm-pill"
        data-mlm="notes"
        data-severity={worst}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name={ICONS[worst]} size={14} />
        {plural(findings.length, "note")}
      </button>
      {isOpen && (
        <Popover anchor={pill} label="Notes on this fit" name="notes-list" onClose={close}>
          <List findings={sorted} />
        </Popover>
      )}
    </span>
  );
}
