package saml_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/saml"
)

// sha1Signed signs content as Entra does.
func sha1Signed(t testing.TB, k entraKey, content []byte) string {
	t.Helper()
	sum := sha1.Sum(content)
	value, err := rsa.SignPKCS1v15(nil, k.key, crypto.SHA1, sum[:])
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(value)
}

// resign signs a message's SignedInfo again, as it stands, with the trusted key: so that nothing but the rule under test
// can refuse it. No attacker can do it.
func resign(t testing.TB, document string) string {
	t.Helper()
	root := tree(t, document)
	signature := root.FindElement("./Signature")
	info := signature.SelectElement("SignedInfo").Copy()
	info.CreateAttr("xmlns:ds", nsDsig)
	canonical, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(info)
	require.NoError(t, err)
	signature.SelectElement("SignatureValue").SetText(sha1Signed(t, entraSigner(), canonical))
	return text(t, root)
}

func TestResignMakesGoodSignatures(t *testing.T) {
	t.Parallel()
	for _, m := range messages(t) {
		value := element(t, m.signed, "ds:SignatureValue")
		signed, got, err := m.read(attacked(t)[1], resign(t, strings.Replace(m.signed, value, "<ds:SignatureValue/>", 1)))
		require.NoError(t, err)
		require.True(t, signed)
		require.Equal(t, m.value, got)
	}
}

// What was verified is what is used, and without a signature nothing was.
//
// GHSA-rrfw-hg9m-j47h; GHSA-q547-gmf8-8jr7, CVE-2020-15216.
func TestSignatureBypass(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		real := element(t, m.signed, "ds:Signature")
		value := element(t, m.signed, "ds:SignatureValue")
		for name, document := range map[string]string{
			"without its signature":         swap(t, m.signed, real, ""),
			"an empty signature value":      swap(t, m.signed, value, "<ds:SignatureValue></ds:SignatureValue>"),
			"a signature value of one byte": swap(t, m.signed, value, "<ds:SignatureValue>AA==</ds:SignatureValue>"),
			"a signature value of zeros": swap(t, m.signed, value, "<ds:SignatureValue>"+strings.Repeat("A",
				340)+"AA==</ds:SignatureValue>"),
			"a signature value of another": swap(t, m.signed, value, "<ds:SignatureValue>"+sha1Signed(t, entraSigner(),
				[]byte(m.unsigned))+"</ds:SignatureValue>"),
			"a signature value that is longer":  swap(t, m.signed, "</ds:SignatureValue>", "AAAA</ds:SignatureValue>"),
			"a signature value with an element": swap(t, m.signed, "</ds:SignatureValue>", "<x/></ds:SignatureValue>"),
			"a message with another ID":         strings.Replace(m.signed, ` ID="_`, ` ID="_evil`, 1),
			"a reference to another ID":         swap(t, m.signed, ` URI="#`, ` URI="#_evil`),
			"a message without an ID":           swap(t, swap(t, m.signed, ` ID="`, ` x="`), ` URI="#`, ` URI="#" x="`),
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				for _, idp := range idps {
					signed, _, err := m.read(idp, document)
					require.False(t, signed && err == nil)
				}
				_, _, err := readSignIn(idps[1], document)
				require.Error(t, err, "a signature is required")
			})
		}
	}
}

// The one reference is to the root, by its ID. Whichever of several an implementation would take, there is one.
//
// GHSA-479m-364c-43vc, CVE-2026-33487.
func TestReferenceConfusion(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		reference := element(t, m.signed, "ds:Reference")
		id := reference[strings.Index(reference, `URI="#`)+6:]
		id = id[:strings.Index(id, `"`)]
		to := func(uri string) string { return strings.Replace(reference, `URI="#`+id+`"`, uri, 1) }
		for name, replacement := range map[string]string{
			"none":                      "",
			"the same twice":            reference + reference,
			"one to another ID behind":  reference + to(`URI="#_evil"`),
			"one to another ID before":  to(`URI="#_evil"`) + reference,
			"an empty URI behind":       reference + to(`URI=""`),
			"to another ID":             to(`URI="#_evil"`),
			"to the whole document":     to(`URI=""`),
			"without a URI":             to(``),
			"to nothing":                to(`URI="#"`),
			"without a hash":            to(`URI="` + id + `"`),
			"by XPointer":               to(`URI="#xpointer(id('` + id + `'))"`),
			"to the root by XPointer":   to(`URI="#xpointer(/)"`),
			"to another document":       to(`URI="https://evil.example.net/#` + id + `"`),
			"with an escaped ID":        to(`URI="#%5f` + id[1:] + `"`),
			"with a space":              to(`URI="#` + id + ` "`),
			"with a URI of a namespace": to(`xmlns:x="urn:x" x:URI="#` + id + `"`),
			"in a Manifest":             "<ds:Manifest>" + reference + "</ds:Manifest>",
			"in another namespace":      strings.ReplaceAll(reference, "<ds:Reference", `<x:Reference xmlns:x="urn:x"`),
		} {
			if strings.Contains(replacement, "<x:Reference") {
				replacement = strings.ReplaceAll(replacement, "</ds:Reference", "</x:Reference")
			}
			document := resign(t, swap(t, m.signed, reference, replacement))
			t.Run(kind+", "+name, func(t *testing.T) { requireRefused(t, idps, m, document, saml.ErrSignature) })
		}
	}
}

