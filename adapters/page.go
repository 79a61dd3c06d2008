package adapters

import (
	"bytes"
	"cmp"
	_ "embed" // the pages' parts
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/entrafed/entrafed/internal/csp"
	"github.com/entrafed/entrafed/saml"
)

//go:embed page.html
var pageHTML string

//go:embed layout.html
var layoutHTML string

//go:embed response.js
var responseJS string

//go:embed progress.js
var progressJS string

//go:embed waiting.js
var waitingJS string

// PageKind is one of the Bridge's pages.
type PageKind string

// The pages.
const (
	PageProgress  PageKind = "progress"   // the steps of a provisioning, as they happen
	PageWaiting   PageKind = "waiting"    // a provisioning that outlasts its budget, and is begun again after a pause
	PageFailure   PageKind = "failure"    // what went wrong
	PageSignIn    PageKind = "sign-in"    // the form of Ask.ShowForm
	PageResponse  PageKind = "response"   // the answer on its way to Entra: goes on by itself, and by a button without scripts
	PageSignedOut PageKind = "signed-out" // after a sign-out
)

// pageKinds lists the pages.
func pageKinds() []PageKind {
	return []PageKind{PageProgress, PageWaiting, PageFailure, PageSignIn, PageResponse, PageSignedOut}
}

// Page is what a [Brand.Layout] is executed with:
//
//	<!DOCTYPE html>
//	<html lang="{{.Language}}"{{if .RightToLeft}} dir="rtl"{{end}}>
//	<head>{{.Head}}<style>…</style></head>
//	<body>
//	{{if .Notice}}<p role="note">{{.Notice}}</p>{{end}}
//	<header>{{.Header}}</header>
//	{{.Content}}
//	<footer>…</footer>
//	</body>
//	</html>
//
// Head and Content must be there, once each, and so must the language and, where there is one, the notice. [New] shows every
// page once in every language and refuses a layout without them.
//
// Inline styles and scripts of the layout are allowed by their hash in the page's Content-Security-Policy, and must
// therefore be the same whatever the page says; they may differ by Kind and Language. Nothing else runs or loads: no style
// attributes, no on… attributes, no files, no images but data: URLs. New refuses a layout that would miss them. A script of
// the layout runs beside the form of [PageSignIn] and the answer on [PageResponse] as well: leave it out there unless it is
// needed.
type Page struct {
	Kind        PageKind
	Language    string        // for the attribute lang
	RightToLeft bool          // whether to add dir="rtl"
	Title       string        // what the page says first; Head has it already
	Name        string        // Brand.Name
	Logo        template.URL  // Brand.Logo, as a data: URL, or ""
	DarkLogo    template.URL  // Brand.DarkLogo, likewise
	Notice      string        // Config.Notice
	Header      template.HTML // the logo, or else the name, as the plain layout shows it; "" without either
	Head        template.HTML // goes into the head: the title, the style, what old browsers need to go on
	Content     template.HTML // goes into the body: the main element, and its script
}

// view is what the content of a page shows.
type view struct {
	Language

	Title, Text, More string
	Action, Label     string
	ID                string // the number to quote

	Self     string // the sign-in's address
	Again    string // where the page goes on by itself
	Seconds  int    // in how long
	When     string // the same in words
	Steps    []stepView
	Username string
	Response *saml.Response // what is posted to Entra

	// The pages set these themselves.
	PageTitle, Scheme string
	Style             template.CSS
	Script            template.JS
}

// Say is the text of a message.
func (v view) Say(m Message) string { return v.say(m) }

// SayState is the state of a step in words.
func (v view) SayState(state string) string { return v.say(Message("state." + state)) }

// pages shows the Bridge's own pages.
type pages struct {
	brand     Brand
	notice    string
	languages []Language // with all their words
	tags      []string
	content   *template.Template
	style     string
	header    template.HTML
	logo      template.URL
	darkLogo  template.URL
	inline    inlineParts // of the layout

	formAction string // where a form may lead that leads to Entra
	log        *slog.Logger
}

