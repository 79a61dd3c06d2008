package saml_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/saml"
)

// Names, prefixes, declarations and directives that encoding/xml reads in one way and writes in another are refused
// before anything is made of them, wherever they stand, signed or not.
//
// GHSA-4hq8-gmxx-h6w9, CVE-2020-27846; CVE-2020-29509, CVE-2020-29510, CVE-2020-29511; GHSA-xhqq-x44f-9fgg;
// GHSA-m9hp-7r99-94h5, CVE-2020-26290; CVE-2020-27847; golang/go#43168.
func TestRoundTripInstability(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		end := m.unsigned[strings.LastIndex(m.unsigned, "</"):]
		for name, unstable := range map[string]string{
			"a colon first":                      `<:x/>`,
			"two colons":                         `<x::y/>`,
			"two colons, prefix declared":        `<x::y xmlns:x="urn:x"/>`,
			"a colon last":                       `<x: xmlns:x="urn:x"/>`,
			"only a colon":                       `<:/>`,
			"three parts":                        `<x:y:z xmlns:x="urn:x"/>`,
			"an end tag with two colons":         `<x::y></::y>`,
			"an end tag with another prefix":     `<x:y xmlns:x="urn:x" xmlns:z="urn:x"></z:y>`,
			"an end tag without the prefix":      `<x:y xmlns:x="urn:x"></y>`,
			"an attribute with a colon first":    `<x :y=""/>`,
			"an attribute with two colons":       `<x ::y=""/>`,
			"an attribute, prefix declared":      `<x xmlns:y="urn:y" y::z=""/>`,
			"an attribute with a colon last":     `<x xmlns:y="urn:y" y:=""/>`,
			"an attribute that is a colon":       `<x :=""/>`,
			"an empty prefix declared":           `<x xmlns="urn:x" xmlns:="urn:y"/>`,
			"xmlns declared":                     `<x xmlns:xmlns="urn:x"/>`,
			"xmlns as a prefix":                  `<xmlns:x/>`,
			"xml declared":                       `<x xmlns:xml="urn:x"/>`,
			"xml's namespace under a prefix":     `<x xmlns:y="http://www.w3.org/XML/1998/namespace"/>`,
			"xmlns's namespace under a prefix":   `<x xmlns:y="http://www.w3.org/2000/xmlns/"/>`,
			"xml's namespace as the default":     `<x xmlns="http://www.w3.org/XML/1998/namespace"/>`,
			"xmlns's namespace as the default":   `<x xmlns="http://www.w3.org/2000/xmlns/"/>`,
			"a prefix undone":                    `<x xmlns:y=""/>`,
			"a prefix declared twice":            `<x xmlns:y="urn:y" xmlns:y="urn:z"/>`,
			"a default declared twice":           `<x xmlns="urn:y" xmlns="urn:z"/>`,
			"a prefix declared too late":         `<y:x><z xmlns:y="urn:y"/></y:x>`,
			"a prefix declared beside":           `<z xmlns:y="urn:y"/><y:x/>`,
			"one name under two prefixes":        `<x xmlns:y="urn:y" xmlns:z="urn:y" y:a="" z:a=""/>`,
			"a directive":                        `<!x>`,
			"a directive with a comment":         `<! <<!-- -->!-- x --> y>`,
			"a directive that opens a comment":   "<! <<!-- -->!-->\"--> \" ><! \">\" <x/>>",
			"a directive with a quoted bracket":  `<! ">" <x/>>`,
			"a directive with nested ones":       `<!name <!-- --><x <y>>>`,
			"a directive that hides an element":  `<!x "<NameID>victim</NameID>">`,
			"a CDATA section":                    `<x><![CDATA[y]]></x>`,
			"a CDATA section in another case":    `<x><![cdata[y]]></x>`,
			"end of a CDATA section":             `<x>]]></x>`,
			"a processing instruction":           `<?x y?>`,
			"a second XML declaration":           `<?xml version="1.0"?>`,
			"a processing instruction, no end":   `<?x y>`,
			"a name that begins with a digit":    `<1x/>`,
			"a name with markup":                 `<x<y/>`,
			"an attribute without a value":       `<x y/>`,
			"an attribute without quotes":        `<x y=z/>`,
			"less-than in an attribute":          `<x y="<"/>`,
			"an unclosed element":                `<x>`,
			"an end tag without a start":         `</x>`,
			"an end tag with attributes":         `<x></x y="">`,
			"a control character":                "<x>\x01</x>",
			"a reference to a control character": `<x>&#1;</x>`,
			"a reference to a NUL":               `<x>&#0;</x>`,
			"a reference beyond Unicode":         `<x>&#x110000;</x>`,
			"an unfinished reference":            `<x>&amp</x>`,
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				for _, document := range []string{m.unsigned, m.signed} {
					requireRefused(t, idps, m, swap(t, document, end, unstable+end), saml.ErrXML)
					requireRefused(t, idps, m, swap(t, document, "<Issuer ", unstable+"<Issuer "), saml.ErrXML)
				}
			})
		}
		// Odd, but the same however often it is read and written: harmless beside a signature, and fatal inside one.
		for name, stable := range map[string]string{
			"an attribute named xmlns with a prefix": `<x xmlns:y="urn:y" y:xmlns="urn:z"/>`,
			"a default undone":                       `<x xmlns=""/>`,
			"a prefix declared again":                `<x xmlns:y="urn:y"><z xmlns:y="urn:z"/></x>`,
			"an element named xmlns":                 `<xmlns/>`,
			"an element with the prefix xml":         `<xml:x/>`,
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				_, value, err := m.read(idps[0], swap(t, m.unsigned, end, stable+end))
				require.NoError(t, err)
				require.Equal(t, m.value, value)
				requireRefused(t, idps, m, swap(t, m.signed, end, stable+end), saml.ErrSignature)
			})
		}
	}
}

