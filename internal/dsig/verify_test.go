package dsig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/internal/dsig"
	"github.com/entrafed/entrafed/internal/xmldoc"
)

const (
	excC14N   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	nsDsig    = "http://www.w3.org/2000/09/xmldsig#"
)

// pair is a key and a certificate for it.
type pair struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

var (
	trusted  = sync.OnceValue(func() pair { return newPair("trusted") })
	stranger = sync.OnceValue(func() pair { return newPair("stranger") })
)

func newPair(ski string) pair {
	key := certtest.RSA(2048)
	from, until := time.Unix(0, 0), time.Unix(1, 0) // validity is the caller's to judge
	return pair{key, certtest.SelfSigned(key, ski, from, until, func(c *x509.Certificate) { c.SubjectKeyId = []byte(ski) })}
}

// signing is a document whose ID is _1, with a signature. The canonical forms are written by hand, so that no implementation of
// canonicalisation is its own judge.
type signing struct {
	document string // with SIGNATURE at the signature's place
	covered  string // its canonical form, without the signature
	digest   string // the algorithm's name; empty means that of SHA-256
	method   string // the algorithm's name; empty means that of RSA with SHA-256

	rootPrefixes string // InclusiveNamespaces of the reference
	infoPrefixes string // InclusiveNamespaces of SignedInfo
	apex         string // the namespaces that infoPrefixes adds to SignedInfo
	keyInfo      string
	by           func() pair // nil means trusted
}

const mark = "SIGNATURE"

func (s signing) info() string {
	digest := s.digest
	if digest == "" {
		digest = dsig.SHA256
	}
	value := sha256.Sum256([]byte(s.covered))
	sum := value[:]
	if digest == dsig.SHA1 {
		weak := sha1.Sum([]byte(s.covered))
		sum = weak[:]
	}
	return method("CanonicalizationMethod", excC14N, s.infoPrefixes) + method("SignatureMethod", s.algorithm(), "") +
		`<ds:Reference URI="#_1"><ds:Transforms>` + method("Transform", enveloped, "") +
		method("Transform", excC14N, s.rootPrefixes) + `</ds:Transforms>` + method("DigestMethod", digest, "") +
		`<ds:DigestValue>` + base64.StdEncoding.EncodeToString(sum) + `</ds:DigestValue></ds:Reference></ds:SignedInfo>`
}

func (s signing) algorithm() string {
	if s.method == "" {
		return dsig.RSASHA256
	}
	return s.method
}

func method(name, algorithm, prefixes string) string {
	content := ""
	if prefixes != "" {
		content = `<ec:InclusiveNamespaces xmlns:ec="` + excC14N + `" PrefixList="` + prefixes + `"></ec:InclusiveNamespaces>`
	}
	return `<ds:` + name + ` Algorithm="` + algorithm + `">` + content + `</ds:` + name + `>`
}

// sign returns the document with its signature.
func (s signing) sign(t testing.TB) string { return s.signInfo(t, s.info()) }

// signInfo signs whatever SignedInfo it is given, from behind its start tag on.
func (s signing) signInfo(t testing.TB, info string) string {
	t.Helper()
	by := trusted()
	if s.by != nil {
		by = s.by()
	}
	canonical := `<ds:SignedInfo xmlns:ds="` + nsDsig + `"` + s.apex + `>` + info
	return strings.Replace(s.document, mark, `<ds:Signature xmlns:ds="`+nsDsig+`"><ds:SignedInfo>`+info+
		`<ds:SignatureValue>`+signed(t, by, s.algorithm(), []byte(canonical))+`</ds:SignatureValue>`+s.keyInfo+`</ds:Signature>`, 1)
}

func signed(t testing.TB, by pair, algorithm string, content []byte) string {
	t.Helper()
	weak, strong := sha1.Sum(content), sha256.Sum256(content)
	hash, sum := crypto.SHA256, strong[:]
	if algorithm == dsig.RSASHA1 {
		hash, sum = crypto.SHA1, weak[:]
	}
	value, err := rsa.SignPKCS1v15(nil, by.key, hash, sum)
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(value)
}

func verify(document string) ([]byte, error) {
	root, err := xmldoc.Parse([]byte(document))
	if err != nil {
		return nil, err
	}
	return dsig.Verify([]byte(document), root, []*x509.Certificate{stranger2().certificate, trusted().certificate})
}

