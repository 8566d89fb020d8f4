/** The fixed effects: numbers, and each interval as a bar on one axis. The intercept stays off the slopes' scale. */
import { LevelBadge } from "../controls/levelBadge";
import type { FixedRowPayload, SummaryPayload } from "../model/payload";
import { decimalsFor, fixed, formatDf, formatP, formatStatistic, short } from "../text/format";
import { type Axis, axisOf } from "./axis";

const INTERVAL = "95\u202f%\u00a0CI";

function Term({ row }: { row: FixedRowPayload }) {
  return (
    <th scope="row" title={row.term}>
      <span class="mlm-term">
        {row.label.split(" × ").map((part, at) => (
          <span key={part}>
            {at > 0 && <i>×</i>}
            {part}
          </span>
        ))}
        {row.detail && <span class="mlm-detail">{row.detail}</span>}
        <LevelBadge level={row.level || null} />
      </span>
    </th>
  );
}

function Bar({ row, axis }: { row: FixedRowPayload; axis: Axis }) {
  const place = (value: number) => Math.max(0, Math.min(100, axis.at(value)));
  const isOff = row.is_intercept && (row.conf_low < axis.low || row.conf_high > axis.high);
  return (
    <td class="mlm-bar-cell" aria-hidden="true">
      <div class="mlm-bar">
        <i class="mlm-zero" style={{ left: `${axis.at(0)}%` }} />
        {isOff ? (
          <span class="mlm-off" data-side={row.estimate < 0 ? "left" : "right"}>
            {row.estimate < 0 && "← "}
            {short(row.estimate)}
            <span class="mlm-wide-only">, off scale</span>
            {row.estimate >= 0 && " →"}
          </span>
        ) : (
          <>
            <i
              class="mlm-interval"
              style={{ left: `${place(row.conf_low)}%`, width: `${place(row.conf_high) - place(row.conf_low)}%` }}
            />
            <i class="mlm-point" style={{ left: `${place(row.estimate)}%` }} />
          </>
        )}
      </div>
    </td>
  );
}

function Row({ row, axis }: { row: FixedRowPayload; axis: Axis | null }) {
  const digits = decimalsFor(row.std_error);
  return (
    <tr data-mlm={`fixed-${row.term}`}>
      <Term row={row} />
      <td class="mlm-estimate">{fixed(row.estimate, digits)}</td>
      <td>{fixed(row.std_error, digits)}</td>
      <td class="mlm-soft">{formatDf(row.df)}</td>
      <td>{formatStatistic(row.statistic)}</td>
      <td>{formatP(row.p_value)}</td>
      <td class="mlm-ci">
        {fixed(row.conf_low, digits)} <span class="mlm-soft">to</span> {fixed(row.conf_high, digits)}
      </td>
      {axis && <Bar row={row} axis={axis} />}
    </tr>
  );
}

function AxisHead({ axis }: { axis: Axis }) {
  // In a narrow table every second tick is left out, never the zero.
  const zero = Math.max(0, axis.ticks.indexOf(0));
  const isSpare = (at: number) => axis.ticks.length > 4 && (at - zero) % 2 !== 0;
  return (
    <th class="mlm-bar-cell" aria-hidden="true">
      <div class="mlm-ticks">
        {axis.ticks.map((tick, at) => (
          <span key={tick} data-spare={isSpare(at) || undefined} style={{ left: `${axis.at(tick)}%` }}>
            {fixed(tick, axis.digits)}
          </span>
        ))}
      </div>
    </th>
  );
}

export function FixedTable({ summary }: { summary: SummaryPayload }) {
  const slopes = summary.fixed.filter((row) => !row.is_intercept);
  const axis = axisOf(slopes);
  return (
    <div class="mlm-table-scroll">
      <table class="mlm-table mlm-fixed" data-mlm="fixed-table">
        <thead>
          <tr>
            <th scope="col">Term</th>
            <th scope="col">Estimate</th>
            <th scope="col">SE</th>
            <th scope="col">df</th>
            <th scope="col">{summary.statistic_name}</th>
            <th scope="col">p</th>
            <th scope="col">{INTERVAL}</th>
            {axis && <AxisHead axis={axis} />}
          </tr>
        </thead>
        <tbody>
          {summary.fixed.map((row) => (
            <Row key={row.term} row={row} axis={axis} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
