package xmldoc_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

// sorted puts the attributes of a tree in one order, because canonicalisation has its own.
func sorted(e *xmldoc.Element) *xmldoc.Element {
	slices.SortFunc(e.Attrs, func(a, b xmldoc.Attribute) int {
		return cmp.Or(cmp.Compare(a.Space, b.Space), cmp.Compare(a.Local, b.Local))
	})
	for _, child := range e.Children {
		sorted(child)
	}
	return e
}

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

// expressible reports whether a Writer can write a tree: it has no prefixed attributes, and names its own prefixes.
func expressible(e *xmldoc.Element) bool {
	plain := e.Space != xmlNamespace && len(e.Attrs) < xmldoc.MaxAttributes &&
		!slices.ContainsFunc(e.Attrs, func(a xmldoc.Attribute) bool { return a.Space != "" })
	return plain && !slices.ContainsFunc(e.Children, func(c *xmldoc.Element) bool { return !expressible(c) })
}

// rewrite writes a tree, with a prefix of its own for each namespace.
func rewrite(w *xmldoc.Writer, e *xmldoc.Element, prefixes map[string]string) {
	prefix, known := prefixes[e.Space]
	if !known {
		prefix = fmt.Sprintf("p%d", len(prefixes))
		prefixes[e.Space] = prefix
	}
	attrs := make([]xmldoc.Attr, len(e.Attrs))
	for i, a := range e.Attrs {
		attrs[i] = xmldoc.Attr{Name: a.Local, Value: a.Value}
	}
	w.Start(xmldoc.Name{Space: xmldoc.Namespace{Prefix: prefix, URI: e.Space}, Local: e.Local}, attrs...)
	w.Text(e.Text)
	for _, child := range e.Children {
		rewrite(w, child, prefixes)
	}
	w.End()
}

// requireStable checks that what was read of a document is read again of its canonical form, and of what a Writer makes
// of it.
func requireStable(t testing.TB, document []byte) {
	t.Helper()
	root, err := xmldoc.Parse(document)
	require.NoError(t, err)
	sorted(root)

	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromBytes(document))
	canonical, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(doc.Root())
	require.NoError(t, err)
	again, err := xmldoc.Parse(canonical)
	if err == nil { // it may have more declarations than one element is allowed
		require.Equal(t, root, sorted(again))
	} else {
		require.ErrorIs(t, err, xmldoc.ErrTooDeep)
	}

	if !expressible(root) {
		return
	}
	w := xmldoc.NewWriter(0)
	rewrite(w, root, map[string]string{"": ""})
	written, err := w.Bytes()
	require.NoError(t, err)
	again, err = xmldoc.Parse(written)
	require.NoError(t, err)
	require.Equal(t, root, sorted(again))
	w = xmldoc.NewWriter(0)
	rewrite(w, again, map[string]string{"": ""})
	twice, err := w.Bytes()
	require.NoError(t, err)
	require.Equal(t, string(written), string(twice), "writing it again changes nothing")
}

