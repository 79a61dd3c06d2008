package entratest

import (
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/beevik/etree"
)

const (
	// clockSkew is how far the identity provider's clock may be off. Microsoft says only that clocks must be
	// synchronised; five minutes is usual among token services.
	clockSkew = 5 * time.Minute

	formatPersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	methodBearer      = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	attributeIDPEmail = "IDPEmail"
	attributeUPN      = "http://schemas.xmlsoap.org/claims/UPN"
	maxNameIDLength   = 64
)

// assertionRules are about what the assertion says. Those that need no directory look also at an assertion whose
// signature is not good, so that an operator learns everything at once; the verdict is decided long before.
func assertionRules() []Rule {
	return []Rule{
		{
			Number: 30, Level: Must, Code: "AADSTS500132", needs: []int{6},
			Source: "https://github.com/simplesamlphp/simplesamlphp/issues/1539",
			Title:  "AuthnContext has no AuthenticatingAuthority.",
			Remedy: "Leave AuthenticatingAuthority out, also where the identity provider is a proxy for another.",
			check:  checkAuthnContext,
		},
		{
			Number: 35, Level: Should, always: true, Code: "AADSTS500132", needs: []int{6},
			Source: "inferred: a value that is cut short names somebody else",
			Title:  "The values are plain text, read in full past any comment.",
			Remedy: "Write values as escaped text without comments, elements or processing instructions.",
			check:  checkPlainValues,
		},
		{
			Number: 19, Level: Must, Code: "AADSTS51004", Source: sourceSAML, needs: []int{6},
			Title:  "There is one NameID, and its Format is persistent.",
			Remedy: "Send the ImmutableID as NameID with Format=\"" + formatPersistent + "\".",
			check:  checkNameID,
		},
		{
			Number: 20, Level: Must, Code: "AADSTS51004", Source: sourceSAML, needs: []int{19},
			Title:  "NameID has 1 to 64 characters, which are compared as they stand.",
			Remedy: "Choose ImmutableIDs of at most 64 characters, and write no white space around them.",
			check:  checkNameIDLength,
		},
		{
			Number: 22, Level: Should, Code: "AADSTS51004", Source: sourceSAML, needs: []int{19},
			Title:  "NameID has letters and digits only.",
			Remedy: "Use letters and digits for new users. Microsoft's page asks to write '+' as '.2B'; working set-ups do not.",
			check:  checkNameIDAlphabet,
		},
		{
			Number: 23, Level: Must, Code: "AADSTS500089", Source: sourceSAML, needs: []int{6},
			Title:  "A bearer SubjectConfirmation has login.srf as Recipient, a NotOnOrAfter to come, and no NotBefore.",
			Remedy: "Set Recipient to the address that is posted to, and NotOnOrAfter some minutes ahead; check the clock.",
			check:  checkConfirmation,
		},
		{
			Number: 25, Level: Must, Code: "AADSTS500089", Source: sourceSAML, needs: []int{6},
			Title:  "Now is between NotBefore and NotOnOrAfter of Conditions, give or take five minutes.",
			Remedy: remedyClock,
			check:  checkValidity,
		},
		{
			Number: 26, Level: Must, Code: "AADSTS500089", Source: sourceSAML, needs: []int{6},
			Title:  "AudienceRestriction names the cloud.",
			Remedy: "Set Audience to the entity ID of the cloud: urn:federation:MicrosoftOnline in the worldwide one.",
			check:  checkAudience,
		},
		{
			Number: 31, Level: Should, Code: "AADSTS50008", Source: sourceMFA, needs: []int{6},
			Title: "There is one AuthnStatement with an AuthnInstant that has passed, a SessionIndex and one " +
				"AuthnContextClassRef.",
			Remedy: "Say when and how the person really authenticated.",
			check:  checkAuthnStatement,
		},
		{
			Number: 8, Level: Should, Code: "AADSTS500089", needs: []int{4},
			Source: sourceSAML + "; toolkits that post an invented InResponseTo show leniency",
			Title:  "InResponseTo is the ID of a request that waits for its answer.",
			Remedy: "Answer each request once, and let people begin at Entra, with a smart link.",
			check:  checkInResponseTo,
		},
		{
			Number: 24, Level: Should, Code: "AADSTS500089", Source: sourceSAML, needs: []int{23},
			Title:  "InResponseTo of SubjectConfirmationData is that of the Response.",
			Remedy: "Write the ID of the request in both places.",
			check:  checkSameInResponseTo,
		},
		{
			Number: 27, Level: Should, always: true, Code: "AADSTS50008", needs: []int{14},
			Source: "inferred: a bearer assertion is good for one sign-in",
			Title:  "The assertion was not accepted before.",
			Remedy: "Issue a new assertion with a new ID for each sign-in.",
			check:  checkReplay,
		},
		{
			Number: 28, Level: Should, Code: "AADSTS50008", Source: sourceSAML, needs: []int{6},
			Title:  "One attribute IDPEmail has one value, in the form of a UPN.",
			Remedy: "Send <Attribute Name=\"IDPEmail\"> with the user's UPN; upper and lower case of the name count.",
			check:  checkIDPEmail,
		},
	}
}

