package xmldoc

import "fmt"

// Template is a document, or the beginning or the end of one, that was written once in canonical form and has holes for
// values. What fills a hole is escaped as the Writer would have escaped it there. It is safe for concurrent use.
type Template struct {
	literals []string       // one more than there are holes
	escapes  []*escapeTable // one for each hole
}

type hole struct {
	position int
	escapes  *escapeTable
}

// NewTemplates returns the document that write writes, cut into templates at the places where it calls cut. It panics
// if write misuses the Writer: the program and not its input decides that.
func NewTemplates(write func(w *Writer, cut func())) []*Template {
	w := NewWriter(4 << 10)
	type mark struct{ position, holes int }
	var cuts []mark
	write(w, func() { cuts = append(cuts, mark{len(w.buf), len(w.holes)}) })
	holes := w.holes
	w.holes = nil
	document, err := w.Bytes()
	if err != nil {
		panic(err)
	}
	var templates []*Template
	var from mark
	for _, to := range append(cuts, mark{len(document), len(holes)}) {
		t := &Template{}
		at := from.position
		for _, h := range holes[from.holes:to.holes] {
			t.literals = append(t.literals, string(document[at:h.position]))
			t.escapes = append(t.escapes, h.escapes)
			at = h.position
		}
		t.literals = append(t.literals, string(document[at:to.position]))
		templates = append(templates, t)
		from = to
	}
	return templates
}

// Append appends the template with its holes filled, in their order. The error is a *[CharError] or says that there are
// too few or too many values.
func (t *Template) Append(dst []byte, values ...string) ([]byte, error) {
	if len(values) != len(t.escapes) {
		return nil, fmt.Errorf("xmldoc: %d values for %d holes", len(values), len(t.escapes))
	}
	var err error
	for i, value := range values {
		dst = append(dst, t.literals[i]...)
		if dst, err = t.escapes[i].append(dst, value); err != nil {
			return nil, err
		}
	}
	return append(dst, t.literals[len(values)]...), nil
}

// Size is the number of bytes without what fills the holes.
func (t *Template) Size() int {
	n := 0
	for _, l := range t.literals {
		n += len(l)
	}
	return n
}