// There is one SignedInfo, first in the signature, and it is the one that is verified and read.
//
// CVE-2025-29774, CVE-2025-29775.
func TestSeveralSignedInfo(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		info := element(t, m.signed, "ds:SignedInfo")
		evil := swap(t, info, element(t, info, "ds:DigestValue"), "<ds:DigestValue>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</ds:DigestValue>")
		for name, replacement := range map[string]string{
			"an evil one behind":                info + evil,
			"an evil one before":                evil + info,
			"the same twice":                    info + info,
			"an evil one in the real one":       strings.Replace(info, "</ds:SignedInfo>", evil+"</ds:SignedInfo>", 1),
			"the real one in an evil one":       strings.Replace(evil, "</ds:SignedInfo>", info+"</ds:SignedInfo>", 1),
			"the real one in an Object":         evil + "<ds:Object>" + info + "</ds:Object>",
			"the real one of another namespace": evil + strings.Replace(info, "<ds:SignedInfo", `<ds:SignedInfo xmlns:ds="urn:x"`, 1),
			"none":                              "",
			"an empty one":                      "<ds:SignedInfo/>",
		} {
			document := swap(t, m.signed, info, replacement)
			t.Run(kind+", "+name, func(t *testing.T) { requireRefused(t, idps, m, document, saml.ErrSignature) })
		}
		value := element(t, m.signed, "ds:SignatureValue")
		requireRefused(t, idps, m, swap(t, m.signed, info+value, value+info), saml.ErrSignature)
		requireRefused(t, idps, m, swap(t, m.signed, value, value+value), saml.ErrSignature)
	}
}

// A digest is base64 and nothing else: what an implementation might skip in it is refused.
//
// CVE-2025-29774, CVE-2025-29775.
func TestCommentInDigestValue(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		digest := element(t, m.signed, "ds:DigestValue")
		digest = digest[len("<ds:DigestValue>") : len(digest)-len("</ds:DigestValue>")]
		const evil = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
		for name, test := range map[string]struct {
			value string
			want  error
		}{
			"a comment behind an evil digest":     {evil + "<!--" + digest + "-->", saml.ErrXML},
			"a comment before the digest":         {"<!--" + evil + "-->" + digest, saml.ErrXML},
			"a comment inside":                    {digest[:4] + "<!-- -->" + digest[4:], saml.ErrXML},
			"a processing instruction":            {"<?x " + evil + "?>" + digest, saml.ErrXML},
			"a CDATA section":                     {"<![CDATA[" + digest + "]]>", saml.ErrXML},
			"an element":                          {"<x>" + evil + "</x>" + digest, saml.ErrSignature},
			"an empty element":                    {digest + "<x/>", saml.ErrSignature},
			"two digests":                         {evil + "</ds:DigestValue><ds:DigestValue>" + digest, saml.ErrSignature},
			"two digests in one":                  {digest + evil, saml.ErrSignature},
			"nothing":                             {"", saml.ErrSignature},
			"white space":                         {" \n", saml.ErrSignature},
			"base64 for URLs":                     {"-_" + digest[2:], saml.ErrSignature},
			"without padding":                     {strings.TrimRight(digest, "="), saml.ErrSignature},
			"a beginning of the digest":           {digest[:4], saml.ErrSignature},
			"hexadecimal":                         {"&#x41;" + digest, saml.ErrSignature},
			"the digest of nothing":               {base64.StdEncoding.EncodeToString(emptySHA1), saml.ErrSignature},
			"the digest of nothing, under SHA256": {base64.StdEncoding.EncodeToString(emptySHA256), saml.ErrSignature},
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				requireRefused(t, idps, m, swap(t, m.signed, ">"+digest+"<", ">"+test.value+"<"), test.want)
				if test.want != saml.ErrXML && !strings.Contains(test.value, "</ds:") && digest != test.value {
					requireRefused(t, idps, m, resign(t, swap(t, m.signed, ">"+digest+"<", ">"+test.value+"<")), saml.ErrSignature)
				}
			})
		}
	}
}

