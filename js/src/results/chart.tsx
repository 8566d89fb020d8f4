/** A chart drawn by the shared runtime. Counts its draws in `data-drawn`; the old drawing stays until the new one is there. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Drawing } from "../core/draw";
import type { ChartPayload } from "../model/payload";
import { useSession } from "../model/session";

interface ChartProps {
  name: string;
  label: string;
  chart: ChartPayload;
}

function isSpec(chart: ChartPayload): chart is { spec: Record<string, unknown>; version: number } {
  return chart !== null && "spec" in chart;
}

/** The chart's own title, for who cannot see it. */
function spoken(label: string, chart: ChartPayload): string {
  const title = isSpec(chart)
    ? (chart.spec.title as { text?: unknown; subtitle?: unknown } | string | undefined)
    : undefined;
  const parts = typeof title === "object" ? [title.text, title.subtitle] : [title];
  const words = parts.flat().filter((part): part is string => typeof part === "string");
  return [label, ...words].join(". ");
}

export function Chart({ name, label, chart }: ChartProps) {
  const { runtime, palette } = useSession();
  const frame = useRef<HTMLDivElement>(null);
  const shown = useRef<{ drawing: Drawing; box: HTMLElement } | null>(null);
  const [drawn, setDrawn] = useState(0);
  const [failure, setFailure] = useState<string | null>(null);

  const clear = () => {
    shown.current?.drawing.finalize();
    shown.current?.box.remove();
    shown.current = null;
  };
  useEffect(() => clear, []);
  useEffect(() => {
    if (!isSpec(chart)) return clear();
    let isOver = false;
    const box = document.createElement("div");
    const draw = async () => {
      const drawing = await (await runtime).draw(box, chart.spec, {
        scheme: palette.scheme,
        background: palette.colors.bg,
      });
      if (isOver) return drawing.finalize();
      clear();
      frame.current?.append(box);
      shown.current = { drawing, box };
      setDrawn((count) => count + 1);
      setFailure(null);
    };
    draw().catch((error: unknown) => !isOver && setFailure(error instanceof Error ? error.message : String(error)));
    return () => {
      isOver = true;
    };
  }, [isSpec(chart) ? chart.version : null, isSpec(chart) ? chart.spec : null, palette, runtime]);

  const message = chart === null ? "Fit a model to see this chart." : "message" in chart ? chart.message : null;
  return (
    <div class="mlm-chart" data-mlm={name} data-drawn={drawn} aria-busy={isSpec(chart) && drawn === 0 && !failure}>
      {message && <p class="mlm-none">{message}</p>}
      {failure && (
        <p class="mlm-none" role="alert">
          The chart could not be drawn: {failure}
        </p>
      )}
      <div ref={frame} class="mlm-chart-frame" role="img" aria-label={spoken(label, chart)} hidden={message !== null} />
    </div>
  );
}
