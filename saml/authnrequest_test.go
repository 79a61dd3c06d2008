package saml_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/saml"
)

// plainRequest has the shape that Entra sends today.
const plainRequest = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ` +
	`ID="_11111111-2222-3333-4444-555555555555" Version="2.0" IssueInstant="2026-01-02T03:04:00.000Z">` +
	`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">urn:federation:MicrosoftOnline</Issuer>` +
	`<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"/></samlp:AuthnRequest>`

// signature has the shape of the one in Entra's signed requests, with nothing in it that could be verified.
const signature = `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>` +
	`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>` +
	`<ds:SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"/></ds:SignedInfo>` +
	`<ds:SignatureValue>AAAA</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509SKI>AAAA</ds:X509SKI></ds:X509Data>` +
	`<ds:KeyName>MicrosoftOnline</ds:KeyName></ds:KeyInfo></ds:Signature>`

func with(old, replacement string) string {
	changed := strings.Replace(plainRequest, old, replacement, 1)
	if changed == plainRequest {
		panic("the request does not have " + old)
	}
	return changed
}

func attribute(added string) string { return with(` Version=`, " "+added+` Version=`) }
func child(added string) string     { return with(`</samlp:AuthnRequest>`, added+`</samlp:AuthnRequest>`) }

func post(fields url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, ssoURL, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func postRequest(document, relayState string) *http.Request {
	fields := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(document))}}
	if relayState != "" {
		fields.Set("RelayState", relayState)
	}
	return post(fields)
}

func deflated(document string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = w.Write([]byte(document))
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func redirectRequest(fields url.Values) *http.Request {
	return httptest.NewRequest(http.MethodGet, ssoURL+"?"+fields.Encode(), nil)
}

func TestReadRequestAcceptsEveryShapeThatEntraSends(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	for shape, test := range map[string]struct {
		document string
		want     func(*saml.AuthnRequest)
	}{
		"today's, unsigned": {plainRequest, func(*saml.AuthnRequest) {}},
		"that of 2016, with an assertion consumer service index": {attribute(`AssertionConsumerServiceIndex="0"`),
			func(*saml.AuthnRequest) {}},
		"the assertion consumer service named by URL": {attribute(`AssertionConsumerServiceURL="` + loginSRF + `"`),
			func(*saml.AuthnRequest) {}},
		"signed, with a Destination, where signatures are not looked at": {
			strings.Replace(attribute(`Destination="`+ssoURL+`"`), "</Issuer>", "</Issuer>"+signature, 1),
			func(*saml.AuthnRequest) {}},
		"fresh sign-in asked for":  {attribute(`ForceAuthn="true"`), func(r *saml.AuthnRequest) { r.ForceAuthn = true }},
		"fresh sign-in, as 1":      {attribute(`ForceAuthn="1"`), func(r *saml.AuthnRequest) { r.ForceAuthn = true }},
		"no page to be shown":      {attribute(`IsPassive="true"`), func(r *saml.AuthnRequest) { r.IsPassive = true }},
		"an XML declaration first": {`<?xml version="1.0" encoding="utf-8"?>` + plainRequest, func(*saml.AuthnRequest) {}},
		"without a NameIDPolicy": {
			with(`<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"/>`, ""),
			func(*saml.AuthnRequest) {}},
		"a second factor asked for": {
			child(`<samlp:RequestedAuthnContext><AuthnContextClassRef xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` +
				saml.MultipleAuthn + `</AuthnContextClassRef></samlp:RequestedAuthnContext>`),
			func(r *saml.AuthnRequest) { r.RequestedAuthnContext = []string{saml.MultipleAuthn} }},
		"another context asked for": {
			child(`<samlp:RequestedAuthnContext><a:AuthnContextClassRef xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">` +
				`urn:x</a:AuthnContextClassRef></samlp:RequestedAuthnContext>`),
			func(r *saml.AuthnRequest) { r.RequestedAuthnContext = []string{"urn:x"} }},
		"with an element nobody knows": {child(`<x xmlns="urn:unknown">y</x>`), func(*saml.AuthnRequest) {}},
	} {
		t.Run(shape, func(t *testing.T) {
			want := saml.AuthnRequest{
				ID:           requestID,
				IssueInstant: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC),
				RelayState:   "estsredirect=2&estsrequest=abc+/=",
			}
			test.want(&want)

			got, err := idp.ReadRequest(postRequest(test.document, want.RelayState))
			require.NoError(t, err)
			want.Binding = saml.BindingPOST
			require.Equal(t, &want, got)

			got, err = idp.ReadRequest(redirectRequest(url.Values{
				"SAMLRequest": {deflated(test.document)}, "RelayState": {want.RelayState},
			}))
			require.NoError(t, err)
			want.Binding = saml.BindingRedirect
			require.Equal(t, &want, got)
		})
	}
}