var (
	emptySHA1   = func() []byte { s := sha1.Sum(nil); return s[:] }()
	emptySHA256 = func() []byte { s := sha256.Sum256(nil); return s[:] }()
)

// Nothing is never digested: a signature over nothing, or a digest of nothing, fits no message, whatever keeps a message
// from having a canonical form.
//
// CVE-2024-45409, CVE-2025-25291, CVE-2025-25292, CVE-2025-66567, CVE-2025-66568.
func TestVoidCanonicalisation(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		real := element(t, m.signed, "ds:Signature")
		info := element(t, m.signed, "ds:SignedInfo")
		void := strings.Replace(m.signed, element(t, real, "ds:SignatureValue"),
			"<ds:SignatureValue>"+sha1Signed(t, entraSigner(), nil)+"</ds:SignatureValue>", 1)
		void = strings.Replace(void, element(t, real, "ds:DigestValue"),
			"<ds:DigestValue>"+base64.StdEncoding.EncodeToString(emptySHA1)+"</ds:DigestValue>", 1)
		end := m.unsigned[strings.LastIndex(m.unsigned, "</"):]
		for name, document := range map[string]string{
			"as it is":                           void,
			"a relative namespace":               swap(t, void, end, `<x xmlns="relative"/>`+end),
			"a relative namespace at the root":   swap(t, void, " Version=", ` xmlns:x="../x" Version=`),
			"a namespace that is no URI":         swap(t, void, end, `<x xmlns="%zz {"/>`+end),
			"an undeclared prefix":               swap(t, void, end, `<x:x/>`+end),
			"an undeclared prefix in SignedInfo": swap(t, void, "<ds:SignedInfo>", `<ds:SignedInfo x:y="">`),
			"the prefix undeclared":              swap(t, void, ` xmlns:ds="`+nsDsig+`"`, ""),
			"deep nesting in SignedInfo":         swap(t, void, "<ds:SignedInfo>", "<ds:SignedInfo>"+nested(28)),
			"deeper nesting in SignedInfo":       swap(t, void, "<ds:SignedInfo>", "<ds:SignedInfo>"+nested(40)),
			"deep nesting in the message":        swap(t, void, end, nested(31)+end),
			"as many elements as can be":         swap(t, void, end, strings.Repeat("<x/>", 980)+end),
			"odd prefixes to be inclusive": swap(t, void, `<ds:CanonicalizationMethod Algorithm="`+excC14N+`"/>`,
				inclusive("CanonicalizationMethod", "x ds #default xml xmlns : &lt; \u2028 &#9;x")),
			"many prefixes to be inclusive": swap(t, void, `<ds:CanonicalizationMethod Algorithm="`+excC14N+`"/>`,
				inclusive("CanonicalizationMethod", strings.Repeat("x ", 9000))),
			"a SignedInfo that is empty":   strings.Replace(void, element(t, void, "ds:SignedInfo"), "<ds:SignedInfo></ds:SignedInfo>", 1),
			"no SignedInfo":                strings.Replace(void, element(t, void, "ds:SignedInfo"), "", 1),
			"a SignedInfo of no namespace": strings.Replace(void, element(t, void, "ds:SignedInfo"), "<SignedInfo/>", 1),
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				require.NotContains(t, document, info)
				for _, idp := range idps {
					signed, _, err := m.read(idp, document)
					require.Error(t, err)
					require.False(t, signed)
					requireReadableError(t, err)
				}
			})
		}
		digested := resign(t, swap(t, m.signed, element(t, m.signed, "ds:DigestValue"),
			"<ds:DigestValue>"+base64.StdEncoding.EncodeToString(emptySHA1)+"</ds:DigestValue>"))
		requireRefused(t, idps, m, digested, saml.ErrSignature)
	}
}

const excC14N = "http://www.w3.org/2001/10/xml-exc-c14n#"

func inclusive(method, prefixes string) string {
	return `<ds:` + method + ` Algorithm="` + excC14N + `"><ec:InclusiveNamespaces xmlns:ec="` + excC14N +
		`" PrefixList="` + prefixes + `"/></ds:` + method + `>`
}

