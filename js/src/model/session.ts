/** What every part of one view needs: asking Python, the look, and which column is pointed at. */
import { createContext } from "preact";
import { useContext, useMemo } from "preact/hooks";
import type { Runtime } from "../core/draw";
import type { Palette } from "../style/palette";
import type { Action, Reply } from "./action";

export interface Session {
  ask(action: Action): Promise<Reply>;
  runtime: Promise<Runtime>;
  palette: Palette;
  /** The column whose chip, formula tokens and matrix column are lit together. */
  linked: string | null;
  setLinked(column: string | null): void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("A part of the builder was drawn outside of it.");
  return session;
}

let count = 0;

/** An id of this instance: several builders may share a page, or a shadow root. */
export function useUid(): string {
  return useMemo(() => `mlm-${Math.random().toString(36).slice(2, 8)}-${++count}`, []);
}
