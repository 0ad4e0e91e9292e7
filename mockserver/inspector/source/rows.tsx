// A list of any length of which only the rows in sight are in the page; led by arrow keys.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";

const BEYOND = 8;

interface Props {
  label: string;
  count: number;
  rowPx: number;
  /** The index of the chosen row; -1 for none. */
  chosen: number;
  onChoose: (index: number) => void;
  row: (index: number) => ComponentChildren;
  keyOf: (index: number) => string | number;
  /** Stay at the end while rows are added there. */
  atEnd?: boolean;
}

let lists = 0;

export function Rows({ label, count, rowPx, chosen, onChoose, row, keyOf, atEnd = false }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const stays = useRef(atEnd);
  const [name] = useState(() => `rows-${++lists}`);
  const [{ top, height }, setSight] = useState({ top: 0, height: 600 });

  const look = () => {
    const element = box.current;
    if (!element) return;
    setSight({ top: element.scrollTop, height: element.clientHeight });
    stays.current = atEnd && element.scrollTop + element.clientHeight >= element.scrollHeight - rowPx;
  };
  useEffect(() => {
    const resized = new ResizeObserver(() => {
      if (box.current && stays.current) box.current.scrollTop = box.current.scrollHeight;
      look();
    });
    if (box.current) resized.observe(box.current);
    return () => resized.disconnect();
  }, [atEnd, rowPx]);
  const firstKey = useRef<string | number | null>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (element && stays.current) {
      element.scrollTop = element.scrollHeight;
    } else if (element && element.scrollTop > 0) {
      // What is looked at stays where it is while rows are added above it.
      const added = Array.from({ length: count }, (_, index) => keyOf(index)).indexOf(firstKey.current ?? "");
      if (added > 0) element.scrollTop += added * rowPx;
    }
    firstKey.current = count ? keyOf(0) : null;
  }, [count]);

  // What was chosen may be shown below, and leave less room here.
  useLayoutEffect(() => {
    if (chosen >= 0) reveal(chosen);
  }, [height]);

  const lead = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(height / rowPx) - 1);
    const steps: Record<string, number> = {
      ArrowDown: chosen + 1,
      ArrowUp: chosen < 0 ? count - 1 : chosen - 1,
      PageDown: chosen + page,
      PageUp: chosen - page,
      Home: 0,
      End: count - 1,
    };
    const wanted = steps[event.key];
    if (wanted === undefined || !count || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = Math.min(count - 1, Math.max(0, wanted));
    reveal(next);
    onChoose(next);
  };
  const reveal = (index: number) => {
    const element = box.current;
    if (!element) return;
    if (index * rowPx < element.scrollTop) element.scrollTop = index * rowPx;
    const bottom = (index + 1) * rowPx - element.clientHeight;
    if (bottom > element.scrollTop) element.scrollTop = bottom;
  };

  const first = Math.max(0, Math.floor(top / rowPx) - BEYOND);
  const last = Math.min(count, Math.ceil((top + height) / rowPx) + BEYOND);
  const seen = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);
  const active = chosen >= first && chosen < last ? `${name}-${chosen}` : undefined;
  return (
    <div
      class="rows scroll"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={active}
      ref={box}
      onScroll={look}
      onKeyDown={lead}
    >
      <div class="all" role="presentation" style={{ height: `${count * rowPx}px` }}>
        {seen.map((index) => (
          <div
            key={keyOf(index)}
            id={`${name}-${index}`}
            class="row"
            role="option"
            aria-selected={index === chosen}
            aria-setsize={count}
            aria-posinset={index + 1}
            style={{ top: `${index * rowPx}px`, height: `${rowPx}px` }}
            onClick={() => onChoose(index)}
          >
            {row(index)}
          </div>
        ))}
      </div>
    </div>
  );
}