// Forms that mean the same are read as the same, and forms that only look the same to some parsers are refused: no other
// reader of a signed message sees another message than this one.
//
// CVE-2024-45409, CVE-2025-25291, CVE-2025-25292, CVE-2025-66567, CVE-2025-66568.
func TestParserDifferential(t *testing.T) {
	t.Parallel()
	idp := attacked(t)[1]
	for kind, m := range messages(t) {
		for name, document := range map[string]string{
			"an XML declaration":         `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\r\n" + m.signed,
			"white space around":         "\r\n\t " + m.signed + " \n",
			"white space in tags":        swap(t, m.signed, " Version=", "\r\n\t Version = "),
			"other quotes":               swap(t, m.signed, `Version="2.0"`, `Version='2.0'`),
			"an unused namespace":        swap(t, m.signed, " Version=", ` xmlns:unused="urn:x" Version=`),
			"a character reference":      swap(t, m.signed, ">urn:federation", ">&#x75;rn&#58;federation"),
			"a reference in an ID":       strings.Replace(m.signed, ` ID="_`, ` ID="&#95;`, 1),
			"white space in base64":      swap(t, m.signed, "<ds:SignatureValue>", "<ds:SignatureValue>\r\n\t "),
			"another KeyName":            swap(t, m.signed, "<ds:KeyName>MicrosoftOnline", "<ds:KeyName>somebody"),
			"white space in a signature": swap(t, m.signed, "<ds:KeyInfo>", "\n<ds:KeyInfo>"),
		} {
			t.Run(kind+", the same: "+name, func(t *testing.T) {
				signed, value, err := m.read(idp, document)
				require.NoError(t, err)
				require.True(t, signed)
				require.Equal(t, m.value, value)
			})
		}
		for name, document := range map[string]string{
			"another encoding":                        `<?xml version="1.0" encoding="UTF-16"?>` + m.signed,
			"UTF-7":                                   `<?xml version="1.0" encoding="UTF-7"?>` + m.signed,
			"another version":                         `<?xml version="1.1"?>` + m.signed,
			"a byte order mark":                       "\uFEFF" + m.signed,
			"in UTF-16":                               utf16(m.signed),
			"a NUL at the end":                        m.signed + "\x00",
			"another prefix":                          strings.ReplaceAll(strings.ReplaceAll(m.signed, "samlp:", "p:"), "xmlns:samlp", "xmlns:p"),
			"white space in a value":                  swap(t, m.signed, ">urn:federation", "> urn:federation"),
			"white space in an attribute":             strings.Replace(m.signed, ` ID="_`, ` ID=" _`, 1),
			"an entity in a value":                    swap(t, m.signed, ">urn:federation", ">&nbsp;urn:federation"),
			"a line break in an attribute":            swap(t, m.signed, `Version="2.0"`, "Version=\"2.0\n\""),
			"upper case":                              swap(t, m.signed, ` ID="`, ` Id="`),
			"a prefix that is bound to another in it": swap(t, m.signed, "<Issuer ", `<Issuer xmlns:samlp="urn:x" samlp:x="" `),
			"white space in SignedInfo":               swap(t, m.signed, "<ds:SignedInfo>", "<ds:SignedInfo> "),
		} {
			t.Run(kind+", another: "+name, func(t *testing.T) {
				_, _, err := m.read(idp, document)
				require.Error(t, err)
				requireReadableError(t, err)
			})
		}
	}
}

func utf16(s string) string {
	b := []byte("\xff\xfe")
	for i := range len(s) {
		b = append(b, s[i], 0)
	}
	return string(b)
}

