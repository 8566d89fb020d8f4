/** The model as a form. Folds to one line when asked. */
import { Icon } from "../controls/icon";
import type { SetupPayload, Traits } from "../model/payload";
import { plural } from "../text/format";
import { InteractionsRow } from "./interactions";
import { MatrixRow } from "./matrix";
import { OutcomeRow } from "./outcome";
import { PredictorsRow } from "./predictors";

function groupWords(group: SetupPayload["groups"][number]): string {
  const terms = [
    ...(group.intercept ? ["intercept"] : []),
    ...group.cells.filter((cell) => cell.on).map((cell) => cell.label),
  ];
  const joint = terms.length > 1 ? (group.correlated ? ", correlated" : ", uncorrelated") : "";
  return `${group.label}: ${terms.join(" + ") || "nothing varies"}${joint}`;
}

/** The form in one line, for when it is folded. */
export function setupWords(setup: SetupPayload): string[] {
  if (!setup.outcome) return ["no outcome yet"];
  const family = setup.families.find(({ value }) => value === setup.family)?.label ?? setup.family;
  const method = setup.is_linear ? (setup.reml ? "REML" : "ML") : `${setup.link} link`;
  return [
    [setup.outcome, family, method].join(", "),
    plural(setup.predictors.length, "predictor"),
    ...(setup.interactions.length > 0 ? [plural(setup.interactions.length, "interaction")] : []),
    ...setup.groups.map(groupWords),
  ];
}

export function FoldedSetup({ setup, onUnfold }: { setup: SetupPayload; onUnfold(): void }) {
  return (
    <button type="button" class="mlm-folded" data-mlm="unfold" aria-expanded="false" onClick={onUnfold}>
      <Icon name="chevron-right" />
      <b>Setup</b>
      {setupWords(setup).map((words, at) => (
        <span key={words}>
          {at > 0 && <i aria-hidden="true">·</i>}
          {words}
        </span>
      ))}
    </button>
  );
}

export function Setup({ traits }: { traits: Traits }) {
  return (
    <section class="mlm-setup" aria-label="Setup">
      <OutcomeRow traits={traits} />
      <PredictorsRow traits={traits} />
      <InteractionsRow traits={traits} />
      <MatrixRow traits={traits} />
    </section>
  );
}
