package federation

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// settingsRules look at the settings alone, and at the issuers of the tenant's other domains.
func settingsRules() []rule {
	return []rule{
		{Rule{
			Name: "settings-missing", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeFederateGuest},
			Meaning:  "Domain, Issuer and SignInURL must be set.",
		}, settingsMissing},
		{Rule{
			Name: "domain-name", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "Domain must be a domain name.",
		}, settingsDomainName},
		{Rule{
			Name: "issuer-not-uri", Severity: SeverityError, AADSTS: "AADSTS50107",
			Purposes: []Purpose{PurposeFederate, PurposeFederateGuest},
			Meaning:  "Issuer must be a URI without blanks; Entra refuses a bare host name.",
		}, settingsIssuer},
		{Rule{
			Name: "issuer-taken", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeFederateGuest},
			Meaning:  "Issuer must belong to no other domain of the tenant.",
		}, settingsIssuerTaken},
		{Rule{
			Name: "issuer-shared", Severity: SeverityWarning,
			Purposes: []Purpose{PurposeFederate, PurposeFederateGuest},
			Meaning:  "Issuer should be one that no other tenant has.",
		}, settingsIssuerShared},
		{Rule{
			Name: "url", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeFederateGuest},
			Meaning:  "The URLs must be absolute https URLs.",
		}, settingsURLs},
		{Rule{
			Name: "settings-value", Severity: SeverityError,
			Purposes: []Purpose{PurposeFederate, PurposeFederateGuest},
			Meaning:  "Protocol, MFABehavior and PromptLogin must have values that Graph knows.",
		}, settingsValues},
	}
}

func settingsMissing(r Rule, x *examination) []Finding {
	if x.settings == nil {
		return nil
	}
	var missing []string
	for _, s := range []struct{ name, value string }{
		{x.domainField(), x.settings.Domain}, {"Issuer", x.settings.Issuer}, {"SignInURL", x.settings.SignInURL},
	} {
		if s.value == "" {
			missing = append(missing, s.name)
		}
	}
	if missing == nil {
		return nil
	}
	return one(r.finding("The settings lack "+strings.Join(missing, ", ")+".", "Set it.", "", missing...))
}

// domainField is what the settings call the domain.
func (x *examination) domainField() string {
	if x.partner != nil {
		return "Domains"
	}
	return "Domain"
}

func settingsDomainName(r Rule, x *examination) []Finding {
	if x.domain == "" || isDomainName(x.domain) {
		return nil
	}
	return one(r.finding(fmt.Sprintf("%q is not a domain name.", x.domain),
		"Write it as contoso.com, without a scheme or an @, and other alphabets in their xn-- form.", ""))
}

func settingsIssuer(r Rule, x *examination) []Finding {
	if x.settings == nil || x.settings.Issuer == "" {
		return nil
	}
	problem := issuerProblem(x.settings.Issuer)
	if problem == "" {
		return nil
	}
	return one(r.finding(fmt.Sprintf("The Issuer %q %s.", x.settings.Issuer, problem),
		"Use an https URL below a domain of the organisation's own, such as https://id."+x.domain+"/entra/"+x.domain+
			", and have the identity provider send exactly that.", ""))
}

// issuerProblem says why a text is no issuer that Entra takes; empty if it is one.
func issuerProblem(issuer string) string {
	if strings.ContainsFunc(issuer, unicode.IsSpace) {
		return "has blanks"
	}
	if strings.ContainsFunc(issuer, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "has characters that a URI cannot have"
	}
	scheme, rest, found := strings.Cut(issuer, ":")
	if !found || strings.ContainsAny(scheme, "./") { // "id.contoso.com:8443" has no scheme
		return "is a bare name and not a URI"
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil || rest == "":
		return "is not a URI"
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host == "":
		return "has no host"
	}
	return ""
}

func settingsIssuerTaken(r Rule, x *examination) []Finding {
	if x.settings == nil || x.settings.Issuer == "" || !x.has(factConfigurations) {
		return nil
	}
	other, taken := x.issuers[x.settings.Issuer]
	if !taken {
		return nil
	}
	return one(r.finding(fmt.Sprintf("The Issuer %q is already that of %s.", x.settings.Issuer, other),
		"Give each domain an issuer of its own, and have the identity provider choose it by the domain of the user. "+
			"Entra refuses a second domain with the same one.", ""))
}

// sharedIssuers are known to be in guides and products, and so in many tenants, in lower case.
func sharedIssuers() []string { return []string{"urn:uri:o365"} }

func settingsIssuerShared(r Rule, x *examination) []Finding {
	if x.settings == nil || !slices.Contains(sharedIssuers(), strings.ToLower(x.settings.Issuer)) {
		return nil
	}
	return one(r.finding(fmt.Sprintf("The Issuer %q is in many tenants already.", x.settings.Issuer),
		"Use an https URL below a domain of the organisation's own. An issuer must be the only one of its kind in all of "+
			"Entra, so the tenant may refuse this one.", ""))
}

func settingsURLs(r Rule, x *examination) []Finding {
	if x.settings == nil {
		return nil
	}
	var found []Finding
	for _, u := range []struct{ name, value string }{
		{"SignInURL", x.settings.SignInURL}, {"SignOutURL", x.settings.SignOutURL},
		{"ActiveSignInURL", x.settings.ActiveSignInURL}, {"MetadataURL", x.settings.MetadataURL},
		{"PasswordResetURL", x.settings.PasswordResetURL},
	} {
		if problem := urlProblem(u.value); u.value != "" && problem != "" {
			found = append(found, r.finding(fmt.Sprintf("The %s %s.", u.name, problem),
				"Use an absolute https URL that the browsers of the people of "+x.domain+" can reach.", ""))
		}
	}
	return found
}

// urlProblem says why a text is not an absolute https URL; empty if it is one. It never has the URL, which may hold a
// password.
func urlProblem(raw string) string {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "has blanks, or characters that a URL cannot have"
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme == "" || u.Hostname() == "":
		return "is not absolute"
	case u.Scheme != "https":
		return fmt.Sprintf("begins with %q and not with https", u.Scheme)
	case u.User != nil:
		return "has a user name in it"
	case u.Fragment != "":
		return "has a fragment, which browsers do not send"
	}
	return ""
}

func settingsValues(r Rule, x *examination) []Finding {
	if x.settings == nil {
		return nil
	}
	var found []Finding
	for _, v := range []struct {
		name, value string
		known       []string
	}{
		{"Protocol", string(x.settings.Protocol), values(SAML, WSFed)},
		{"MFABehavior", string(x.settings.MFABehavior), values(AcceptMFA, EnforceMFA, RejectMFA)},
		{"PromptLogin", string(x.settings.PromptLogin), values(TranslatePrompt, NativePrompt, DisabledPrompt)},
	} {
		if v.value != "" && !slices.Contains(v.known, v.value) {
			found = append(found, r.finding(fmt.Sprintf("%s is %q, which Graph does not know.", v.name, v.value),
				"Use one of "+strings.Join(v.known, ", ")+". Capital letters count.", ""))
		}
	}
	return found
}

func values[T ~string](all ...T) []string {
	var texts []string
	for _, v := range all {
		texts = append(texts, string(v))
	}
	return texts
}
