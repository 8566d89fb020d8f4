/** The names a formula may use, and which of them are of the group level. */
import { useMemo } from "preact/hooks";
import type { Names } from "../formula/roles";
import type { Traits } from "../model/payload";
import { groupColumns } from "./columnOptions";

export function useNames(traits: Traits): Names {
  return useMemo(() => {
    const groups = groupColumns(traits);
    const isGroupLevel = (within: string[]) => within.some((name) => groups.includes(name));
    return {
      columns: new Set(traits.data.columns.map(({ name }) => name)),
      groupLevel: new Set(
        traits.data.columns
          .filter((column) => groups.includes(column.name) || isGroupLevel(column.constant_within))
          .map(({ name }) => name),
      ),
    };
  }, [traits.data, traits.setup.groups]);
}
