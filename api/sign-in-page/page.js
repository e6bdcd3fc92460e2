// How people come in: password, second factor, the links of mails, an API key. Asks the public API only.
import { ask, takeFragment } from './http.js'

const at = (id) => document.querySelector(`#${id}`)
const steps = [...document.querySelectorAll('[data-step]')]
const storedKey = 'pelbiot-key'
const leads = {
  password: 'Sign in to see your meters and alerts.',
  code: 'One more step: your second factor.',
  recovery: 'One more step: a recovery code. Each is good once.',
  forgotten: 'We send a link to the address, if it is that of somebody here.',
  key: 'For programs, and for people who have no account yet.',
  enable: 'A second factor is demanded of you here. Have an authenticator app at hand.',
  confirm: 'Add this to your authenticator app, and keep the recovery codes where you find them without it.',
}

const { token, error: refusal, step, next } = takeFragment()

function show(id, lead = leads[id]) {
  for (const step of steps) step.hidden = step.id !== id
  at('lead').textContent = lead
  at('fault').hidden = true
  at(id).querySelector('input:not([type=checkbox])')?.focus()
}

function complain(error) {
  const fields = (error.errors ?? []).map(({ field, message }) => `${field} ${message}`)
  const text = fields.length > 0 ? fields.join('. ') : error.message
  at('fault').textContent = text.charAt(0).toUpperCase() + text.slice(1)
  at('fault').hidden = false
}

function tell(text) {
  at('news').textContent = text
  at('news').hidden = false
}

/** A form that is sent by a script: nothing twice at once, and what went wrong is said beside it. */
function onSubmit(id, work) {
  at(id).addEventListener('submit', async (event) => {
    event.preventDefault()
    const button = at(id).querySelector('[type=submit]')
    button.disabled = true
    at('fault').hidden = true
    at('news').hidden = true
    try {
      await work(Object.fromEntries(new FormData(at(id))), at(id))
    } catch (error) {
      complain(error)
    } finally {
      button.disabled = false
    }
  })
}

/** Where they wanted to go; only within this platform. */
function enter() {
  sessionStorage.removeItem(storedKey)
  location.replace(next)
}

onSubmit('password', async ({ email, password, remember }, form) => {
  const { state } = await ask('/auth/sign-in', { email, password, remember: remember === 'on' })
  form.elements.password.value = ''
  if (state === 'code-needed') show('code')
  else if ((await ask('/auth/session')).needsSecondFactor) show('enable')
  else enter()
})

onSubmit('code', async ({ code }) => {
  await ask('/auth/sign-in/code', { code })
  enter()
})

onSubmit('recovery', async ({ recoveryCode }) => {
  await ask('/auth/sign-in/code', { recoveryCode: recoveryCode.trim() })
  enter()
})

onSubmit('enable', async ({ password }, form) => {
  const { uri, recoveryCodes } = await ask('/auth/totp', { password })
  form.elements.password.value = ''
  const link = at('confirm').querySelector('a')
  // Nothing else may stand behind the one link here that leaves the platform.
  if (uri.startsWith('otpauth://')) link.href = uri
  at('secret').textContent = new URL(uri).searchParams.get('secret').replace(/(.{4})(?=.)/g, '$1 ')
  at('recovery-codes').replaceChildren(
    ...recoveryCodes.map((code) => Object.assign(document.createElement('li'), { textContent: code })),
  )
  show('confirm')
})

onSubmit('confirm', async ({ code }) => {
  await ask('/auth/totp/confirm', { code })
  enter()
})

onSubmit('forgotten', async ({ email }) => {
  await ask('/auth/password-reset', { email })
  show('password')
  tell('If somebody here has that address, a mail with a link is on its way. The link is good once, for an hour.')
})

onSubmit('key', ({ key }) => {
  sessionStorage.setItem(storedKey, key.trim())
  location.replace(next)
})

onSubmit('link', async ({ password, again, name, email }) => {
  if (password !== again) throw new Error('The two passwords differ.')
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const person = at('first-admin').hidden
    ? await ask('/auth/link/password', { token, password })
    : await ask('/auth/set-up', { token, name, email, password, timeZone })
  show('password')
  at('password').elements.email.value = person.email
  at('password').elements.password.focus()
  tell('The password is set. Sign in with it.')
})

for (const button of document.querySelectorAll('[data-show]'))
  button.addEventListener('click', () => {
    at('news').hidden = true
    show(button.dataset.show)
  })

async function openLink() {
  const { purpose, email, name } = await ask('/auth/link', { token })
  const first = purpose === 'setup'
  at('first-admin').hidden = !first
  for (const input of at('first-admin').querySelectorAll('input')) input.required = first
  const whose = name ?? email
  show(
    'link',
    first
      ? 'Welcome. You become the first administrator.'
      : `${purpose === 'invitation' ? 'Welcome' : 'Hello'}, ${whose}.`,
  )
}

async function begin() {
  if (token !== null) {
    await openLink().catch((error) => {
      show('password')
      complain(
        error.status === 429
          ? error
          : new Error('This link was used, has expired, or is not whole. Ask for another one.'),
      )
    })
    return
  }
  show(step === 'enable' ? 'enable' : 'password')
  if (refusal !== null)
    complain(
      new Error('The organisation’s sign-in did not let you in, or nobody here has its address. Ask an administrator.'),
    )
  // What cannot be asked about is not offered.
  const { oidc } = await ask('/auth/methods').catch(() => ({ oidc: null }))
  at('provider').hidden = oidc === null
  if (oidc !== null) at('provider').querySelector('a').textContent = `Sign in with ${oidc.name}`
}

begin().catch(complain)