var stranger2 = sync.OnceValue(func() pair { return newPair("another trusted one") })

func x509Data(content string) string {
	return "<ds:KeyInfo><ds:X509Data>" + content + "</ds:X509Data></ds:KeyInfo>"
}

func ski(p pair) string {
	return "<ds:X509SKI>" + base64.StdEncoding.EncodeToString(p.certificate.SubjectKeyId) + "</ds:X509SKI>"
}

func certificate(p pair) string {
	return "<ds:X509Certificate>" + base64.StdEncoding.EncodeToString(p.certificate.Raw) + "</ds:X509Certificate>"
}

// signings are documents in which canonicalisation has something to do.
func signings() map[string]signing {
	return map[string]signing{
		"canonical already": {
			document: `<a:x xmlns:a="urn:a" ID="_1">` + mark + `<a:y>text</a:y></a:x>`,
			covered:  `<a:x xmlns:a="urn:a" ID="_1"><a:y>text</a:y></a:x>`},
		"SHA-1, as Entra signs": {digest: dsig.SHA1, method: dsig.RSASHA1,
			document: `<a:x xmlns:a="urn:a" ID="_1">` + mark + `<a:y>text</a:y></a:x>`,
			covered:  `<a:x xmlns:a="urn:a" ID="_1"><a:y>text</a:y></a:x>`},
		"digest and signature of different strength": {digest: dsig.SHA1,
			document: `<a:x xmlns:a="urn:a" ID="_1">` + mark + `</a:x>`,
			covered:  `<a:x xmlns:a="urn:a" ID="_1"></a:x>`},
		"attributes to be sorted": {
			document: `<x b="2" ID='_1' a="1" xmlns:q="urn:a" xmlns:p="urn:b" p:z="4" q:z="3">` + mark + `</x>`,
			covered:  `<x xmlns:p="urn:b" xmlns:q="urn:a" ID="_1" a="1" b="2" q:z="3" p:z="4"></x>`},
		"empty elements and white space": {
			document: "<?xml version=\"1.0\"?>\n<x  ID = \"_1\" ><y/> <z\n/>" + mark + "\n</x>\n",
			covered:  "<x ID=\"_1\"><y></y> <z></z>\n</x>"},
		"line ends and references": {
			document: "<x ID=\"_1\" a=\"&#13;&#10;&#9;&quot;&apos;&gt;\">a\r\nb\rc&#xD;&gt;&quot;&apos;&#x9;" + mark + "</x>",
			covered:  "<x ID=\"_1\" a=\"&#xD;&#xA;&#x9;&quot;'>\">a\nb\nc&#xD;&gt;\"'\t</x>"},
		"namespaces that nobody uses": {
			document: `<x xmlns:u="urn:u" xmlns:v="urn:v" ID="_1">` + mark + `<v:y xmlns:w="urn:w"/><v:z/></x>`,
			covered:  `<x ID="_1"><v:y xmlns:v="urn:v"></v:y><v:z xmlns:v="urn:v"></v:z></x>`},
		"a default namespace, undone and done again": {
			document: `<x xmlns="urn:x" ID="_1">` + mark + `<y xmlns=""><z xmlns="urn:x"/></y></x>`,
			covered:  `<x xmlns="urn:x" ID="_1"><y xmlns=""><z xmlns="urn:x"></z></y></x>`},
		"a prefix bound to another namespace": {
			document: `<p:x xmlns:p="urn:x" ID="_1">` + mark + `<p:y xmlns:p="urn:y"><p:z xmlns:p="urn:x"/></p:y></p:x>`,
			covered:  `<p:x xmlns:p="urn:x" ID="_1"><p:y xmlns:p="urn:y"><p:z xmlns:p="urn:x"></p:z></p:y></p:x>`},
		"an attribute of xml": {
			document: `<x ID="_1" xml:lang="en">` + mark + `</x>`,
			covered:  `<x ID="_1" xml:lang="en"></x>`},
		"beyond ASCII": {
			document: `<é ID="_1" ö="&#x1D11E;">` + mark + `漢&#233;</é>`,
			covered:  `<é ID="_1" ö="𝄞">漢é</é>`},
		"a prefix to be inclusive": {rootPrefixes: "u",
			document: `<x xmlns:u="urn:u" xmlns:v="urn:v" ID="_1">` + mark + `<y/></x>`,
			covered:  `<x xmlns:u="urn:u" ID="_1"><y></y></x>`},
		"several, some unknown, with white space": {rootPrefixes: "&#x9;v  nobody&#xA;u ds",
			document: `<x xmlns:u="urn:u" xmlns:v="urn:v" ID="_1">` + mark + `<y/></x>`,
			covered:  `<x xmlns:u="urn:u" xmlns:v="urn:v" ID="_1"><y></y></x>`},
		"a prefix to be inclusive in SignedInfo": {infoPrefixes: "u", apex: ` xmlns:u="urn:u"`,
			document: `<x xmlns:u="urn:u" ID="_1">` + mark + `<y/></x>`,
			covered:  `<x ID="_1"><y></y></x>`},
		"the key by its identifier": {keyInfo: x509Data(ski(trusted())) + "",
			document: `<x ID="_1">` + mark + `</x>`, covered: `<x ID="_1"></x>`},
		"the key by its certificate": {keyInfo: x509Data(certificate(trusted())),
			document: `<x ID="_1">` + mark + `</x>`, covered: `<x ID="_1"></x>`},
		"the key by its name": {keyInfo: "<ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo>",
			document: `<x ID="_1">` + mark + `</x>`, covered: `<x ID="_1"></x>`},
		"the signature last": {
			document: `<x ID="_1"><y/>` + mark + `</x>`, covered: `<x ID="_1"><y></y></x>`},
		"a namespace that is relative": {
			document: `<x xmlns:p="rel" ID="_1"><p:y/>` + mark + `</x>`, covered: `<x ID="_1"><p:y xmlns:p="rel"></p:y></x>`},
	}
}

