package entratest_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// wrapping is a way to put a forged assertion where a careless reader looks, and the signed one where a careless
// verifier looks. The numbers are those of "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security 2012).
type wrapping struct {
	name string
	wrap func(response, signed, forged element) element
}

type element = *etree.Element

func wrappings() []wrapping {
	signatureOf := func(e *etree.Element) *etree.Element { return e.SelectElement("Signature") }
	return []wrapping{
		{"XSW1: the signed response inside the signature of a forged one", func(r, signed, forged element) element {
			outer := r.Copy()
			outer.CreateAttr("ID", "_outer")
			outer.RemoveChild(outer.SelectElement("Assertion"))
			outer.AddChild(forged)
			signature := signatureOf(signed).Copy()
			signature.CreateElement("ds:Object").AddChild(r)
			outer.AddChild(signature)
			return outer
		}},
		{"XSW2: the signed response beside its signature", func(r, signed, forged element) element {
			outer := r.Copy()
			outer.CreateAttr("ID", "_outer")
			outer.RemoveChild(outer.SelectElement("Assertion"))
			outer.AddChild(signatureOf(signed).Copy())
			outer.AddChild(r)
			outer.AddChild(forged)
			return outer
		}},
		{"XSW3: the forged assertion before the signed one", func(r, signed, forged element) element {
			r.InsertChildAt(signed.Index(), forged)
			return r
		}},
		{"XSW3 turned around: the forged assertion after the signed one", func(r, _, forged element) element {
			r.AddChild(forged)
			return r
		}},
		{"XSW4: the signed assertion inside the forged one", func(r, signed, forged element) element {
			r.RemoveChild(signed)
			forged.AddChild(signed)
			r.AddChild(forged)
			return r
		}},
		{"XSW5: the forged assertion has the signature, the signed one follows", func(r, signed, forged element) element {
			signature := signatureOf(signed)
			signed.RemoveChild(signature)
			forged.InsertChildAt(1, signature)
			r.AddChild(forged)
			return r
		}},
		{"XSW6: the signed assertion inside the signature of the forged one", func(r, signed, forged element) element {
			signature := signatureOf(signed)
			signed.RemoveChild(signature)
			forged.InsertChildAt(1, signature)
			r.RemoveChild(signed)
			signature.AddChild(signed)
			r.AddChild(forged)
			return r
		}},
		{"XSW7: the forged assertion inside an extension", func(r, signed, forged element) element {
			extensions := etree.NewElement("samlp:Extensions")
			extensions.AddChild(forged)
			r.InsertChildAt(signed.Index(), extensions)
			return r
		}},
		{"XSW8: the signed assertion inside an object of the forged one's signature", func(r, signed, forged element) element {
			signature := signatureOf(signed)
			signed.RemoveChild(signature)
			forged.InsertChildAt(1, signature)
			r.RemoveChild(signed)
			signature.CreateElement("ds:Object").AddChild(signed)
			r.AddChild(forged)
			return r
		}},
		{"the signed assertion as advice of the forged one", func(r, signed, forged element) element {
			r.RemoveChild(signed)
			forged.CreateElement("saml:Advice").AddChild(signed)
			r.AddChild(forged)
			return r
		}},
	}
}

// No wrapping lets anybody in, whatever ID the forged assertion has, in either mode.
func TestSignatureWrapping(t *testing.T) {
	t.Parallel()
	for _, attack := range wrappings() {
		for _, forgedID := range []string{"_forged", "the same", ""} {
			for _, mode := range []func(*entratest.Config){func(*entratest.Config) {}, lenient} {
				t.Run(attack.name+", forged ID "+forgedID, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, mode)
					d := w.draft(t)
					text := d.xml(t)
					doc := etree.NewDocument()
					require.NoError(t, doc.ReadFromString(text))
					signed := doc.Root().SelectElement("Assertion")
					forged := forge(d, forgedID)
					doc.SetRoot(attack.wrap(doc.Root(), signed, forged))
					wrapped, err := doc.WriteToString()
					require.NoError(t, err)
					require.Contains(t, wrapped, "contractor@contoso.com")

					v := w.CheckResponse(base64.StdEncoding.EncodeToString([]byte(wrapped)), d.request.RelayState)
					require.False(t, v.Accepted)
					require.Equal(t, 5, v.Rule, v.Detail)
					require.Zero(t, v.Claims)
				})
			}
		}
	}
}

// forge makes an unsigned assertion for somebody else.
func forge(d *draft, id string) *etree.Element {
	other := *d
	other.nameID, other.upn = "employee0001x", "contractor@contoso.com"
	forged := other.assertion()
	switch id {
	case "":
		forged.RemoveAttr("ID")
	case "the same":
	default:
		forged.CreateAttr("ID", id)
	}
	return forged
}

// A comment is not part of what is signed, so anybody can add one to a signed assertion. It must not cut a name short:
// "employee0001x" with a comment before the x is not "employee0001".
func TestACommentCutsNothingShort(t *testing.T) {
	t.Parallel()
	for _, mode := range []func(*entratest.Config){func(*entratest.Config) {}, lenient} {
		w := newWorld(t, mode)
		d := w.draft(t)
		d.nameID, d.upn = "employee0001x", "contractor@contoso.com"
		d.tamperWithText = replace(">employee0001x<", ">employee0001<!-- -->x<")
		v := w.check(t, d)
		require.NoError(t, v.Err())
		require.Equal(t, "contractor@contoso.com", v.User.UPN)
		require.Equal(t, "employee0001x", v.Claims.NameID)
	}
}

