/** The fixed effects: numbers, and each interval as a bar on one axis. The intercept stays off the slopes' scale. */
import { LevelBadge } from "../controls/levelBadge";
import type { FixedRowPayload, RatioNamesPayload, SummaryPayload } from "../model/payload";
import { decimalsFor, fixed, formatDf, formatP, formatStatistic, short } from "../text/format";
import { type Axis, axisOf, ratioAxisOf } from "./axis";

const INTERVAL = "95\u202f%\u00a0CI";

/** What a row shows of its term: itself, or a ratio. */
interface Effect {
  estimate: number;
  conf_low: number;
  conf_high: number;
  digits: number;
}

function Term({ row, detail }: { row: FixedRowPayload; detail: string }) {
  return (
    <th scope="row" title={row.term}>
      <span class="mlm-term">
        {row.label.split(" × ").map((part, at) => (
          <span key={part}>
            {at > 0 && <i>×</i>}
            {part}
          </span>
        ))}
        {detail && <span class="mlm-detail">{detail}</span>}
        <LevelBadge level={row.level || null} />
      </span>
    </th>
  );
}

function Bar({ effect, isIntercept = false, axis }: { effect: Effect; isIntercept?: boolean; axis: Axis }) {
  const { estimate, conf_low, conf_high } = effect;
  const place = (value: number) => Math.max(0, Math.min(100, axis.at(value)));
  const isOff = isIntercept && (conf_low < axis.low || conf_high > axis.high);
  const isLow = estimate < axis.reference;
  return (
    <td class="mlm-bar-cell" aria-hidden="true">
      <div class="mlm-bar">
        <i class="mlm-zero" style={{ left: `${axis.at(axis.reference)}%` }} />
        {isOff ? (
          <span class="mlm-off" data-side={isLow ? "left" : "right"}>
            {isLow && "← "}
            {short(estimate)}
            <span class="mlm-wide-only">, off scale</span>
            {!isLow && " →"}
          </span>
        ) : (
          <>
            <i
              class="mlm-interval"
              style={{ left: `${place(conf_low)}%`, width: `${place(conf_high) - place(conf_low)}%` }}
            />
            <i class="mlm-point" style={{ left: `${place(estimate)}%` }} />
          </>
        )}
      </div>
    </td>
  );
}

function Limits({ effect: { conf_low, conf_high, digits } }: { effect: Effect }) {
  return (
    <td class="mlm-ci">
      {fixed(conf_low, digits)} <span class="mlm-soft">to</span> {fixed(conf_high, digits)}
    </td>
  );
}

function AxisHead({ axis }: { axis: Axis }) {
  // In a narrow table every second tick is left out, never that of no effect.
  const reference = Math.max(0, axis.ticks.indexOf(axis.reference));
  const isSpare = (at: number) => axis.ticks.length > 4 && (at - reference) % 2 !== 0;
  return (
    <th class="mlm-bar-cell" aria-hidden="true">
      <div class="mlm-ticks">
        {axis.ticks.map((tick, at) => (
          <span key={tick} data-spare={isSpare(at) || undefined} style={{ left: `${axis.at(tick)}%` }}>
            {axis.label(tick)}
          </span>
        ))}
      </div>
    </th>
  );
}

export function FixedTable({ summary }: { summary: SummaryPayload }) {
  const axis = axisOf(summary.fixed.filter((row) => !row.is_intercept));
  return (
    <div class="mlm-table-scroll">
      <table class="mlm-table mlm-fixed" data-mlm="fixed-table">
        <thead>
          <tr>
            <th scope="col">Term</th>
            <th scope="col">Estimate</th>
            <th scope="col">SE</th>
            {summary.has_df && <th scope="col">df</th>}
            <th scope="col">{summary.statistic_name}</th>
            <th scope="col">p</th>
            <th scope="col">{INTERVAL}</th>
            {axis && <AxisHead axis={axis} />}
          </tr>
        </thead>
        <tbody>
          {summary.fixed.map((row) => {
            const effect = { ...row, digits: decimalsFor(row.std_error) };
            return (
              <tr key={row.term} data-mlm={`fixed-${row.term}`}>
                <Term row={row} detail={row.detail} />
                <td class="mlm-estimate">{fixed(row.estimate, effect.digits)}</td>
                <td>{fixed(row.std_error, effect.digits)}</td>
                {summary.has_df && <td class="mlm-soft">{formatDf(row.df)}</td>}
                <td>{formatStatistic(row.statistic)}</td>
                <td>{formatP(row.p_value)}</td>
                <Limits effect={effect} />
                {axis && <Bar effect={effect} isIntercept={row.is_intercept} axis={axis} />}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** Python sends no number where a ratio is beyond all numbers. */
function ratioOf({ ratio }: FixedRowPayload): Effect {
  const { estimate, conf_low, conf_high } = ratio ?? { estimate: null, conf_low: null, conf_high: null };
  const [low, high] = [conf_low ?? Number.POSITIVE_INFINITY, conf_high ?? Number.POSITIVE_INFINITY];
  const digits = Number.isFinite(high) ? decimalsFor((high - low) / 4) : 2;
  return { estimate: estimate ?? Number.POSITIVE_INFINITY, conf_low: low, conf_high: high, digits };
}

function NoBar({ axis }: { axis: Axis }) {
  return (
    <td class="mlm-bar-cell" aria-hidden="true">
      <div class="mlm-bar">
        <i class="mlm-zero" style={{ left: `${axis.at(axis.reference)}%` }} />
      </div>
    </td>
  );
}

/**
 * The same as ratios, on a logarithmic axis. A standard error belongs to the logarithm, so none is shown; the intercept
 * is no ratio, so it has no place on the axis.
 */
export function RatioTable({ summary, ratio }: { summary: SummaryPayload; ratio: RatioNamesPayload }) {
  const rows = summary.fixed.map((row) => ({ row, effect: ratioOf(row) }));
  const axis = ratioAxisOf(rows.filter(({ row }) => !row.is_intercept).map(({ effect }) => effect));
  return (
    <div class="mlm-table-scroll">
      <table class="mlm-table mlm-fixed" data-mlm="fixed-table" data-scale="ratio">
        <thead>
          <tr>
            <th scope="col">Term</th>
            <th scope="col">{ratio.name}</th>
            <th scope="col">{summary.statistic_name}</th>
            <th scope="col">p</th>
            <th scope="col">{INTERVAL}</th>
            {axis && <AxisHead axis={axis} />}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ row, effect }) => (
            <tr key={row.term} data-mlm={`fixed-${row.term}`}>
              <Term row={row} detail={row.is_intercept ? ratio.baseline : row.detail} />
              <td class="mlm-estimate">{fixed(effect.estimate, effect.digits)}</td>
              <td>{formatStatistic(row.statistic)}</td>
              <td>{formatP(row.p_value)}</td>
              <Limits effect={effect} />
              {axis && (row.is_intercept ? <NoBar axis={axis} /> : <Bar effect={effect} axis={axis} />)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
