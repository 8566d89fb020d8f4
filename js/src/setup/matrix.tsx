/** Random effects as a matrix: a row a grouping, a column a term, a tick where the term varies between the groups. */
import { Icon } from "../controls/icon";
import { Switch } from "../controls/switch";
import { columnOfTerm } from "../formula/roles";
import type { CellPayload, GroupPayload, Traits } from "../model/payload";
import { useSession } from "../model/session";
import { lockedReason, type MatrixColumns, matrixColumns, sentence } from "./matrixColumns";
import { useNames } from "./names";
import { SetupRow } from "./row";

function Tick({
  name,
  label,
  on,
  onChange,
}: {
  name: string;
  label: string;
  on: boolean;
  onChange(on: boolean): void;
}) {
  return (
    <input
      type="checkbox"
      class="mlm-checkbox"
      data-mlm={name}
      aria-label={label}
      checked={on}
      onChange={(event) => {
        const box = event.currentTarget;
        onChange(box.checked);
        box.checked = on; // Python decides; the box follows when its answer comes
      }}
    />
  );
}

function Cell({ group, cell, isLinked }: { group: GroupPayload; cell: CellPayload; isLinked: boolean }) {
  const { ask } = useSession();
  if (cell.reason && !cell.on) {
    return (
      <td class="mlm-locked" data-linked={isLinked || undefined}>
        <span>
          <Icon name="lock" size={14} />
          {sentence(cell.reason)}
        </span>
      </td>
    );
  }
  return (
    <td data-linked={isLinked || undefined} title={cell.reason ?? undefined}>
      <Tick
        name={`slope-${group.id}-${cell.term}`}
        label={`${cell.label} varies between ${group.label}`}
        on={cell.on}
        onChange={(on) => ask({ type: "set_slope", group: group.id, term: cell.term, on })}
      />
    </td>
  );
}

function Row({
  group,
  columns,
  linkedTerms,
}: {
  group: GroupPayload;
  columns: MatrixColumns;
  linkedTerms: Set<string>;
}) {
  const { ask } = useSession();
  const cells = columns.open
    .map(({ term }) => group.cells.find((cell) => cell.term === term))
    .filter((cell) => cell !== undefined);
  return (
    <tr>
      <th scope="row">
        <b>{group.label}</b> <span>{group.detail}</span>
      </th>
      <td>
        <Tick
          name={`intercept-${group.id}`}
          label={`intercept varies between ${group.label}`}
          on={group.intercept}
          onChange={(on) => ask({ type: "set_intercept", group: group.id, on })}
        />
      </td>
      {cells.map((cell) => (
        <Cell key={cell.term} group={group} cell={cell} isLinked={linkedTerms.has(cell.term)} />
      ))}
      {columns.locked.length > 0 && (
        <td class="mlm-locked">
          <span>
            <Icon name="lock" size={14} />
            {lockedReason(group, columns.locked)}
          </span>
        </td>
      )}
      <td>
        <Switch
          name={`correlated-${group.id}`}
          label={`Random effects of ${group.label} are correlated`}
          hideLabel
          on={group.correlated}
          problem={group.can_correlate ? null : "Needs two random effects that can be correlated"}
          onChange={(on) => ask({ type: "set_correlated", group: group.id, on })}
        />
      </td>
    </tr>
  );
}

export function MatrixRow({ traits }: { traits: Traits }) {
  const { linked } = useSession();
  const names = useNames(traits);
  const { groups } = traits.setup;
  if (groups.length === 0) {
    return (
      <SetupRow label="Random effects" name="matrix">
        <span class="mlm-why">Choose groups first: then tick what varies between them.</span>
      </SetupRow>
    );
  }
  const columns = matrixColumns(groups);
  const isLinked = ({ term }: CellPayload) => linked !== null && columnOfTerm(term, names) === linked;
  const linkedTerms = new Set(columns.open.filter(isLinked).map(({ term }) => term));
  return (
    <SetupRow label="Random effects" name="matrix">
      <div class="mlm-matrix-scroll">
        <table class="mlm-matrix" data-mlm="matrix">
          <thead>
            <tr>
              <th scope="col">Grouping</th>
              <th scope="col">intercept</th>
              {columns.open.map((cell) => (
                <th
                  key={cell.term}
                  scope="col"
                  title={cell.label}
                  data-linked={linkedTerms.has(cell.term) || undefined}
                >
                  {cell.label}
                </th>
              ))}
              {columns.locked.length > 0 && (
                <th scope="col" class="mlm-locked-head" title={columns.locked.map(({ label }) => label).join(", ")}>
                  {columns.locked.map(({ label }) => label).join(", ")}
                </th>
              )}
              <th scope="col">correlated</th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <Row key={group.id} group={group} columns={columns} linkedTerms={linkedTerms} />
            ))}
          </tbody>
        </table>
      </div>
    </SetupRow>
  );
}
