package saml_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/xmldoc"
	"github.com/entrafed/entrafed/saml"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 chooses one")

// source returns random numbers, and says how to have the same ones again.
func source(t testing.TB) (*rand.Rand, *rand.ChaCha8) {
	t.Helper()
	chosen := *seed
	if chosen == 0 {
		chosen = uint64(time.Now().UnixNano())
	}
	t.Logf("to repeat this: go test -run '^%s$' ./saml -args -seed %d", t.Name(), chosen)
	var key [32]byte
	copy(key[:], fmt.Sprint(chosen))
	return rand.New(rand.NewPCG(chosen, 0)), rand.NewChaCha8(key)
}

// carried are characters that matter to XML, to HTML, to canonicalisation or to a careless reader.
var carried = []rune("<>&\"'`]-!?;:#=%/+$@{}\\^~|.,_aZ09éßİſK漢字ｶ\uFFFD\u200D\u202E\u0301\uD7FF\uE000𝄞\U00010000\U0010FFFD")

// randomValue is text without white space and control characters, from which the API takes none in this place.
func randomValue(r *rand.Rand, runes int) string {
	value := make([]rune, 0, runes)
	for len(value) < runes {
		c := carried[r.IntN(len(carried))]
		if r.IntN(3) == 0 {
			c = rune(r.IntN(unicode.MaxRune))
		}
		if xmldoc.IsChar(c) && !unicode.IsSpace(c) && !unicode.IsControl(c) && c != '\uFFFD' {
			value = append(value, c)
		}
	}
	return string(value)
}

// randomLines is any text that XML can carry, line ends and all.
func randomLines(r *rand.Rand, runes int) string {
	var b strings.Builder
	for range runes {
		switch r.IntN(5) {
		case 0:
			b.WriteString([]string{"\n", "\r", "\t", "\r\n", " ", "]]>", "&#xA;", "\u0085", "\u2028", "<!--"}[r.IntN(10)])
		default:
			b.WriteString(randomValue(r, 1))
		}
	}
	return b.String()
}

// randomLength favours the limits.
func randomLength(r *rand.Rand, limit int) int {
	return []int{1, limit, 1 + r.IntN(limit), 1 + r.IntN(min(limit, 20))}[r.IntN(4)]
}