// What is returned is the canonical form of what was signed, and nothing else.
func TestVerifyReturnsWhatWasSigned(t *testing.T) {
	t.Parallel()
	for name, s := range signings() {
		t.Run(name, func(t *testing.T) {
			covered, err := verify(s.sign(t))
			require.NoError(t, err)
			require.Equal(t, s.covered, string(covered))
			root, err := xmldoc.Parse(covered)
			require.NoError(t, err)
			require.Empty(t, root.All(nsDsig, "Signature"))
		})
	}
}

// What was signed stays the same when what the signature does not cover is written in another way.
func TestVerifyAllowsOtherForms(t *testing.T) {
	t.Parallel()
	s := signing{
		document: `<a:x xmlns:a="urn:a" ID="_1">` + mark + `<a:y>text</a:y></a:x>`,
		covered:  `<a:x xmlns:a="urn:a" ID="_1"><a:y>text</a:y></a:x>`,
		keyInfo:  x509Data(ski(trusted())),
	}
	document := s.sign(t)
	for name, change := range map[string][2]string{
		"base64 in lines":                  {"<ds:SignatureValue>", "<ds:SignatureValue>\n\t "},
		"white space in Signature":         {"<ds:KeyInfo>", "\n<ds:KeyInfo>"},
		"an empty element in KeyInfo":      {"<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName/>"},
		"KeyInfo without a key":            {s.keyInfo, "<ds:KeyInfo/>"},
		"without KeyInfo":                  {s.keyInfo, ""},
		"an unused namespace":              {"<ds:Signature ", `<ds:Signature xmlns:unused="urn:u" `},
		"an Id of the signature":           {"<ds:Signature ", `<ds:Signature Id="s" `},
		"other quotes":                     {`ID="_1"`, `ID='_1'`},
		"a character reference":            {"text", "t&#101;xt"},
		"an end tag for an empty element":  {`#enveloped-signature"></ds:Transform>`, `#enveloped-signature"/>`},
		"a namespace declared once more":   {"<a:y>", `<a:y xmlns:a="urn:a">`},
		"attributes of the value elements": {"<ds:SignatureValue>", `<ds:SignatureValue Id="v">`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(document, change[0]))
			covered, err := verify(strings.Replace(document, change[0], change[1], 1))
			require.NoError(t, err)
			require.Equal(t, s.covered, string(covered))
		})
	}
}

