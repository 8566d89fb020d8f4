/** The band between setup and results: formula, Fit, Live, and the status line. */
import { useRef, useState } from "preact/hooks";
import { Icon } from "../controls/icon";
import { Switch } from "../controls/switch";
import { unitsAt } from "../formula/roles";
import type { ActionError } from "../model/action";
import type { FormulaErrorPayload, Traits } from "../model/payload";
import { useSession, useUid } from "../model/session";
import { Callout } from "./callout";
import { FormulaField } from "./formulaField";
import { formulaState, repaired } from "./formulaText";
import { Notes } from "./notes";
import { Status } from "./status";

interface BandProps {
  traits: Traits;
  isSilent: boolean;
  problem: ActionError | null;
  onDismiss(): void;
}

function Problem({ problem, onDismiss }: { problem: ActionError; onDismiss(): void }) {
  return (
    <div class="mlm-problem" role="alert" data-mlm="problem">
      <Icon name="error" />
      <span>
        <b>{problem.message}</b> {problem.hint}
      </span>
      <button type="button" class="mlm-plain" data-mlm="problem-close" aria-label="Dismiss" onClick={onDismiss}>
        <Icon name="close" size={12} />
      </button>
    </div>
  );
}

export function Band({ traits, isSilent, problem, onDismiss }: BandProps) {
  const { setup, fit } = traits;
  const { ask } = useSession();
  const [draft, setDraft] = useState<string | null>(null);
  const [dropped, setDropped] = useState<FormulaErrorPayload | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const wrong = useRef<HTMLSpanElement>(null);
  const latest = useRef<string | null>(null);
  const base = useRef(setup.formula);
  const refused = useRef<FormulaErrorPayload | null>(null);
  const errorId = useUid();
  const state = formulaState(setup, draft, dropped);
  const { error } = state;
  latest.current = draft;
  if (!state.isDraft) base.current = setup.formula;
  refused.current = setup.error;

  // The field itself is asked: Enter may come before the letter before it is drawn.
  const typed = () => field.current?.value.replace(/\r?\n/g, " ") ?? state.text;
  const commit = async (text = typed()): Promise<boolean> => {
    if (text.trim() === "") return false;
    setDropped(null);
    const reply = await ask({ type: "set_formula", text });
    // Python has the text now, as the formula or as the one that is wrong. What was typed since stays.
    const isKept = reply.ok || refused.current?.text === text;
    if (isKept && (latest.current === null || latest.current === text)) setDraft(null);
    return reply.ok;
  };
  const onType = (text: string) => setDraft(text);
  const onRestore = () => {
    setDraft(null);
    setDropped(setup.error);
    field.current?.focus({ preventScroll: true });
  };
  const onFix = () => {
    if (!error || error.replacement === null) return;
    const text = repaired(
      state.text,
      unitsAt(state.text, error.start),
      unitsAt(state.text, error.end),
      error.replacement,
    );
    setDraft(text);
    latest.current = text;
    field.current?.focus({ preventScroll: true });
    void commit(text);
  };
  const onFit = async () => {
    const isTyped = state.isDraft || error !== null;
    if (isTyped && !(await commit())) return;
    if (!isTyped || !setup.live) await ask({ type: "fit" });
  };
  const isRunning = fit.state === "running";
  const isOvertaken = base.current !== setup.formula;
  const isEmpty = state.text.trim() === "";
  const cannotFit = isRunning || isEmpty || error !== null || (setup.prompt !== null && !state.isDraft);
  return (
    <section class="mlm-band" aria-label="Formula" data-row="formula">
      <div class="mlm-formula-row">
        <FormulaField
          traits={traits}
          state={state}
          errorId={errorId}
          wrongRef={wrong}
          fieldRef={field}
          onType={onType}
          onCommit={() => void commit()}
          onRestore={onRestore}
          onFix={onFix}
        />
        <button
          type="button"
          class="mlm-button mlm-primary mlm-fit"
          data-mlm="fit"
          aria-disabled={cannotFit || undefined}
          onClick={() => !cannotFit && void onFit()}
        >
          Fit
        </button>
        <Switch name="live" label="Live" on={setup.live} onChange={(on) => ask({ type: "set_live", on })} />
      </div>
      {error && <Callout id={errorId} error={error} anchor={wrong} onFix={onFix} onDrop={onRestore} />}
      <Status source={{ setup, fit, error, isDraft: state.isDraft, isOvertaken, isBlank: isEmpty, isSilent }}>
        {!error && <Notes findings={fit.findings} />}
      </Status>
      {problem && <Problem problem={problem} onDismiss={onDismiss} />}
    </section>
  );
}
