// A small area chart. Times are epoch ms; a gap in the data is a gap in the line.

const svgNamespace = 'http://www.w3.org/2000/svg'
const margins = { left: 56, right: 12, top: 14, bottom: 26 }
const height = 240

function shape(name, attributes, text) {
  const node = document.createElementNS(svgNamespace, name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  if (text !== undefined) node.textContent = text
  return node
}

/** The least round number that is not below `value`. */
function roundUp(value) {
  const step = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 2.5, 5, 10].map((factor) => factor * step).find((round) => round >= value) ?? value
}

/** Runs of points without a gap. */
function runsOf(points, stepMs) {
  const runs = []
  for (const point of points) {
    const run = runs.at(-1)
    if (run !== undefined && point.timeMs - run.at(-1).timeMs <= stepMs * 1.5) run.push(point)
    else runs.push([point])
  }
  return runs
}

/**
 * `points`: `{timeMs, value}` in ascending time, one each `stepMs`; drawn over [fromMs, toMs], as wide as `width` pixels;
 * `hour` writes a time on the axis.
 */
export function drawChart(points, { fromMs, toMs, stepMs, unit, width, hour }) {
  const { left, right, top, bottom } = margins
  const highest = roundUp(Math.max(1, ...points.map(({ value }) => value)))
  const x = (timeMs) => left + ((timeMs - fromMs) / (toMs - fromMs)) * (width - left - right)
  const y = (value) => top + (1 - value / highest) * (height - top - bottom)
  const last = points.at(-1)
  const label =
    last === undefined ? 'No data' : `Now ${last.value.toFixed(1)} ${unit}, highest scale ${highest} ${unit}`
  const svg = shape('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label })

  for (const share of [0, 0.5, 1]) {
    const at = y(highest * share)
    svg.append(shape('line', { class: 'grid', x1: left, x2: width - right, y1: at, y2: at }))
    svg.append(shape('text', { x: left - 8, y: at + 4, 'text-anchor': 'end' }, `${highest * share} ${unit}`))
  }
  const everyMs = (width < 600 ? 6 : 3) * 3_600_000
  for (let timeMs = Math.ceil(fromMs / everyMs) * everyMs; timeMs < toMs; timeMs += everyMs)
    svg.append(shape('text', { x: x(timeMs), y: height - 7, 'text-anchor': 'middle' }, hour(timeMs)))
  for (const run of runsOf(points, stepMs)) {
    const path = run.map(({ timeMs, value }) => `${x(timeMs).toFixed(1)},${y(value).toFixed(1)}`).join(' L')
    const [start, end] = [x(run[0].timeMs), x(run.at(-1).timeMs)]
    svg.append(shape('path', { class: 'area', d: `M${start},${y(0)} L${path} L${end},${y(0)} Z` }))
    svg.append(shape('path', { class: 'line', d: `M${path}` }))
  }
  return svg
}
