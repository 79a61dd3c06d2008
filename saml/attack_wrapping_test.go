package saml_test

import (
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/saml"
)

const nsDsig = "http://www.w3.org/2000/09/xmldsig#"

// wrapping moves the parts of a signed message so that a verifier and a reader may look at different ones. It gets
// copies of its own: the signed message, the same without its signature, the attacker's message, and the signature.
type wrapping func(signed, bare, evil, signature *etree.Element) *etree.Element

// wrappings are the eight attacks of "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security 2012), of which the
// signed element is here the message and not an assertion, and what else has been tried since.
var wrappings = map[string]wrapping{
	"XSW1: the original inside the signature of an evil root": func(_, bare, evil, signature *etree.Element) *etree.Element {
		signature.AddChild(bare)
		evil.InsertChildAt(1, signature)
		return evil
	},
	"XSW2: the signature detached, the original behind it": func(_, bare, evil, signature *etree.Element) *etree.Element {
		evil.InsertChildAt(1, signature)
		evil.InsertChildAt(2, bare)
		return evil
	},
	"XSW3: the original first in an evil root": func(signed, _, evil, _ *etree.Element) *etree.Element {
		evil.InsertChildAt(0, signed)
		return evil
	},
	"XSW4: the evil message in the original": func(signed, _, evil, _ *etree.Element) *etree.Element {
		signed.AddChild(evil)
		return signed
	},
	"XSW5: the original at the end of an evil root that has the signature": func(_, bare, evil, signature *etree.Element) *etree.Element {
		evil.InsertChildAt(1, signature)
		evil.AddChild(bare)
		return evil
	},
	"XSW6: the original in KeyInfo": func(_, bare, evil, signature *etree.Element) *etree.Element {
		signature.SelectElement("KeyInfo").AddChild(bare)
		evil.InsertChildAt(1, signature)
		return evil
	},
	"XSW7: the original in Extensions": func(signed, _, evil, _ *etree.Element) *etree.Element {
		evil.CreateElement("samlp:Extensions").AddChild(signed)
		return evil
	},
	"XSW8: the original in an Object": func(_, bare, evil, signature *etree.Element) *etree.Element {
		signature.CreateElement("ds:Object").AddChild(bare)
		evil.InsertChildAt(1, signature)
		return evil
	},
	"the evil message in an Object of the original": func(signed, _, evil, _ *etree.Element) *etree.Element {
		signed.FindElement("./Signature").CreateElement("ds:Object").AddChild(evil)
		return signed
	},
	"the evil message in KeyInfo of the original": func(signed, _, evil, _ *etree.Element) *etree.Element {
		signed.FindElement("./Signature/KeyInfo").AddChild(evil)
		return signed
	},
	"the evil message in Extensions of the original": func(signed, _, evil, _ *etree.Element) *etree.Element {
		signed.CreateElement("samlp:Extensions").AddChild(evil)
		return signed
	},
	"both below an unknown root": func(signed, _, evil, _ *etree.Element) *etree.Element {
		root := etree.NewElement("x")
		root.AddChild(evil)
		root.AddChild(signed)
		return root
	},
	"the signature around the evil message": func(_, _, evil, signature *etree.Element) *etree.Element {
		signature.InsertChildAt(0, evil)
		return signature
	},
	"a copy of the signature in an evil root that holds the original": func(signed, _, evil, signature *etree.Element) *etree.Element {
		evil.InsertChildAt(1, signature)
		evil.AddChild(signed)
		return evil
	},
	"the signature in the issuer": func(_, bare, evil, signature *etree.Element) *etree.Element {
		evil.FindElement("./Issuer").AddChild(signature)
		evil.AddChild(bare)
		return evil
	},
	"the evil values first in the original": func(signed, _, evil, _ *etree.Element) *etree.Element {
		for _, child := range evil.ChildElements() {
			signed.InsertChildAt(0, child)
		}
		return signed
	},
}

