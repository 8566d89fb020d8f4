/** The first line: what this is, the data, and the way back. */
import { Icon, type IconName, Logo } from "../controls/icon";
import type { Traits } from "../model/payload";
import { useSession } from "../model/session";
import { formatCount } from "../text/format";

function Tool({
  name,
  icon,
  label,
  isOff,
  onClick,
}: {
  name: string;
  icon: IconName;
  label: string;
  isOff: boolean;
  onClick(): void;
}) {
  return (
    <button
      type="button"
      class="mlm-tool"
      data-mlm={name}
      aria-label={label}
      title={label}
      aria-disabled={isOff || undefined}
      onClick={() => !isOff && onClick()}
    >
      <Icon name={icon} size={18} />
    </button>
  );
}

export function Header({ traits, isFolded, onFold }: { traits: Traits; isFolded: boolean; onFold(): void }) {
  const { ask } = useSession();
  const { data, setup } = traits;
  return (
    <header class="mlm-header">
      <Logo />
      <h2>Model builder</h2>
      <i class="mlm-rule" aria-hidden="true" />
      <b>{data.n_columns > 0 ? data.name : "no data"}</b>
      {data.n_columns > 0 && (
        <span class="mlm-size">
          {formatCount(data.n_rows)} rows <span class="mlm-wide-only">· {formatCount(data.n_columns)} columns</span>
        </span>
      )}
      <span class="mlm-tools">
        <Tool name="undo" icon="undo" label="Undo" isOff={!setup.can_undo} onClick={() => ask({ type: "undo" })} />
        <Tool name="redo" icon="redo" label="Redo" isOff={!setup.can_redo} onClick={() => ask({ type: "redo" })} />
        <Tool
          name="fold"
          icon={isFolded ? "chevron" : "chevron-up"}
          label={isFolded ? "Show the setup" : "Fold the setup to one line"}
          isOff={false}
          onClick={onFold}
        />
      </span>
    </header>
  );
}
