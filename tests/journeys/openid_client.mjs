// Goes through the whole flow by npm's openid-client, and shows what came of it as one line of JSON.
// Its one argument: {issuer, client_id, secret, callback, name, password, scope}.
import * as client from 'openid-client'

const told = JSON.parse(process.argv[2])
const config = await client.discovery(new URL(told.issuer), told.client_id, told.secret, undefined, {
  execute: [client.allowInsecureRequests],
})

const verifier = client.randomPKCECodeVerifier()
const expected = { expectedState: client.randomState(), expectedNonce: client.randomNonce(), maxAge: 600 }
const begin = client.buildAuthorizationUrl(config, {
  redirect_uri: told.callback,
  scope: told.scope,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state: expected.expectedState,
  nonce: expected.expectedNonce,
  max_age: '600',
})

// The person: a login page, a consent page, each a form.
const jar = new Map()
async function visit(url, form) {
  const headers = { cookie: [...jar].map((pair) => pair.join('=')).join('; ') }
  const body = form && new URLSearchParams(form)
  if (form) headers.origin = new URL(url).origin
  const answer = await fetch(url, { method: form ? 'POST' : 'GET', headers, body, redirect: 'manual' })
  for (const line of answer.headers.getSetCookie()) {
    const [name, value] = line.split(';')[0].split(/=(.*)/s)
    jar.set(name, value)
  }
  const location = answer.headers.get('location')
  if (location === null) return answer.text()
  const next = new URL(location, url)
  return next.href.startsWith(told.callback) ? next : visit(next)
}
const csrf = (page) => page.match(/name="csrf" value="([^"]+)"/)[1]

const login = await visit(begin)
const consent = await visit(begin, { csrf: csrf(login), step: 'login', name: told.name, password: told.password })
const back = await visit(begin, { csrf: csrf(consent), step: 'consent', decision: 'allow' })

const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, ...expected })
const claims = tokens.claims()
const who = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
const before = await client.tokenIntrospection(config, refreshed.access_token)
await client.tokenRevocation(config, refreshed.refresh_token)
const after = await client.tokenIntrospection(config, refreshed.access_token)

const again = refreshed.refresh_token !== tokens.refresh_token
console.log(JSON.stringify({ email: who.email, again, active: before.active, after: after.active }))
