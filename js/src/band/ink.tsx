/** The coloured formula under the transparent text of the field: same letters, same wrapping. */
import { Fragment, type RefObject } from "preact";
import type { Piece } from "../formula/roles";

interface InkProps {
  pieces: Piece[];
  linked: string | null;
  wrong: { from: number; to: number } | null;
  /** Set to the wrong part, from which the callout hangs. */
  wrongRef: RefObject<HTMLSpanElement>;
}

interface Group<Key> {
  key: Key;
  pieces: Piece[];
}

function grouped<Key>(pieces: Piece[], keyOf: (piece: Piece) => Key): Group<Key>[] {
  const groups: Group<Key>[] = [];
  for (const piece of pieces) {
    const last = groups.at(-1);
    if (last && last.key === keyOf(piece)) last.pieces.push(piece);
    else groups.push({ key: keyOf(piece), pieces: [piece] });
  }
  return groups;
}

/** Cuts pieces at the borders of the wrong part, which may lie inside a token. */
export function cutAt(pieces: Piece[], borders: number[]): Piece[] {
  return pieces.flatMap((piece) => {
    const inside = borders.filter((border) => border > piece.start && border < piece.end);
    const edges = [piece.start, ...inside, piece.end];
    return edges.slice(1).map((end, at) => {
      const start = edges[at] ?? piece.start;
      return { ...piece, start, end, text: piece.text.slice(start - piece.start, end - piece.start) };
    });
  });
}

function Tokens({ pieces }: { pieces: Piece[] }) {
  return (
    <>
      {pieces.map((piece) => (
        <span key={piece.start} data-role={piece.role} data-at={piece.start}>
          {piece.text}
        </span>
      ))}
    </>
  );
}

export function Ink({ pieces, linked, wrong, wrongRef }: InkProps) {
  const isWrong = ({ start, end }: Piece) => wrong !== null && start >= wrong.from && end <= wrong.to;
  const cut = wrong ? cutAt(pieces, [wrong.from, wrong.to]) : pieces;
  const atEnd = wrong !== null && wrong.from >= (pieces.at(-1)?.end ?? 0);
  return (
    <div class="mlm-ink" aria-hidden="true">
      {grouped(cut, ({ bar }) => bar).map((bar) => (
        <span key={bar.pieces[0]?.start} data-bar={bar.key >= 0 || undefined}>
          {grouped(bar.pieces, (piece) =>
            isWrong(piece) ? "wrong" : `${piece.column !== null && piece.column === linked}`,
          ).map((part) => (
            <Fragment key={part.pieces[0]?.start}>
              {part.key === "wrong" ? (
                <span ref={wrongRef} data-wrong>
                  <Tokens pieces={part.pieces} />
                </span>
              ) : part.key === "true" ? (
                <span data-linked>
                  <Tokens pieces={part.pieces} />
                </span>
              ) : (
                <Tokens pieces={part.pieces} />
              )}
            </Fragment>
          ))}
        </span>
      ))}
      {atEnd && (
        <span ref={wrongRef} data-wrong>
          {"\u00a0"}
        </span>
      )}
      {"\u200b"}
    </div>
  );
}