// Every algorithm but those of the profile is refused, even if the trusted key signed its name.
//
// CVE-2026-49289, CVE-2026-49283, CVE-2019-3465, CVE-2026-32313.
func TestAlgorithmSubstitution(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	const enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	method := `<ds:SignatureMethod Algorithm="` + rsaSHA1 + `"/>`
	digest := `<ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/>`
	canonicalisation := `<ds:CanonicalizationMethod Algorithm="` + excC14N + `"/>`
	transforms := `<ds:Transforms><ds:Transform Algorithm="` + enveloped + `"/><ds:Transform Algorithm="` + excC14N + `"/></ds:Transforms>`
	named := func(element, algorithm string) string { return `<ds:` + element + ` Algorithm="` + algorithm + `"/>` }
	const xpath = `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>not(self::x)</ds:XPath></ds:Transform>`
	changes := map[string][2]string{}
	for _, algorithm := range []string{
		"", "none", nsDsig + "hmac-sha1", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", nsDsig + "dsa-sha1",
		"http://www.w3.org/2001/04/xmldsig-more#rsa-md5", "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
		"https://www.w3.org/2000/09/xmldsig#rsa-sha1", nsDsig + "RSA-SHA1", nsDsig + "rsa-sha1 ", " " + rsaSHA1, "rsa-sha1", "RSA",
		rsaSHA256, // accepted as such, but the signature is of SHA-1
	} {
		changes["signature "+algorithm] = [2]string{method, named("SignatureMethod", algorithm)}
	}
	for _, algorithm := range []string{
		"", "http://www.w3.org/2001/04/xmldsig-more#md5", "http://www.w3.org/2001/04/xmlenc#ripemd160",
		"http://www.w3.org/2001/04/xmlenc#sha512", "https://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmlenc#sha256",
	} {
		changes["digest "+algorithm] = [2]string{digest, named("DigestMethod", algorithm)}
	}
	for _, algorithm := range []string{
		"", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11", excC14N + "WithComments",
		"https://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments", "urn:x",
	} {
		changes["canonicalisation "+algorithm] = [2]string{canonicalisation, named("CanonicalizationMethod", algorithm)}
		changes["transform "+algorithm] = [2]string{transforms, `<ds:Transforms>` + named("Transform", enveloped) +
			named("Transform", algorithm) + `</ds:Transforms>`}
	}
	for name, list := range map[string]string{
		"none":               "",
		"one":                named("Transform", enveloped),
		"the other":          named("Transform", excC14N),
		"in the other order": named("Transform", excC14N) + named("Transform", enveloped),
		"three":              named("Transform", enveloped) + named("Transform", excC14N) + named("Transform", excC14N),
		"enveloped twice":    named("Transform", enveloped) + named("Transform", enveloped),
		"XPath":              xpath + named("Transform", excC14N),
		"XPath as a third":   named("Transform", enveloped) + named("Transform", excC14N) + xpath,
		"XPath filter":       named("Transform", "http://www.w3.org/2002/06/xmldsig-filter2") + named("Transform", excC14N),
		"XSLT":               named("Transform", enveloped) + named("Transform", "http://www.w3.org/TR/1999/REC-xslt-19991116"),
		"base64":             named("Transform", enveloped) + named("Transform", nsDsig+"base64"),
		"decryption":         named("Transform", enveloped) + named("Transform", "http://www.w3.org/2002/07/decrypt#XML"),
		"something in transform": named("Transform", enveloped) + `<ds:Transform Algorithm="` + excC14N +
			`"><ds:XPath>/</ds:XPath></ds:Transform>`,
	} {
		changes["transforms "+name] = [2]string{transforms, "<ds:Transforms>" + list + "</ds:Transforms>"}
	}
	changes["no transforms"] = [2]string{transforms, ""}
	for kind, m := range messages(t) {
		for name, change := range changes {
			document := swap(t, m.signed, change[0], change[1])
			t.Run(kind+", "+name, func(t *testing.T) {
				requireRefused(t, idps, m, document, saml.ErrSignature)
				requireRefused(t, idps, m, resign(t, document), saml.ErrSignature)
			})
		}
	}
	publicKey := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: entraSigner().certificate.Raw})
	for _, algorithm := range []string{"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", nsDsig + "hmac-sha1", "", "none"} {
		content := "SAMLRequest=" + url.QueryEscape(deflated(plainRequest)) + "&SigAlg=" + url.QueryEscape(algorithm)
		for _, key := range [][]byte{publicKey, entraSigner().certificate.Raw, entraSigner().certificate.RawSubjectPublicKeyInfo} {
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(content))
			signature := "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
			for _, idp := range idps {
				_, err := idp.ReadRequest(query(content + signature))
				require.ErrorIs(t, err, saml.ErrSignature, algorithm)
			}
		}
	}
}

// Only configured keys verify. What KeyInfo holds can choose among them, and can add none.
//
// CVE-2023-48703.
func TestKeyFromTheMessage(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	encoded := func(k entraKey) string { return base64.StdEncoding.EncodeToString(k.certificate.Raw) }
	ski := func(k entraKey) string {
		return "<ds:X509SKI>" + base64.StdEncoding.EncodeToString(k.certificate.SubjectKeyId) + "</ds:X509SKI>"
	}
	certificate := func(k entraKey) string { return "<ds:X509Certificate>" + encoded(k) + "</ds:X509Certificate>" }
	data := func(parts ...string) string {
		return "<ds:KeyInfo><ds:X509Data>" + strings.Join(parts, "") + "</ds:X509Data></ds:KeyInfo>"
	}
	evil, good := unknownSigner(), entraSigner()
	keyValue := "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>" + base64.StdEncoding.EncodeToString(evil.key.N.Bytes()) +
		"</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"
	for name, keyInfo := range map[string]string{
		"a certificate": data(certificate(evil)),
		"a key value":   "<ds:KeyInfo>" + keyValue + "</ds:KeyInfo>",
		"a key value beside a trusted identifier": "<ds:KeyInfo><ds:X509Data>" + ski(good) + "</ds:X509Data>" + keyValue + "</ds:KeyInfo>",
		"a key name":                                "<ds:KeyInfo><ds:KeyName>MicrosoftOnline</ds:KeyName></ds:KeyInfo>",
		"a certificate behind a trusted one":        data(certificate(good), certificate(evil)),
		"a certificate before a trusted one":        data(certificate(evil), certificate(good)),
		"a certificate beside a trusted identifier": data(ski(good), certificate(evil)),
		"a trusted certificate":                     data(certificate(good)),
		"a trusted identifier":                      data(ski(good)),
		"its own identifier":                        data(ski(evil)),
		"an identifier of nothing":                  data("<ds:X509SKI></ds:X509SKI>"),
		"a trusted issuer and serial number": data("<ds:X509IssuerSerial><ds:X509IssuerName>CN=Live ID STS Signing Public Key</ds:X509IssuerName>" +
			"<ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial>"),
		"a place to fetch it from": `<ds:KeyInfo><ds:RetrievalMethod URI="https://evil.example.net/key"/></ds:KeyInfo>`,
		"a reference to itself":    `<ds:KeyInfo Id="k"><ds:RetrievalMethod URI="#k"/></ds:KeyInfo>`,
		"nothing in it":            "<ds:KeyInfo/>",
		"none":                     "",
	} {
		for kind, m := range messages(t) {
			signed := evil.sign(t, m.unsigned, rsaSHA1)
			document := strings.Replace(signed, evil.keyInfo(), keyInfo, 1)
			t.Run(kind+", "+name, func(t *testing.T) { requireRefused(t, idps, m, document, saml.ErrSignature) })
		}
	}
	for name, keyInfo := range map[string]string{"its certificate": data(certificate(good)), "none": "", "an identifier": good.keyInfo()} {
		for kind, m := range messages(t) {
			signed, _, err := m.read(idps[1], strings.Replace(m.signed, good.keyInfo(), keyInfo, 1))
			require.NoError(t, err, "%s, %s", kind, name)
			require.True(t, signed)
		}
	}
}

