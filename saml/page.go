package saml

import (
	_ "embed" // the page's parts
	"html"
	"html/template"
	"net/http"
	"strings"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/csp"
)

//go:embed post.html
var postHTML string

//go:embed post.css
var postCSS string

//go:embed post.js
var postJS string

// postPage is the page that posts a response by itself, or by its button where scripts do not run. All of it but the
// two values is written once.
type postPage struct {
	beforeResponse, beforeRelayState, afterRelayState, withoutRelayState string

	policy string // Content-Security-Policy
}

// Marks stand in the template for the values. Neither is changed by escaping.
const (
	markResponse   = "MARK-RESPONSE"
	markRelayState = "MARK-RELAYSTATE"
)

func newPostPage(cloud entrafed.Cloud, formAction string) *postPage {
	page := &postPage{
		policy: csp.Policy{Style: csp.Hash(postCSS), Script: csp.Hash(postJS), Form: formAction}.String(),
	}
	var rest string
	page.beforeResponse, rest, _ = strings.Cut(renderPostPage(cloud, markRelayState), markResponse)
	page.beforeRelayState, page.afterRelayState, _ = strings.Cut(rest, markRelayState)
	_, page.withoutRelayState, _ = strings.Cut(renderPostPage(cloud, ""), markResponse)
	return page
}

func renderPostPage(cloud entrafed.Cloud, relayState string) string {
	var page strings.Builder
	err := template.Must(template.New("post").Parse(postHTML)).Execute(&page, map[string]any{
		"Action":        template.URL(cloud.AssertionConsumerService), // checked before
		"SAMLResponse":  markResponse,
		"RelayState":    relayState,
		"HasRelayState": relayState != "",
		"Style":         template.CSS(postCSS),
		"Script":        template.JS(postJS),
	})
	if err != nil {
		panic(err) // the template is part of the program
	}
	return page.String()
}

// fill returns the page for one response. Base64 needs no escaping.
func (p *postPage) fill(r *Response) []byte {
	page := make([]byte, 0, len(p.beforeResponse)+len(r.XML)*4/3+4+len(p.beforeRelayState)+len(r.RelayState)*5/4+len(p.afterRelayState))
	page = append(page, p.beforeResponse...)
	page = r.AppendSAMLResponse(page)
	if r.RelayState == "" {
		return append(page, p.withoutRelayState...)
	}
	page = append(page, p.beforeRelayState...)
	page = append(page, html.EscapeString(r.RelayState)...)
	return append(page, p.afterRelayState...)
}

// FormAction is what form-action must allow, in the Content-Security-Policy of a page whose form leads to Entra: every https
// address. Chromium applies the rule to the redirects that follow a form as well, and Entra redirects to wherever the person
// wanted to go.
func (p *provider) FormAction() string {
	if p.cloud.InsecureLoopback {
		return "https: http://localhost:* http://127.0.0.1:*"
	}
	return "https:"
}

// Post answers the browser with a page that posts the response to Entra at once. Without JavaScript the person presses
// its button. The page must not be cached, framed, or changed: its Content-Security-Policy allows nothing but its own
// style and script, by their hashes. The error is that of writing to w.
func (r *Response) Post(w http.ResponseWriter) error {
	csp.Protect(w.Header(), r.page.policy, csp.OriginOnly)
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(r.page.fill(r))
	return err
}