func randomOf(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	lower   = "abcdefghijklmnopqrstuvwxyz"
	letters = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

func randomSubject(r *rand.Rand) saml.Subject {
	subject := saml.Subject{
		ImmutableID:  randomValue(r, randomLength(r, 64)),
		UPN:          randomOf(r, letters+digits+"'.-_!#^~", randomLength(r, 63)) + "x@contoso.com",
		AuthnInstant: testTime.Add(-time.Duration(r.Int64N(int64(24 * time.Hour)))).In(time.FixedZone("", r.IntN(20)*1800)),
		MFA:          r.IntN(2) == 0,
	}
	if r.IntN(3) == 0 {
		subject.UPN = "x@" + strings.Repeat(randomOf(r, lower+digits, 1)+".", r.IntN(18)) + "CONTOSO.com"
	}
	if !subject.MFA && r.IntN(2) == 0 {
		subject.AuthnContext = "urn:" + randomOf(r, letters+digits+"<>&\"'#?=;:]-", randomLength(r, 300))
		if _, err := url.Parse(subject.AuthnContext); err != nil {
			subject.AuthnContext = ""
		}
	}
	if r.IntN(2) == 0 {
		subject.SessionIndex = randomOf(r, letters+digits+"<>&\"'#?=;:]-+/", randomLength(r, 256))
	}
	return subject
}

// randomIdP has a configuration of which every string that reaches a message is random.
func randomIdP(t testing.TB, r *rand.Rand, ids *rand.ChaCha8) (*saml.IdentityProvider, saml.Config) {
	t.Helper()
	for {
		cfg := testConfig(t)
		cfg.Rand = ids
		cfg.SingleLogoutService = sloURL
		cfg.Cloud = entrafed.Global()
		cfg.Cloud.Audience = randomLines(r, randomLength(r, 100))
		cfg.Cloud.AssertionConsumerService = "https://login.example.net/" + randomOf(r, letters+digits+"<>&\"'#?=;:]-+/", randomLength(r, 200))
		cfg.Realms[0].Issuer = "https://id.contoso.com/" + randomOf(r, letters+digits+"<>&\"'#?=;:]-+/", randomLength(r, 200))
		cfg.Lifetime = time.Duration(1 + r.Int64N(int64(time.Hour)))
		if idp, err := saml.New(cfg); err == nil {
			return idp, cfg
		}
	}
}

// issued is an answer and what it was made from.
type issued struct {
	response *saml.Response
	subject  saml.Subject // of a success
	status   saml.Status  // of a failure
}

// randomAnswer asks and answers in one of the four ways.
func randomAnswer(t testing.TB, r *rand.Rand, idp *saml.IdentityProvider, cfg saml.Config) issued {
	t.Helper()
	var made issued
	id := "_" + randomOf(r, letters+digits+"-._", randomLength(r, 255))
	asked := strings.NewReplacer(requestID, id, audience, escaped(cfg.Cloud.Audience)).Replace(plainRequest)
	if strings.TrimSpace(cfg.Cloud.Audience) != cfg.Cloud.Audience {
		asked = "" // a reader trims what no cloud has
	}
	request := &saml.AuthnRequest{ID: id}
	var err error
	if asked != "" {
		request, err = idp.ReadRequest(postRequest(asked, randomValue(r, randomLength(r, 2000))))
		require.NoError(t, err)
		require.Equal(t, id, request.ID)
	}
	switch r.IntN(8) {
	case 0:
		made.subject = randomSubject(r)
		made.response, err = idp.RespondUnsolicited(made.subject, randomValue(r, randomLength(r, 2000)))
	case 1:
		made.status = saml.Status{Code: saml.StatusResponder, Reason: saml.StatusCode(randomLines(r, 1+r.IntN(60))),
			Message: randomLines(r, 1+r.IntN(300))}
		made.response, err = idp.RespondStatus(request, "contoso.com", made.status)
	case 2:
		made.response, err = idp.RespondLogout(&saml.LogoutRequest{ID: id}, "")
	default:
		made.subject = randomSubject(r)
		made.response, err = idp.Respond(request, made.subject)
	}
	require.NoError(t, err, "%+v", made)
	return made
}

// escaped writes a value as another writer of XML would.
func escaped(value string) string {
	doc := etree.NewDocument()
	doc.CreateElement("x").SetText(value)
	doc.WriteSettings.CanonicalText = true
	text, err := doc.WriteToString()
	if err != nil {
		panic(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, "<x>"), "</x>")
}

// requireFaithful checks that an answer says what it was made from, byte for byte, to an independent parser.
func requireFaithful(t testing.TB, made issued, cfg saml.Config) {
	t.Helper()
	root := tree(t, string(made.response.XML))
	require.Equal(t, cfg.Realms[0].Issuer, root.FindElement("./Issuer").Text())
	require.Equal(t, cfg.Cloud.AssertionConsumerService, root.SelectAttrValue("Destination", ""))
	require.Equal(t, made.response.InResponseTo, root.SelectAttrValue("InResponseTo", ""))
	if message := root.FindElement("./Status/StatusMessage"); message != nil {
		require.Equal(t, made.status.Message, message.Text())
		require.Equal(t, string(made.status.Reason), root.FindElement("./Status/StatusCode/StatusCode").SelectAttrValue("Value", ""))
	}
	assertion := root.FindElement("./Assertion")
	require.Equal(t, made.response.AssertionID != "", assertion != nil)
	if assertion == nil {
		return
	}
	require.Equal(t, made.subject.ImmutableID, assertion.FindElement("./Subject/NameID").Text())
	require.Equal(t, made.subject.UPN, assertion.FindElement("./AttributeStatement/Attribute/AttributeValue").Text())
	require.Equal(t, cfg.Cloud.Audience, assertion.FindElement("./Conditions/AudienceRestriction/Audience").Text())
	require.Equal(t, cfg.Cloud.AssertionConsumerService, assertion.FindElement(".//SubjectConfirmationData").SelectAttrValue("Recipient", ""))
	statement := assertion.FindElement("./AuthnStatement")
	require.Equal(t, made.subject.AuthnInstant.UTC().Format("2006-01-02T15:04:05.000Z"), statement.SelectAttrValue("AuthnInstant", ""))
	if made.subject.SessionIndex != "" {
		require.Equal(t, made.subject.SessionIndex, statement.SelectAttrValue("SessionIndex", ""))
	}
	if made.subject.AuthnContext != "" {
		require.Equal(t, made.subject.AuthnContext, statement.FindElement("./AuthnContext/AuthnContextClassRef").Text())
	}
}

// Every answer, whatever it says, is in the canonical form of goxmldsig, verifies there and under xmlsec1, which shares
// no code with it, and says what it was made from.
func TestDifferentialAnswers(t *testing.T) {
	t.Parallel()
	r, ids := source(t)
	count := 1000
	if testing.Short() {
		count = 50
	}
	var documents [][]byte
	idp, cfg := randomIdP(t, r, ids)
	for i := range count {
		if i%20 == 0 {
			idp, cfg = randomIdP(t, r, ids)
		}
		made := randomAnswer(t, r, idp, cfg)
		requireFaithful(t, made, cfg)
		requireCanonical(t, made.response.XML)
		path := "./Assertion"
		if made.response.AssertionID == "" {
			path = ""
		}
		_, err := verifyAt(made.response.XML, path, cfg.Signer.Certificate)
		require.NoError(t, err, string(made.response.XML))
		documents = append(documents, made.response.XML)
	}
	requireXmlsec1(t, documents)
}

// requireXmlsec1 verifies documents that were signed with the test key. One process verifies many of them.
func requireXmlsec1(t *testing.T, documents [][]byte) {
	t.Helper()
	xmlsec1 := command(t, "xmlsec1", "xmlsec1")
	der, err := x509.MarshalPKIXPublicKey(testKey().Public())
	require.NoError(t, err)
	key := write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	arguments := []string{"--verify", "--pubkey-pem", key, "--enabled-key-data", "rsa", "--id-attr:ID", nsAssertion + ":Assertion",
		"--id-attr:ID", nsProtocol + ":Response", "--id-attr:ID", nsProtocol + ":LogoutResponse"}
	verify := func(paths ...string) (string, error) {
		output, err := exec.Command(xmlsec1, append(slices.Clone(arguments), paths...)...).CombinedOutput()
		return string(output), err
	}
	dir := t.TempDir()
	var paths []string
	for i, document := range documents {
		path := filepath.Join(dir, fmt.Sprintf("%d.xml", i))
		require.NoError(t, os.WriteFile(path, document, 0o600))
		paths = append(paths, path)
	}
	for batch := range slices.Chunk(paths, 200) {
		output, err := verify(batch...)
		require.NoError(t, err, output)
		require.Equal(t, len(batch), strings.Count(output, "OK\n"), output)
	}

	tampered := filepath.Join(dir, "tampered.xml")
	last := documents[len(documents)-1]
	at := bytes.LastIndex(last, []byte(`Version="2.0"`))
	require.NoError(t, os.WriteFile(tampered, bytes.Replace(last, last[at:at+13], []byte(`Version="2.1"`), -1), 0o600))
	_, err = verify(paths[0], tampered)
	require.Error(t, err, "the check can fail, also in a batch")
}

// What the API does not take in a place is refused there, whatever stands around it.
func TestDifferentialRefusals(t *testing.T) {
	t.Parallel()
	r, _ := source(t)
	idp := newIdP(t)
	everywhere := []string{"\x00", "\x01", "\x1f", "\ufffe", "\uffff", "\xff", "\xc0\xbc", "\xed\xa0\x80", "\xf4\x90\x80\x80"}
	outside := append([]string{"\t", "\n", "\r", " ", "\u0085", "\u00a0", "\u2028", "\u3000", "\x7f"}, everywhere...)
	insert := func(value, wrong string) string {
		runes := []rune(value)
		at := r.IntN(len(runes) + 1)
		return string(runes[:at]) + wrong + string(runes[at:])
	}
	for range 20 {
		for _, wrong := range outside {
			for field, change := range map[string]func(*saml.Subject){
				"ImmutableID":  func(s *saml.Subject) { s.ImmutableID = insert(randomValue(r, r.IntN(60)), wrong) },
				"UPN":          func(s *saml.Subject) { s.UPN = insert(s.UPN, wrong) },
				"AuthnContext": func(s *saml.Subject) { s.MFA, s.AuthnContext = false, insert("urn:"+randomOf(r, letters, 9), wrong) },
				"SessionIndex": func(s *saml.Subject) { s.SessionIndex = insert(randomOf(r, letters, 9), wrong) },
			} {
				subject := randomSubject(r)
				change(&subject)
				_, err := idp.RespondUnsolicited(subject, "")
				require.ErrorIs(t, err, saml.ErrSubject, "%s %q", field, wrong)
				require.ErrorContains(t, err, field)
			}
		}
		for _, wrong := range everywhere {
			_, err := idp.RespondStatus(&saml.AuthnRequest{ID: "_1"}, "", saml.Status{Code: saml.StatusResponder,
				Message: insert(randomLines(r, 20), wrong)})
			var unwritable *xmldoc.CharError
			require.ErrorAs(t, err, &unwritable, "%q", wrong)
		}
		for _, length := range []struct {
			field  string
			change func(*saml.Subject)
		}{
			{"ImmutableID", func(s *saml.Subject) { s.ImmutableID = randomValue(r, 65+r.IntN(2)*r.IntN(1000)) }},
			{"UPN", func(s *saml.Subject) { s.UPN = randomOf(r, lower, 65+r.IntN(2)*r.IntN(1000)) + "@contoso.com" }},
			{"UPN", func(s *saml.Subject) { s.UPN = "x@" + randomOf(r, lower, 37+r.IntN(20)) + ".contoso.com" }},
			{"SessionIndex", func(s *saml.Subject) { s.SessionIndex = randomOf(r, lower, 257+r.IntN(2)*r.IntN(1000)) }},
		} {
			subject := randomSubject(r)
			length.change(&subject)
			_, err := idp.RespondUnsolicited(subject, "")
			require.ErrorIs(t, err, saml.ErrSubject)
			require.ErrorContains(t, err, length.field)
		}
	}
}
