/** The Code tab: the Python and the R that give the same numbers. */
import { CopyButton } from "../controls/copyButton";
import type { FitPayload } from "../model/payload";

function Block({ name, title, note, text }: { name: string; title: string; note: string; text: string }) {
  return (
    <section class="mlm-code">
      <header>
        <h3>
          {title} <span>{note}</span>
        </h3>
        <CopyButton name={`copy-${name}`} what={title} text={text} />
      </header>
      <pre data-mlm={`code-${name}`} tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}

export function Code({ fit }: { fit: FitPayload }) {
  if (!fit.code) return <p class="mlm-none">No model is fitted yet: the code that makes it will be here.</p>;
  return (
    <>
      <Block name="python" title="Python" note="this package" text={fit.code.python} />
      <Block name="r" title="R" note={/library\((\w+)\)/.exec(fit.code.r)?.[1] ?? ""} text={fit.code.r} />
    </>
  );
}