// content is the assertion to read: the verified one where there is one.
func (e *examination) content() *etree.Element {
	if e.verified != nil {
		return e.verified
	}
	return e.assertion
}

func (e *examination) claims(assertion *etree.Element) Claims {
	nameID := nameIDOf(assertion)
	format, _ := attr(nameID, "Format")
	id, _ := attr(assertion, "ID")
	c := Claims{
		AssertionID: id, Issuer: value(child(assertion, nsAssertion, "Issuer")), NameID: value(nameID), NameIDFormat: format,
		AuthnContextClassRef: classRefOf(assertion),
	}
	switch name, problem := e.personOf(assertion); {
	case problem != "":
	case e.realm.External:
		c.Email = name
	default:
		c.UPN = name
	}
	conditions := child(assertion, nsAssertion, "Conditions")
	for _, restriction := range children(conditions, nsAssertion, "AudienceRestriction") {
		c.Audiences = append(c.Audiences, audiencesOf(restriction)...)
	}
	c.NotBefore, _, _ = instantOf(conditions, "NotBefore")
	c.NotOnOrAfter, _, _ = instantOf(conditions, "NotOnOrAfter")
	statement := child(assertion, nsAssertion, "AuthnStatement")
	c.AuthnInstant, _, _ = instantOf(statement, "AuthnInstant")
	c.SessionIndex, _ = attr(statement, "SessionIndex")
	for _, data := range confirmationsOf(assertion) {
		c.InResponseTo, _ = attr(data, "InResponseTo")
	}
	return c
}

func nameIDOf(assertion *etree.Element) *etree.Element {
	return child(child(assertion, nsAssertion, "Subject"), nsAssertion, "NameID")
}

func classRefOf(assertion *etree.Element) string {
	return value(child(child(child(assertion, nsAssertion, "AuthnStatement"), nsAssertion, "AuthnContext"),
		nsAssertion, "AuthnContextClassRef"))
}

func audiencesOf(restriction *etree.Element) []string {
	var audiences []string
	for _, el := range children(restriction, nsAssertion, "Audience") {
		audiences = append(audiences, value(el))
	}
	return audiences
}

// confirmationsOf returns the SubjectConfirmationData of the bearer confirmations; nil stands for one without data.
func confirmationsOf(assertion *etree.Element) []*etree.Element {
	var data []*etree.Element
	for _, c := range children(child(assertion, nsAssertion, "Subject"), nsAssertion, "SubjectConfirmation") {
		if method, _ := attr(c, "Method"); method == methodBearer {
			data = append(data, child(c, nsAssertion, "SubjectConfirmationData"))
		}
	}
	return data
}

func checkAuthnContext(e *examination) result {
	for _, statement := range children(e.content(), nsAssertion, "AuthnStatement") {
		for _, context := range children(statement, nsAssertion, "AuthnContext") {
			if child(context, nsAssertion, "AuthenticatingAuthority") != nil {
				return failed("there is an AuthenticatingAuthority in the AuthnContext")
			}
			for _, tag := range []string{"AuthnContextDeclRef", "AuthnContextDecl"} {
				if child(context, nsAssertion, tag) != nil {
					return warned("there is an %s, which one vendor suspected to make Entra refuse the assertion", tag)
				}
			}
		}
	}
	return passed("")
}

func checkPlainValues(e *examination) result {
	var problem string
	descend(e.content(), func(el *etree.Element) {
		switch el.Tag {
		case "Issuer", "NameID", "Audience", "AuthnContextClassRef":
		case "AttributeValue":
			name, _ := attr(el.Parent(), "Name")
			if name != attributeIDPEmail && name != attributeUPN && !(e.realm.External && name == attributeEmailAddress) {
				return
			}
		default:
			return
		}
		if found := foreign(el); found != "" {
			problem = el.Tag + " contains " + found
		}
	})
	if problem != "" {
		return failed("%s", problem)
	}
	return passed("")
}

func checkNameID(e *examination) result {
	subjects := children(e.content(), nsAssertion, "Subject")
	if len(subjects) != 1 {
		return failed("the Assertion has %s", plural(len(subjects), "Subject")).as("500089")
	}
	nameIDs := children(subjects[0], nsAssertion, "NameID")
	if len(nameIDs) != 1 {
		return failed("the Subject has %s", plural(len(nameIDs), "NameID")).as("500089")
	}
	switch format, present := attr(nameIDs[0], "Format"); {
	case !present:
		return failed("NameID has no Format").tolerated()
	case format != formatPersistent:
		return failed("the Format of NameID is %s", quoted(format))
	}
	for _, qualifier := range []string{"NameQualifier", "SPNameQualifier"} {
		if _, present := attr(nameIDs[0], qualifier); present {
			return warned("NameID has a %s, which the known recipes leave out", qualifier)
		}
	}
	return passed("")
}