// A signature speaks for the root that it is directly below, and for all of it. Wherever else the signed message or its
// signature is moved, with whatever ID, the evil message gains nothing.
//
// CVE-2025-47949, CVE-2017-1000452, GHSA-8jjf-w7j6-323c; CVE-2025-46572, CVE-2025-46573; CVE-2026-25922,
// CVE-2026-47201, CVE-2026-41577; CVE-2024-8698, CVE-2026-2092, CVE-2026-2603, CVE-2026-16442, CVE-2026-16443.
func TestSignatureWrapping(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		for name, wrap := range wrappings {
			for _, id := range []string{"_evil", "the same", ""} {
				signed, bare, evil := tree(t, m.signed), tree(t, m.unsigned), tree(t, m.unsigned)
				signature := signed.FindElement("./Signature").Copy()
				signature.CreateAttr("xmlns:ds", nsDsig)
				switch id {
				case "":
					evil.RemoveAttr("ID")
				case "_evil":
					evil.CreateAttr("ID", id)
				}
				evil.CreateAttr("ForceAuthn", "true")
				if nameID := evil.FindElement("./NameID"); nameID != nil {
					nameID.SetText("victim")
				}
				document := text(t, wrap(signed, bare, evil, signature))
				require.NotEqual(t, m.signed, document)
				t.Run(kind+", "+name+", ID "+id, func(t *testing.T) { requireNothingBelieved(t, idps, m, document) })
			}
		}
	}
}

// Wherever a decoy is put, and whether it is in the namespace of signatures or only looks so, the one signature that
// counts is the child of the root, and it is alone.
//
// CVE-2026-9487, CVE-2026-18092, CVE-2023-34205, CVE-2024-47832, CVE-2026-34840.
func TestDecoySignature(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		real := element(t, m.signed, "ds:Signature")
		stranger := element(t, unknownSigner().sign(t, m.unsigned, rsaSHA1), "ds:Signature")
		end := m.unsigned[strings.LastIndex(m.unsigned, "</"):]
		for name, document := range map[string]string{
			"a stranger's before the real one":  swap(t, m.signed, real, stranger+real),
			"a stranger's behind the real one":  swap(t, m.signed, real, real+stranger),
			"a stranger's inside the real one":  swap(t, m.signed, "</ds:KeyInfo>", "</ds:KeyInfo>"+stranger),
			"a stranger's in its KeyInfo":       swap(t, m.signed, "</ds:KeyInfo>", stranger+"</ds:KeyInfo>"),
			"a stranger's at the end":           swap(t, m.signed, end, stranger+end),
			"a stranger's in the issuer":        swap(t, m.signed, "</Issuer>", stranger+"</Issuer>"),
			"the real one in an element":        swap(t, m.signed, real, "<x>"+real+"</x>"),
			"the real one twice":                swap(t, m.signed, real, real+real),
			"the real one in the issuer":        swap(t, swap(t, m.signed, real, ""), "</Issuer>", real+"</Issuer>"),
			"a stranger's in place of it":       swap(t, m.signed, real, stranger),
			"an empty one in front":             swap(t, m.signed, real, `<ds:Signature xmlns:ds="`+nsDsig+`"/>`+real),
			"an empty one instead":              swap(t, m.signed, real, `<ds:Signature xmlns:ds="`+nsDsig+`"/>`),
			"the real one in another namespace": strings.Replace(m.signed, `"`+nsDsig+`"`, `"urn:x"`, 1),
			"the real one in another case":      strings.ReplaceAll(m.signed, "ds:Signature", "ds:signature"),
		} {
			t.Run(kind+", "+name, func(t *testing.T) { requireNothingBelieved(t, idps, m, document) })
		}
	}
}

