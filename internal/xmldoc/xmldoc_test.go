package xmldoc_test

import (
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

var (
	a = xmldoc.Namespace{Prefix: "a", URI: "urn:a"}
	b = xmldoc.Namespace{Prefix: "b", URI: "urn:b&c"}
)

func canonical(t testing.TB, document []byte) string {
	t.Helper()
	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromBytes(document))
	c, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(doc.Root())
	require.NoError(t, err)
	return string(c)
}

func TestWriterDeclaresEachNamespaceWhereCanonicalisationDoes(t *testing.T) {
	t.Parallel()
	w := xmldoc.NewWriter(0)
	w.Start(xmldoc.Name{Space: a, Local: "root"})
	for range 2 {
		w.Start(xmldoc.Name{Space: b, Local: "child"})
		w.Element(xmldoc.Name{Space: b, Local: "leaf"}, "x")
		w.Element(xmldoc.Name{Space: a, Local: "leaf"}, "y")
		w.End()
	}
	w.End()
	document, err := w.Bytes()
	require.NoError(t, err)
	child := `<b:child xmlns:b="urn:b&amp;c"><b:leaf>x</b:leaf><a:leaf>y</a:leaf></b:child>`
	require.Equal(t, `<a:root xmlns:a="urn:a">`+child+child+`</a:root>`, string(document))
	require.Equal(t, canonical(t, document), string(document))
}

func TestTemplatesAreTheDocumentWithItsHolesFilled(t *testing.T) {
	t.Parallel()
	templates := xmldoc.NewTemplates(func(w *xmldoc.Writer, cut func()) {
		w.Start(xmldoc.Name{Space: a, Local: "root"}, xmldoc.Attr{Name: "x", Value: "#", Hole: true}, xmldoc.Attr{Name: "y", Value: "&"})
		w.Start(xmldoc.Name{Space: b, Local: "child"})
		cut()
		w.TextHole()
		w.End()
		cut()
		w.End()
	})
	require.Len(t, templates, 3)
	var parts []string
	for i, values := range [][]string{{`"<`}, {"\"<\r"}, nil} {
		part, err := templates[i].Append(nil, values...)
		require.NoError(t, err)
		parts = append(parts, string(part))
	}
	require.Equal(t, []string{
		`<a:root xmlns:a="urn:a" x="#&quot;&lt;" y="&amp;"><b:child xmlns:b="urn:b&amp;c">`, `"&lt;&#xD;</b:child>`, `</a:root>`,
	}, parts)
	require.Equal(t, canonical(t, []byte(strings.Join(parts, ""))), strings.Join(parts, ""))
}

func TestTemplatesRefuse(t *testing.T) {
	t.Parallel()
	one := xmldoc.NewTemplates(func(w *xmldoc.Writer, _ func()) {
		w.Start(xmldoc.Name{Space: a, Local: "root"})
		w.TextHole()
		w.End()
	})[0]
	_, err := one.Append(nil)
	require.ErrorContains(t, err, "0 values for 1 holes")
	_, err = one.Append(nil, "a", "b")
	require.ErrorContains(t, err, "2 values for 1 holes")
	_, err = one.Append(nil, "ab\x01")
	var unwritable *xmldoc.CharError
	require.ErrorAs(t, err, &unwritable)
	require.Equal(t, 2, unwritable.Offset)
	require.Panics(t, func() { xmldoc.NewTemplates(func(w *xmldoc.Writer, _ func()) { w.End() }) }, "a mistake of the program")
}

func TestWriterReportsItsMisuse(t *testing.T) {
	t.Parallel()
	root := xmldoc.Name{Space: a, Local: "root"}
	for rule, test := range map[string]struct {
		write func(*xmldoc.Writer)
		want  string
	}{
		"attributes out of order": {func(w *xmldoc.Writer) { w.Start(root, xmldoc.Attr{Name: "b"}, xmldoc.Attr{Name: "a"}) }, "canonical order"},
		"an attribute twice":      {func(w *xmldoc.Writer) { w.Start(root, xmldoc.Attr{Name: "b"}, xmldoc.Attr{Name: "b"}) }, "canonical order"},
		"an element left open":    {func(w *xmldoc.Writer) { w.Start(root) }, "not closed"},
		"an end without a start":  {func(w *xmldoc.Writer) { w.End() }, "End without Start"},
		"text outside":            {func(w *xmldoc.Writer) { w.Text("x") }, "outside an element"},
		"one prefix for two namespaces": {func(w *xmldoc.Writer) {
			w.Start(root)
			w.Start(xmldoc.Name{Space: xmldoc.Namespace{Prefix: "a", URI: "urn:other"}, Local: "x"})
		}, "stands for"},
		"a control character":           {func(w *xmldoc.Writer) { w.Element(root, "a\x01") }, "byte 1"},
		"a non-character":               {func(w *xmldoc.Writer) { w.Element(root, "a\uFFFF") }, "byte 1"},
		"not UTF-8":                     {func(w *xmldoc.Writer) { w.Element(root, "ab\xff") }, "byte 2"},
		"a surrogate":                   {func(w *xmldoc.Writer) { w.Element(root, "\xed\xa0\x80") }, "byte 0"},
		"the same in an attribute":      {func(w *xmldoc.Writer) { w.Start(root, xmldoc.Attr{Name: "x", Value: "\x00"}); w.End() }, "byte 0"},
		"anything after the mistake":    {func(w *xmldoc.Writer) { w.End(); w.Element(root, "") }, "End without Start"},
		"a hole in what is no template": {func(w *xmldoc.Writer) { w.Start(root); w.TextHole(); w.End() }, "is a template"},
	} {
		t.Run(rule, func(t *testing.T) {
			w := xmldoc.NewWriter(0)
			test.write(w)
			_, err := w.Bytes()
			require.ErrorContains(t, err, test.want)
		})
	}
}

