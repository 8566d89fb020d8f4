/** L1 varies within the group, L2 is constant in it; an interaction across shows both. Letters carry it, not the hue. */
const WORDS: Record<string, string> = {
  L1: "level 1: varies within groups",
  L2: "level 2: constant within groups",
  L3: "level 3: constant within the outer groups",
};

export function LevelBadge({ level }: { level: string | null }) {
  if (!level) return null;
  const parts = level.split("×");
  const words = WORDS[level] ?? `cross-level: ${level}`;
  return (
    <span class="mlm-badge" data-level={parts.length > 1 ? "cross" : level} title={words}>
      {parts.map((part, at) => (
        <span key={part} data-part={part === "L1" ? "low" : "high"}>
          {at > 0 ? "×" : ""}
          {part}
        </span>
      ))}
    </span>
  );
}