// What is verified is what is returned: no change of what was signed, and no other signature, gets through.
//
// GHSA-rrfw-hg9m-j47h; GHSA-q547-gmf8-8jr7, CVE-2020-15216.
func TestSignatureBypass(t *testing.T) {
	t.Parallel()
	s := signing{
		document: `<a:x xmlns:a="urn:a" ID="_1" z="1">` + mark + `<a:y>text</a:y></a:x>`,
		covered:  `<a:x xmlns:a="urn:a" ID="_1" z="1"><a:y>text</a:y></a:x>`,
		keyInfo:  x509Data(ski(trusted())),
	}
	document := s.sign(t)
	signature := document[strings.Index(document, "<ds:Signature "):]
	signature = signature[:strings.Index(signature, "</ds:Signature>")+len("</ds:Signature>")]
	by := func(p func() pair, keyInfo string) string {
		other := s
		other.by, other.keyInfo = p, keyInfo
		return other.sign(t)
	}
	edit := func(old, replacement string) string {
		require.Equal(t, 1, strings.Count(document, old), old)
		return strings.Replace(document, old, replacement, 1)
	}
	for name, test := range map[string]struct {
		document string
		want     error
	}{
		"another text":                      {edit(">text<", ">evil<"), dsig.ErrInvalid},
		"another attribute":                 {edit(`z="1"`, `z="2"`), dsig.ErrInvalid},
		"an attribute more":                 {edit(`z="1"`, `y="" z="1"`), dsig.ErrInvalid},
		"an element more":                   {edit("</a:y>", "</a:y><a:y/>"), dsig.ErrInvalid},
		"an element less":                   {edit("<a:y>text</a:y>", ""), dsig.ErrInvalid},
		"white space more":                  {edit("</a:y>", "</a:y> "), dsig.ErrInvalid},
		"another namespace":                 {edit("urn:a", "urn:b"), dsig.ErrInvalid},
		"another prefix":                    {edit("<a:y>text</a:y>", `<b:y xmlns:b="urn:a">text</b:y>`), dsig.ErrInvalid},
		"another ID":                        {edit(` ID="_1"`, ` ID="_2"`), dsig.ErrShape},
		"no ID":                             {edit(` ID="_1"`, ``), dsig.ErrShape},
		"an ID in another case":             {edit(` ID="_1"`, ` Id="_1"`), dsig.ErrShape},
		"an ID with a namespace":            {edit(` ID="_1"`, ` a:ID="_1"`), dsig.ErrShape},
		"no signature":                      {edit(signature, ""), dsig.ErrShape},
		"the signature below another":       {edit(signature, "<z>"+signature+"</z>"), dsig.ErrShape},
		"the signature twice":               {edit(signature, signature+signature), dsig.ErrShape},
		"another signature below":           {edit("</a:y>", signature+"</a:y>"), dsig.ErrShape},
		"a signature in KeyInfo":            {edit("<ds:KeyInfo>", "<ds:KeyInfo>"+`<ds:Signature/>`), dsig.ErrShape},
		"the signature as the root":         {signature, dsig.ErrShape},
		"a stranger's":                      {by(stranger, ""), dsig.ErrInvalid},
		"a stranger's, by its identifier":   {by(stranger, x509Data(ski(stranger()))), dsig.ErrKey},
		"a stranger's, by its certificate":  {by(stranger, x509Data(certificate(stranger()))), dsig.ErrKey},
		"a stranger's, by a trusted one":    {by(stranger, x509Data(certificate(trusted()))), dsig.ErrInvalid},
		"the trusted one's, by another's":   {by(trusted, x509Data(ski(stranger2()))), dsig.ErrInvalid},
		"an identifier against certificate": {by(trusted, x509Data(ski(trusted())+certificate(stranger2()))), dsig.ErrKey},
		"a key identifier that is no code":  {by(trusted, x509Data("<ds:X509SKI>!</ds:X509SKI>")), dsig.ErrShape},
		"an empty certificate":              {by(trusted, x509Data("<ds:X509Certificate/>")), dsig.ErrShape},
		"KeyInfo twice":                     {edit("<ds:KeyInfo>", "<ds:KeyInfo/><ds:KeyInfo>"), dsig.ErrShape},
		"an Object":                         {edit("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>"), dsig.ErrShape},
		"another digest method":             {edit("xmlenc#sha256", "xmlenc#sha512"), dsig.ErrAlgorithm},
		"another signature method":          {edit("#rsa-sha256", "#hmac-sha256"), dsig.ErrAlgorithm},
		"another digest":                    {edit("<ds:DigestValue>", "<ds:DigestValue>AAAA"), dsig.ErrInvalid},
		"white space in SignedInfo":         {edit("<ds:SignedInfo>", "<ds:SignedInfo> "), dsig.ErrInvalid},
		"an attribute of SignedInfo":        {edit("<ds:SignedInfo>", `<ds:SignedInfo Id="x">`), dsig.ErrInvalid},
		"prefixes that were not signed":     {edit(method("Transform", excC14N, ""), method("Transform", excC14N, "a")), dsig.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			covered, err := verify(test.document)
			require.ErrorIs(t, err, test.want)
			require.Nil(t, covered)
			require.LessOrEqual(t, len(err.Error()), 1000)
		})
	}
	root, err := xmldoc.Parse([]byte(document))
	require.NoError(t, err)
	for name, certificates := range map[string][]*x509.Certificate{
		"nobody": nil, "a stranger": {stranger().certificate}, "a key that is not RSA": {notRSA(t)}, "no key": {{}},
	} {
		_, err = dsig.Verify([]byte(document), root, certificates)
		require.Error(t, err, name)
		err = dsig.VerifyBytes(dsig.RSASHA256, []byte("x"), []byte("y"), certificates)
		require.ErrorIs(t, err, dsig.ErrInvalid, name)
	}
}

