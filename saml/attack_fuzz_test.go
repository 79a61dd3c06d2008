package saml_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/saml"
)

// edits are what a fuzz target does to a good message. It keeps the message and not its bytes in the corpus, because
// another process signs with another key.
type edits struct {
	copyFrom, copyLength, copyTo uint16 // a part of the message, put somewhere else once more
	at, length                   uint16 // what is replaced after that
	text                         string // by this
}

func (e edits) of(message string) string {
	from := min(int(e.copyFrom), len(message))
	part := message[from:min(from+int(e.copyLength), len(message))]
	to := min(int(e.copyTo), len(message))
	message = message[:to] + part + message[to:]
	at := min(int(e.at), len(message))
	return message[:at] + e.text + message[min(at+int(e.length), len(message)):]
}

// editsOf finds the edits that replace one text in a message.
func editsOf(t testing.TB, message, old, replacement string) edits {
	t.Helper()
	at := strings.Index(message, old)
	require.GreaterOrEqual(t, at, 0, old)
	return edits{at: uint16(at), length: uint16(len(old)), text: replacement}
}

// Whatever is done to a signed message, it is refused, or read as unsigned, or read as what was signed; nothing panics.
//
// CVE-2020-7711; CVE-2020-7731, GHSA-prjq-f4q3-fvfr; GO-2026-4760.
func FuzzReadSignedEdits(f *testing.F) {
	all := messages(f)
	kinds := []string{"AuthnRequest", "LogoutRequest"}
	idps := attacked(f)
	for i, kind := range kinds {
		m := all[kind]
		id, _, _ := strings.Cut(m.value, " ")
		signature := element(f, m.signed, "ds:Signature")
		at, end := uint16(strings.Index(m.signed, signature)), uint16(strings.LastIndex(m.signed, "</"))
		for _, e := range []edits{
			{},
			{copyFrom: at, copyLength: uint16(len(signature)), copyTo: end},
			{copyFrom: at, copyLength: uint16(len(signature)), copyTo: at},
			{copyLength: uint16(len(m.signed)), copyTo: end},
			{copyLength: uint16(len(m.signed)), copyTo: at, text: "<evil>"},
			editsOf(f, m.signed, signature, ""),
			editsOf(f, m.signed, ` ID="`+id, ` ID="_evil`),
			editsOf(f, m.signed, `URI="#`+id, `URI="`),
			editsOf(f, m.signed, "xmldsig#rsa-sha1", "xmldsig#hmac-sha1"),
			editsOf(f, m.signed, entraSigner().keyInfo(), ""),
			editsOf(f, m.signed, "</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>"),
			editsOf(f, m.signed, "</ds:DigestValue>", "<!----></ds:DigestValue>"),
			editsOf(f, m.signed, "MicrosoftOnline<", "MicrosoftOnline<x xmlns='u'/><"),
			editsOf(f, m.signed, " Version=", ` xmlns:x="u" x:ForceAuthn="1" Version=`),
			editsOf(f, m.signed, `Version="2.0"`, `Version='&#50;.0'`),
		} {
			f.Add(uint8(i), e.copyFrom, e.copyLength, e.copyTo, e.at, e.length, e.text)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, copyFrom, copyLength, copyTo, at, length uint16, text string) {
		m := all[kinds[int(kind)%len(kinds)]]
		document := edits{copyFrom, copyLength, copyTo, at, length, text}.of(m.signed)
		requireNothingBelieved(t, idps, m, document)
	})
}