// The same with a CDATA section, which canonicalisation turns into text.
func TestCDATACutsNothingShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft(t)
	d.nameID, d.upn = "employee0001x", "contractor@contoso.com"
	d.tamperWithText = replace(">employee0001x<", ">employee0001<![CDATA[x]]><")
	v := w.check(t, d)
	require.NoError(t, v.Err())
	require.Equal(t, "employee0001x", v.Claims.NameID)
}

// An identity provider that does not escape lets a person's name close the element and open another. The result is
// signed, and must be taken as what it is.
func TestMarkupInAValueIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft(t)
	d.prepare = func(_, assertion *etree.Element) {
		attribute := find(t, assertion, "./AttributeStatement/Attribute")
		attribute.Parent().AddChild(attribute.Copy())
	}
	v := w.check(t, d)
	require.Equal(t, []int{28}, numbersOf(v.Failures()))
}

// A signature over the Response does not vouch for an assertion that has a bad signature of its own.
func TestTheResponseDoesNotVouchForABadSignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	d := w.draft(t)
	d.signer = rogueKey()
	d.prepare = func(_, assertion *etree.Element) { d.sign(t, assertion) }
	d.unsigned, d.signResponse = true, false
	d.tamper = func(response, _ *etree.Element) {
		d.signer = contosoKey()
		d.sign(t, response)
	}
	v := w.check(t, d)
	require.False(t, v.Accepted)
	require.Equal(t, 14, v.Rule)
	require.Equal(t, "AADSTS5000811", v.Code)
}

// In lenient mode a signed Response vouches for its assertion, and only for what was signed.
func TestOnlyTheResponseSignedAndChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	d := w.draft(t)
	d.unsigned, d.signResponse = true, true
	d.tamperWithText = replace(">employee0001<", ">employee0001x<")
	v := w.check(t, d)
	require.False(t, v.Accepted)
	require.Equal(t, 14, v.Rule)
	require.Equal(t, "AADSTS50006", v.Code)
	require.Zero(t, v.Claims)
}

// The identity provider of one domain cannot speak for another one, neither by its issuer nor by its users.
func TestOneDomainCannotSpeakForAnother(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*draft){
		"with the other's issuer": func(d *draft) { d.signer = fabrikamKey() },
		"with the other's user":   func(d *draft) { d.signer, d.issuer = fabrikamKey(), fabrikamIssuer },
		"with the other's user and an own address": func(d *draft) {
			d.signer, d.issuer, d.upn = fabrikamKey(), fabrikamIssuer, "partner@fabrikam.com"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.draft(t)
			change(d)
			v := w.check(t, d)
			require.False(t, v.Accepted)
			require.Contains(t, []string{"AADSTS5000811", "AADSTS5000820"}, v.Code)
		})
	}
}

// The bytes that were digested are what is read: the tree that was posted may hold more than one reading.
func TestNamespacesCannotHideAnElement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft(t)
	d.tamperWithText = func(s string) string {
		// A second Subject in no namespace, before the signed one.
		return strings.Replace(s, "<saml:Subject>", `<Subject xmlns=""><NameID>employee0001x</NameID></Subject><saml:Subject>`, 1)
	}
	v := w.check(t, d)
	require.False(t, v.Accepted)
	require.Equal(t, 14, v.Rule)
}

// FuzzCheckResponse posts anything. Nothing panics, and nobody is let in for whom nothing was signed.
func FuzzCheckResponse(f *testing.F) {
	w := newWorld(f)
	good, relayState := w.draft(f).post(f)
	signedFor := map[string]bool{"employee0001": true}
	for _, seed := range fuzzSeeds(f, w, good, signedFor) {
		f.Add(seed, relayState)
		f.Add(seed, "")
	}
	x := offline()
	x.Accounts, x.Lenient = everybody{}, true
	f.Fuzz(func(t *testing.T, raw []byte, relayState string) {
		for _, field := range []string{string(raw), base64.StdEncoding.EncodeToString(raw)} {
			v := x.Check(field, relayState)
			require.Len(t, v.Findings, len(entratest.Rules()))
			if v.Accepted {
				require.True(t, signedFor[v.User.ImmutableID], v.User.ImmutableID)
				require.Equal(t, v.User.ImmutableID, v.Claims.NameID)
				require.Empty(t, v.Failures())
			} else {
				require.NotZero(t, v.Rule)
			}
			_, err := v.MarshalJSON()
			require.NoError(t, err)
		}
	})
}

// fuzzSeeds are the responses of the rule tests. It notes for whom they were signed.
func fuzzSeeds(f *testing.F, w *world, good string, signedFor map[string]bool) [][]byte {
	text, err := base64.StdEncoding.DecodeString(good)
	require.NoError(f, err)
	seeds := [][]byte{
		text, []byte(good), nil, []byte("<"), []byte("<!DOCTYPE a><a/>"), []byte("<a:b/>"), []byte("<a xmlns:b=''><b:c/></a>"),
	}
	for _, v := range variants() {
		if v.world != nil || v.tenant != nil {
			continue
		}
		d := w.draft(f)
		if v.change != nil {
			v.change(f, d)
		}
		if d.tamperWithBase64 == nil {
			field, _ := d.post(f)
			raw, err := base64.StdEncoding.DecodeString(field)
			require.NoError(f, err)
			seeds = append(seeds, raw)
			signedFor[d.nameID] = true
		}
	}
	return seeds
}

// everybody is a directory in which every name is somebody.
type everybody struct{}

func (everybody) UsersByImmutableID(id string) []entratest.User {
	return []entratest.User{{ObjectID: "x", ImmutableID: id, UPN: "employee@contoso.com", Enabled: true}}
}

func (everybody) UserByUPN(upn string) (entratest.User, bool) { return entratest.User{UPN: upn}, true }

func (everybody) RealmOf(string) (entratest.Realm, bool) {
	return entratest.Realm{Domain: "contoso.com", Federation: *contosoFederation()}, true
}
