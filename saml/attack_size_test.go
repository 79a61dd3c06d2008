package saml_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/saml"
)

// allocated is how many bytes a function allocates. Nothing else may run beside it.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A deflated message is inflated up to the limit and no further, whatever it would become, and by Redirect only. What is
// not bare DEFLATE to its end is refused.
//
// GHSA-5mqj-xc49-246p, CVE-2023-28119; GHSA-6gc3-crp7-25w5, CVE-2023-26483; CVE-2025-25293, CVE-2025-54572;
// CVE-2026-2575.
func TestDeflateBomb(t *testing.T) {
	idp := newIdP(t, withLogout, trusting)
	packed := func(w io.WriteCloser, b *bytes.Buffer, document string) string {
		_, err := w.Write([]byte(document))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return base64.StdEncoding.EncodeToString(b.Bytes())
	}
	var zlibbed, gzipped bytes.Buffer
	raw, err := base64.StdEncoding.DecodeString(deflated(plainRequest))
	require.NoError(t, err)
	emptyBlocks := bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 12_000)
	for name, test := range map[string]struct {
		request string
		want    error
	}{
		"40 MB of one letter":       {deflated(strings.Repeat("x", 40<<20)), saml.ErrTooLarge},
		"40 MB of white space":      {deflated(plainRequest + strings.Repeat(" ", 40<<20)), saml.ErrTooLarge},
		"40 MB of elements":         {deflated(strings.Repeat("<a>", 40<<20/3)), saml.ErrTooLarge},
		"one byte too many":         {deflated(padded(t, plainRequest, saml.MaxRequestSize+1)), saml.ErrTooLarge},
		"a bomb in a bomb":          {deflated(deflated(strings.Repeat("x", 40<<20))), saml.ErrXML},
		"blocks without end":        {base64.StdEncoding.EncodeToString(emptyBlocks), saml.ErrEncoding},
		"blocks before the message": {base64.StdEncoding.EncodeToString(append(emptyBlocks[:5000:5000], raw...)), nil},
		"a reserved block":          {base64.StdEncoding.EncodeToString([]byte{7, 0}), saml.ErrEncoding},
		"a distance too far":        {base64.StdEncoding.EncodeToString([]byte{3 | 2, 0x3f, 0xff, 0xff}), saml.ErrEncoding},
		"cut off":                   {base64.StdEncoding.EncodeToString(raw[:len(raw)/2]), saml.ErrEncoding},
		"followed by another":       {base64.StdEncoding.EncodeToString(append(raw[:len(raw):len(raw)], raw...)), saml.ErrEncoding},
		"with a zlib header":        {packed(zlib.NewWriter(&zlibbed), &zlibbed, plainRequest), saml.ErrEncoding},
		"with a gzip header":        {packed(gzip.NewWriter(&gzipped), &gzipped, plainRequest), saml.ErrEncoding},
		"not deflated":              {encoded(plainRequest), saml.ErrEncoding},
		"nothing":                   {base64.StdEncoding.EncodeToString([]byte{3, 0}), saml.ErrXML},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			used := allocated(func() { _, err = idp.ReadRequest(query("SAMLRequest=" + url.QueryEscape(test.request))) })
			require.ErrorIs(t, err, test.want)
			require.Less(t, used, uint64(3<<20), "bytes allocated")
			_, err = idp.ReadLogout(query("SAMLRequest=" + url.QueryEscape(test.request)))
			require.Error(t, err)
			_, err = idp.ReadRequest(post(url.Values{"SAMLRequest": {test.request}}))
			require.True(t, err != nil || name == "not deflated", "nothing is inflated in a form")
		})
	}
	bomb := new(bytes.Buffer)
	w, err := flate.NewWriter(bomb, flate.BestCompression)
	require.NoError(t, err)
	_, err = w.Write(bytes.Repeat([]byte("<x/>"), 10<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Less(t, bomb.Len(), 48<<10, "it is small enough to be inflated at all")
}

// padded makes a document so many bytes long, by white space in its last element.
func padded(t testing.TB, document string, size int) string {
	t.Helper()
	end := strings.LastIndex(document, "</")
	require.Greater(t, size, len(document))
	return document[:end] + strings.Repeat(" ", size-len(document)) + document[end:]
}

// countedBody counts what is read of it.
type countedBody struct {
	io.Reader
	read int
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *countedBody) Close() error { return nil }

// endless is a form that does not end.
type endless struct{ sent bool }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	if !e.sent {
		e.sent = true
		return copy(p, "SAMLRequest="), nil
	}
	return len(p), nil
}

