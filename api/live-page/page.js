// One small live page until the console comes: values, open alerts, power, the last mail. Asks the public API only.
import { drawChart } from './chart.js'
import { forgetKey, post, read, readAll, readText, takeFragment } from './http.js'
import { parseMail } from './mail.js'

const everyMs = 2_000
const chartEveryMs = 30_000
const dayMs = 86_400_000
const chartStepMs = 15 * 60_000
/** What a card shows first; the others follow by name. */
const firstMetrics = [
  ...['power', 'voltage', 'voltage_l1', 'current', 'current_l1', 'energy', 'temperature', 'load'],
  ...['messages_per_s', 'acks_per_s', 'log_lag_bytes', 'disk_free', 'memory_rss', 'mails_waiting'],
]
const shownMetrics = 6

const at = (id) => document.querySelector(`#${id}`)

function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties)
  node.append(...children)
  return node
}

/** Times are the site's; with sites in several zones, the first one's. */
let timeZone = 'UTC'
const format = (time, options) =>
  new Intl.DateTimeFormat([], { ...options, hourCycle: 'h23', timeZone }).format(new Date(time))
const clock = (time) => format(time, { timeStyle: 'medium' })
const hour = (time) => format(time, { timeStyle: 'short' })
const unitSigns = { Cel: '°C', 1: '', 'V.A': 'VA' }

function measured(value, unit) {
  if (unit === 'By') return bytes(value)
  if (Math.abs(value) >= 1_000 && (unit === 'W' || unit === 'var' || unit === 'V.A'))
    return `${(value / 1_000).toFixed(2)} k${unitSigns[unit] ?? unit}`
  const digits = Math.abs(value) >= 1_000 ? 0 : 2
  return `${value.toLocaleString([], { maximumFractionDigits: digits })} ${unitSigns[unit] ?? unit}`.trim()
}

const byteSigns = ['B', 'kB', 'MB', 'GB', 'TB']

function bytes(value) {
  const power = Math.min(byteSigns.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)))
  return `${(value / 1_000 ** power).toLocaleString([], { maximumFractionDigits: 1 })} ${byteSigns[power]}`
}

const inWords = (metric) => metric.replaceAll('_', ' ')

/** Viewers look on. */
let mayAcknowledge = false

function drawAlert(alert, names) {
  const { evidence } = alert
  const device = names.get(alert.deviceId) ?? alert.deviceId
  const name = alert.metric === null ? device : `${device}, ${inWords(alert.metric)}`
  const what =
    evidence.kind === 'threshold'
      ? `${measured(evidence.value, evidence.unit)}, limit ${evidence.op} ${measured(evidence.limit, evidence.unit)}`
      : `no message for ${evidence.intervals} intervals`
  const done = alert.acknowledgedAt !== null
  const button = element(
    'button',
    { type: 'button', disabled: done || !mayAcknowledge, hidden: !done && !mayAcknowledge },
    done ? 'Acknowledged' : 'Acknowledge',
  )
  button.addEventListener('click', async () => {
    button.disabled = true
    await post(`/alerts/${alert.id}/acknowledge`, {}).catch(complain)
    await refresh()
  })
  return element(
    'div',
    { className: `alert ${alert.severity}` },
    element(
      'div',
      {},
      element('p', {}, element('b', {}, alert.severity), ` ${alert.ruleName}: ${name}`),
      element('p', { className: 'soft' }, `${what}, since ${clock(alert.startedAt)}`),
    ),
    button,
  )
}

function rank({ metric }) {
  const place = firstMetrics.indexOf(metric)
  return place < 0 ? firstMetrics.length : place
}

function drawDevice(device, latest, alerts) {
  const own = alerts.filter(({ deviceId }) => deviceId === device.id)
  const worst = ['critical', 'warning', 'info'].find((severity) => own.some((alert) => alert.severity === severity))
  const values = [...latest].sort((a, b) => rank(a) - rank(b) || a.metric.localeCompare(b.metric))
  const online = device.presence.online
  const title = online ? 'online' : 'offline'
  // Nobody connects as the platform: it cannot be offline.
  const isPlatform = device.id === 'platform'
  const dot = isPlatform ? [] : [element('span', { className: online ? 'dot online' : 'dot', title })]
  return element(
    'article',
    { className: worst === undefined ? 'card' : `card alarmed ${worst}` },
    element('h3', {}, ...dot, device.name),
    element('p', { className: 'soft' }, isPlatform ? 'about itself' : `${device.profileId} · ${title}`),
    element(
      'dl',
      {},
      ...values
        .slice(0, shownMetrics)
        .flatMap(({ metric, value, unit, quality }) => [
          element('dt', {}, inWords(metric)),
          element('dd', { className: quality, title: quality }, measured(value, unit ?? '')),
        ]),
    ),
  )
}

/** Devices under the asset above theirs, so that a panel stands with its loads; what stands alone comes first, together. */
function drawGroups(devices, assets, latest, alerts) {
  const byId = new Map(assets.map((asset) => [asset.id, asset]))
  const groups = new Map()
  for (const device of devices) {
    const asset = byId.get(device.assetId)
    const group = asset?.kind === 'load' ? (byId.get(asset.parentId) ?? asset) : asset
    const name = group?.name ?? (device.id === 'platform' ? 'Platform' : 'Without an asset')
    groups.set(name, [...(groups.get(name) ?? []), device])
  }
  // What the group is called after stands first in it.
  for (const [name, members] of groups) members.sort((a, b) => (b.name === name) - (a.name === name))
  const alone = [...groups].filter(([, members]) => members.length === 1)
  const together = [...groups].filter(([, members]) => members.length > 1)
  const platformLast = alone
    .flatMap(([, members]) => members)
    .sort((a, b) => (a.id === 'platform') - (b.id === 'platform'))
  const rows = platformLast.length === 0 ? together : [['', platformLast], ...together]
  return rows.map(([name, members]) =>
    element(
      'div',
      { className: 'group' },
      ...(name === '' ? [] : [element('p', { className: 'soft' }, name)]),
      element(
        'div',
        { className: 'cards' },
        ...members.map((one) => drawDevice(one, latest.get(one.id) ?? [], alerts)),
      ),
    ),
  )
}

