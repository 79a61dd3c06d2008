package entratest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/entrafed/entrafed/federation/entratest"
)

// The code under test answers a request; the tenant says whether Entra would let the person in, and if not, which rule
// was broken.
func ExampleTenant_CheckResponse() {
	tenant, err := entratest.New(entratest.Config{
		Clock: entratest.NewClock(morning()),
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
			Issuer:       "https://id.contoso.com/entra",
			SignInURL:    "https://id.contoso.com/sso",
			Certificates: certificatesOf(contosoKey()),
		}}},
		Users: []entratest.User{{UPN: "employee@contoso.com", ImmutableID: "employee0001", Enabled: true}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	request, err := tenant.NewAuthnRequest("employee@contoso.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	samlResponse := answerOf(request, "employee0001") // the code under test
	verdict := tenant.CheckResponse(samlResponse, request.RelayState)
	fmt.Println(verdict.Accepted, verdict.User.UPN)

	request, err = tenant.NewAuthnRequest("employee@contoso.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	samlResponse = answerOf(request, "Employee0001")
	verdict = tenant.CheckResponse(samlResponse, request.RelayState)
	fmt.Println(verdict.Accepted, verdict.Code, "rule", verdict.Rule)
	fmt.Println(verdict.Detail)
	// Output:
	// true employee@contoso.com
	// false AADSTS51004 rule 21
	// no user has the onPremisesImmutableId "Employee0001"; that of the user "employee@contoso.com" is "employee0001"
}

// With the issuer and the certificate of a domain, a response that was written down somewhere is looked at without a
// tenant.
func ExampleExpectation_Check() {
	expectation := entratest.Expectation{
		Realms: []entratest.Realm{{Domain: "contoso.com", Federation: entratest.Federation{
			Issuer:       "https://id.contoso.com/entra",
			Certificates: certificatesOf(contosoKey()),
		}}},
		Now: morning,
	}
	verdict := expectation.Check(recordedResponse(), "")
	for _, finding := range verdict.Failures() {
		fmt.Printf("%s, rule %d: %s\n", finding.Code, finding.Rule, finding.Title)
		fmt.Println("  found:", finding.Detail)
		fmt.Println("  remedy:", finding.Remedy)
	}
	// Output:
	// AADSTS500132, rule 30: AuthnContext has no AuthenticatingAuthority.
	//   found: there is an AuthenticatingAuthority in the AuthnContext
	//   remedy: Leave AuthenticatingAuthority out, also where the identity provider is a proxy for another.
}

// answerOf answers a request as an identity provider would.
func answerOf(request entratest.AuthnRequest, nameID string) string {
	d := newDraft(request, morning())
	d.nameID = nameID
	samlResponse, _ := d.post(noTest{})
	return samlResponse
}

// recordedResponse is the response of an identity provider that is a proxy for another.
func recordedResponse() string {
	d := newDraft(entratest.AuthnRequest{ID: "_recorded"}, morning())
	d.prepare = func(_, assertion *etree.Element) {
		find(noTest{}, assertion, ".//AuthnContext").CreateElement("saml:AuthenticatingAuthority").
			SetText("https://proxied.example.org")
	}
	samlResponse, _ := d.post(noTest{})
	return samlResponse
}

// noTest stands in for a test where there is none.
type noTest struct{ testing.TB }

func (noTest) Helper() {}
func (noTest) Errorf(format string, args ...any) {
	panic(strings.TrimSpace(fmt.Sprintf(format, args...)))
}
func (noTest) FailNow() { panic("failed") }
