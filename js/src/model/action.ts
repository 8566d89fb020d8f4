/** What a click asks Python to do. */
import type { GridValuesPayload } from "./payload";

export type Action =
  | { type: "set_outcome"; column: string }
  | { type: "add_predictor"; column: string }
  | { type: "remove_predictor"; id: string }
  | { type: "set_option"; id: string; value: string }
  | { type: "add_interaction"; ids: string[] }
  | { type: "remove_interaction"; id: string }
  | { type: "add_group"; id: string }
  | { type: "remove_group"; id: string }
  | { type: "set_intercept"; group: string; on: boolean }
  | { type: "set_slope"; group: string; term: string; on: boolean }
  | { type: "set_correlated"; group: string; on: boolean }
  | { type: "set_reml"; on: boolean }
  | { type: "set_family"; family: string }
  | { type: "set_link"; link: string }
  | { type: "set_success"; level: string }
  | { type: "set_trials"; column: string }
  | { type: "set_exposure"; column: string | null }
  | { type: "set_live"; on: boolean }
  | { type: "set_formula"; text: string }
  | { type: "fit" }
  | { type: "undo" }
  | { type: "redo" }
  | { type: "view_coefficients"; intercept?: boolean; ratios?: boolean }
  | { type: "view_caterpillar"; group?: string; sort?: string; ratios?: boolean }
  | {
      type: "view_predictions";
      along?: string;
      lines?: string | null;
      panels?: string | null;
      values?: Record<string, GridValuesPayload>;
      bands?: boolean;
      raw?: boolean;
      average?: boolean;
    };

export interface ActionError {
  message: string;
  hint: string | null;
}

export type Reply = { ok: true } | { ok: false; error: ActionError };