/** What somebody reads who has just started, or sees a site that is empty. */
function firstSteps(devices) {
  if (devices.some(({ id }) => id !== 'platform')) return []
  const docs = element('a', { href: '/docs' }, 'HTTP API')
  return [element('p', { className: 'soft' }, 'No meter yet. An admin registers one over the ', docs, '.')]
}

let chartDueMs = 0
async function refreshChart(devices) {
  const now = Date.now()
  if (now < chartDueMs) return
  const panels = devices.filter(({ profileId }) => profileId === 'meter-3ph')
  at('power').parentElement.hidden = panels.length === 0
  if (panels.length === 0) return
  const query = `metric=power&bucket=15m&fn=avg&from=${now - dayMs}&to=${now}`
  const sums = new Map()
  for (const { id } of panels) {
    const { items } = await read(`/devices/${id}/readings?${query}`).catch(() => ({ items: [] }))
    for (const { from, value } of items) sums.set(Date.parse(from), (sums.get(Date.parse(from)) ?? 0) + value / 1_000)
  }
  const points = [...sums].sort(([a], [b]) => a - b).map(([timeMs, value]) => ({ timeMs, value }))
  // Asked for again at once while there is nothing to draw.
  if (points.length > 0) chartDueMs = now + chartEveryMs
  const width = Math.max(320, at('power').clientWidth)
  const frame = { fromMs: now - dayMs, toMs: now, stepMs: chartStepMs, unit: 'kW', width, hour }
  at('power').replaceChildren(drawChart(points, frame))
}

const { mail: wantedMail } = takeFragment()

let shownMail
async function refreshMail() {
  const { items } = await read('/notifications?limit=20')
  const last =
    wantedMail === null ? items.find(({ state, kind }) => state === 'sent' && kind === 'alert') : await wanted()
  if (last === undefined || last.id === shownMail) return
  const { subject, to, html } = parseMail(await readText(`/notifications/${last.id}/message`))
  shownMail = last.id
  // Its own origin is ours, so that its height can be read; scripts stay forbidden.
  const frame = element('iframe', { title: subject, sandbox: 'allow-same-origin', srcdoc: html })
  frame.addEventListener('load', () => {
    frame.style.height = `${frame.contentDocument.documentElement.scrollHeight + 2}px`
  })
  at('mail').replaceChildren(
    element('p', { className: 'soft' }, `${subject} — to ${to}, ${clock(last.createdAt)}`),
    frame,
  )
}

/** The mail that the page was opened for; it comes first. */
async function wanted() {
  at('mail-title').textContent = 'Mail'
  at('live').prepend(at('mail').parentElement)
  return read(`/notifications/${wantedMail}`)
}

function complain(error) {
  const bad = error instanceof Error
  at('state').classList.toggle('bad', bad)
  at('state').textContent = bad ? `Not up to date: ${error.message}` : error
}

async function refresh() {
  const [sites, devices, assets, alerts] = await Promise.all([
    readAll('/sites'),
    readAll('/devices'),
    readAll('/assets'),
    readAll('/alerts?state=firing'),
  ])
  const answers = await Promise.all(devices.map(({ id }) => read(`/devices/${id}/latest`)))
  const latest = new Map(devices.map(({ id }, i) => [id, answers[i].items]))
  timeZone = sites[0]?.timeZone ?? timeZone
  at('site').textContent = sites.map(({ name }) => name).join(', ')
  const none = element('p', { className: 'soft' }, 'None. All is well.')
  const names = new Map(devices.map(({ id, name }) => [id, name]))
  at('alerts').replaceChildren(...(alerts.length === 0 ? [none] : alerts.map((alert) => drawAlert(alert, names))))
  at('devices').replaceChildren(...firstSteps(devices), ...drawGroups(devices, assets, latest, alerts))
  complain(`Live · ${clock(Date.now())}`)
  await refreshChart(devices)
  await refreshMail()
}

async function run() {
  for (;;) {
    try {
      if (!document.hidden) await refresh()
    } catch (error) {
      if (isForTheGate(error)) return leave(error)
      complain(error)
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

/** Who is neither signed in nor has a key that is good, or who has to enable a second factor. */
function isForTheGate({ status, code }) {
  return status === 401 || code === 'second_factor_needed'
}

/** They come back here after that, to the same mail. */
function leave({ code } = {}) {
  forgetKey()
  const here = wantedMail === null ? '/' : `/#mail=${encodeURIComponent(wantedMail)}`
  const step = code === 'second_factor_needed' ? '&step=enable' : ''
  location.replace(`/sign-in#next=${encodeURIComponent(here)}${step}`)
}

at('leave').addEventListener('click', async () => {
  at('leave').disabled = true
  await post('/auth/sign-out', {}).catch(() => undefined)
  leave()
})

async function begin() {
  const { kind, name, role, needsSecondFactor } = await read('/auth/session')
  if (needsSecondFactor) return leave({ code: 'second_factor_needed' })
  mayAcknowledge = role !== 'viewer'
  at('who').textContent = name
  at('leave').hidden = kind !== 'person'
  at('live').hidden = false
  await run()
}

begin().catch((error) => {
  if (isForTheGate(error)) leave(error)
  else complain(error)
})