// Whatever is written as a value is canonical and comes out of an independent parser as it went in.
func FuzzWriter(f *testing.F) {
	for _, s := range []string{"", "plain", "<&>\"'", "\t\n\r", "]]>", "é漢𝄞\uFFFD\u2028", "&#xD;", "--><!--"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, text, attr string) {
		w := xmldoc.NewWriter(0)
		w.Element(xmldoc.Name{Space: a, Local: "root"}, text, xmldoc.Attr{Name: "attr", Value: attr})
		document, err := w.Bytes()
		if err != nil {
			return
		}
		require.Equal(t, canonical(t, document), string(document))
		doc := etree.NewDocument()
		require.NoError(t, doc.ReadFromBytes(document))
		require.Equal(t, text, doc.Root().Text())
		require.Equal(t, attr, doc.Root().SelectAttrValue("attr", ""))

		root, err := xmldoc.Parse(document)
		require.NoError(t, err)
		require.Equal(t, text, root.Text)
		got, _ := root.Attr("attr")
		require.Equal(t, attr, got)
	})
}

func TestParseResolvesNamespaces(t *testing.T) {
	t.Parallel()
	root, err := xmldoc.Parse([]byte(`<r xmlns="urn:d" xmlns:p="urn:p" p:x="1" x="2"><p:c xmlns:p="urn:q"/><c xmlns=""/>text</r>`))
	require.NoError(t, err)
	require.Equal(t, "urn:d", root.Space)
	require.Equal(t, []xmldoc.Attribute{{Space: "urn:p", Local: "x", Value: "1"}, {Local: "x", Value: "2"}}, root.Attrs)
	require.Len(t, root.All("urn:q", "c"), 1)
	require.Len(t, root.All("", "c"), 1)
	require.Empty(t, root.All("urn:d", "c"))
	require.Equal(t, "text", root.Text)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		document string
		want     error
	}{
		"nothing":                              {"", xmldoc.ErrMalformed},
		"a colon too many in an element":       {`<a:b:c xmlns:a="urn:a"/>`, xmldoc.ErrMalformed},
		"a colon first":                        {`<:a/>`, xmldoc.ErrMalformed},
		"a colon last in an attribute":         {`<a b:="x"/>`, xmldoc.ErrMalformed},
		"the prefix xmlns bound":               {`<a xmlns:xmlns="urn:x"/>`, xmldoc.ErrMalformed},
		"the prefix xml bound":                 {`<a xmlns:xml="urn:x"/>`, xmldoc.ErrMalformed},
		"a prefix undone":                      {`<a xmlns:p=""/>`, xmldoc.ErrMalformed},
		"one attribute under two prefixes":     {`<a xmlns:p="urn:x" xmlns:q="urn:x" p:y="1" q:y="2"/>`, xmldoc.ErrMalformed},
		"an end tag of another name":           {`<a></b>`, xmldoc.ErrMalformed},
		"an end tag of another prefix":         {`<p:a xmlns:p="urn:x" xmlns:q="urn:x"></q:a>`, xmldoc.ErrMalformed},
		"a second XML declaration":             {`<?xml version="1.0"?><?xml version="1.0"?><a/>`, xmldoc.ErrComment},
		"a document type inside":               {`<a><!DOCTYPE a></a>`, xmldoc.ErrDoctype},
		"one ID in two cases and namespaces":   {`<a ID="x"><b xmlns:p="urn:p" p:id="x"/></a>`, xmldoc.ErrDuplicateID},
		"an ID shared with an AssertionID":     {`<a ID="x"><b AssertionID="x"/></a>`, xmldoc.ErrDuplicateID},
		"deeper than the limit":                {strings.Repeat("<a>", xmldoc.MaxDepth+1) + strings.Repeat("</a>", xmldoc.MaxDepth+1), xmldoc.ErrTooDeep},
		"an entity that refers to an external": {`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>`, xmldoc.ErrDoctype},
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := xmldoc.Parse([]byte(test.document))
			require.ErrorIs(t, err, test.want)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`<r xmlns="urn:d" xmlns:p="urn:p" p:x="1" ID="2"><p:c/>text &lt;</r>`))
	f.Fuzz(func(t *testing.T, document []byte) {
		root, err := xmldoc.Parse(document)
		if err != nil {
			return
		}
		// A second parser must see the same root: no differential to hide in.
		doc := etree.NewDocument()
		require.NoError(t, doc.ReadFromBytes(document))
		require.Equal(t, doc.Root().Tag, root.Local)
		require.Equal(t, doc.Root().NamespaceURI(), root.Space)
		require.Len(t, root.Children, len(doc.Root().ChildElements()))
	})
}