// There is one shape. Another one is refused even if the trusted key signed it.
func TestVerifyAcceptsOneShape(t *testing.T) {
	t.Parallel()
	s := signing{document: `<x ID="_1">` + mark + `</x>`, covered: `<x ID="_1"></x>`}
	nameless := signing{document: `<x>` + mark + `</x>`, covered: `<x></x>`}
	prefixes := `<ec:InclusiveNamespaces xmlns:ec="` + excC14N + `" PrefixList="a"></ec:InclusiveNamespaces>`
	canonicalisation := method("CanonicalizationMethod", excC14N, "")
	inclusive := method("CanonicalizationMethod", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "")
	algorithm := method("SignatureMethod", dsig.RSASHA256, "")
	first, transform := method("Transform", enveloped, ""), method("Transform", excC14N, "")
	const xpath = "<ds:XPath></ds:XPath>"
	with := func(element, content string) string {
		end := strings.LastIndex(element, "</")
		return element[:end] + content + element[end:]
	}
	reference := s.info()[strings.Index(s.info(), "<ds:Reference "):strings.Index(s.info(), "</ds:SignedInfo>")]
	for name, test := range map[string]struct {
		signing      signing
		old, changed string
		want         error
	}{
		"a reference to an ID that is missing": {nameless, `URI="#_1"`, `URI="#"`, dsig.ErrShape},
		"an empty reference":                   {s, `URI="#_1"`, `URI=""`, dsig.ErrShape},
		"no reference to anything":             {s, ` URI="#_1"`, ``, dsig.ErrShape},
		"two references":                       {s, reference, reference + reference, dsig.ErrShape},
		"no reference":                         {s, reference, "", dsig.ErrShape},
		"a second SignedInfo in it":            {s, reference, reference + "<ds:SignedInfo></ds:SignedInfo>", dsig.ErrShape},
		"the parts in another order":           {s, canonicalisation + algorithm, algorithm + canonicalisation, dsig.ErrShape},
		"something in a transform":             {s, transform, with(transform, xpath), dsig.ErrShape},
		"something beside the prefixes":        {s, transform, with(transform, prefixes+xpath), dsig.ErrShape},
		"two lists of prefixes":                {s, canonicalisation, with(canonicalisation, prefixes+prefixes), dsig.ErrShape},
		"three transforms":                     {s, transform, transform + transform, dsig.ErrShape},
		"one transform":                        {s, transform, "", dsig.ErrShape},
		"the transforms in another order":      {s, first + transform, transform + first, dsig.ErrAlgorithm},
		"inclusive canonicalisation":           {s, canonicalisation, inclusive, dsig.ErrAlgorithm},
		"an element in the digest":             {s, "</ds:DigestValue>", "<x></x></ds:DigestValue>", dsig.ErrShape},
		"no digest":                            {s, "<ds:DigestValue>", "<ds:DigestValue></ds:DigestValue><ds:DigestValue>", dsig.ErrShape},
	} {
		t.Run(name, func(t *testing.T) {
			info := test.signing.info()
			require.Equal(t, 1, strings.Count(info, test.old))
			covered, err := verify(test.signing.signInfo(t, strings.Replace(info, test.old, test.changed, 1)))
			require.ErrorIs(t, err, test.want)
			require.Nil(t, covered)
		})
	}
}