// No value of the message's own ID may stand anywhere else in anything that somebody might take for an ID.
//
// CVE-2026-9487, CVE-2026-18092, CVE-2023-34205, CVE-2024-47832, CVE-2026-34840.
func TestDuplicateIDs(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		id, _, _ := strings.Cut(m.value, " ")
		for _, spelling := range []string{
			"ID", "Id", "id", "iD", "xml:id", "xml:Id", "wsu:Id", "wsu:ID", "x:ID", "x:id", "AssertionID", "x:AssertionID",
		} {
			decoy := `<x xmlns:x="urn:x" xmlns:wsu="urn:wsu" ` + spelling + `="` + id + `"/>`
			for place, document := range map[string]string{
				"first":        swap(t, m.signed, "<Issuer ", decoy+"<Issuer "),
				"last":         swap(t, m.signed, m.signed[strings.LastIndex(m.signed, "</"):], decoy+m.signed[strings.LastIndex(m.signed, "</"):]),
				"in KeyInfo":   swap(t, m.signed, "</ds:KeyInfo>", decoy+"</ds:KeyInfo>"),
				"in an Object": swap(t, m.signed, "</ds:KeyInfo>", "</ds:KeyInfo><ds:Object>"+decoy+"</ds:Object>"),
				"written with references": swap(t, m.signed, "<Issuer ",
					strings.Replace(decoy, id, "&#x5f;"+id[1:], 1)+"<Issuer "),
			} {
				t.Run(kind+", "+spelling+", "+place, func(t *testing.T) { requireRefused(t, idps, m, document, saml.ErrXML) })
			}
		}
		for _, spelling := range []string{"Id", "id", "xml:id", "AssertionID"} {
			requireRefused(t, idps, m, swap(t, m.signed, ` ID="`, ` `+spelling+`="`+id+`" ID="`), saml.ErrXML)
		}
		requireRefused(t, idps, m, swap(t, m.signed, ` ID="`, ` ID="`+id+`" ID="`), saml.ErrXML)
	}
}

// An element or attribute that is added to a signed message, in whatever disguise, is not read beside what was signed.
//
// CVE-2025-46572, CVE-2025-46573.
func TestAttributeSmuggling(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	for kind, m := range messages(t) {
		real := element(t, m.signed, "ds:Signature")
		for name, document := range map[string]string{
			"an attribute of the root":            swap(t, m.signed, ` Version=`, ` ForceAuthn="true" Version=`),
			"an attribute with a namespace":       swap(t, m.signed, ` Version=`, ` xmlns:x="urn:x" x:ForceAuthn="true" Version=`),
			"xml:base":                            swap(t, m.signed, ` Version=`, ` xml:base="https://evil.example.net/" Version=`),
			"xml:space":                           swap(t, m.signed, ` Version=`, ` xml:space="preserve" Version=`),
			"an element before the signature":     swap(t, m.signed, real, `<NameID xmlns="`+nsAssertion+`">victim</NameID>`+real),
			"an element behind the signature":     swap(t, m.signed, real, real+`<samlp:SessionIndex>s2</samlp:SessionIndex>`),
			"a request for a class":               swap(t, m.signed, real, real+`<samlp:RequestedAuthnContext/>`),
			"a second issuer":                     swap(t, m.signed, real, real+`<Issuer xmlns="`+nsAssertion+`">`+audience+`</Issuer>`),
			"an attribute of the issuer":          swap(t, m.signed, "<Issuer ", `<Issuer Format="x" `),
			"text beside the signature":           swap(t, m.signed, real, real+"x"),
			"white space beside the signature":    swap(t, m.signed, real, real+" "),
			"an encoded value":                    swap(t, m.signed, "urn:federation:MicrosoftOnline", "urn:federation:MicrosoftOnline&#x20;"),
			"the namespace of the issuer changed": swap(t, m.signed, `xmlns="`+nsAssertion+`">urn:`, `xmlns="urn:x">urn:`),
			"a default namespace at the root":     swap(t, swap(t, m.signed, ` Version=`, ` xmlns="urn:x" Version=`), real, real+"<x/>"),
		} {
			t.Run(kind+", "+name, func(t *testing.T) { requireRefused(t, idps, m, document, saml.ErrSignature) })
		}
	}
}
