/** The whole builder: one state from Python, one session of this view. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { Band } from "../band/band";
import type { Runtime } from "../core/draw";
import type { Action, ActionError } from "../model/action";
import { useKeptFocus } from "../model/focus";
import { type Link, type LinkState, type Model, openLink } from "../model/link";
import type { Traits } from "../model/payload";
import { type Session, SessionContext } from "../model/session";
import { readTraits, useTraits } from "../model/traits";
import { Code } from "../results/code";
import { Coefficients } from "../results/coefficients";
import { Predictions } from "../results/predictions";
import { RandomEffects } from "../results/randomEffects";
import { Summary } from "../results/summary";
import { type Tab, Tabs } from "../results/tabs";
import { Header } from "../setup/header";
import { FoldedSetup, Setup } from "../setup/setup";
import type { Palette } from "../style/palette";

interface BuilderProps {
  model: Model;
  root: HTMLElement;
  runtime: Promise<Runtime>;
  palette: Palette;
}

function tabsOf(traits: Traits): Tab[] {
  return [
    { id: "summary", label: "Summary", panel: () => <Summary fit={traits.fit} view={traits.views.coefficients} /> },
    { id: "coefficients", label: "Coefficients", panel: () => <Coefficients traits={traits} /> },
    { id: "random", label: "Random effects", panel: () => <RandomEffects traits={traits} /> },
    { id: "predictions", label: "Predictions", panel: () => <Predictions traits={traits} /> },
    { id: "code", label: "Code", panel: () => <Code fit={traits.fit} /> },
  ];
}

function useLink(model: Model): { link: Link; state: LinkState } {
  const [state, setState] = useState<LinkState>("idle");
  const link = useMemo(() => openLink(model, () => readTraits(model)?.fit.state === "running"), [model]);
  useEffect(() => {
    link.onState(setState);
    return () => link.close();
  }, [link]);
  return { link, state };
}

export function Builder({ model, root, runtime, palette }: BuilderProps) {
  const traits = useTraits(model);
  const { link, state } = useLink(model);
  const [problem, setProblem] = useState<ActionError | null>(null);
  const [linked, setLinked] = useState<string | null>(null);
  const [isFolded, setFolded] = useState(false);
  useKeptFocus(root);

  const ask = useMemo(
    () => async (action: Action) => {
      const reply = await link.request(action);
      // A formula that is not understood is shown at the formula; anything else here.
      const wrong = action.type === "set_formula" ? readTraits(model)?.setup.error : null;
      setProblem(reply.ok || wrong ? null : reply.error);
      return wrong ? { ok: false as const, error: { message: wrong.message, hint: wrong.hint } } : reply;
    },
    [link, model],
  );
  const session: Session = useMemo(
    () => ({ ask, runtime, palette, linked, setLinked }),
    [ask, runtime, palette, linked],
  );
  if (!traits) return <p class="mlm-none">The saved state of this builder is not complete: run the cell again.</p>;
  return (
    <SessionContext.Provider value={session}>
      <Header traits={traits} isFolded={isFolded} onFold={() => setFolded(!isFolded)} />
      {isFolded ? <FoldedSetup setup={traits.setup} onUnfold={() => setFolded(false)} /> : <Setup traits={traits} />}
      <Band traits={traits} isSilent={state === "silent"} problem={problem} onDismiss={() => setProblem(null)} />
      <Tabs tabs={tabsOf(traits)} isBusy={traits.fit.state === "running"} />
    </SessionContext.Provider>
  );
}