func TestReadRequestRefuses(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	for rule, test := range map[string]struct {
		document string
		want     error
		text     string
	}{
		"a document that is not XML":         {"hello", saml.ErrXML, "text outside"},
		"an empty document":                  {"", saml.ErrNoRequest, "missing"},
		"a document that is cut off":         {plainRequest[:len(plainRequest)-5], saml.ErrXML, ""},
		"a document that is not UTF-8":       {with("urn:federation", "\xff"), saml.ErrXML, "not UTF-8"},
		"another encoding":                   {`<?xml version="1.0" encoding="utf-16"?>` + plainRequest, saml.ErrXML, ""},
		"a document type":                    {`<!DOCTYPE x [<!ENTITY y "z">]>` + plainRequest, saml.ErrXML, "document type"},
		"a comment in a value":               {with("urn:federation", "urn:<!-- -->federation"), saml.ErrXML, "comments"},
		"a comment after the root":           {plainRequest + "<!-- -->", saml.ErrXML, "comments"},
		"a processing instruction":           {with("<samlp:NameIDPolicy", "<?x y?><samlp:NameIDPolicy"), saml.ErrXML, "comments"},
		"a CDATA section":                    {with("urn:federation:MicrosoftOnline", "<![CDATA[urn:federation:MicrosoftOnline]]>"), saml.ErrXML, "CDATA"},
		"an entity nobody declared":          {with("urn:federation", "&x;urn:federation"), saml.ErrXML, ""},
		"the same ID twice":                  {child(`<x xmlns="urn:x" Id="` + requestID + `"/>`), saml.ErrXML, "more than once"},
		"a repeated attribute":               {attribute(`ID="_2"`), saml.ErrXML, "repeated"},
		"an undeclared prefix":               {child(`<x:y/>`), saml.ErrXML, "not declared"},
		"too deep":                           {child(strings.Repeat("<x>", 40) + strings.Repeat("</x>", 40)), saml.ErrXML, "nested"},
		"too many elements":                  {child(strings.Repeat("<x/>", 1001)), saml.ErrXML, "too many"},
		"too many attributes":                {child("<x" + manyAttributes(100) + "/>"), saml.ErrXML, "too many"},
		"two root elements":                  {plainRequest + plainRequest, saml.ErrXML, "more than one root"},
		"another message":                    {strings.ReplaceAll(plainRequest, "AuthnRequest", "LogoutRequest"), saml.ErrNotRequest, "LogoutRequest"},
		"another namespace":                  {with("SAML:2.0:protocol", "SAML:1.0:protocol"), saml.ErrNotRequest, ""},
		"another version":                    {with(`Version="2.0"`, `Version="1.1"`), saml.ErrNotRequest, "Version"},
		"no ID":                              {with(`ID="`+requestID+`"`, ""), saml.ErrNotRequest, "ID"},
		"an ID that starts with a digit":     {with(`ID="_`, `ID="`), saml.ErrNotRequest, "ID"},
		"an ID with markup in it":            {with(`ID="_`, `ID="_&lt;`), saml.ErrNotRequest, "ID"},
		"no time":                            {with(`IssueInstant="2026-01-02T03:04:00.000Z"`, ""), saml.ErrNotRequest, "IssueInstant"},
		"a time without a zone":              {with(`00.000Z`, `00.000`), saml.ErrNotRequest, "IssueInstant"},
		"no issuer":                          {with(`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">urn:federation:MicrosoftOnline</Issuer>`, ""), saml.ErrIssuer, "0 Issuer"},
		"two issuers":                        {child(`<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` + audience + `</Issuer>`), saml.ErrIssuer, "2 Issuer"},
		"another service provider":           {with("urn:federation:MicrosoftOnline", "urn:federation:other"), saml.ErrIssuer, "right cloud"},
		"another service provider's case":    {with("urn:federation:MicrosoftOnline", "urn:federation:microsoftonline"), saml.ErrIssuer, ""},
		"another destination":                {attribute(`Destination="https://other.example.net/sso"`), saml.ErrDestination, "other.example.net"},
		"a destination with another slash":   {attribute(`Destination="` + ssoURL + `/"`), saml.ErrDestination, ""},
		"an answer to somebody else":         {attribute(`AssertionConsumerServiceURL="https://evil.example.net/acs"`), saml.ErrUnsupported, "AssertionConsumerServiceURL"},
		"an answer to a script":              {attribute(`AssertionConsumerServiceURL="javascript:alert(1)"`), saml.ErrUnsupported, "AssertionConsumerServiceURL"},
		"an answer by SimpleSign":            {attribute(`AssertionConsumerServiceIndex="1"`), saml.ErrUnsupported, "AssertionConsumerServiceIndex"},
		"an answer by artifact":              {attribute(`ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"`), saml.ErrUnsupported, "ProtocolBinding"},
		"a transient NameID":                 {with("nameid-format:persistent", "nameid-format:transient"), saml.ErrUnsupported, "NameID"},
		"an element inside the issuer":       {with("urn:federation:MicrosoftOnline", "urn:federation:<x>evil</x>MicrosoftOnline"), saml.ErrNotRequest, "inside Issuer"},
		"an element inside a wished context": {child(`<samlp:RequestedAuthnContext><a:AuthnContextClassRef xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">a<x/></a:AuthnContextClassRef></samlp:RequestedAuthnContext>`), saml.ErrNotRequest, "inside AuthnContextClassRef"},
		"an old request":                     {with("T03:04:00", "T02:54:00"), saml.ErrExpired, "ago"},
		"a request of the future":            {with("T03:04:00", "T03:09:06"), saml.ErrExpired, "clock"},
		"ForceAuthn neither true nor false":  {attribute(`ForceAuthn="yes"`), saml.ErrNotRequest, "ForceAuthn"},
	} {
		t.Run(rule, func(t *testing.T) {
			for binding, r := range map[string]*http.Request{
				"POST":     postRequest(test.document, ""),
				"Redirect": redirectRequest(url.Values{"SAMLRequest": {emptyOr(test.document, deflated)}}),
			} {
				_, err := idp.ReadRequest(r)
				var refused *saml.RequestError
				require.ErrorAs(t, err, &refused, binding)
				require.ErrorIs(t, err, test.want, binding)
				require.ErrorContains(t, err, test.text, binding)
			}
		})
	}
}

