package smartlink

import (
	"bytes"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/entrafed/entrafed/internal/csp"
)

// Wording is the text of the page that a refused link shows, for hosts whose people do not read English. Set all of it
// or none; none is English. It is plain text and is escaped.
type Wording struct {
	Lang        string // the language, as in https://www.rfc-editor.org/rfc/rfc5646: "en", "pt-BR"
	Title       string // what happened
	Explanation string // why, and what to do
	HostLabel   string // stands before the host of the refused link
	Action      string // the text of the one link
}

func english(home bool) Wording {
	w := Wording{
		Lang:  "en",
		Title: "This link cannot be opened",
		Explanation: "The link is damaged, or it does not lead to Microsoft 365. Nothing was opened and you were not " +
			"signed in. If somebody sent you this link, ask them for a new one or tell your IT support.",
		HostLabel: "It leads to:",
		Action:    "Continue to Microsoft 365",
	}
	if home {
		w.Action = "Go to the start page"
	}
	return w
}

// orEnglish returns the wording, or the English one if it is zero.
func (w Wording) orEnglish(home bool) (Wording, error) {
	if w == (Wording{}) {
		return english(home), nil
	}
	if w.Title == "" || w.Explanation == "" || w.HostLabel == "" || w.Action == "" {
		return w, errors.New("smartlink: Wording is incomplete: set all of its fields, or none for English")
	}
	if w.Lang == "" || strings.ContainsFunc(w.Lang, func(r rune) bool { return r == '.' || r != '-' && notInName(r) }) {
		return w, errors.New(`smartlink: Wording.Lang is not a language tag such as "en" or "pt-BR"`)
	}
	return w, nil
}

// page is the data of the template.
type page struct {
	Wording
	Host string // of the refused link, or ""
	Href string // of the one link
}

// write answers 400 with the page.
func (p page) write(w http.ResponseWriter, markup *template.Template) {
	var body bytes.Buffer
	if err := markup.Execute(&body, p); err != nil {
		http.Error(w, p.Title, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body.Bytes()) // nobody is left to tell if the browser is gone
}

// contentSecurityPolicy allows the page its style sheet and nothing else.
func contentSecurityPolicy() string {
	return "default-src 'none'; style-src " + csp.Hash(pageStyle) +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// pageStyle must stay free of comments: html/template would remove them, and the hash would no longer match.
const pageStyle = `
html{font-size:100%;-webkit-text-size-adjust:100%}
body{margin:0;padding:1.5rem 1rem;background:#f3f3f3;color:#1b1b1b;
font-family:"Segoe UI",-apple-system,BlinkMacSystemFont,Roboto,"Helvetica Neue",Arial,sans-serif;line-height:1.5}
main{display:block;max-width:32rem;margin:8vh auto 0;padding:1.5rem;background:#fff;border:1px solid #8a8a8a;
border-radius:4px}
h1{margin:0 0 .75rem;font-size:1.375rem;line-height:1.3;font-weight:600}
p{margin:0 0 1rem}
strong{word-wrap:break-word;overflow-wrap:anywhere}
a{display:inline-block;padding:.625rem 1.25rem;border-radius:4px;background:#0b57a4;color:#fff;font-weight:600;
text-decoration:none}
a:hover{text-decoration:underline}
a:focus{outline:3px solid #0b57a4;outline-offset:2px}
@media (prefers-color-scheme:dark){
body{background:#1b1b1b;color:#f3f3f3}
main{background:#262626;border-color:#8a8a8a}
a{background:#8cc4ff;color:#10233a}
a:focus{outline-color:#8cc4ff}
}
`

const pageMarkup = `<!DOCTYPE html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<style>` + pageStyle + `</style>
</head>
<body>
<main dir="auto">
<h1>{{.Title}}</h1>
<p>{{.Explanation}}</p>
{{if .Host}}<p>{{.HostLabel}} <strong dir="ltr">{{.Host}}</strong></p>
{{end}}<p><a href="{{.Href}}">{{.Action}}</a></p>
</main>
</body>
</html>
`