// A value is not cut short at a comment, nor at anything else that is not text: such a document is refused.
//
// CVE-2017-11427, CVE-2017-11428; CVE-2026-57580.
func TestCommentTruncation(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		for name, cutting := range map[string]string{
			"a comment":                         "<!---->",
			"a comment with text":               "<!--.evil.example.net-->",
			"a comment that is not one":         "<!-- -- -->",
			"a comment without an end":          "<!--",
			"a processing instruction":          "<?x?>",
			"a CDATA section":                   "<![CDATA[.evil]]>",
			"an empty CDATA section":            "<![CDATA[]]>",
			"a comment that ends in a CDATA":    "<![CDATA[<!--]]>-->",
			"an entity":                         "&x;",
			"a directive":                       "<!x>",
			"a comment with an escaped bracket": "<!--&gt;-->",
		} {
			for place, at := range map[string]string{
				"the issuer": ">urn:federation:", "an attribute": `="2.0`, "the version": "Version=",
				"the end": m.unsigned[strings.LastIndex(m.unsigned, "</"):],
			} {
				document := swap(t, m.unsigned, at, at+cutting)
				if strings.HasPrefix(at, "</") {
					document += "\n" // behind the root
				}
				t.Run(kind+", "+name+" in "+place, func(t *testing.T) { requireRefused(t, idps, m, document, saml.ErrXML) })
			}
		}
	}
	for _, document := range []string{
		swap(t, logoutRequest, testID, "victim<!-- -->.evil"), swap(t, logoutRequest, ">s1<", ">s<!-- -->1<"),
		child(`<samlp:RequestedAuthnContext><AuthnContextClassRef xmlns="` + nsAssertion + `">` + saml.MultipleAuthn +
			`<!-- -->x</AuthnContextClassRef></samlp:RequestedAuthnContext>`),
	} {
		for _, m := range messages(t) {
			_, _, err := m.read(idps[0], document)
			require.ErrorIs(t, err, saml.ErrXML)
		}
	}
	// An element in the midst of a value does not cut it short either.
	logout, err := idps[0].ReadLogout(postRequest(swap(t, logoutRequest, testID, "victim<x/>.evil"), ""))
	if err == nil {
		require.Equal(t, "victim.evil", logout.ImmutableID)
	}
}