// newPages prepares the pages and shows each once. The brand has been checked, and has its defaults.
func newPages(brand Brand, notice string, log *slog.Logger) (*pages, error) {
	p := &pages{
		brand: brand, notice: notice, log: log, style: brand.stylesheet(),
		content: template.Must(template.New("page").Parse(pageHTML)),
		logo:    brand.Logo.url(), darkLogo: brand.DarkLogo.url(),
	}
	for _, l := range brand.Languages {
		p.languages = append(p.languages, l.completed())
		p.tags = append(p.tags, l.Tag)
	}
	header, err := p.render("header", map[string]any{
		"Logo": p.logo, "DarkLogo": template.Srcset(p.darkLogo), "Name": brand.Name,
		"LogoAlt": cmp.Or(brand.Logo.Alt, brand.Name),
	})
	if err != nil {
		return nil, fmt.Errorf("adapters: the pages' header: %w", err)
	}
	p.header = header
	return p, p.checkLayout()
}

// language is the one that the browser likes best.
func (p *pages) language(r *http.Request) Language { return p.languages[p.preferred(r)] }

func (p *pages) preferred(r *http.Request) int {
	return chooseLanguage(strings.Join(r.Header.Values("Accept-Language"), ","), p.tags)
}

// write answers with a page.
func (p *pages) write(w http.ResponseWriter, status int, kind PageKind, v view) {
	whole, err := p.show(kind, v)
	if err != nil {
		// Every page was shown once when the Bridge was made, so this is for a layout that changes its mind.
		p.log.Error("a page could not be shown", "page", string(kind), "error", err)
		http.Error(w, v.say(msgInternalTitle), http.StatusInternalServerError)
		return
	}
	referrer := csp.NoReferrer
	if kind == PageResponse {
		referrer = csp.OriginOnly
	}
	header := w.Header()
	csp.Protect(header, p.policy(kind), referrer)
	header.Set("Content-Language", v.Tag)
	header.Add("Vary", "Accept-Language")
	if kind == PageWaiting {
		header.Set("Retry-After", strconv.Itoa(v.Seconds))
	}
	w.WriteHeader(status)
	_, _ = w.Write(whole)
}

// show is the whole page.
func (p *pages) show(kind PageKind, v view) ([]byte, error) {
	page, err := p.page(kind, v)
	if err != nil {
		return nil, err
	}
	var whole bytes.Buffer
	err = p.brand.Layout.Execute(&whole, page)
	return whole.Bytes(), err
}

// page is what the layout gets.
func (p *pages) page(kind PageKind, v view) (Page, error) {
	v.PageTitle, v.Scheme = v.Title, p.brand.scheme()
	if p.brand.Name != "" {
		v.PageTitle += " – " + p.brand.Name
	}
	v.Style, v.Script = template.CSS(p.style), template.JS(scriptOf(kind))
	head, headErr := p.render("head", v)
	content, contentErr := p.render(string(kind), v)
	return Page{
		Kind: kind, Language: v.Tag, RightToLeft: v.RightToLeft, Title: v.Title, Name: p.brand.Name,
		Logo: p.logo, DarkLogo: p.darkLogo, Notice: p.notice,
		Header: p.header, Head: head, Content: content,
	}, errors.Join(headErr, contentErr)
}

// scriptOf is the script of a page, or "".
func scriptOf(kind PageKind) string {
	switch kind {
	case PageProgress:
		return progressJS
	case PageWaiting:
		return waitingJS
	case PageResponse:
		return responseJS
	}
	return ""
}

// render executes one of the templates in page.html.
func (p *pages) render(name string, data any) (template.HTML, error) {
	var part bytes.Buffer
	err := p.content.ExecuteTemplate(&part, name, data)
	return template.HTML(part.String()), err
}

// policy is the Content-Security-Policy of a page: what the page itself brings along, and nothing else.
func (p *pages) policy(kind PageKind) string {
	policy := csp.Policy{Style: strings.Join(append([]string{hashOf(p.style)}, p.inline.styles...), " ")}
	scripts := slices.Clone(p.inline.scripts)
	if own := scriptOf(kind); own != "" {
		scripts = append(scripts, hashOf(own))
	}
	policy.Script = strings.Join(scripts, " ")
	switch kind {
	case PageProgress:
		policy.Connect = "'self'" // the stream of the steps
	case PageSignIn:
		// Where an account is ready, nothing but redirects stands between this form and Microsoft.
		policy.Form = "'self' " + p.formAction
	case PageResponse:
		policy.Form = p.formAction
	}
	if p.logo != "" || p.inline.images || strings.Contains(p.brand.Stylesheet, "data:") {
		policy.Image = "data:"
	}
	return policy.String()
}
