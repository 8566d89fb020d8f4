/** The random effects' variances, standard deviations and correlations. */
import type { RandomRowPayload } from "../model/payload";
import { fixed } from "../text/format";

// Two decimals, or as many as leave two figures of a small one.
function digitsFor(value: number): number {
  const size = Math.abs(value);
  return size < 5e-7 || size >= 0.095 ? 2 : Math.min(6, 1 - Math.floor(Math.log10(size)));
}

function Row({ row, isFirst, corrs }: { row: RandomRowPayload; isFirst: boolean; corrs: number }) {
  return (
    <tr data-first={isFirst || undefined}>
      <th scope="row">{isFirst ? row.group : <span class="mlm-spoken">{row.group}</span>}</th>
      <td class="mlm-left">
        {row.term}
        {row.detail && <span class="mlm-detail">{row.detail}</span>}
      </td>
      <td>{fixed(row.variance, digitsFor(row.variance))}</td>
      <td class="mlm-estimate">{fixed(row.sd, digitsFor(row.sd))}</td>
      {Array.from({ length: corrs }, (_, at) => (
        <td key={at}>{row.corr[at] === undefined ? "" : fixed(row.corr[at], 2)}</td>
      ))}
    </tr>
  );
}

export function RandomTable({ rows }: { rows: RandomRowPayload[] }) {
  const corrs = Math.max(0, ...rows.map((row) => row.corr.length));
  return (
    <div class="mlm-table-scroll">
      <table class="mlm-table mlm-random" data-mlm="random-table">
        <thead>
          <tr>
            <th scope="col">Group</th>
            <th scope="col" class="mlm-left">
              Term
            </th>
            <th scope="col">Variance</th>
            <th scope="col">SD</th>
            {corrs > 0 && (
              <th scope="colgroup" colSpan={corrs}>
                Corr
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <Row
              key={`${row.group}/${row.term}/${at}`}
              row={row}
              isFirst={row.group !== rows[at - 1]?.group}
              corrs={corrs}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}