// A form is read up to a bound and not further, whether or not it says how long it is.
//
// GHSA-5mqj-xc49-246p, CVE-2023-28119; GHSA-6gc3-crp7-25w5, CVE-2023-26483; CVE-2025-25293, CVE-2025-54572;
// CVE-2026-2575.
func TestOversizedForm(t *testing.T) {
	idp := newIdP(t, withLogout)
	const bound = 512 << 10
	read := map[string]func(*http.Request) error{
		"sign-in":  func(r *http.Request) error { _, err := idp.ReadRequest(r); return err },
		"sign-out": func(r *http.Request) error { _, err := idp.ReadLogout(r); return err },
	}
	for kind, read := range read {
		for name, test := range map[string]struct {
			body   io.Reader
			length int64
		}{
			"without end":               {&endless{}, -1},
			"5 MB in chunks":            {strings.NewReader("SAMLRequest=" + strings.Repeat("A", 5<<20)), -1},
			"5 MB":                      {strings.NewReader("SAMLRequest=" + strings.Repeat("A", 5<<20)), 5<<20 + 12},
			"5 MB that say they are 10": {strings.NewReader("SAMLRequest=" + strings.Repeat("A", 5<<20)), 10},
			"many parameters":           {strings.NewReader(strings.Repeat("a=b&", 1<<20)), -1},
			"5 MB of something else": {strings.NewReader("SAMLRequest=" + url.QueryEscape(encoded(plainRequest)) + "&x=" +
				strings.Repeat("A", 5<<20)), -1},
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				body := &countedBody{Reader: test.body}
				r := httptest.NewRequest(http.MethodPost, ssoURL, nil)
				r.Body, r.ContentLength = body, test.length
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				var err error
				used := allocated(func() { err = read(r) })
				require.ErrorIs(t, err, saml.ErrTooLarge)
				requireReadableError(t, err)
				require.LessOrEqual(t, body.read, bound)
				require.Less(t, used, uint64(4*bound))
			})
		}
	}

	// The same through a server, which sends no length with it.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := idp.ReadRequest(r)
		_, _ = fmt.Fprint(w, r.ContentLength, " ", err)
	}))
	defer server.Close()
	answer, err := server.Client().Post(server.URL, "application/x-www-form-urlencoded", io.LimitReader(&endless{}, bound))
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(body), "-1 "+saml.ErrTooLarge.Error()), string(body))
}

// The limit of a document is to the byte, in both bindings and before anything is parsed; so is that of RelayState.
//
// GHSA-5mqj-xc49-246p, CVE-2023-28119; GHSA-6gc3-crp7-25w5, CVE-2023-26483; CVE-2025-25293, CVE-2025-54572;
// CVE-2026-2575.
func TestOversizedDocument(t *testing.T) {
	t.Parallel()
	idp := newIdP(t, withLogout)
	state := strings.Repeat("x", saml.MaxRelayState)
	for _, size := range []int{saml.MaxRequestSize - 1, saml.MaxRequestSize} {
		_, err := idp.ReadRequest(postRequest(padded(t, plainRequest, size), state))
		require.NoError(t, err)
		_, err = idp.ReadRequest(redirectRequest(url.Values{"SAMLRequest": {deflated(padded(t, plainRequest, size))}, "RelayState": {state}}))
		require.NoError(t, err)
		_, err = idp.ReadLogout(postRequest(padded(t, logoutRequest, size), state))
		require.NoError(t, err)
	}
	for _, size := range []int{saml.MaxRequestSize + 1, saml.MaxRequestSize + 2, saml.MaxRequestSize + 3, 2 * saml.MaxRequestSize} {
		for _, content := range []string{padded(t, plainRequest, size), strings.Repeat("<", size), strings.Repeat("\x00", size)} {
			_, err := idp.ReadRequest(postRequest(content, ""))
			require.ErrorIs(t, err, saml.ErrTooLarge)
			_, err = idp.ReadLogout(postRequest(content, ""))
			require.ErrorIs(t, err, saml.ErrTooLarge)
			_, err = idp.ParseAuthnRequest([]byte(content))
			require.ErrorIs(t, err, saml.ErrTooLarge)
		}
	}
	_, err := idp.ReadRequest(query("x=" + strings.Repeat("x", 1<<20) + "&SAMLRequest=x"))
	require.ErrorIs(t, err, saml.ErrTooLarge)
	for _, read := range []func(*http.Request) error{
		func(r *http.Request) error { _, err := idp.ReadRequest(r); return err },
		func(r *http.Request) error { _, err := idp.ReadLogout(r); return err },
	} {
		require.ErrorIs(t, read(postRequest(plainRequest, state+"x")), saml.ErrTooLarge)
		require.ErrorIs(t, read(redirectRequest(url.Values{"SAMLRequest": {deflated(plainRequest)}, "RelayState": {state +
			"x"}})), saml.ErrTooLarge)
	}
	_, err = idp.RespondUnsolicited(testSubject(), state+"x")
	require.ErrorIs(t, err, saml.ErrTooLarge)
}