// Whatever is done to a signed query, what is read is what was signed.
//
// CVE-2025-27773, GHSA-46r4-f8gj-xg56; CVE-2025-31335.
func FuzzReadSignedQuery(f *testing.F) {
	idp := attacked(f)[1]
	states := []string{"", "state"}
	signed := []string{signedQuery(f, entraSigner(), rsaSHA256, ""), signedQuery(f, entraSigner(), rsaSHA1, "state")}
	for i, raw := range signed {
		request, rest, _ := strings.Cut(raw, "&")
		for _, e := range []edits{
			{},
			{copyLength: uint16(len(request)), copyTo: uint16(len(raw))},
			{copyLength: uint16(len(raw))},
			{at: uint16(len(raw)), text: "&SAMLRequest=x"},
			{at: uint16(len(raw)), text: "&login_hint=x"},
			{at: uint16(len(raw)), text: "&Relay%53tate=x"},
			{at: uint16(len(raw)), text: "&SAMLEncoding=x"},
			{text: "x=y&&"},
			editsOf(f, raw, "&SigAlg", "&RelayState=evil&SigAlg"),
			editsOf(f, raw, "Signature=", "%53ignature="),
			editsOf(f, raw, "SAMLRequest", "samlrequest"),
			editsOf(f, raw, rest, ""),
			editsOf(f, raw, "%3A", "%3a"),
			editsOf(f, raw, "&Sig", ";Sig"),
		} {
			f.Add(uint8(i), e.copyFrom, e.copyLength, e.copyTo, e.at, e.length, e.text)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, copyFrom, copyLength, copyTo, at, length uint16, text string) {
		i := int(which) % len(signed)
		r := query("")
		r.URL.RawQuery = edits{copyFrom, copyLength, copyTo, at, length, text}.of(signed[i])
		request, err := idp.ReadRequest(r)
		if err != nil {
			requireReadableError(t, err)
			return
		}
		require.True(t, request.Signed)
		require.Equal(t, requestID, request.ID)
		require.Equal(t, states[i], request.RelayState)
	})
}

// A sign-out comes out of both bindings the same, can be answered, and proves nothing without a signature.
func FuzzReadLogout(f *testing.F) {
	idp := attacked(f)[0]
	open := newIdP(f, withLogout)
	signed := messages(f)["LogoutRequest"].signed
	for _, document := range []string{
		logoutRequest, signed, plainRequest, "", "<x/>",
		strings.Replace(logoutRequest, testID, "&lt;&amp;é", 1),
		strings.Replace(logoutRequest, ` ID=`, ` NotOnOrAfter="2026-01-02T03:10:00Z" ID=`, 1),
		strings.Replace(logoutRequest, "</Issuer>", "</Issuer>"+signature, 1),
		strings.Replace(logoutRequest, "<samlp:SessionIndex>", "<samlp:SessionIndex>s2</samlp:SessionIndex><samlp:SessionIndex>", 1),
	} {
		f.Add(document, "state", "")
	}
	f.Add("", "", "wa=wsignout1.0")
	f.Add("", "", "wa=wsignoutcleanup1.0&wreply=x")
	f.Add("", "", "SAMLRequest=%zz")
	f.Fuzz(func(t *testing.T, document, relayState, more string) {
		byForm, byQuery := url.Values{}, url.Values{}
		if relayState != "" {
			byForm.Set("RelayState", relayState)
			byQuery.Set("RelayState", relayState)
		}
		if document != "" {
			byForm.Set("SAMLRequest", encoded(document))
			byQuery.Set("SAMLRequest", deflated(document))
		}
		for _, p := range []*saml.IdentityProvider{idp, open} {
			formed, formErr := p.ReadLogout(postRaw(byForm.Encode() + "&" + more))
			asked := query("")
			asked.URL.RawQuery = byQuery.Encode() + "&" + more
			queried, queryErr := p.ReadLogout(asked)
			for _, err := range []error{formErr, queryErr} {
				if err != nil {
					requireReadableError(t, err)
				}
			}
			if formErr != nil || more != "" {
				continue
			}
			require.NoError(t, queryErr)
			require.Equal(t, formed, queried)
			require.False(t, formed.Signed && p == open)
			if formed.Signed {
				require.Equal(t, testID, formed.ImmutableID, "only what was signed is believed")
				require.Equal(t, []string{"s1"}, formed.SessionIndexes)
			}
			if formed.ID == "" {
				continue
			}
			require.Equal(t, relayState, formed.RelayState)
			response, err := p.RespondLogout(formed, "")
			require.NoError(t, err, "whatever was accepted can be answered")
			require.Equal(t, formed.ID, response.InResponseTo)
			require.Equal(t, loginSRF, response.Destination)
		}
	})
}
