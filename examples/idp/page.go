package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the pages' parts
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
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
	sum := sha256.Sum256([]byte(pageCSS))
	return &pages{
		template: template.Must(template.New("page").Parse(pageHTML)),
		policy: strings.Join([]string{
			"default-src 'none'",
			"style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
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
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", p.policy)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	// Not no-referrer: browsers would then send "Origin: null" with the form, by which a form of this site cannot be
	// told from another's.
	header.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}