func checkNameIDLength(e *examination) result {
	nameID := value(nameIDOf(e.content()))
	n := utf8.RuneCountInString(nameID)
	switch {
	case n == 0:
		return failed("NameID is empty")
	case n > maxNameIDLength:
		return failed("NameID has %d characters", n)
	case strings.TrimSpace(nameID) != nameID:
		return failed("there is white space around the NameID %s", quoted(nameID))
	}
	return passed("%s", plural(n, "character"))
}

func checkNameIDAlphabet(e *examination) result {
	nameID := value(nameIDOf(e.content()))
	other := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if i := strings.IndexFunc(nameID, other); i >= 0 {
		r, _ := utf8.DecodeRuneInString(nameID[i:])
		return warned("NameID contains %q", r)
	}
	return passed("")
}

func checkConfirmation(e *examination) result {
	confirmations := confirmationsOf(e.content())
	if len(confirmations) == 0 {
		return failed("there is no SubjectConfirmation with the Method %s", methodBearer)
	}
	var first result
	for i, data := range confirmations {
		res := e.checkConfirmationData(data)
		if res.outcome == Passed {
			return res
		}
		if i == 0 {
			first = res
		}
	}
	return first
}

func (e *examination) checkConfirmationData(data *etree.Element) result {
	if data == nil {
		return failed("the SubjectConfirmation has no SubjectConfirmationData")
	}
	if res := checkAddress(e, data, "Recipient"); res.outcome != Passed {
		return res
	}
	if _, present := attr(data, "NotBefore"); present {
		return failed("SubjectConfirmationData has a NotBefore")
	}
	switch until, present, err := instantOf(data, "NotOnOrAfter"); {
	case err != nil:
		return failed("NotOnOrAfter of SubjectConfirmationData: %s", err)
	case !present:
		return failed("SubjectConfirmationData has no NotOnOrAfter")
	case !until.After(e.now.Add(-clockSkew)):
		return failed("NotOnOrAfter of SubjectConfirmationData is %s, and it is %s", stamp(until), stamp(e.now)).
			as(e.Policy.timeFailureCode())
	}
	return passed("")
}

func checkValidity(e *examination) result {
	return e.checkWindow().as(e.Policy.timeFailureCode())
}

func (e *examination) checkWindow() result {
	conditions := children(e.content(), nsAssertion, "Conditions")
	if len(conditions) != 1 {
		return failed("the Assertion has %d Conditions elements", len(conditions))
	}
	from, hasFrom, err := instantOf(conditions[0], "NotBefore")
	if err != nil {
		return failed("NotBefore: %s", err)
	}
	until, hasUntil, err := instantOf(conditions[0], "NotOnOrAfter")
	switch {
	case err != nil:
		return failed("NotOnOrAfter: %s", err)
	case !hasUntil:
		return failed("Conditions has no NotOnOrAfter")
	case hasFrom && from.After(e.now.Add(clockSkew)):
		return failed("the assertion is valid from %s, and it is %s", stamp(from), stamp(e.now))
	case !until.After(e.now.Add(-clockSkew)):
		return failed("the assertion was valid until %s, and it is %s", stamp(until), stamp(e.now))
	case hasFrom && until.Sub(from) > 24*time.Hour:
		return warned("the assertion is valid for %s, longer than a day", until.Sub(from))
	}
	return passed("until %s", stamp(until))
}

func checkAudience(e *examination) result {
	restrictions := children(child(e.content(), nsAssertion, "Conditions"), nsAssertion, "AudienceRestriction")
	if e.Cloud.Audience == "" {
		return failed("the audience of the cloud %s is not known", e.Cloud.Name).
			advise("Set Cloud.Audience to what the user realm discovery returns as cloud_audience_urn.")
	}
	if len(restrictions) == 0 {
		return failed("there is no AudienceRestriction")
	}
	for _, restriction := range restrictions {
		if audiences := audiencesOf(restriction); !slices.Contains(audiences, e.Cloud.Audience) {
			return failed("the audience is %s and should be %s", quoted(strings.Join(audiences, " ")), e.Cloud.Audience)
		}
	}
	return passed("")
}