func notRSA(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return &x509.Certificate{PublicKey: key.Public()}
}

// A canonical form that is missing is an error, and nothing is digested or verified in its place.
//
// CVE-2024-45409, CVE-2025-25291, CVE-2025-25292, CVE-2025-66567, CVE-2025-66568.
func TestVoidCanonicalisation(t *testing.T) {
	t.Parallel()
	s := signing{document: `<a:x xmlns:a="urn:a" ID="_1">` + mark + `<a:y/></a:x>`,
		covered: `<a:x xmlns:a="urn:a" ID="_1"><a:y></a:y></a:x>`}
	void := s
	void.covered = ""
	_, err := verify(void.sign(t))
	require.ErrorIs(t, err, dsig.ErrInvalid, "the digest of nothing fits no document")

	good := s.sign(t)
	value := good[strings.Index(good, "<ds:SignatureValue>"):strings.Index(good, "</ds:SignatureValue>")]
	_, err = verify(strings.Replace(good, value, "<ds:SignatureValue>"+signed(t, trusted(), dsig.RSASHA256, nil), 1))
	require.ErrorIs(t, err, dsig.ErrInvalid, "the signature of nothing fits no SignedInfo")

	// The two readings of one document belong together. If they do not, or if the second fails, that is an error.
	root, err := xmldoc.Parse([]byte(good))
	require.NoError(t, err)
	for name, document := range map[string]string{
		"nothing":       "",
		"no XML":        "hello",
		"no element":    `<?xml version="1.0"?>`,
		"another root":  `<a:x xmlns:a="urn:a" ID="_1"/>`,
		"no SignedInfo": `<a:x xmlns:a="urn:a" ID="_1"><ds:Signature xmlns:ds="` + nsDsig + `"/></a:x>`,
		"an empty SignedInfo": `<a:x xmlns:a="urn:a" ID="_1"><ds:Signature xmlns:ds="` + nsDsig +
			`"><ds:SignedInfo/></ds:Signature></a:x>`,
		"a signature of another namespace": strings.Replace(good, nsDsig, "urn:x", 1),
		"an undeclared prefix":             strings.Replace(good, "<a:y/>", "<b:y/>", 1),
		"an undeclared prefix inside":      strings.Replace(good, "<ds:SignedInfo>", "<ds:SignedInfo><b:y/>", 1),
		"a reserved namespace":             strings.Replace(good, "<a:y/>", `<y xmlns:xml="urn:x"/>`, 1),
		"too many elements":                strings.Replace(good, "<a:y/>", strings.Repeat("<a:y/>", 1001), 1),
		"too many elements in SignedInfo":  strings.Replace(good, "<ds:SignedInfo>", "<ds:SignedInfo>"+strings.Repeat("<x/>", 1001), 1),
		"another document":                 strings.Replace(good, "<a:y/>", "<a:z/>", 1),
	} {
		t.Run(name, func(t *testing.T) {
			covered, err := dsig.Verify([]byte(document), root, []*x509.Certificate{trusted().certificate})
			require.Error(t, err)
			require.Nil(t, covered)
		})
	}
}