// Whatever is missing from a signed message, at whatever place it ends, and whichever byte is another, it is refused or
// read as what was signed, and nothing panics.
//
// CVE-2020-7711; CVE-2020-7731, GHSA-prjq-f4q3-fvfr; GO-2026-4760.
func TestNilDereferenceOnMalformedSignatures(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	step := 1
	if testing.Short() {
		step = 17
	}
	for kind, m := range messages(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			count := len(tree(t, m.signed).FindElements("//"))
			require.Greater(t, count, 15)
			for i := range count {
				for _, change := range []func(*etree.Element){
					func(e *etree.Element) { e.Parent().RemoveChild(e) },
					func(e *etree.Element) { e.Child = nil },
					func(e *etree.Element) { e.Attr = nil },
					func(e *etree.Element) { e.Child, e.Attr = nil, nil },
					func(e *etree.Element) { e.Parent().AddChild(e.Copy()) },
					func(e *etree.Element) { e.AddChild(e.Copy()) },
					func(e *etree.Element) { e.SetText("") },
					func(e *etree.Element) { e.SetText("\u00a0") },
					func(e *etree.Element) { e.Space = "" },
				} {
					root := tree(t, m.signed)
					if e := root.FindElements("//")[i]; e != root {
						change(e)
					}
					requireNothingBelieved(t, idps, m, text(t, root))
				}
			}
			for i := 0; i < len(m.signed); i += step {
				if i > 0 { // a sign-out may have no message at all
					_, _, err := m.read(idps[0], m.signed[:i])
					require.Error(t, err, "cut off at %d", i)
				}
				for _, other := range []string{"", "<", string(m.signed[i] ^ 1), string(m.signed[i]) + " "} {
					requireNothingBelieved(t, idps[1:], m, m.signed[:i]+other+m.signed[i+1:])
				}
			}
		})
	}
	for _, document := range []string{
		`<ds:Signature xmlns:ds="` + nsDsig + `"/>`, `<ds:Signature xmlns:ds="` + nsDsig + `"><ds:SignedInfo/></ds:Signature>`, `<x/>`, ``,
	} {
		for _, m := range messages(t) {
			requireNothingBelieved(t, idps, m, document)
		}
	}
}

