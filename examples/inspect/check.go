package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/entrafed/entrafed/federation/entratest"
)

// check measures a response.
func (p program) check(f flags) (report, error) {
	text, err := p.readText(f.file)
	if err != nil {
		return report{}, err
	}
	x, err := p.expectation(f)
	if err != nil {
		return report{}, err
	}
	asked, err := p.readRequest(f)
	if err != nil {
		return report{}, err
	}
	x.RequestID = asked.message.ID
	verdict, kind, err := x.judge(text, asked.relayState)
	if err != nil {
		return report{}, err
	}
	r := report{What: kind, CheckedAt: x.Now().UTC().Format(time.RFC3339), Mode: mode(f.lenient), Verdict: &verdict}
	if f.request != "" {
		r.Request = &asked.message
	}
	if r.Outcome = outcomeOf(verdict); r.Outcome != outcomeRefused {
		r.Missing = f.missing(verdict)
	}
	return r, nil
}

func mode(lenient bool) string {
	if lenient {
		return "lenient"
	}
	return "strict"
}

// expectation is entratest's, with a clock that is set.
type expectation struct{ entratest.Expectation }

func (p program) expectation(f flags) (expectation, error) {
	certificates, err := p.readCertificates(f.certificates)
	if err != nil {
		return expectation{}, err
	}
	x := expectation{entratest.Expectation{
		Realms: []entratest.Realm{{Domain: f.domain, Federation: entratest.Federation{
			Issuer: f.issuer, Certificates: certificates, MFABehavior: f.mfa,
		}}},
		Policy:  entratest.SignInPolicy{RequireMFA: f.mfa != "", SignInFrequency: f.signInFrequency},
		Lenient: f.lenient, Now: p.clock(f.at),
	}}
	x.Cloud = x.Cloud.OrGlobal()
	if f.acs != "" {
		x.Cloud.AssertionConsumerService = f.acs
	}
	if f.audience != "" {
		x.Cloud.Audience = f.audience
	}
	if f.user != "" {
		x.Accounts = entratest.AccountList{
			Users:  []entratest.User{{UPN: f.user, ImmutableID: f.immutableID, Enabled: true}},
			Realms: x.Realms,
		}
	}
	return x, nil
}

// clock stands still, so that everything is looked at in one moment.
func (p program) clock(at time.Time) func() time.Time {
	if at.IsZero() {
		at = p.Now()
	}
	return func() time.Time { return at }
}

// readRequest reads -request. Without it everything is empty.
func (p program) readRequest(f flags) (decoded, error) {
	if f.request == "" {
		return decoded{}, nil
	}
	text, err := p.readText(f.request)
	if err != nil {
		return decoded{}, fmt.Errorf("-request: %w", err)
	}
	d, err := takeApart(text)
	switch {
	case err != nil:
		return decoded{}, fmt.Errorf("-request %s: %w", f.request, err)
	case d.message.Kind != "AuthnRequest" && d.message.Kind != "LogoutRequest":
		return decoded{}, fmt.Errorf("-request %s: it is no request", f.request)
	}
	return d, nil
}

// judge checks a response in whatever form it was written down. A RelayState is compared only if it is known of both.
func (x expectation) judge(text, relayState string) (v entratest.Verdict, kind string, err error) {
	posted, err := x.asPosted(text)
	if err != nil {
		return v, "", err
	}
	if posted != nil {
		x.RelayState = relayState
		kind = kindOfPosted(posted)
		return x.CheckHTTP(posted), kind, nil
	}
	field := base64Field(text)
	if text[0] == '<' {
		field = base64.StdEncoding.EncodeToString([]byte(text))
	}
	if kindOf(field) == kindLogoutResponse {
		return x.CheckLogoutResponse(field, ""), kindLogoutResponse, nil
	}
	return x.Check(field, ""), kindResponse, nil
}

// asPosted returns a request if the text says how the response was posted.
func (x expectation) asPosted(text string) (*http.Request, error) {
	if r, err := asHTTP(text); r != nil || err != nil {
		return r, err
	}
	if _, ok := asForm(text, "SAMLResponse"); ok {
		return formPost(x.Cloud.AssertionConsumerService, text)
	}
	return nil, nil
}

// The two answers of an identity provider.
const (
	kindResponse       = "Response"
	kindLogoutResponse = "LogoutResponse"
)

func kindOfPosted(r *http.Request) string {
	if r.ParseForm() != nil {
		return kindResponse
	}
	return kindOf(r.PostForm.Get("SAMLResponse"))
}

// kindOf tells a LogoutResponse from everything else, which is taken for a Response.
func kindOf(field string) string {
	document, _, err := unpack(field)
	if err != nil {
		return kindResponse
	}
	if m, err := entratest.ReadMessage(document); err == nil && m.Kind == kindLogoutResponse {
		return kindLogoutResponse
	}
	return kindResponse
}

// missing says which flags would make more rules checkable.
func (f flags) missing(v entratest.Verdict) []string {
	unchecked := map[int]bool{}
	for _, finding := range v.Findings {
		unchecked[finding.Rule] = finding.Outcome == entratest.NotChecked
	}
	var hints []string
	if unchecked[8] {
		hints = append(hints, "whether it answers the request: give -request")
	}
	if unchecked[21] {
		hints = append(hints, "whether the user exists: give -user and -immutable-id")
	} else if unchecked[12] && f.domain == "" {
		hints = append(hints, "whether the user is in the domain: give -domain")
	}
	if unchecked[27] {
		hints = append(hints, "whether it was used before: only Entra knows")
	}
	return hints
}
