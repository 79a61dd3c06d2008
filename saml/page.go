package saml

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/entrafed/entrafed"
)

//go:embed post.html
var postHTML string

//go:embed post.css
var postCSS string

//go:embed post.js
var postJS string

// postPage is the page that posts a response by itself, or by its button where scripts do not run.
type postPage struct {
	template *template.Template
	policy   string // Content-Security-Policy
}

func newPostPage(cloud entrafed.Cloud) *postPage {
	return &postPage{
		template: template.Must(template.New("post").Parse(postHTML)),
		policy: strings.Join([]string{
			"default-src 'none'",
			"style-src '" + contentHash(postCSS) + "'",
			"script-src '" + contentHash(postJS) + "'",
			"form-action " + formAction(cloud),
			"base-uri 'none'",
			"frame-ancestors 'none'",
		}, "; "),
	}
}

// formAction allows every https address, although the form has only one: browsers apply the rule to the redirects that
// follow the post as well, and Entra redirects to wherever the person wanted to go.
func formAction(cloud entrafed.Cloud) string {
	if cloud.InsecureLoopback {
		return "https: http://localhost:* http://127.0.0.1:* http://[::1]:*"
	}
	return "https:"
}

func contentHash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Post answers the browser with a page that posts the response to Entra at once. Without JavaScript the person presses
// its button. The page must not be cached, framed, or changed: its Content-Security-Policy allows nothing but its own
// style and script, by their hashes. The error is that of writing to w.
func (r *Response) Post(w http.ResponseWriter) error {
	var page bytes.Buffer
	err := r.page.template.Execute(&page, map[string]any{
		"Action":        template.URL(r.Destination), // checked when the identity provider was made
		"SAMLResponse":  r.SAMLResponse(),
		"RelayState":    r.RelayState,
		"HasRelayState": r.RelayState != "",
		"Style":         template.CSS(postCSS),
		"Script":        template.JS(postJS),
	})
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", r.page.policy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "strict-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	w.WriteHeader(http.StatusOK)
	_, err = w.Write(page.Bytes())
	return err
}
