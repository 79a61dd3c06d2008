package entratest

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/internal/aadsts"
	"github.com/entrafed/entrafed/internal/csp"
)

// page is one page of the simulation. Kind chooses the body; the fields that the body shows are set.
type page struct {
	Kind    string
	Title   string
	Heading string
	Text    string

	// Set by show.
	Banner string
	Style  template.CSS
	Script template.JS

	Request AuthnRequest // post
	Fields  []field      // ask
	Hint    string       // ask

	Code, Message                     string // error
	TraceID, CorrelationID, Timestamp string // error
	Rule                              int    // error
	RuleTitle, Detail, Cause, Remedy  string // error
	Findings                          []Finding

	Address  string // app
	User     User   // app
	Realm    string // app
	Licences []string

	Link string // signed out
}

type field struct{ Name, Value string }

const pageBanner = "Simulated Microsoft 365 – nothing leaves this machine"

func messagePage(title, text string) page {
	return page{Kind: "message", Title: title, Heading: title, Text: text}
}

// postPage posts the request to the identity provider, by itself or by its button.
func postPage(request AuthnRequest) page {
	return page{Kind: "post", Title: "Taking you to your organization's sign-in page",
		Heading: "Taking you to your organization's sign-in page", Request: request}
}

// askPage asks for the address, which is what home realm discovery needs.
func (t *Tenant) askPage(q url.Values, hint string) page {
	p := page{Kind: "ask", Title: "Sign in", Heading: "Sign in", Hint: hint}
	for _, name := range []string{"wreply", "prompt"} {
		if value := q.Get(name); value != "" {
			p.Fields = append(p.Fields, field{name, value})
		}
	}
	switch kind, _ := t.accountType(hint); {
	case hint == "":
	case kind == "Managed":
		p.Text = hint + " is in a managed domain: Entra would ask for a password now. The simulation signs people of " +
			"federated domains in, and nobody else."
	default:
		p.Text = "AADSTS50128: " + quoted(hint) + " is not in a federated domain of this tenant."
	}
	return p
}

// errorPage is for what goes wrong before there is a response to check.
func (t *Tenant) errorPage(r *http.Request, number, detail string) page {
	code, _ := aadsts.Lookup(number)
	return t.troublePage(r, page{
		Code: code.String(), Message: code.Message, Detail: detail, Cause: code.Cause, Remedy: code.Remedy,
	})
}

func (t *Tenant) verdictPage(r *http.Request, v Verdict) page {
	p := page{
		Code: v.Code, Message: v.Message, Rule: v.Rule, Detail: v.Detail, Cause: v.Cause, Remedy: v.Remedy,
		Findings: v.Findings,
	}
	if i := slices.IndexFunc(v.Findings, func(f Finding) bool { return f.Rule == v.Rule }); i >= 0 {
		p.RuleTitle = v.Findings[i].Title
	}
	return t.troublePage(r, p)
}

func (t *Tenant) troublePage(r *http.Request, p page) page {
	p.Kind, p.Title = "error", "Sign in: "+p.Code
	p.Heading = "Sorry, but we’re having trouble signing you in."
	p.TraceID, p.CorrelationID, p.Timestamp = t.newGUID(), t.correlationID(r), stamp(t.now())
	return p
}

func (t *Tenant) appPage(r *http.Request, s session) page {
	a := appOf(r)
	user := t.currentUser(s)
	return page{
		Kind: "app", Title: string(a) + " (simulated)", Heading: string(a) + " (simulated)",
		Address: r.Host + r.URL.Path, User: user, Realm: s.realm, Licences: t.partNumbers(user),
	}
}

// signedOutPage says what became of the identity provider's session, if that is known, and may link to its sign-out.
func signedOutPage(text, link string) page {
	return page{Kind: "signedout", Title: "You are signed out", Heading: "You are signed out", Text: text, Link: link}
}

// show writes a page with headers that allow it nothing but its own style and script.
func (t *Tenant) show(w http.ResponseWriter, status int, p page) {
	p.Banner, p.Style, p.Script = pageBanner, pageStyle, pageScript
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		t.cfg.Logger.Error("a page of the simulation cannot be written", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy())
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer: with it, browsers send "Origin: null" when the form is posted to the identity provider.
	h.Set("Referrer-Policy", "strict-origin")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client has gone, if this fails
}

// pagePolicy names the style and the script by their hashes.
//
// There is no form-action: Chromium applies it also to the redirects that follow a post, and an identity provider may
// redirect to its own sign-in page wherever that is.
func pagePolicy() string {
	return strings.Join([]string{
		"default-src 'none'",
		"style-src " + csp.Hash(string(pageStyle)),
		"script-src " + csp.Hash(string(pageScript)),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}