// A signature of the accepted shape has two transforms and one reference. Any number of others is refused at the cost of
// reading them.
//
// CVE-2026-49289, CVE-2026-49283; CVE-2019-3465; CVE-2026-32313.
func TestXPathTransformDenialOfService(t *testing.T) {
	idp := attacked(t)[1]
	for kind, m := range messages(t) {
		transform := `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>` +
			`count(//. | //@* | //namespace::*) &gt; 1</ds:XPath></ds:Transform>`
		reference := element(t, m.signed, "ds:Reference")
		info := element(t, m.signed, "ds:SignedInfo")
		for name, document := range map[string]string{
			"300 transforms":       swap(t, m.signed, "</ds:Transforms>", strings.Repeat(transform, 300)+"</ds:Transforms>"),
			"300 transforms first": swap(t, m.signed, "<ds:Transforms>", "<ds:Transforms>"+strings.Repeat(transform, 300)),
			"100 references":       swap(t, m.signed, reference, strings.Repeat(reference, 100)),
			"50 SignedInfo":        swap(t, m.signed, info, strings.Repeat(info, 50)),
			"900 certificates": swap(t, m.signed, "<ds:X509Data>",
				"<ds:X509Data>"+strings.Repeat("<ds:X509Certificate>AAAA</ds:X509Certificate>", 900)),
			"900 key identifiers": swap(t, m.signed, "<ds:X509Data>", "<ds:X509Data>"+strings.Repeat("<ds:X509SKI>AAAA</ds:X509SKI>", 900)),
			"900 objects":         swap(t, m.signed, "</ds:Signature>", strings.Repeat("<ds:Object/>", 900)+"</ds:Signature>"),
			"a manifest of references": swap(t, m.signed, "</ds:Signature>",
				"<ds:Object><ds:Manifest>"+strings.Repeat(reference, 60)+"</ds:Manifest></ds:Object></ds:Signature>"),
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				require.Less(t, len(document), saml.MaxRequestSize)
				var signed bool
				var err error
				used := allocated(func() { signed, _, err = m.read(idp, document) })
				// Repeated key identifiers are harmless: the last one counts, and it is that of a trusted key.
				require.True(t, errors.Is(err, saml.ErrSignature) || strings.HasSuffix(name, "key identifiers") && signed, "%v", err)
				require.Less(t, used, uint64(4<<20), "bytes allocated")
			})
		}
	}
}

// What is canonicalised before a signature is known to be good is bounded in each of its dimensions: elements, depth,
// attributes, namespaces, text and prefixes.
//
// CVE-2026-49289, CVE-2026-49283; CVE-2019-3465; CVE-2026-32313.
func TestCanonicalisationIsBounded(t *testing.T) {
	idp := attacked(t)[1]
	namespaces := func(from, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` xmlns:p%d="u"`, from+i)
		}
		return b.String()
	}
	var levels, ends strings.Builder
	for i := range 29 {
		levels.WriteString("<e" + namespaces(i*63, 63) + ">")
		ends.WriteString("</e>")
	}
	for kind, m := range messages(t) {
		end := m.signed[strings.LastIndex(m.signed, "</"):]
		for name, content := range map[string]string{
			"namespaces at every level, and many elements": levels.String() + strings.Repeat("<x/>", 900) + ends.String(),
			"many namespaces, and many elements":           "<e" + namespaces(0, 55) + ">" + strings.Repeat("<x/>", 970) + "</e>",
			"namespaces of every element":                  strings.Repeat("<x"+namespaces(0, 4)+"/>", 970),
			"many attributes of every element":             strings.Repeat("<x"+manyAttributes(10)+"/>", 800),
			"as deep as can be":                            nested(31),
			"text in many pieces":                          strings.Repeat("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy<x/>", 950),
			"text of references":                           strings.Repeat("&amp;", 11_000),
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				document := swap(t, m.signed, end, content+end)
				require.Less(t, len(document), saml.MaxRequestSize)
				var err error
				used := allocated(func() { _, _, err = m.read(idp, document) })
				require.Error(t, err)
				requireReadableError(t, err)
				require.Less(t, used, uint64(48<<20), "bytes allocated")
			})
		}
	}
}

