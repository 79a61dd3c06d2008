package entratest

import "html/template"

// pageScript presses the button of a form that is to be posted at once. Without scripts, people press it.
const pageScript template.JS = `document.getElementById("saml").submit();`

// pageStyle has no face of anybody's brand. Text and controls have a contrast of 4.5 to 1 or more, light and dark.
const pageStyle template.CSS = `
:root { color-scheme: light dark; --ground: #f6f6f4; --sheet: #ffffff; --ink: #1c1c1a; --quiet: #55554f;
  --line: #8a8a82; --accent: #1f5f3f; --on-accent: #ffffff; --note: #fff3d6; --on-note: #3d2c00; }
@media (prefers-color-scheme: dark) { :root { --ground: #161615; --sheet: #21211f; --ink: #efefe9; --quiet: #b9b9b1;
  --line: #85857d; --accent: #8fd6b0; --on-accent: #0c1f15; --note: #3d3110; --on-note: #ffe9b0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
.banner { padding: .5rem 1rem; background: var(--note); color: var(--on-note); text-align: center;
  font-weight: 600; }
main { max-width: 46rem; margin: 1.5rem auto; padding: 1.5rem; background: var(--sheet); border: 1px solid var(--line);
  border-radius: .5rem; overflow-wrap: anywhere; }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 1.5rem 0 .5rem; font-size: 1.15rem; }
dt { font-weight: 600; }
dd { margin: 0 0 .75rem; }
.quiet { color: var(--quiet); font-size: .9rem; }
.note { margin-top: 1.5rem; padding: 1rem; border: 2px solid var(--line); border-radius: .5rem; }
.note h2 { margin-top: 0; }
label { display: block; font-weight: 600; margin-bottom: .25rem; }
input[type=email] { width: 100%; padding: .6rem; font: inherit; color: inherit; background: var(--sheet);
  border: 1px solid var(--line); border-radius: .25rem; }
button { margin-top: 1rem; padding: .6rem 1.25rem; font: inherit; font-weight: 600; color: var(--on-accent);
  background: var(--accent); border: 0; border-radius: .25rem; cursor: pointer; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .5rem; border-bottom: 1px solid var(--line); }
@media (max-width: 40rem) { main { margin: 0; border-radius: 0; border-width: 0 0 1px; padding: 1rem; } }
`

// pageTemplate is written so that a plain parser finds the forms: attributes are quoted, and void elements are closed.
var pageTemplate = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>{{.Title}}</title>
<style>{{.Style}}</style>
</head>
<body>
<header class="banner">{{.Banner}}</header>
<main>
<h1>{{.Heading}}</h1>
{{if eq .Kind "message"}}<p>{{.Text}}</p>
{{else if eq .Kind "post"}}<p>If nothing happens, press the button.</p>
<form id="saml" method="post" action="{{.Request.URL}}">
<input type="hidden" name="SAMLRequest" value="{{.Request.SAMLRequest}}" />
<input type="hidden" name="RelayState" value="{{.Request.RelayState}}" />
<button type="submit">Continue</button>
</form>
<script>{{.Script}}</script>
{{else if eq .Kind "ask"}}{{with .Text}}<p role="alert">{{.}}</p>
{{end}}<form method="get" action="/login.srf">
<input type="hidden" name="wa" value="wsignin1.0" />
{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}" />
{{end}}<label for="login_hint">Your work or school address</label>
<input type="email" id="login_hint" name="login_hint" value="{{.Hint}}" autocomplete="username" required="required" />
<button type="submit">Next</button>
</form>
{{else if eq .Kind "error"}}<p><strong>{{.Code}}</strong>: {{.Message}}</p>
<p class="quiet">Trace ID: {{.TraceID}}<br />Correlation ID: {{.CorrelationID}}<br />Timestamp: {{.Timestamp}}</p>
<section class="note" aria-labelledby="added">
<h2 id="added">What the simulation adds</h2>
<p class="quiet">Entra shows none of this.</p>
<dl>
{{if .Rule}}<dt>Rule {{.Rule}}</dt><dd>{{.RuleTitle}}</dd>
{{end}}<dt>Found</dt><dd>{{.Detail}}</dd>
<dt>What this code is about</dt><dd>{{.Cause}}</dd>
<dt>What to do</dt><dd>{{.Remedy}}</dd>
</dl>
{{if .Findings}}<details>
<summary>All rules</summary>
<div class="table" role="region" aria-label="All rules" tabindex="0">
<table>
<thead>
<tr><th scope="col">Rule</th><th scope="col">Outcome</th><th scope="col">What it asks, and what was found</th></tr>
</thead>
<tbody>
{{range .Findings}}<tr>
<th scope="row">{{.Rule}}</th>
<td>{{.Outcome}}{{with .Code}}<br />{{.}}{{end}}</td>
<td>{{.Title}}{{with .Detail}}<br /><span class="quiet">{{.}}</span>{{end}}</td>
</tr>
{{end}}</tbody>
</table>
</div>
</details>
{{end}}</section>
{{else if eq .Kind "app"}}<p>Here would be <strong>{{.Address}}</strong>.</p>
<h2>Signed in</h2>
<dl>
<dt>Name</dt><dd id="display-name">{{.User.DisplayName}}</dd>
<dt>User principal name</dt><dd id="upn">{{.User.UPN}}</dd>
<dt>Federated domain</dt><dd>{{.Realm}}</dd>
<dt>Licences</dt><dd id="licences">{{range $i, $name := .Licences}}{{if $i}}, {{end}}{{$name}}{{else}}none{{end}}</dd>
</dl>
<p><a href="/logout">Sign out</a></p>
{{else if eq .Kind "signedout"}}<p>The session of this browser has ended.</p>
{{with .Text}}<p id="identity-provider">{{.}}.</p>
{{end}}{{with .Link}}<p><a href="{{.}}">Sign out of your organization as well</a></p>
{{end}}{{end}}</main>
</body>
</html>
`))
