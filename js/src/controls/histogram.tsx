/** Where the data are, in a line's height. */
export function Histogram({ bins, width = 88, height = 22 }: { bins: number[]; width?: number; height?: number }) {
  const top = Math.max(1, ...bins);
  const step = width / bins.length;
  return (
    <svg class="mlm-histogram" width={width} height={height} aria-hidden="true" focusable="false">
      {bins.map((count, at) => {
        const tall = count > 0 ? Math.max(1, (count / top) * height) : 0;
        return <rect key={at} x={at * step} y={height - tall} width={Math.max(1, step - 1)} height={tall} />;
      })}
    </svg>
  );
}