// The signature of the Redirect binding covers the parameters as they stand in the URL. However they are repeated,
// escaped, reordered or hidden, what is read is what was signed, or nothing is.
//
// CVE-2025-27773, GHSA-46r4-f8gj-xg56; CVE-2025-31335.
func TestRedirectSignatureConfusion(t *testing.T) {
	t.Parallel()
	idp := attacked(t)[1]
	evil := url.QueryEscape(deflated(strings.Replace(plainRequest, requestID, "_evil", 1)))
	plain := signedQuery(t, entraSigner(), rsaSHA256, "")
	stated := signedQuery(t, entraSigner(), rsaSHA256, "state")
	request, rest, _ := strings.Cut(stated, "&")
	other := signedQuery(t, unknownSigner(), rsaSHA256, "")
	same := []string{ // those that add what nobody reads
		"as it is", "another order", "in another case", "as a list", "with a space in the name", "an evil response",
		"an empty parameter",
	}
	for name, raw := range map[string]string{
		"as it is":                                  stated,
		"another order":                             rest + "&" + request,
		"the evil request behind":                   stated + "&SAMLRequest=" + evil,
		"the evil request before":                   "SAMLRequest=" + evil + "&" + stated,
		"the evil request under an escape":          stated + "&SAML%52equest=" + evil,
		"the evil request before, escaped":          "SAML%52equest=" + evil + "&" + stated,
		"only the evil request, escaped":            strings.Replace(stated, request, "SAML%52equest="+evil, 1),
		"the request escaped":                       strings.Replace(stated, "SAMLRequest=", "%53AMLRequest=", 1),
		"in another case":                           stated + "&samlrequest=" + evil,
		"as a list":                                 stated + "&SAMLRequest[]=" + evil + "&SAMLRequest%5B0%5D=" + evil,
		"with a space in the name":                  stated + "&SAMLRequest+=" + evil,
		"an evil response":                          stated + "&SAMLResponse=" + evil,
		"an escaped RelayState that was not signed": plain + "&Relay%53tate=evil",
		"behind a semicolon":                        stated + ";SAMLRequest=" + evil,
		"behind an escaped ampersand":               stated + "%26SAMLRequest=" + evil,
		"an empty parameter":                        "&&" + stated + "&",
		"another RelayState behind":                 stated + "&RelayState=evil",
		"another RelayState before":                 "RelayState=evil&" + stated,
		"another RelayState under an escape":        stated + "&Relay%53tate=evil",
		"a RelayState that was not signed":          plain + "&RelayState=evil",
		"an empty RelayState":                       plain + "&RelayState=",
		"a RelayState without a value":              plain + "&RelayState",
		"no RelayState":                             strings.Replace(stated, "&RelayState=state", "", 1),
		"a RelayState that says the same":           strings.Replace(stated, "=state", "=%73tate", 1),
		"another algorithm behind":                  stated + "&SigAlg=" + url.QueryEscape(rsaSHA1),
		"another algorithm under an escape":         stated + "&Sig%41lg=" + url.QueryEscape(rsaSHA1),
		"an algorithm written in another way":       strings.Replace(stated, "%3A%2F%2F", "%3a%2f%2f", 1),
		"a stranger's signature behind":             stated + other[strings.Index(other, "&Signature="):],
		"a stranger's signature instead":            plain[:strings.Index(plain, "&Signature=")] + other[strings.Index(other, "&Signature="):],
		"a signature under an escape":               strings.Replace(stated, "&Signature=", "&%53ignature=", 1),
		"an empty signature":                        stated[:strings.Index(stated, "Signature=")] + "Signature=",
		"without a signature":                       stated[:strings.Index(stated, "&Signature=")],
		"without a signature and an algorithm":      stated[:strings.Index(stated, "&SigAlg=")],
		"an encoding that is not signed":            stated + "&SAMLEncoding=urn:x",
		"the signed one as part of another":         "x=" + url.QueryEscape(stated) + "&SAMLRequest=" + evil,
		"the signed one as part of a RelayState": "SAMLRequest=" + evil + "&RelayState=" + url.QueryEscape(stated) +
			stated[strings.Index(stated, "&SigAlg="):],
	} {
		t.Run(name, func(t *testing.T) {
			got, err := idp.ReadRequest(query(raw))
			if !slices.Contains(same, name) {
				require.Error(t, err)
				requireReadableError(t, err)
				return
			}
			require.NoError(t, err)
			require.True(t, got.Signed)
			require.Equal(t, requestID, got.ID)
			require.Equal(t, "state", got.RelayState)
		})
	}
}

// A check that lacks its configuration is an error or refuses; it is never left out.
//
// CVE-2024-8698, CVE-2026-2092, CVE-2026-2603, CVE-2026-16442, CVE-2026-16443.
func TestMissingConfigurationFailsClosed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*saml.Config){
		"signatures required of nobody": func(c *saml.Config) { c.RequireSignedRequests = true },
		"of an empty list":              func(c *saml.Config) { requiring(c); c.RequestCertificates = []*x509.Certificate{} },
		"a certificate that is missing": func(c *saml.Config) { trusting(c); c.RequestCertificates[0] = nil },
		"a certificate without a key":   func(c *saml.Config) { c.RequestCertificates = []*x509.Certificate{{}} },
		"no realm":                      func(c *saml.Config) { c.Realms = nil },
		"no key":                        func(c *saml.Config) { c.Signer.Key = nil },
		"an address of nothing":         func(c *saml.Config) { c.SingleSignOnService = "" },
		"half a next key":               func(c *saml.Config) { c.NextSigner.Key = testKey() },
		"no audience":                   func(c *saml.Config) { c.Cloud.Audience = ""; c.Cloud.Name = "x" },
	} {
		cfg := testConfig(t)
		change(&cfg)
		_, err := saml.New(cfg)
		require.Error(t, err, name)
	}

	cfg := testConfig(t)
	requiring(&cfg)
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	for i := range cfg.RequestCertificates {
		cfg.RequestCertificates[i] = unknownSigner().certificate
	}
	_, err = idp.ReadRequest(postRequest(signedRequest(t, unknownSigner()), ""))
	require.ErrorIs(t, err, saml.ErrSignature, "changing the caller's list changes nothing")
	_, err = idp.ReadRequest(postRequest(signedRequest(t, entraSigner()), ""))
	require.NoError(t, err)
}

