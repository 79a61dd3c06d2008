package adaptertest

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/saml"
)

// question is what Entra asks of a sign-in.
type question struct {
	fresh, mfa, passive bool
	hint                string // a UPN
}

// entraPage is where Entra's requests come from.
const entraPage = "https://login.microsoftonline.com/login.srf"

// put makes Entra ask: it returns the request, and what the browser does with it.
func (w *world) put(q question) (entratest.AuthnRequest, entratest.Action) {
	w.t.Helper()
	options := entratest.RequestOptions{ForceAuthn: q.fresh, UserNameHint: q.hint != ""}
	if q.mfa {
		options.AuthnContexts = []string{saml.MultipleAuthn}
	}
	require.NoError(w.t, w.tenant.SetRequestOptions(options))
	whom := domain
	if q.hint != "" {
		whom = q.hint
	}
	request, err := w.tenant.NewAuthnRequest(whom)
	require.NoError(w.t, err)
	if q.passive {
		request.SAMLRequest = passive(w, request.SAMLRequest)
	}
	return request, submission(http.MethodPost, request.URL, request.Form())
}

// passive makes it a request that no page may be shown for.
func passive(w *world, encoded string) string {
	w.t.Helper()
	document, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(w.t, err)
	asked := strings.Replace(string(document), "<samlp:AuthnRequest ", `<samlp:AuthnRequest IsPassive="true" `, 1)
	require.Contains(w.t, asked, "IsPassive")
	return base64.StdEncoding.EncodeToString([]byte(asked))
}

// submission is a form that a page sends by itself.
func submission(method, address string, values map[string][]string) entratest.Action {
	if method != http.MethodPost {
		return entratest.Follow(address)
	}
	form := entratest.Form{Method: method, Action: address}
	for name, all := range values {
		for _, value := range all {
			form.Fields = append(form.Fields, entratest.Field{Name: name, Type: "hidden", Value: value})
		}
	}
	action, _ := entratest.Page{Forms: []entratest.Form{form}}.Submit("", nil) // it is the only form
	return action
}