func emptyOr(s string, f func(string) string) string {
	if s == "" {
		return ""
	}
	return f(s)
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d=""`, i)
	}
	return b.String()
}

func TestReadRequestRefusesWhatItsBindingDoesNotCarry(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	plain := base64.StdEncoding.EncodeToString([]byte(plainRequest))
	bomb := deflated(strings.Repeat("<a>", 40<<20/3))
	for rule, test := range map[string]struct {
		request *http.Request
		want    error
	}{
		"POST: not base64":                 {post(url.Values{"SAMLRequest": {"<xml>"}}), saml.ErrEncoding},
		"POST: base64 for URLs":            {post(url.Values{"SAMLRequest": {strings.NewReplacer("+", "-", "=", "").Replace(plain) + "-"}}), saml.ErrEncoding},
		"POST: deflated":                   {post(url.Values{"SAMLRequest": {deflated(plainRequest)}}), saml.ErrXML},
		"POST: repeated SAMLRequest":       {post(url.Values{"SAMLRequest": {plain, plain}}), saml.ErrEncoding},
		"POST: repeated RelayState":        {post(url.Values{"SAMLRequest": {plain}, "RelayState": {"a", "b"}}), saml.ErrEncoding},
		"POST: nothing":                    {post(nil), saml.ErrNoRequest},
		"POST: a broken escape":            {postRaw("SAMLRequest=%zz"), saml.ErrEncoding},
		"POST: in the query only":          {httptest.NewRequest(http.MethodPost, ssoURL+"?SAMLRequest="+url.QueryEscape(plain), nil), saml.ErrNoRequest},
		"POST: a large document":           {postRequest(child("<x>"+strings.Repeat("x", saml.MaxRequestSize)+"</x>"), ""), saml.ErrTooLarge},
		"POST: a large form":               {postRaw("x=" + strings.Repeat("x", 1<<20)), saml.ErrTooLarge},
		"POST: a large RelayState":         {postRequest(plainRequest, strings.Repeat("x", saml.MaxRelayState+1)), saml.ErrTooLarge},
		"POST: a line break in RelayState": {postRequest(plainRequest, "a\nb"), saml.ErrEncoding},
		"Redirect: not base64":             {redirectRequest(url.Values{"SAMLRequest": {"<xml>"}}), saml.ErrEncoding},
		"Redirect: not deflated":           {redirectRequest(url.Values{"SAMLRequest": {plain}}), saml.ErrEncoding},
		"Redirect: a bomb":                 {redirectRequest(url.Values{"SAMLRequest": {bomb}}), saml.ErrTooLarge},
		"Redirect: more after the end":     {redirectRequest(url.Values{"SAMLRequest": {trailing(plainRequest)}}), saml.ErrEncoding},
		"Redirect: another encoding":       {redirectRequest(url.Values{"SAMLRequest": {deflated(plainRequest)}, "SAMLEncoding": {"urn:x"}}), saml.ErrEncoding},
		"Redirect: repeated SAMLRequest":   {redirectRequest(url.Values{"SAMLRequest": {deflated(plainRequest), "x"}}), saml.ErrEncoding},
		"Redirect: nothing":                {redirectRequest(nil), saml.ErrNoRequest},
		"a look at the headers":            {httptest.NewRequest(http.MethodHead, ssoURL+"?SAMLRequest="+url.QueryEscape(deflated(plainRequest)), nil), saml.ErrNoRequest},
		"another method":                   {httptest.NewRequest(http.MethodPut, ssoURL, nil), saml.ErrNoRequest},
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := idp.ReadRequest(test.request)
			var refused *saml.RequestError
			require.ErrorAs(t, err, &refused)
			require.ErrorIs(t, err, test.want)
			require.LessOrEqual(t, len(err.Error()), 500, "an error stays readable")
		})
	}
}

func postRaw(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, ssoURL, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func trailing(document string) string {
	raw, _ := base64.StdEncoding.DecodeString(deflated(document))
	return base64.StdEncoding.EncodeToString(append(raw, "more"...))
}

func TestReadRequestAcceptsTheLargestRelayState(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	relayState := strings.Repeat("é+/=%&\"'<>", saml.MaxRelayState/11)
	request, err := idp.ReadRequest(postRequest(plainRequest, relayState))
	require.NoError(t, err)
	require.Equal(t, relayState, request.RelayState)
}

func TestReadRequestTakesTheLoginHintOfTheURL(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	for query, want := range map[string]string{
		"":                            "",
		"?login_hint=a%40contoso.com": "a@contoso.com",
		"?username=a%40contoso.com":   "a@contoso.com",
		"?username=&login_hint=b":     "b",
		"?username=a&username=b":      "",
		"?login_hint=" + strings.Repeat("x", 200): "",
		"?login_hint=%ff%fe":                      "",
		"?login_hint=a%0ab":                       "",
	} {
		r := postRequest(plainRequest, "")
		r.URL, _ = url.Parse(ssoURL + query)
		request, err := idp.ReadRequest(r)
		require.NoError(t, err)
		require.Equal(t, want, request.LoginHint, query)
	}
}

func TestReadRequestUsesAFormThatWasParsedBefore(t *testing.T) {
	t.Parallel()
	r := postRequest(plainRequest, "state")
	require.NoError(t, r.ParseForm())
	request, err := newIdP(t).ReadRequest(r)
	require.NoError(t, err)
	require.Equal(t, "state", request.RelayState)
}

func FuzzReadRequest(f *testing.F) {
	idp := newIdP(f)
	f.Add(plainRequest, "state", false)
	f.Add(child(signature), "", true)
	f.Fuzz(func(t *testing.T, document, relayState string, redirect bool) {
		r := postRequest(document, relayState)
		if redirect {
			r = redirectRequest(url.Values{"SAMLRequest": {deflated(document)}, "RelayState": {relayState}})
		}
		request, err := idp.ReadRequest(r)
		if err != nil {
			var refused *saml.RequestError
			require.ErrorAs(t, err, &refused)
			return
		}
		require.Equal(t, relayState, request.RelayState)
		_, err = idp.Respond(request, testSubject())
		require.NoError(t, err, "whatever was accepted can be answered")
	})
}

func FuzzReadRawForm(f *testing.F) {
	idp := newIdP(f)
	f.Add("SAMLRequest=PHg%2b&RelayState=x")
	f.Fuzz(func(t *testing.T, body string) {
		if _, err := idp.ReadRequest(postRaw(body)); err != nil {
			var refused *saml.RequestError
			require.ErrorAs(t, err, &refused)
		}
	})
}
