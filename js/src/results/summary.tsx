/** The Summary tab: all numbers of a fit on one page. */
import { CopyButton } from "../controls/copyButton";
import type { CoefficientsViewPayload, FitPayload, SummaryPayload } from "../model/payload";
import { useSession } from "../model/session";
import { fixed } from "../text/format";
import { FixedTable, RatioTable } from "./fixedTable";
import { RandomTable } from "./randomTable";
import { RatiosSwitch } from "./ratiosSwitch";
import { tableText } from "./tableText";

function Measures({ rows }: { rows: SummaryPayload["fit"] }) {
  return (
    <dl class="mlm-measures" data-mlm="fit-measures">
      {rows.map(({ label, value, digits }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{fixed(value, digits)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Explained({ rows }: { rows: SummaryPayload["explained"] }) {
  return (
    <dl class="mlm-meters" data-mlm="explained">
      {rows.map(({ label, value, kind }) => (
        <div key={label} data-kind={kind}>
          <dt>{label}</dt>
          <dd>
            <span class="mlm-meter" aria-hidden="true">
              <i style={{ width: `${Math.max(0, Math.min(1, value ?? 0)) * 100}%` }} />
            </span>
            <b>{value === null ? "\u2013" : fixed(value, 2)}</b>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Whether the random effects need a row of their own: several correlations, or long names. */
function isWide({ random }: SummaryPayload): boolean {
  const longest = Math.max(...random.map(({ group, term, detail }) => group.length + term.length + detail.length));
  const correlations = Math.max(...random.map(({ corr }) => corr.length));
  return correlations > 1 || longest + 6 * correlations > 28;
}

export function Summary({ fit, view }: { fit: FitPayload; view: CoefficientsViewPayload }) {
  const { ask } = useSession();
  const { summary } = fit;
  if (!summary)
    return (
      <p class="mlm-none">
        {fit.state === "running" ? "Fitting\u2026" : "No model is fitted yet: its numbers will be here."}
      </p>
    );
  const ratio = view.ratios ? summary.ratio : null;
  return (
    <>
      <header class="mlm-panel-head">
        <h3>
          Fixed effects <span>{ratio ? ratio.note : summary.note}</span>
        </h3>
        <RatiosSwitch view={view} onChange={(ratios) => ask({ type: "view_coefficients", ratios })} />
        <CopyButton name="copy-table" what="the table of fixed effects" text={tableText(summary, ratio !== null)} />
      </header>
      {ratio ? <RatioTable summary={summary} ratio={ratio} /> : <FixedTable summary={summary} />}
      <div class="mlm-thirds" data-wide={isWide(summary) || undefined}>
        <section>
          <h3>Random effects</h3>
          <RandomTable rows={summary.random} />
        </section>
        <section>
          <h3>Fit</h3>
          <Measures rows={summary.fit} />
        </section>
        <section>
          <h3>Variance explained</h3>
          <Explained rows={summary.explained} />
        </section>
      </div>
    </>
  );
}
