package entratest

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/beevik/etree"
)

// Where the rules come from.
const (
	sourceSAML      = "https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp"
	sourceMFA       = "https://learn.microsoft.com/entra/identity/authentication/how-to-mfa-expected-inbound-assertions"
	sourceDomains   = "https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-install-multiple-domains"
	sourceErrors    = "https://learn.microsoft.com/entra/identity-platform/reference-error-codes"
	sourceDefence   = "inferred: without it a signature can be wrapped"
	statusSuccess   = "urn:oasis:names:tc:SAML:2.0:status:Success"
	remedyClock     = "Synchronise the identity provider's clock, and set NotBefore a little into the past."
	remedyOneSigned = "Send one Response with one Assertion, no document type declaration, and a fresh random ID on each."
)

// messageRules are about the post and the XML around the assertion.
func messageRules() []Rule {
	return []Rule{
		{
			Number: 1, Level: Must, Code: "AADSTS900144", Source: sourceSAML,
			Title:  "The response arrives by HTTP POST at login.srf, as an HTML form with one field SAMLResponse.",
			Remedy: "Answer the browser with a form that posts SAMLResponse and RelayState to login.srf.",
			check:  checkPosted,
		},
		{
			Number: 3, Level: Should, Code: "AADSTS90013", Source: "https://github.com/mandiant/ADFSpoof/issues/4",
			Title:  "RelayState comes back byte for byte, while the sign-in that it belongs to is alive.",
			Remedy: "Keep RelayState with the request, whatever its length, and post it back unchanged.",
			check:  checkRelayState,
		},
		{
			Number: 2, Level: Must, Code: "AADSTS90107", Source: sourceSAML, needs: []int{1},
			Title:  "SAMLResponse is standard base64, not deflated, of a well-formed XML document in UTF-8.",
			Remedy: "Encode the XML with standard base64, and escape the form field as URLs need it ('+' becomes %2B).",
			check:  checkDocument,
		},
		{
			Number: 5, Level: Must, Code: "AADSTS50008", Source: sourceDefence, needs: []int{1},
			Title:  "There is no document type declaration, no second assertion, no ID twice, and no excess.",
			Remedy: remedyOneSigned,
			check:  checkNoWrapping,
		},
		{
			Number: 4, Level: Must, Code: "AADSTS7500514", Source: sourceErrors, needs: []int{2, 5},
			Title:  "The document is a samlp:Response of version 2.0, and its ID is a name that begins with no digit.",
			Remedy: "Send a samlp:Response with Version=\"2.0\" and an ID such as an underscore and 32 hexadecimal digits.",
			check:  checkResponse,
		},
		{
			Number: 34, Level: Must, Code: "AADSTS500082", Source: sourceSAML, needs: []int{4},
			Title:  "Nothing is encrypted.",
			Remedy: "Switch encryption off for this relying party: Entra publishes no key to encrypt with.",
			check:  checkNotEncrypted,
		},
		{
			Number: 6, Level: Must, Code: "AADSTS500082", Source: sourceSAML, needs: []int{34},
			Title:  "The status is Success, and the Response holds the Assertion.",
			Remedy: "See in the identity provider's log why it did not let the person in.",
			check:  checkStatus,
		},
		{
			Number: 7, Level: Should, Code: "AADSTS500089", Source: sourceSAML, needs: []int{4},
			Title:  "Destination is the cloud's login.srf.",
			Remedy: "Set Destination to the address that the response is posted to.",
			check:  checkDestination,
		},
		{
			Number: 9, Level: Should, Code: "AADSTS50107", Source: sourceSAML, needs: []int{6},
			Title:  "The Issuer of the Response, if there is one, is the Issuer of the Assertion.",
			Remedy: "Send the same Issuer in both places, or none in the Response.",
			check:  checkSameIssuer,
		},
	}
}

func checkPosted(e *examination) result {
	switch {
	case e.message.fault != "":
		return failed("%s", e.message.fault)
	case e.message.samlResponse == "":
		return failed("there is no SAMLResponse")
	case !e.message.http:
		return passed("there is a SAMLResponse; how it was posted is not known")
	}
	return passed("a form was posted")
}

func checkRelayState(e *examination) result {
	switch {
	case e.message.fault != "":
		return unchecked("rule 1 refuses it unread")
	case e.memory != nil:
		return e.memory.relay()
	case e.RelayState == "":
		return unchecked("what was sent with the request is not known")
	case e.message.relayState != e.RelayState:
		return failed("RelayState has %d bytes and is not the one of %d bytes that was sent",
			len(e.message.relayState), len(e.RelayState))
	}
	return passed("%d bytes, unchanged", len(e.RelayState))
}

func checkDocument(e *examination) result {
	raw, problem := decode(e.message.samlResponse)
	if problem != "" {
		return failed("%s", problem).as("75005")
	}
	e.root, e.rootErr = readDocument(raw)
	switch {
	case e.rootErr == nil:
		return passed("%d bytes of XML", len(raw))
	case errors.Is(e.rootErr, errDoctype), errors.Is(e.rootErr, errLimits):
		return unchecked("rule 5 refuses it unread")
	case inflates(raw):
		return failed("it is deflated, as only the redirect binding does").as("75005")
	}
	return failed("%s", e.rootErr)
}