// Odd documents that are accepted mean the same however often they are read and written.
//
// GHSA-4hq8-gmxx-h6w9, CVE-2020-27846; CVE-2020-29509, CVE-2020-29510, CVE-2020-29511; GHSA-xhqq-x44f-9fgg;
// GHSA-m9hp-7r99-94h5, CVE-2020-26290; CVE-2020-27847; golang/go#43168.
func TestRoundTripInstability(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"namespaces declared, undone and done again": `<x xmlns="urn:x"><y xmlns=""><z xmlns="urn:x"/></y></x>`,
		"one prefix for two namespaces":              `<p:x xmlns:p="urn:x"><p:y xmlns:p="urn:y"><p:z xmlns:p="urn:x"/></p:y></p:x>`,
		"two prefixes for one namespace":             `<p:x xmlns:p="urn:x" xmlns:q="urn:x"><q:x/></p:x>`,
		"an attribute of the default's namespace":    `<x xmlns="urn:x" xmlns:p="urn:x" a="1" p:a="2"/>`,
		"an attribute named xmlns with a prefix":     `<x xmlns:p="urn:x" p:xmlns="urn:y"><y/></x>`,
		"an element named xmlns":                     `<xmlns xmlns="urn:x"><xml/></xmlns>`,
		"attributes of xml":                          `<x xml:lang="en" xml:space="preserve" xml:base="y"><y xml:lang="de"/></x>`,
		"an element of xml":                          `<xml:x><y/></xml:x>`,
		"a namespace with markup":                    `<x xmlns="&lt;x a=&quot;b&quot;>"/>`,
		"a namespace with white space":               `<p:x xmlns:p="&#xA; &#x9;"/>`,
		"a namespace with a line break":              "<p:x xmlns:p=\"a\nb\"/>",
		"line ends in text and attributes":           "<x a=\"a\r\nb\rc\nd\te\">a\r\nb\rc\nd\te</x>",
		"references to line ends":                    `<x a="&#13;&#10;&#9;">&#13;&#10;&#9;</x>`,
		"every predefined entity":                    `<x a="&lt;&gt;&amp;&quot;&apos;">&lt;&gt;&amp;&quot;&apos;</x>`,
		"an entity in an entity":                     `<x>&amp;lt;&amp;#38;&#38;#60;</x>`,
		"text in pieces":                             `<x>a<y/>b<y/>c</x>`,
		"text that looks like a CDATA section's end": `<x>]]&gt;]] ></x>`,
		"beyond ASCII":                               `<é ö="𝄞">漢&#x1D11E;&#233;</é>`,
		"the ends of the ranges of characters":       "<x>\t\n &#xD7FF;&#xE000;&#xFFFD;&#x10000;&#x10FFFF;\u0085\u2028</x>",
		"other quotes":                               `<x a='"' b="'"/>`,
		"white space in tags":                        "<x\n\ta = '1'\r\n></x\t>",
		"an XML declaration":                         `<?xml version="1.0" encoding="utf-8" standalone="no"?><x/>`,
	} {
		t.Run(name, func(t *testing.T) { requireStable(t, []byte(document)) })
	}
}

// Whatever is accepted means the same in canonical form, and when it is written again.
//
// GHSA-4hq8-gmxx-h6w9, CVE-2020-27846; CVE-2020-29509, CVE-2020-29510, CVE-2020-29511; GHSA-xhqq-x44f-9fgg;
// GHSA-m9hp-7r99-94h5, CVE-2020-26290; CVE-2020-27847; golang/go#43168.
func FuzzRoundTrip(f *testing.F) {
	for _, document := range []string{
		`<x xmlns="urn:x" xmlns:p="urn:p" p:a="1" ID="2"><p:y xmlns=""><z/></p:y>t&lt;<y>&#13;</y>u</x>`,
		`<p:x xmlns:p="urn:x"><p:y xmlns:p="urn:y" p:a="" a=""><p:z xmlns:p="urn:x"/></p:y></p:x>`,
		"<?xml version=\"1.0\"?>\r\n<x a='\"' b = \"\r\n'\" xml:lang='en' xmlns:p=\"urn:p\" p:xmlns=''>\r\n</x>\n",
		`<x::y/>`, `<x :a=""/>`, `<x xmlns:="y"/>`, `<!x><y/>`, `<x><![CDATA[y]]></x>`, `<x><!-- --></x>`, `<x>]]></x>`,
		`<samlp:R xmlns:samlp="urn:p" ID="_1" Version="2.0"><Issuer xmlns="urn:a">x</Issuer><samlp:N Format="u"/></samlp:R>`,
	} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		if _, err := xmldoc.Parse(document); err != nil {
			require.LessOrEqual(t, len(err.Error()), 2500, "an error stays readable")
			return
		}
		requireStable(t, document)
	})
}