// A document type is refused before anything in it is looked at: there are no entities to expand, inside or outside the
// document, and none that grow.
//
// CVE-2024-52596; CVE-2024-52806, GHSA-pxm4-r5ph-q2m2; saml2#45; pysaml2#366.
func TestDocumentTypesAndEntities(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	var laughs strings.Builder
	laughs.WriteString(`<!ENTITY l0 "lol">`)
	for i := 1; i < 10; i++ {
		before, after := string(rune('0'+i-1)), string(rune('0'+i))
		laughs.WriteString(`<!ENTITY l` + after + ` "` + strings.Repeat("&l"+before+";", 10) + `">`)
	}
	for kind, m := range messages(t) {
		for name, doctype := range map[string]string{
			"empty":                        `<!DOCTYPE x>`,
			"with an entity":               `<!DOCTYPE x [<!ENTITY l9 "x">]>`,
			"with a file":                  `<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>`,
			"with an address":              `<!DOCTYPE x [<!ENTITY l9 SYSTEM "http://127.0.0.1:1/">]>`,
			"external":                     `<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">`,
			"public":                       `<!DOCTYPE x PUBLIC "-//x" "http://127.0.0.1:1/x.dtd">`,
			"with a parameter entity":      `<!DOCTYPE x [<!ENTITY % l9 SYSTEM "http://127.0.0.1:1/"> %l9;]>`,
			"a billion laughs":             `<!DOCTYPE x [` + laughs.String() + `]>`,
			"one large entity":             `<!DOCTYPE x [<!ENTITY l9 "` + strings.Repeat("x", 40000) + `">]>`,
			"an attribute that is an ID":   `<!DOCTYPE x [<!ATTLIST x y ID #IMPLIED>]>`,
			"an attribute with a default":  `<!DOCTYPE x [<!ATTLIST AuthnRequest ForceAuthn CDATA "true">]>`,
			"in lower case":                `<!doctype x>`,
			"of HTML":                      `<!DOCTYPE html>`,
			"with white space first":       "\n\t<!DOCTYPE x>",
			"behind an XML declaration":    `<?xml version="1.0"?><!DOCTYPE x>`,
			"that says it stands alone":    `<?xml version="1.0" standalone="yes"?><!DOCTYPE x [<!ENTITY l9 "x">]>`,
			"with a comment in the middle": `<!DOCTYPE x [<!-- ]> --><!ENTITY l9 "x">]>`,
			"that does not end":            `<!DOCTYPE x [`,
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				requireRefused(t, idps, m, doctype+m.signed, saml.ErrXML)
				requireRefused(t, idps, m, doctype+swap(t, m.unsigned, ">urn:federation", ">&l9;urn:federation"), saml.ErrXML)
				requireRefused(t, idps, m, m.signed+doctype, saml.ErrXML)
				requireRefused(t, idps, m, swap(t, m.signed, "<Issuer ", doctype+"<Issuer "), saml.ErrXML)
			})
		}
		for _, entity := range []string{"&nbsp;", "&copy;", "&xxe;", "&l9;", "&#x;", "&#;", "&;", "&AMP;", "&lt"} {
			requireRefused(t, idps, m, swap(t, m.unsigned, ">urn:federation", ">"+entity+"urn:federation"), saml.ErrXML)
		}
	}
}