// The key is only ever asked to sign: any crypto.Signer will do, and nothing needs, keeps or shows more of it. A key
// that refuses stops the answer.
//
// Golden SAML, UNC2452.
func TestGoldenSAMLTheKeyIsOnlyAskedToSign(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Signer.Key = opaqueSigner{sign: testKey().Sign, public: testKey().Public()}
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	response := respond(t, idp, testSubject())
	_, err = verify(response.XML, cfg.Signer.Certificate)
	require.NoError(t, err)
	metadata, err := idp.Metadata("")
	require.NoError(t, err)
	secret := base64.StdEncoding.EncodeToString(testKey().D.Bytes())[:40]
	for _, shown := range [][]byte{response.XML, metadata} {
		require.NotContains(t, string(shown), secret)
		require.NotContains(t, string(shown), "PRIVATE")
	}
}

// opaqueSigner is a key that lives elsewhere.
type opaqueSigner struct {
	sign   func(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error)
	public crypto.PublicKey
}

func (s opaqueSigner) Public() crypto.PublicKey { return s.public }
func (s opaqueSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.sign(random, digest, opts)
}

// SHA-1 is verified, because Entra signs with it, and never signed with; nor are the algorithm names that Microsoft's
// page misprints.
//
// CVE-2020-36563.
func TestSHA1IsNeverProduced(t *testing.T) {
	t.Parallel()
	idp := newIdP(t, withLogout, requiring)
	request, err := idp.ReadRequest(postRequest(signedRequest(t, entraSigner()), ""))
	require.NoError(t, err)
	answer, err := idp.Respond(request, testSubject())
	require.NoError(t, err)
	refusal, err := idp.RespondStatus(request, "", saml.Status{Code: saml.StatusResponder})
	require.NoError(t, err)
	logout, err := idp.RespondLogout(&saml.LogoutRequest{ID: "_l1"}, "")
	require.NoError(t, err)
	for _, response := range []*saml.Response{answer, refusal, logout} {
		document := string(response.XML)
		require.Contains(t, document, rsaSHA256)
		require.Contains(t, document, "http://www.w3.org/2001/04/xmlenc#sha256")
		for _, weak := range []string{"sha1", "md5", "https://www.w3.org", "hmac", "dsa"} {
			require.NotContains(t, strings.ToLower(document), strings.ToLower(`#`+weak))
		}
		require.NotContains(t, document, "https://www.w3.org")
	}
}

// An answer holds one assertion and one signature, whatever was asked and whatever is asserted, and answers that are not
// a success hold none.
//
// GHSA-j2jp-wvqg-wc2g, CVE-2022-41912, GHSA-5hcf-rqj9-xh96.
func TestSeveralAssertions(t *testing.T) {
	t.Parallel()
	idp := newIdP(t)
	count := func(response *saml.Response, name string) int {
		return len(tree(t, string(response.XML)).FindElements("//" + name))
	}
	asking := child(`<Assertion xmlns="` + nsAssertion + `" ID="_a"/><Assertion xmlns="` + nsAssertion + `" ID="_b"/>`)
	request, err := idp.ReadRequest(postRequest(asking, ""))
	require.NoError(t, err)
	for _, value := range slices.Sorted(maps.Values(hostileValues)) {
		subject := testSubject()
		subject.ImmutableID, subject.SessionIndex = value, value
		response, err := idp.Respond(request, subject)
		if err != nil {
			continue
		}
		for _, name := range []string{"Assertion", "Signature", "NameID", "AuthnStatement", "AuthnContextClassRef",
			"Attribute", "AttributeValue"} {
			require.Equal(t, 1, count(response, name), name)
		}
		require.Equal(t, 2, count(response, "Issuer"))
	}
	refusal, err := idp.RespondStatus(request, "", saml.Status{Code: saml.StatusRequester, Message: `<saml:Assertion/>`})
	require.NoError(t, err)
	require.Zero(t, count(refusal, "Assertion"))
	require.Equal(t, 1, count(refusal, "Signature"))
}