// The signature of bytes, as the Redirect binding has it.
func TestVerifyBytes(t *testing.T) {
	t.Parallel()
	certificates := []*x509.Certificate{stranger2().certificate, trusted().certificate}
	for _, algorithm := range []string{dsig.RSASHA256, dsig.RSASHA1} {
		value, err := base64.StdEncoding.DecodeString(signed(t, trusted(), algorithm, []byte("content")))
		require.NoError(t, err)
		require.NoError(t, dsig.VerifyBytes(algorithm, []byte("content"), value, certificates))
		for name, err := range map[string]error{
			"another content":  dsig.VerifyBytes(algorithm, []byte("Content"), value, certificates),
			"no content":       dsig.VerifyBytes(algorithm, nil, value, certificates),
			"another value":    dsig.VerifyBytes(algorithm, []byte("content"), append([]byte{1}, value[1:]...), certificates),
			"a longer value":   dsig.VerifyBytes(algorithm, []byte("content"), append(value, 0), certificates),
			"a shorter value":  dsig.VerifyBytes(algorithm, []byte("content"), value[1:], certificates),
			"no value":         dsig.VerifyBytes(algorithm, []byte("content"), nil, certificates),
			"another key":      dsig.VerifyBytes(algorithm, []byte("content"), value, certificates[:1]),
			"no key":           dsig.VerifyBytes(algorithm, []byte("content"), value, nil),
			"a stranger's key": dsig.VerifyBytes(algorithm, []byte("content"), value, []*x509.Certificate{stranger().certificate}),
		} {
			require.ErrorIs(t, err, dsig.ErrInvalid, name)
		}
		for _, other := range []string{"", "rsa-sha256", strings.ToUpper(algorithm), algorithm + " ",
			strings.Replace(algorithm, "http:", "https:", 1),
			"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", nsDsig + "hmac-sha1", strings.Repeat("x", 1<<20)} {
			err := dsig.VerifyBytes(other, []byte("content"), value, certificates)
			require.ErrorIs(t, err, dsig.ErrAlgorithm)
			require.LessOrEqual(t, len(err.Error()), 1000)
		}
	}
}

// Whatever is done to a signed document, nothing but the canonical form of what was signed is returned. The corpus holds
// what is done and not the document, because another process signs with another key.
//
// GHSA-rrfw-hg9m-j47h; GHSA-q547-gmf8-8jr7, CVE-2020-15216.
func FuzzVerify(f *testing.F) {
	all := signings()
	names := []string{
		"SHA-1, as Entra signs", "attributes to be sorted", "a prefix to be inclusive", "a prefix to be inclusive in SignedInfo",
		"a default namespace, undone and done again", "the key by its certificate", "the key by its identifier", "line ends and references",
	}
	documents := make([]string, len(names))
	for i, name := range names {
		documents[i] = all[name].sign(f)
		document := documents[i]
		signature, end := uint16(strings.Index(document, "<ds:Signature ")), uint16(strings.LastIndex(document, "</"))
		length := uint16(strings.Index(document, "</ds:Signature>")) + 15 - signature
		which := uint8(i)
		f.Add(which, uint16(0), uint16(0), uint16(0), uint16(0), uint16(0), "")
		f.Add(which, signature, length, end, uint16(0), uint16(0), "")
		f.Add(which, signature, length, signature, uint16(0), uint16(0), "")
		f.Add(which, uint16(0), uint16(len(document)), end, uint16(0), uint16(0), "")
		f.Add(which, uint16(0), uint16(0), uint16(0), signature, length, "")
		f.Add(which, uint16(0), uint16(0), uint16(0), end, uint16(0), "<evil/>")
		f.Add(which, uint16(0), uint16(0), uint16(0), uint16(strings.Index(document, " ID=")), uint16(0), ` xmlns:evil="urn:x"`)
		f.Add(which, uint16(0), uint16(0), uint16(0), uint16(strings.Index(document, "<ds:SignatureValue>")), uint16(0), "\n")
		f.Add(which, uint16(0), uint16(0), uint16(0), uint16(strings.Index(document, "</ds:Signature>")), uint16(0), "<ds:KeyInfo/>")
	}
	f.Fuzz(func(t *testing.T, which uint8, copyFrom, copyLength, copyTo, at, length uint16, text string) {
		i := int(which) % len(names)
		document := documents[i]
		from, to := min(int(copyFrom), len(document)), min(int(copyTo), len(document))
		part := document[from:min(from+int(copyLength), len(document))]
		document = document[:to] + part + document[to:]
		start := min(int(at), len(document))
		document = document[:start] + text + document[min(start+int(length), len(document)):]
		covered, err := verify(document)
		if err == nil {
			require.Equal(t, all[names[i]].covered, string(covered))
			return
		}
		require.LessOrEqual(t, len(err.Error()), 2500)
	})
}