// What is encrypted is not read, decrypted or fetched; as part of a signed message it changes what was signed.
//
// Shibboleth of 2022-12-12.
func TestEncryptedXMLIsNeverRead(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	const encrypted = `<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element">` +
		`<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/><xenc:CipherData>` +
		`<xenc:CipherReference URI="http://127.0.0.1:1/"/></xenc:CipherData></xenc:EncryptedData>`
	named := cut(logoutRequest, "</Issuer>", "</samlp:LogoutRequest>")
	logout, err := idps[0].ReadLogout(postRequest(swap(t, named, "</Issuer>",
		"</Issuer><EncryptedID xmlns=\""+nsAssertion+"\">"+encrypted+"</EncryptedID>"), ""))
	require.NoError(t, err)
	require.Empty(t, logout.ImmutableID)
	subject := `<Subject xmlns="` + nsAssertion + `"><EncryptedID>` + encrypted + `</EncryptedID></Subject>`
	request, err := idps[0].ReadRequest(postRequest(child(subject), ""))
	require.NoError(t, err)
	require.Equal(t, requestID, request.ID)
	for _, m := range messages(t) {
		requireRefused(t, idps, m, encrypted, saml.ErrNotRequest)
		requireRefused(t, idps, m, swap(t, m.signed, "</Issuer>", encrypted+"</Issuer>"), saml.ErrSignature)
	}
}

// A message is of its time and of the right sender, place, kind and version, signed or not. What Conditions are for an
// assertion, these are for a request.
//
// CVE-2026-25922, CVE-2026-47201, CVE-2026-41577.
func TestMessageValidityIsChecked(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		for name, test := range map[string]struct {
			old, changed string
			want         error
		}{
			"long ago":              {"2026-01-02T03:04", "2026-01-01T03:04", saml.ErrExpired},
			"a little too old":      {"2026-01-02T03:04:00", "2026-01-02T02:54:05", saml.ErrExpired},
			"from the future":       {"2026-01-02T03:04", "2026-01-02T03:14", saml.ErrExpired},
			"at the end of time":    {"2026-01-02T03:04", "9999-12-31T23:59", saml.ErrExpired},
			"at no time":            {"2026-01-02T03:04", "0000-00-00T00:00", saml.ErrNotRequest},
			"in a zone of its own":  {"T03:04:00", "T03:04:00+99:00:00", saml.ErrNotRequest},
			"from somebody else":    {">urn:federation:MicrosoftOnline", ">urn:federation:other", saml.ErrIssuer},
			"for somebody else":     {`Destination="https://id`, `Destination="https://other`, saml.ErrDestination},
			"for nobody":            {`Destination="https://id.contoso.com/entra/`, `Destination="" x="`, saml.ErrDestination},
			"of another version":    {`Version="2.0"`, `Version="1.1"`, saml.ErrNotRequest},
			"with a name for an ID": {` ID="_`, ` ID="1_`, saml.ErrNotRequest},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				document := swap(t, m.unsigned, test.old, test.changed)
				_, _, err := m.read(idps[0], document)
				require.ErrorIs(t, err, test.want)
				requireReadableError(t, err)
				_, _, err = m.read(idps[1], entraSigner().sign(t, document, rsaSHA1))
				require.ErrorIs(t, err, test.want, "its signature does not make up for it")
			})
		}
	}
	for end, want := range map[string]error{
		"2026-01-02T03:03:00Z": nil, // within the skew of two clocks
		"2026-01-02T02:59:05Z": saml.ErrExpired, "1970-01-01T00:00:00Z": saml.ErrExpired, "never": saml.ErrNotRequest, "": saml.ErrNotRequest,
	} {
		document := swap(t, logoutRequest, " Version=", ` NotOnOrAfter="`+end+`" Version=`)
		_, err := idps[0].ReadLogout(postRequest(document, ""))
		require.ErrorIs(t, err, want, end)
		_, err = idps[0].ReadLogout(postRequest(entraSigner().sign(t, document, rsaSHA1), ""))
		require.ErrorIs(t, err, want, end)
	}
}