func checkAuthnStatement(e *examination) result {
	statements := children(e.content(), nsAssertion, "AuthnStatement")
	if len(statements) != 1 {
		return failed("the Assertion has %s", plural(len(statements), "AuthnStatement"))
	}
	instant, present, err := instantOf(statements[0], "AuthnInstant")
	ends, hasEnd, endErr := instantOf(statements[0], "SessionNotOnOrAfter")
	switch {
	case err != nil:
		return failed("AuthnInstant: %s", err)
	case !present:
		return failed("AuthnStatement has no AuthnInstant")
	case instant.After(e.now.Add(clockSkew)):
		return failed("AuthnInstant is %s, and it is %s", stamp(instant), stamp(e.now)).advise(remedyClock)
	case endErr != nil:
		return failed("SessionNotOnOrAfter: %s", endErr)
	case hasEnd && !ends.After(e.now.Add(-clockSkew)):
		return failed("the session at the identity provider ended at %s", stamp(ends))
	}
	if index, _ := attr(statements[0], "SessionIndex"); index == "" {
		return failed("AuthnStatement has no SessionIndex")
	}
	contexts := children(statements[0], nsAssertion, "AuthnContext")
	if len(contexts) != 1 {
		return failed("AuthnStatement has %s", plural(len(contexts), "AuthnContext"))
	}
	if refs := children(contexts[0], nsAssertion, "AuthnContextClassRef"); len(refs) != 1 || value(refs[0]) == "" {
		return failed("AuthnContext has %s instead of one with a value", plural(len(refs), "AuthnContextClassRef"))
	}
	return passed("%s at %s", quoted(classRefOf(e.content())), stamp(instant))
}

func checkInResponseTo(e *examination) result {
	switch id, _ := attr(e.root, "InResponseTo"); {
	case e.memory == nil && e.RequestID == "":
		return unchecked("the request is not known")
	case id == "":
		return failed("the Response has no InResponseTo: nobody asked for it")
	case e.memory != nil:
		return e.memory.answers(id)
	case id != e.RequestID:
		return failed("InResponseTo is %s, and the request was %s", quoted(id), quoted(e.RequestID))
	}
	return passed("")
}

func checkSameInResponseTo(e *examination) result {
	outer, _ := attr(e.root, "InResponseTo")
	for _, data := range confirmationsOf(e.content()) {
		if inner, _ := attr(data, "InResponseTo"); inner != outer {
			return failed("InResponseTo of SubjectConfirmationData is %s, and that of the Response is %s",
				quoted(inner), quoted(outer))
		}
	}
	return passed("")
}

func checkReplay(e *examination) result {
	if e.memory == nil {
		return unchecked("earlier responses are not remembered")
	}
	if id, _ := attr(e.verified, "ID"); e.memory.replayed(id) {
		return failed("the assertion %s was accepted before", quoted(id))
	}
	return passed("")
}

func checkIDPEmail(e *examination) result {
	upn, problem := e.upnOf(e.content())
	switch {
	case problem == "" && len(valuesOf(e.content(), attributeIDPEmail)) == 0:
		return warned("there is no IDPEmail; the attribute %s says %s", attributeUPN, quoted(upn))
	case problem != "":
		return failed("%s", problem)
	}
	return passed("%s", quoted(upn))
}

// upnOf returns the UPN that an assertion states, or what is wrong with it.
func (e *examination) upnOf(assertion *etree.Element) (upn, problem string) {
	values := valuesOf(assertion, attributeIDPEmail)
	if older := valuesOf(assertion, attributeUPN); len(values) == 0 && e.Lenient {
		values = older
	}
	switch {
	case len(values) == 0:
		return "", "there is no attribute IDPEmail" + similar(assertion, attributeIDPEmail)
	case len(values) > 1:
		return "", "IDPEmail has more than one value"
	}
	if address, err := mail.ParseAddress(values[0]); err != nil || address.Address != values[0] {
		return "", "IDPEmail is " + quoted(values[0]) + ", which is no UPN"
	}
	return values[0], ""
}

// valuesOf returns the values of all attributes of that name.
func valuesOf(assertion *etree.Element, name string) []string {
	var values []string
	eachAttribute(assertion, func(attribute *etree.Element, found string) {
		if found == name {
			for _, v := range children(attribute, nsAssertion, "AttributeValue") {
				values = append(values, value(v))
			}
		}
	})
	return values
}

// similar names an attribute that was probably meant to be the one wanted. Microsoft's pages print some with https.
func similar(assertion *etree.Element, wanted string) string {
	var hint string
	eachAttribute(assertion, func(_ *etree.Element, name string) {
		if name != wanted && strings.EqualFold(strings.Replace(name, "https:", "http:", 1), wanted) {
			hint = ", but there is " + quoted(name)
		}
	})
	return hint
}

func eachAttribute(assertion *etree.Element, visit func(attribute *etree.Element, name string)) {
	for _, statement := range children(assertion, nsAssertion, "AttributeStatement") {
		for _, attribute := range children(statement, nsAssertion, "Attribute") {
			name, _ := attr(attribute, "Name")
			visit(attribute, name)
		}
	}
}