// Each limit of a document is one, also where everything else of it is small.
//
// CVE-2026-49289, CVE-2026-49283; CVE-2019-3465; CVE-2026-32313.
func TestStructureIsBounded(t *testing.T) {
	t.Parallel()
	idps := attacked(t)
	namespaces := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "<x xmlns:p%d='u'>", i)
		}
		return b.String() + strings.Repeat("</x>", n)
	}
	for kind, m := range messages(t) {
		end := m.unsigned[strings.LastIndex(m.unsigned, "</"):]
		for name, content := range map[string]string{
			"too deep":                         nested(32),
			"too many elements":                strings.Repeat("<x/>", 1000),
			"too many attributes":              "<x" + manyAttributes(65) + "/>",
			"too many namespaces of one":       "<x" + prefixes(64) + "/>",
			"too many namespaces of several":   "<x" + prefixes(40) + "><x" + prefixes(40) + "/></x>",
			"too deep in the namespaces alone": namespaces(32),
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				requireRefused(t, idps, m, swap(t, m.unsigned, end, content+end), saml.ErrXML)
			})
		}
		for name, content := range map[string]string{
			"as deep as can be":       nested(31),
			"as many as can be":       strings.Repeat("<x/>", 990),
			"as many attributes":      "<x" + manyAttributes(64) + "/>",
			"as many namespaces":      "<x" + prefixes(62) + "/>",
			"namespaces side by side": strings.Repeat("<x"+prefixes(50)+"/>", 10),
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				_, value, err := m.read(idps[0], swap(t, m.unsigned, end, content+end))
				require.NoError(t, err)
				require.Equal(t, m.value, value)
			})
		}
	}
}

// nested are so many elements, each in the one before.
func nested(n int) string { return strings.Repeat("<x>", n) + strings.Repeat("</x>", n) }

// prefixes are so many namespace declarations.
func prefixes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` xmlns:p%d="u"`, i)
	}
	return b.String()
}

// However long the part of a message that is wrong, the error that goes to a log is short.
func TestErrorsStayReadable(t *testing.T) {
	t.Parallel()
	idp := attacked(t)[1]
	long := strings.Repeat("a", 50_000)
	signed := signedRequest(t, entraSigner())
	for name, document := range map[string]string{
		"an entity":           child("&" + long + ";"),
		"an element":          child("<" + long + ">"),
		"an end tag":          child("<x></" + long + ">"),
		"a prefix":            child("<" + long + ":x/>"),
		"a colon":             child("<:" + long + "/>"),
		"an attribute":        child("<x " + long + "='' " + long + "=''/>"),
		"a namespace":         child("<x xmlns:" + long + "=''/>"),
		"an encoding":         `<?xml version="1.0" encoding="` + long + `"?>` + plainRequest,
		"a version":           `<?xml version="` + long + `"?>` + plainRequest,
		"a root":              "<" + long + "/>",
		"an issuer":           with(">urn:", ">"+long),
		"an ID":               with(`ID="`, `ID="`+long),
		"a time":              with(`IssueInstant="`, `IssueInstant="`+long),
		"a destination":       attribute(`Destination="` + long + `"`),
		"a consumer":          attribute(`AssertionConsumerServiceURL="` + long + `"`),
		"an index":            attribute(`AssertionConsumerServiceIndex="` + long + `"`),
		"a binding":           attribute(`ProtocolBinding="` + long + `"`),
		"a wish":              attribute(`ForceAuthn="` + long + `"`),
		"a format":            with("nameid-format:persistent", long),
		"a signature method":  swap(t, signed, rsaSHA1, long),
		"a digest method":     swap(t, signed, nsDsig+"sha1", long),
		"a transform":         swap(t, signed, nsDsig+"enveloped-signature", long),
		"a reference":         swap(t, signed, `URI="#`, `URI="#`+long),
		"an identifier":       swap(t, signed, "<ds:X509SKI>", "<ds:X509SKI>"+long),
		"a canonicalisation":  swap(t, signed, `<ds:CanonicalizationMethod Algorithm="`+excC14N, `<ds:CanonicalizationMethod Algorithm="`+long),
		"what must be quoted": swap(t, signed, rsaSHA1, strings.Repeat("\U000E0001", 12_000)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := idp.ReadRequest(postRequest(document, ""))
			require.Error(t, err)
			requireReadableError(t, err)
		})
	}
	for name, raw := range map[string]string{
		"an algorithm": "SAMLRequest=" + url.QueryEscape(deflated(plainRequest)) + "&Signature=AAAA&SigAlg=" + strings.Repeat("%00", 100_000),
		"an encoding":  "SAMLRequest=" + url.QueryEscape(deflated(plainRequest)) + "&SAMLEncoding=" + long,
		"an escape":    "SAMLRequest=%" + long,
	} {
		_, err := idp.ReadRequest(query(raw))
		require.Error(t, err, name)
		requireReadableError(t, err)
	}
	_, err := idp.ReadLogout(query("wa=" + long))
	requireReadableError(t, err)
}
