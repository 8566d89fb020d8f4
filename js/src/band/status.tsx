/** One line that says how the model stands: an icon, a word, the facts. */
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "../controls/icon";
import type { FitPayload, FormulaErrorPayload, SetupPayload } from "../model/payload";

export interface StatusWords {
  tone: "ok" | "warn" | "err" | "calm";
  icon: IconName | "spinner";
  word: string;
  says: string[];
  /** Whether the facts of the fit belong to what is shown. */
  hasFacts: boolean;
}

const OF_KIND: Record<FitPayload["kind"], { tone: StatusWords["tone"]; icon: IconName }> = {
  ok: { tone: "ok", icon: "done" },
  boundary: { tone: "warn", icon: "warning" },
  warning: { tone: "warn", icon: "warning" },
  error: { tone: "err", icon: "error" },
};

export interface StatusSource {
  setup: SetupPayload;
  fit: FitPayload;
  error: FormulaErrorPayload | null;
  isDraft: boolean;
  /** The model was changed by other controls while a formula was being typed. */
  isOvertaken: boolean;
  /** Nothing is left of the formula. */
  isBlank: boolean;
  isSilent: boolean;
}

/** Which model the results belong to, where it is not the one above. */
function below({ setup, fit }: StatusSource): string[] {
  if (!fit.summary) return [];
  return [fit.formula && fit.formula !== setup.formula ? `below: ${fit.formula}` : "below: the last good fit"];
}

/** What to say, from what is most in the way to what is fine. */
export function statusWords(source: StatusSource): StatusWords {
  const { setup, fit, error, isDraft, isOvertaken, isBlank, isSilent } = source;
  const calm = { tone: "calm" as const, hasFacts: false };
  if (isSilent) {
    return {
      tone: "warn",
      icon: "warning",
      word: "Python is busy or not connected",
      says: ["what you asked for waits; if it stays so, run the cell again"],
      hasFacts: false,
    };
  }
  if (error)
    return {
      tone: "err",
      icon: "error",
      word: "Formula not understood",
      says: ["nothing was run", ...below(source)],
      hasFacts: false,
    };
  if (fit.state === "running") return { ...calm, icon: "spinner", word: "Fitting\u2026", says: below(source) };
  if (isDraft && isBlank) return { ...calm, icon: "waiting", word: "No formula", says: ["Esc restores it"] };
  if (isDraft && isOvertaken) {
    const says = [`now ${setup.formula}`, "Enter applies what you typed, Esc takes the model\u2019s formula"];
    return { tone: "warn", icon: "waiting", word: "The model changed while you typed", says, hasFacts: false };
  }
  if (isDraft) return { ...calm, icon: "waiting", word: "Formula edited", says: ["Enter applies it, Esc restores"] };
  if (fit.state === "failed") {
    const says = [fit.message, fit.hint, ...below(source)].filter((words) => words !== null);
    return { tone: "err", icon: "error", word: fit.word || "Not fitted", says, hasFacts: false };
  }
  if (setup.prompt)
    return { ...calm, icon: "info", word: setup.prompt.replace(/\.$/, ""), says: fit.stale ? below(source) : [] };
  if (fit.state === "empty") return { ...calm, icon: "info", word: "Ready to fit", says: ["press Fit"] };
  if (fit.stale) return { ...calm, icon: "waiting", word: "Not fitted yet", says: ["press Fit", ...below(source)] };
  return { ...OF_KIND[fit.kind], word: fit.word, says: [], hasFacts: true };
}

function Facts({ facts }: { facts: FitPayload["facts"] }) {
  return (
    <>
      {facts.map((runs, at) => (
        <span key={at} class="mlm-fact">
          {runs.map((run, place) => (run.strong ? <b key={place}>{run.text}</b> : <span key={place}>{run.text}</span>))}
        </span>
      ))}
    </>
  );
}

export function Status({ source, children }: { source: StatusSource; children: ComponentChildren }) {
  const words = statusWords(source);
  return (
    <div class="mlm-status" data-tone={words.tone} data-mlm="status" data-state={source.fit.state}>
      <div class="mlm-status-line" role="status">
        <span class="mlm-status-word">
          {words.icon === "spinner" ? (
            <i class="mlm-spinner" aria-hidden="true" />
          ) : (
            <Icon name={words.icon} size={17} />
          )}
          {words.word}
        </span>
        {words.says.map((says) => (
          <span key={says} class="mlm-fact">
            {says}
          </span>
        ))}
        {words.hasFacts && <Facts facts={source.fit.facts} />}
      </div>
      {children}
    </div>
  );
}
