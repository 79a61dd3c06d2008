package adapters

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

//go:embed progress.js
var progressJS string

// pages are the Bridge's own pages: the steps of a provisioning, and what went wrong.
type pages struct {
	template *template.Template
	policy   string // Content-Security-Policy
	form     string // the same for the page whose form is sent back to the Bridge
}

// pageData is what a page shows.
type pageData struct {
	Notice string

	// The page with the steps.
	Steps []stepView
	Self  string

	// The form.
	Username string
	Problem  FormProblem

	// The page of a failure.
	Title, Text, ID string
	Action, Label   string

	Style  template.CSS
	Script template.JS
}

func newPages() *pages {
	return &pages{
		template: template.Must(template.New("page").Parse(pageHTML)),
		policy:   contentSecurityPolicy("'none'"),
		form:     contentSecurityPolicy("'self'"),
	}
}

func contentSecurityPolicy(formAction string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"style-src " + csp.Hash(pageCSS),
		"script-src " + csp.Hash(progressJS),
		"connect-src 'self'",
		"form-action " + formAction,
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

// write renders one of the templates "progress", "failure", "signedout" and "signin".
func (p *pages) write(w http.ResponseWriter, status int, name string, data pageData) {
	data.Style, data.Script = template.CSS(pageCSS), template.JS(progressJS)
	var page bytes.Buffer
	if err := p.template.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(w, "The page could not be shown.", http.StatusInternalServerError)
		return
	}
	policy := p.policy
	if name == "signin" {
		policy = p.form
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", policy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}
