package entratest

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/aadsts"
)

// Expectation is what a SAML response is measured against. It needs no tenant: with the issuer and the certificate of
// one domain it checks a response that was written down somewhere, and says of the rules that need more that they were
// not checked.
//
//	x := entratest.Expectation{Realms: []entratest.Realm{{
//		Domain:     "contoso.com",
//		Federation: entratest.Federation{Issuer: issuer, Certificates: certificates},
//	}}}
//	for _, finding := range x.Check(samlResponse, "").Findings { … }
//
// The zero Expectation knows no realm and refuses every response.
type Expectation struct {
	// Realms are the federated domains, and the federations for guests. Of each Federation the Issuer, the Certificates,
	// the Protocol and the MFABehavior are looked at. Where a Domain is not known and left empty, rule 12 is not checked.
	Realms []Realm

	// TenantID is the tenant's GUID, which guests' assertions name as their audience. Empty: it is not known, and none of
	// them is good.
	TenantID string

	// Cloud gives the audience and the address that responses are posted to. Zero: [entrafed.Global].
	Cloud entrafed.Cloud

	// RequestID is the ID of the AuthnRequest that is answered, or of the LogoutRequest. Empty: whether the response
	// answers a request is not checked.
	RequestID string

	// RelayState is what went along with the AuthnRequest. Empty: what comes back is not checked.
	RelayState string

	// RequestCertificates are the certificates whose keys sign the cloud's requests. [Expectation.CheckRequest] verifies
	// with them. Nil: signatures on requests are looked at and not verified.
	RequestCertificates []*x509.Certificate

	// Accounts is the directory. Nil: what depends on a user is not checked, and no response is accepted.
	Accounts Accounts

	// Policy is what the tenant asks beyond a good assertion.
	Policy SignInPolicy

	// Lenient enforces what Entra is known to enforce, and warns of the rest. [Rules] lists the differences.
	Lenient bool

	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Accounts is the directory as the sign-in service sees it. Implementations are safe for concurrent use.
type Accounts interface {
	// UsersByImmutableID returns the users whose onPremisesImmutableId is exactly this, enabled or not.
	UsersByImmutableID(immutableID string) []User

	// UserByUPN returns the user who has this UPN, which is compared without regard to case.
	UserByUPN(upn string) (User, bool)

	// RealmOf returns the federation that governs a UPN's domain: its own or that of its root domain. It returns false
	// for a managed domain.
	RealmOf(upn string) (Realm, bool)
}

// GuestAccounts is what [Accounts] may be as well: the guests of the directory. Without it, no guest signs in.
type GuestAccounts interface {
	// GuestsByMail returns the guests who were invited with this mail address, which is compared without regard to case,
	// enabled or not.
	GuestsByMail(address string) []User
}

// Verdict is what became of a SAML response.
type Verdict struct {
	// Accepted is true when no rule failed, the assertion's signature was verified and its user found. Where there are
	// no Accounts it is never true: see [Verdict.Refused]. Findings says what was not checked.
	Accepted bool

	// User is who is signed in. Zero unless Accepted.
	User User

	// Realm is the domain whose identity provider issued the assertion. Empty when the Issuer is unknown.
	Realm string

	// Code, Rule, Message, Detail, Cause and Remedy tell of the first rule that failed: the error as Entra shows it
	// ("AADSTS50107"), the rule's number, Entra's text, what was found, what usually brings it about, and what the
	// operator does next. They are empty when no rule failed.
	Code    string
	Rule    int
	Message string
	Detail  string
	Cause   string
	Remedy  string

	// Claims is what the assertion says. It is filled in only from an assertion whose signature was verified.
	Claims Claims

	// Findings has one entry for each of [Rules], in their order, or of [GuestRules] for the response of a guest; or, where
	// a request or a LogoutResponse was checked, for those of [RequestRules] that it was checked by.
	Findings []Finding
}

// Claims is what a verified assertion says. Times that are absent or malformed are zero.
type Claims struct {
	AssertionID          string    `json:"assertionId"`
	Issuer               string    `json:"issuer"`
	NameID               string    `json:"nameId"`
	NameIDFormat         string    `json:"nameIdFormat"`
	UPN                  string    `json:"upn"`             // the attribute IDPEmail, or in lenient mode the older UPN attribute
	Email                string    `json:"email,omitempty"` // a guest's attribute emailaddress
	Audiences            []string  `json:"audiences"`
	InResponseTo         string    `json:"inResponseTo"`
	NotBefore            time.Time `json:"notBefore,omitzero"`
	NotOnOrAfter         time.Time `json:"notOnOrAfter,omitzero"`
	AuthnInstant         time.Time `json:"authnInstant,omitzero"`
	AuthnContextClassRef string    `json:"authnContextClassRef"`
	SessionIndex         string    `json:"sessionIndex,omitempty"`
}

// CheckHTTP checks a response as login.srf receives it, rule 1 included, and a LogoutResponse by
// [Expectation.CheckLogoutResponse]. Of the body at most 1 MiB is read. A body that was parsed before, by r.ParseForm, is
// used as it is. As with Check, nothing is remembered.
func (x Expectation) CheckHTTP(r *http.Request) Verdict {
	m := messageIn(nil, r)
	e := newExamination(x, m)
	if isLogoutResponse(m.samlResponse) {
		return e.logoutVerdict()
	}
	return e.verdict()
}

// Check checks a response without HTTP. samlResponse is the form field as it was posted: base64 of the XML. Nothing is
// remembered, so a replay is not noticed: that takes a [Tenant].
func (x Expectation) Check(samlResponse, relayState string) Verdict {
	e := newExamination(x, message{samlResponse: samlResponse, relayState: relayState})
	return e.verdict()
}

// message is what reached login.srf.
type message struct {
	samlResponse string
	relayState   string
	fault        string // why it is no POST of a form with one SAMLResponse; empty outside HTTP
	http         bool
}

// examination is one response on its way through the rules. Each field below the first block is set by the rule that
// establishes it, and a rule that reads it names that rule among its needs.
type examination struct {
	Expectation
	message message
	now     time.Time
	memory  *tenantMemory // nil: nothing is remembered between responses

	root       *etree.Element    // rule 2: the document element, or
	rootErr    error             // rule 2: why there is none
	assertion  *etree.Element    // rule 6: the assertion as it came, verified or not
	realm      Realm             // rule 10
	signatures signatures        // rule 13
	verified   *etree.Element    // rule 14: the assertion, parsed again from the bytes that were digested
	signer     *x509.Certificate // rule 14
	user       *User             // rule 21
}

func newExamination(x Expectation, m message) *examination {
	if x.Now == nil {
		x.Now = time.Now
	}
	x.Cloud = x.Cloud.OrGlobal()
	return &examination{Expectation: x, message: m, now: x.Now()}
}

func (e *examination) verdict() Verdict {
	v := e.conclude(e.judged())
	if e.verified != nil {
		v.Claims = e.claims(e.verified)
	}
	// Not only does no rule fail: there is a verified assertion, and a user that it names.
	if v.Rule == 0 && e.verified != nil && e.user != nil {
		v.Accepted, v.User = true, *e.user
	}
	return v
}

// conclude makes a verdict of the findings: the first failure decides. It accepts nothing.
func (e *examination) conclude(findings []Finding) Verdict {
	v := Verdict{Findings: findings, Realm: e.realm.Domain}
	if i := slices.IndexFunc(findings, func(f Finding) bool { return f.Outcome == Failed }); i >= 0 {
		f := findings[i]
		v.Code, v.Rule, v.Detail, v.Cause, v.Remedy = f.Code, f.Rule, f.Detail, f.Cause, f.Remedy
		v.Message = e.entraText(f.Code)
	}
	return v
}

// entraText is Entra's message with what it would fill in.
func (e *examination) entraText(code string) string {
	known, ok := aadsts.Lookup(code)
	if !ok {
		return ""
	}
	sender := e.assertion
	if sender == nil {
		sender = e.root
	}
	issuer := value(child(sender, nsAssertion, "Issuer"))
	identifier, problem := e.personOf(e.assertion)
	if problem != "" {
		identifier = value(nameIDOf(e.assertion))
	}
	id, _ := attr(e.root, "ID")
	return strings.NewReplacer("{issuer}", issuer, "{idp}", issuer, "{identifier}", identifier, "{email}", identifier,
		"{tenant}", orElse(e.TenantID, "tenant's"),
		"{name}", "SAMLResponse", "{resource}", "Microsoft 365", "{id}", id).Replace(known.Message)
}

// personOf is the name by which the assertion says who it is about: a member's UPN, or a guest's mail address.
func (e *examination) personOf(assertion *etree.Element) (name, problem string) {
	if e.realm.External {
		return emailOf(assertion)
	}
	return e.upnOf(assertion)
}

// Refused reports whether a rule failed: Entra would not let this through, whatever else it knows. What is neither
// Refused nor Accepted is good as far as it could be checked, and Findings says how far that is.
func (v Verdict) Refused() bool { return v.Rule != 0 }

// Failures lists the findings of rules that failed.
func (v Verdict) Failures() []Finding { return v.with(Failed) }

// Warnings lists the findings of rules that warn.
func (v Verdict) Warnings() []Finding { return v.with(Warned) }

func (v Verdict) with(o Outcome) []Finding {
	return slices.DeleteFunc(slices.Clone(v.Findings), func(f Finding) bool { return f.Outcome != o })
}

// ErrRejected: the response is not good for a sign-in.
var ErrRejected = errors.New("entratest: the response is not accepted")

// Err returns nil if the response is accepted, and otherwise an error that matches [ErrRejected] and says which rule
// failed and what to do, or which rules could not be checked.
func (v Verdict) Err() error {
	switch {
	case v.Accepted:
		return nil
	case v.Rule == 0:
		var numbers []string
		for _, f := range v.with(NotChecked) {
			numbers = append(numbers, fmt.Sprint(f.Rule))
		}
		return fmt.Errorf("%w: no rule failed, but not all could be checked: %s", ErrRejected, strings.Join(numbers, ", "))
	}
	return fmt.Errorf("%w: %s (rule %d): %s. %s", ErrRejected, v.Code, v.Rule, v.Detail, v.Remedy)
}

// MarshalJSON writes the verdict as login.srf answers it to a client that accepts application/json.
func (v Verdict) MarshalJSON() ([]byte, error) {
	return json.Marshal(v.wire())
}

type verdictJSON struct {
	Accepted bool      `json:"accepted"`
	User     *userJSON `json:"user,omitempty"`
	Realm    string    `json:"realm,omitempty"`
	Code     string    `json:"code,omitempty"`
	Rule     int       `json:"rule,omitempty"`
	Message  string    `json:"message,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Cause    string    `json:"cause,omitempty"`
	Remedy   string    `json:"remedy,omitempty"`
	Claims   *Claims   `json:"claims,omitempty"`
	Findings []Finding `json:"findings"`
}

type userJSON struct {
	ID          string `json:"id"`
	UPN         string `json:"userPrincipalName"`
	DisplayName string `json:"displayName"`
	ImmutableID string `json:"onPremisesImmutableId"`
}

func (v Verdict) wire() verdictJSON {
	w := verdictJSON{
		Accepted: v.Accepted, Realm: v.Realm, Code: v.Code, Rule: v.Rule, Message: v.Message, Detail: v.Detail,
		Cause: v.Cause, Remedy: v.Remedy, Findings: v.Findings,
	}
	if v.User.UPN != "" {
		w.User = &userJSON{v.User.ObjectID, v.User.UPN, v.User.DisplayName, v.User.ImmutableID}
	}
	if v.Claims.AssertionID != "" {
		w.Claims = &v.Claims
	}
	return w
}
