package xmldoc_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 chooses one")

// random returns a source of random numbers, and says how to have the same ones again.
func random(t testing.TB) *rand.Rand {
	t.Helper()
	chosen := *seed
	if chosen == 0 {
		chosen = uint64(time.Now().UnixNano())
	}
	t.Logf("to repeat this: go test -run '^%s$' -args -seed %d", t.Name(), chosen)
	return rand.New(rand.NewPCG(chosen, 0))
}

// anyText is text of every kind: what XML escapes, what it normalises, what it reserves, and the ends of each range of
// characters.
func anyText(r *rand.Rand, runes int) string {
	const carried = "<>&\"'\t\n\r]>-!?;:#= \u007f\u0085\u00A0\u2028\uD7FF\uE000\uFFFD\uFEFF\u202E\u0301é漢𝄞\U00010000\U0010FFFF"
	choice := []rune(carried)
	var b strings.Builder
	for range runes {
		switch r.IntN(4) {
		case 0:
			b.WriteRune(choice[r.IntN(len(choice))])
		case 1:
			b.WriteString([]string{"\r\n", "]]>", "<!--", "-->", "&amp;", "&#xD;", "<![CDATA[", "<?", "?>", "&#10;", "  "}[r.IntN(11)])
		case 2:
			b.WriteByte(byte('a' + r.IntN(26)))
		default:
			if c := rune(r.IntN(utf8.MaxRune)); xmldoc.IsChar(c) {
				b.WriteRune(c)
			}
		}
	}
	return b.String()
}

// anyTree writes a random element and what is in it, once with its values in place and once with holes for them.
type anyTree struct {
	random   *rand.Rand
	left     int // how many elements may still be written
	values   []string
	holes    *xmldoc.Writer
	inPlace  *xmldoc.Writer
	spaces   []xmldoc.Namespace
	locals   []string
	attrName []string
}

func (a *anyTree) write(depth int) {
	a.left--
	name := xmldoc.Name{Space: a.spaces[a.random.IntN(len(a.spaces))], Local: a.locals[a.random.IntN(len(a.locals))]}
	var attrs, open []xmldoc.Attr
	for _, attr := range a.attrName {
		if a.random.IntN(3) > 0 {
			continue
		}
		prefix, rest := anyText(a.random, a.random.IntN(3)), anyText(a.random, a.random.IntN(12))
		attrs = append(attrs, xmldoc.Attr{Name: attr, Value: prefix + rest})
		open = append(open, xmldoc.Attr{Name: attr, Value: prefix, Hole: true})
		a.values = append(a.values, rest)
	}
	a.inPlace.Start(name, attrs...)
	a.holes.Start(name, open...)
	for range a.random.IntN(4) {
		if a.random.IntN(2) == 0 && depth < 12 && a.left > 0 {
			a.write(depth + 1)
			continue
		}
		text := anyText(a.random, a.random.IntN(20))
		a.inPlace.Text(text)
		a.holes.TextHole()
		a.values = append(a.values, text)
	}
	a.inPlace.End()
	a.holes.End()
}

// randomDocument returns a document that a Writer wrote, after checking that a template with the same values is the same.
func randomDocument(t testing.TB, r *rand.Rand, elements int, spaces []xmldoc.Namespace) []byte {
	t.Helper()
	var document []byte
	var tree *anyTree
	templates := xmldoc.NewTemplates(func(w *xmldoc.Writer, _ func()) {
		tree = &anyTree{
			random: r, left: elements, holes: w, inPlace: xmldoc.NewWriter(0),
			spaces: spaces, locals: []string{"x", "y-y", "z.1", "漢"}, attrName: []string{"A", "B", "a", "aa", "b", "é"},
		}
		root := xmldoc.Name{Space: tree.spaces[0], Local: "root"}
		tree.inPlace.Start(root)
		w.Start(root)
		for tree.left > 0 {
			tree.write(1)
		}
		tree.inPlace.End()
		w.End()
	})
	document, err := tree.inPlace.Bytes()
	require.NoError(t, err)
	require.Len(t, templates, 1)
	filled, err := templates[0].Append(nil, tree.values...)
	require.NoError(t, err)
	require.Equal(t, string(document), string(filled))
	return document
}

// What a Writer or a Template writes is its own canonical form under an independent implementation, whatever the values,
// and reads back as it was.
func TestDifferentialCanonicalisation(t *testing.T) {
	t.Parallel()
	r := random(t)
	spaces := []xmldoc.Namespace{{Prefix: "a", URI: "urn:a"}, {Prefix: "b", URI: "urn:b&c"}, {Prefix: "é", URI: "urn:<\"'>\n"}}
	count := 300
	if testing.Short() {
		count = 30
	}
	for range count {
		document := randomDocument(t, r, 1+r.IntN(40), spaces)
		require.Equal(t, canonical(t, document), string(document))
		requireStable(t, document)

		value, attr := anyText(r, r.IntN(200)), anyText(r, r.IntN(200))
		w := xmldoc.NewWriter(0)
		w.Element(xmldoc.Name{Space: a, Local: "x"}, value, xmldoc.Attr{Name: "y", Value: attr})
		document, err := w.Bytes()
		require.NoError(t, err)
		doc := etree.NewDocument()
		require.NoError(t, doc.ReadFromBytes(document))
		require.Equal(t, value, doc.Root().Text())
		require.Equal(t, attr, doc.Root().SelectAttrValue("y", ""))
	}
}

// The same under an implementation that shares no code with Go: libxml2.
func TestDifferentialCanonicalisationUnderLibxml2(t *testing.T) {
	t.Parallel()
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not installed (Debian package libxml2-utils)")
	}
	r := random(t)
	elements := 20_000
	if testing.Short() {
		elements = 1_000
	}
	// libxml2 does not escape the namespaces that it declares, so these have nothing to escape.
	document := randomDocument(t, r, elements, []xmldoc.Namespace{{Prefix: "a", URI: "urn:a"}, {Prefix: "é", URI: "https://x/y?z='1'"}})
	path := filepath.Join(t.TempDir(), "document.xml")
	require.NoError(t, os.WriteFile(path, document, 0o600))
	command := exec.Command(xmllint, "--nonet", "--huge", "--exc-c14n", path)
	var complaints strings.Builder
	command.Stderr = &complaints
	output, err := command.Output()
	require.NoError(t, err, complaints.String())
	if string(output) != string(document) {
		at := 0
		for at < len(output) && at < len(document) && output[at] == document[at] {
			at++
		}
		from := max(0, at-60)
		require.Equal(t, string(output[from:min(at+60, len(output))]), string(document[from:min(at+60, len(document))]))
		require.Equal(t, len(output), len(document))
	}
}
