// A real OpenID Connect provider: oidc-provider, with people and clients in memory and one page of its own for the sign-in.
//
// It reads one line of JSON from its standard input, {clients: [...], people: [{name, password, code, claims}]}, listens on
// a free port of 127.0.0.1, writes {issuer} as one line, and ends when its standard input does.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider, { interactionPolicy } from 'oidc-provider';

// A context that is asked for, and that the session does not have, makes the person sign in again.
function policy() {
  const prompts = interactionPolicy.base();
  prompts.get('login').checks.add(new interactionPolicy.Check('step_up', 'a second factor is needed', 'login_required', (ctx) => {
    const wanted = ctx.oidc.params.acr_values;
    const signedIn = ctx.oidc.session.accountId;
    return Boolean(wanted && signedIn && !wanted.split(' ').includes(ctx.oidc.session.acr));
  }));
  return prompts;
}

function configuration({ clients, people }) {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  return {
    clients,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256', kid: 'test' }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    acrValues: ['mfa'],
    claims: {
      openid: ['sub', 'acr', 'amr'],
      email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'locale', 'preferred_username'],
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          ctx.body = `<!DOCTYPE html><html lang="en"><link rel="icon" href="data:,"><title>Sign out</title><h1>Do you want to sign out?</h1>
${form.replace('</form>', '<button name="logout" value="yes">Sign out</button></form>')}</html>`;
        },
      },
    },
    pkce: { required: () => true },
    interactions: { policy: policy(), url: (_, interaction) => `/interaction/${interaction.uid}` },
    ttl: { Interaction: 600, Session: 3600, Grant: 3600, AccessToken: 600, IdToken: 600 },
    async findAccount(_, id) {
      const person = people.find((p) => p.claims.sub === id);
      return person && { accountId: id, claims: async () => person.claims };
    },
    // The client is the company's own: nobody is asked for consent.
    async loadExistingGrant(ctx) {
      const known = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
      if (known) return ctx.oidc.provider.Grant.find(known);
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
    // The tests' clients listen on this machine, which the provider's own fetch refuses.
    fetch(url, { dispatcher, ...options }) {
      return globalThis.fetch(url, options);
    },
  };
}

const escape = (text) => String(text ?? '').replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function page(uid, { hint, code, problem }) {
  return `<!DOCTYPE html><html lang="en"><link rel="icon" href="data:,"><title>Sign in</title><h1>Sign in at the provider</h1><p id="problem">${escape(problem)}</p>
<form method="post" action="/interaction/${uid}">
<label>User name <input id="username" name="username" value="${escape(hint)}" autocomplete="username"></label>
<label>Password <input id="password" name="password" type="password" autocomplete="current-password"></label>
${code ? '<label>Code <input id="code" name="code" autocomplete="one-time-code"></label>' : ''}
<button>Sign in</button></form>
<a href="/interaction/${uid}/cancel">Cancel</a></html>`;
}

async function readForm(request) {
  let body = '';
  for await (const piece of request) body += piece;
  return new URLSearchParams(body);
}

// interact serves the page for the sign-in.
async function interact(provider, people, request, response) {
  const [, , uid, cancel] = request.url.split('/');
  const { params } = await provider.interactionDetails(request, response);
  const code = Boolean(params.acr_values);
  const show = (status, shown) => {
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(page(uid, { code, ...shown }));
  };
  if (cancel) {
    await provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'The person cancelled.' });
    return;
  }
  if (request.method !== 'POST') {
    show(200, { hint: params.login_hint });
    return;
  }
  const form = await readForm(request);
  const person = people.find((p) => p.name === form.get('username') && p.password === form.get('password'));
  if (!person || (code && (!person.code || person.code !== form.get('code')))) {
    show(422, { hint: form.get('username'), problem: 'That is not right.' });
    return;
  }
  await provider.interactionFinished(request, response, {
    login: { accountId: person.claims.sub, amr: code ? ['pwd', 'otp'] : ['pwd'], acr: code ? 'mfa' : undefined },
  });
}

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
lines.once('line', (line) => {
  const given = JSON.parse(line);
  const server = createServer();
  server.listen(0, '127.0.0.1', () => {
    const issuer = `http://127.0.0.1:${server.address().port}`;
    const provider = new Provider(issuer, configuration(given));
    const callback = provider.callback();
    server.on('request', (request, response) => {
      if (!request.url.startsWith('/interaction/')) {
        callback(request, response);
        return;
      }
      interact(provider, given.people, request, response).catch((error) => {
        response.writeHead(400, { 'content-type': 'text/plain' });
        response.end(error.name);
      });
    });
    process.stdout.write(`${JSON.stringify({ issuer })}\n`);
  });
});
