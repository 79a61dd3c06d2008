package main

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// asking leads to a bridge with a request such as Entra's, in the place of Entra.
func asking(base string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		request := fmt.Sprintf(`<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_showcase" Version="2.0" `+
			`IssueInstant="%s"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">urn:federation:MicrosoftOnline</Issuer>`+
			`</samlp:AuthnRequest>`, time.Now().UTC().Format(time.RFC3339))
		http.Redirect(w, r, base+"/sso?"+url.Values{
			"SAMLRequest": {deflated(request)}, "RelayState": {"showcase"}, "login_hint": {r.URL.Query().Get("login_hint")},
		}.Encode(), http.StatusSeeOther)
	}
}

// deflated is a message as the Redirect binding has it: SAML bindings, section 3.4.4.1.
func deflated(message string) string {
	var compressed bytes.Buffer
	w, err := flate.NewWriter(&compressed, flate.BestCompression)
	if err != nil {
		panic(err) // the level is one
	}
	_, _ = w.Write([]byte(message)) // memory takes it all
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(compressed.Bytes())
}
