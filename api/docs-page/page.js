// Draws /openapi.json and lets people try each operation. No library: it must work on a gateway without internet.

const keyInput = document.querySelector('#key')
keyInput.value = sessionStorage.getItem('pelbiot-key') ?? ''
keyInput.addEventListener('input', () => sessionStorage.setItem('pelbiot-key', keyInput.value))

const api = await (await fetch('/openapi.json')).json()
document.querySelector('#about').replaceChildren(...prose(api.info.description))
document.querySelector('#operations').replaceChildren(...api.tags.flatMap(drawTag))

/** An element with properties and children; text is never parsed as HTML. */
function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties)
  node.append(...children)
  return node
}

/** Text whose `code` is set as code. */
function prose(text) {
  return text.split('`').map((part, i) => (i % 2 === 1 ? element('code', {}, part) : part))
}

function drawTag({ name, description }) {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(name))
      .map(([method, operation]) => drawOperation(method.toUpperCase(), path, operation)),
  )
  return [element('h2', {}, name), element('p', {}, ...prose(description)), ...operations]
}

function drawOperation(method, path, operation) {
  const form = element('form')
  const fields = (operation.parameters ?? []).map((parameter) => drawParameter(parameter))
  const bodySchema = operation.requestBody?.content['application/json'].schema
  const body = bodySchema && element('textarea', { rows: 8, value: JSON.stringify(sample(bodySchema), null, 2) })
  const answer = element('pre', { hidden: true })
  form.append(...fields.map(({ label }) => label))
  if (body) form.append(element('label', {}, 'Body', body), element('pre', {}, print(bodySchema)))
  form.append(element('button', {}, 'Send'), answer)
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    answer.hidden = false
    answer.textContent = await send(method, address(path, fields), { fields, body: body?.value })
  })

  const answers = Object.entries(operation.responses).map(([status, { description, content }]) => {
    const [media] = Object.values(content ?? {})
    const isProblem = content && 'application/problem+json' in content
    return `${status}  ${description}${media && !isProblem ? `\n${print(media.schema)}` : ''}`
  })
  return element(
    'details',
    { id: operation.operationId },
    element('summary', {}, element('b', {}, method), element('code', {}, path), element('span', {}, operation.summary)),
    ...operation.description.split('\n\n').map((text) => element('p', {}, ...prose(text))),
    form,
    element('pre', {}, answers.join('\n')),
  )
}

function drawParameter({ name, in: place, required, description, schema }) {
  const input = element('input', { required, placeholder: String(schema.example ?? schema.enum?.join(' | ') ?? '') })
  const label = element(
    'label',
    {},
    required ? `${name} *` : name,
    input,
    element('small', {}, ...prose(description ?? '')),
  )
  return { name, place, input, label }
}

function address(path, fields) {
  const query = new URLSearchParams()
  for (const { name, place, input } of fields)
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(input.value))
    else if (place === 'query' && input.value !== '') query.set(name, input.value)
  return query.size > 0 ? `${path}?${query}` : path
}

async function send(method, url, { fields, body }) {
  const headers = {}
  for (const { name, place, input } of fields) if (place === 'header' && input.value !== '') headers[name] = input.value
  if (keyInput.value !== '') headers.authorization = `Bearer ${keyInput.value}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  try {
    const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    const shown = isJson ? JSON.stringify(JSON.parse(text), null, 2) : text
    return `${method} ${url}\n${response.status} ${response.statusText}\n\n${shown}`
  } catch (error) {
    return `${method} ${url}\n${error}`
  }
}

function resolve(schema) {
  return schema.$ref ? api.components.schemas[schema.$ref.split('/').at(-1)] : schema
}

/** A schema as people write types. */
function print(given, indent = '') {
  const schema = resolve(given)
  const union = schema.anyOf ?? schema.oneOf
  if (union) return union.map((one) => print(one, indent)).join(' | ')
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ')
  if (schema.items) return `[${print(schema.items, indent)}]`
  if (schema.properties) {
    const lines = Object.entries(schema.properties).map(([name, inner]) => {
      const mark = schema.required?.includes(name) ? '' : '?'
      const note = inner.description ? `  // ${inner.description}` : ''
      return `${indent}  ${name}${mark}: ${print(inner, `${indent}  `)}${note}`
    })
    return `{\n${lines.join('\n')}\n${indent}}`
  }
  if (typeof schema.additionalProperties === 'object') return `{ …: ${print(schema.additionalProperties, indent)} }`
  return [schema.type ?? 'any'].flat().join(' | ')
}

/** A body to begin with: what is required, with its examples. */
function sample(given) {
  const schema = resolve(given)
  if (schema.example !== undefined) return schema.example
  if (schema.enum) return schema.enum[0]
  if (schema.properties) {
    const names = schema.required ?? Object.keys(schema.properties)
    return Object.fromEntries(names.map((name) => [name, sample(schema.properties[name])]))
  }
  const [type] = [schema.type].flat()
  return { array: [], object: {}, number: 0, integer: 1, boolean: true, null: null }[type] ?? ''
}
