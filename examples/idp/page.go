package main

import (
	"bytes"
	_ "embed" // the pages' parts
	"html/template"
	"net/http"
	"strings"

	"github.com/entrafed/entrafed/internal/csp"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// pages are the host's own pages. None of them has a script.
type pages struct {
	template *template.Template
	policy   string // Content-Security-Policy
}

// message is a page that says one thing and leads to one place.
type message struct{ Title, Text, Action, Label string }

func newPages() *pages {
	return &pages{
		template: template.Must(template.New("page").Parse(pageHTML)),
		policy: strings.Join([]string{
			"default-src 'none'",
			"style-src " + csp.Hash(pageCSS),
			// Browsers apply this to the redirects that follow the post as well: they lead by way of the Bridge and
			// Microsoft's sign-in to wherever the person wanted to go.
			"form-action https:",
			"base-uri 'none'",
			"frame-ancestors 'none'",
		}, "; "),
	}
}

func (p *pages) signIn(w http.ResponseWriter, status int, f form) { p.write(w, status, "signin", f) }

func (p *pages) message(w http.ResponseWriter, status int, m message) {
	p.write(w, status, "message", m)
}

func (p *pages) write(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	err := p.template.ExecuteTemplate(&page, name, map[string]any{"Data": data, "Style": template.CSS(pageCSS)})
	if err != nil {
		http.Error(w, "The page could not be shown.", http.StatusInternalServerError)
		return
	}
	// Not no-referrer: browsers would then send "Origin: null" with the form, by which a form of this site cannot be
	// told from another's.
	csp.Protect(w.Header(), p.policy, csp.SameOrigin)
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}