// decode returns the document, or what is wrong with its base64. Line breaks are allowed, as in RFC 2045.
func decode(field string) (raw []byte, problem string) {
	raw, err := base64.StdEncoding.DecodeString(field)
	switch {
	case err == nil:
		return raw, ""
	case strings.Contains(field, " "):
		return nil, "the base64 contains spaces: '+' was not escaped in the form"
	case strings.ContainsAny(field, "-_"):
		return nil, "the base64 is the URL-safe kind"
	}
	return nil, "it is not base64: " + err.Error()
}

func inflates(raw []byte) bool {
	start := make([]byte, 1)
	_, err := io.ReadFull(flate.NewReader(bytes.NewReader(raw)), start)
	return err == nil && start[0] == '<'
}

func checkNoWrapping(e *examination) result {
	if errors.Is(e.rootErr, errDoctype) || errors.Is(e.rootErr, errLimits) {
		return failed("%s", e.rootErr)
	}
	if e.root == nil {
		return unchecked("the document could not be read")
	}
	assertions := 0
	ids := map[string]bool{}
	var problem string
	descend(e.root, func(el *etree.Element) {
		if el.Tag == "Assertion" {
			assertions++
		}
		own := 0
		for _, a := range el.Attr {
			if !isID(a) {
				continue
			}
			if own++; own > 1 {
				problem = "an element has two IDs"
			}
			if ids[a.Value] {
				problem = "the ID " + quoted(a.Value) + " occurs twice"
			}
			ids[a.Value] = true
		}
	})
	switch {
	case assertions > 1:
		return failed("there are %d assertions", assertions)
	case problem != "":
		return failed("%s", problem)
	}
	return passed("")
}

// isID reports whether somebody could take the attribute for an ID, in any namespace and any case.
func isID(a etree.Attr) bool {
	return a.Space != "xmlns" && (strings.EqualFold(a.Key, "ID") || a.Key == "AssertionID")
}

var ncName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_.\-]*$`)

func checkResponse(e *examination) result {
	if !is(e.root, nsProtocol, "Response") {
		return failed("the document element is %s of the namespace %s", quoted(e.root.Tag), quoted(e.root.NamespaceURI()))
	}
	for _, el := range append(children(e.root, nsAssertion, "Assertion"), e.root) {
		if version, _ := attr(el, "Version"); version != "2.0" {
			return failed("the Version of the %s is %s", el.Tag, quoted(version))
		}
		if id, _ := attr(el, "ID"); !ncName.MatchString(id) {
			return failed("the ID of the %s is %s", el.Tag, quoted(id)).as("7500529")
		}
	}
	return passed("")
}

func checkNotEncrypted(e *examination) result {
	var found string
	descend(e.root, func(el *etree.Element) {
		switch el.Tag {
		case "EncryptedAssertion", "EncryptedID", "EncryptedAttribute", "EncryptedData":
			found = el.Tag
		}
	})
	if found != "" {
		return failed("there is an %s", found)
	}
	return passed("")
}

func checkStatus(e *examination) result {
	statuses := children(e.root, nsProtocol, "Status")
	if len(statuses) != 1 {
		return failed("the Response has %s instead of one Status", plural(len(statuses), "Status element"))
	}
	code := child(statuses[0], nsProtocol, "StatusCode")
	if top, _ := attr(code, "Value"); top != statusSuccess {
		inner, _ := attr(child(code, nsProtocol, "StatusCode"), "Value")
		message := value(child(statuses[0], nsProtocol, "StatusMessage"))
		return failed("the status is %s, %s, with the message %s", quoted(top), quoted(inner), quoted(message))
	}
	e.assertion = child(e.root, nsAssertion, "Assertion")
	if e.assertion == nil {
		return failed("no Assertion is directly inside the Response").advise("Put the signed Assertion into the Response.")
	}
	return passed("")
}

func checkDestination(e *examination) result {
	return checkAddress(e, e.root, "Destination")
}

func checkAddress(e *examination, el *etree.Element, name string) result {
	want := e.Cloud.AssertionConsumerService
	switch got, present := attr(el, name); {
	case !present:
		return failed("there is no %s; it should be %s", name, want)
	case got != want:
		return failed("%s is %s and should be %s", name, quoted(got), want)
	}
	return passed("")
}

func checkSameIssuer(e *examination) result {
	outer := child(e.root, nsAssertion, "Issuer")
	if outer == nil {
		return passed("the Response has no Issuer")
	}
	inner := child(e.assertion, nsAssertion, "Issuer")
	if value(outer) != value(inner) {
		return failed("the Response is from %s and the Assertion from %s", quoted(value(outer)), quoted(value(inner)))
	}
	return passed("")
}
