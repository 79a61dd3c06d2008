package xmldoc

import (
	"errors"
	"fmt"
)

// Namespace is a namespace with the one prefix that this module writes for it.
type Namespace struct{ Prefix, URI string }

// Name is an element's qualified name.
type Name struct {
	Space Namespace
	Local string
}

// Attr is an attribute without a namespace. Value is raw: the writer escapes it.
type Attr struct {
	Name, Value string

	// Hole leaves the value open behind Value, in a document that becomes a [Template].
	Hole bool
}

// Writer appends one element after the other in exclusive canonical form. The first misuse or value that XML cannot
// carry is kept and returned by [Writer.Bytes]; later calls do nothing. It is not safe for concurrent use.
type Writer struct {
	buf      []byte
	open     []Name
	declared []declaration
	holes    []hole
	err      error
}

type declaration struct {
	space Namespace
	depth int // of the element that declares the prefix
}

// NewWriter returns a writer whose document will need about size bytes.
func NewWriter(size int) *Writer {
	return &Writer{
		buf:      make([]byte, 0, size),
		open:     make([]Name, 0, 8),
		declared: make([]declaration, 0, 8),
	}
}

// Start opens an element. Attributes are given in canonical order, which for attributes without a namespace is the
// order of their names.
func (w *Writer) Start(name Name, attrs ...Attr) {
	if w.err != nil {
		return
	}
	w.open = append(w.open, name)
	w.buf = append(w.buf, '<')
	w.name(name)
	w.declare(name.Space)
	for i, a := range attrs {
		if i > 0 && attrs[i-1].Name >= a.Name {
			w.err = fmt.Errorf("xmldoc: attributes %q and %q of %s are not in canonical order",
				attrs[i-1].Name, a.Name, name.Local)
			return
		}
		w.attr(a)
	}
	w.buf = append(w.buf, '>')
}

// End closes the element that was opened last.
func (w *Writer) End() {
	if w.err != nil {
		return
	}
	depth := len(w.open)
	if depth == 0 {
		w.err = errors.New("xmldoc: End without Start")
		return
	}
	w.buf = append(w.buf, '<', '/')
	w.name(w.open[depth-1])
	w.buf = append(w.buf, '>')
	w.open = w.open[:depth-1]
	for n := len(w.declared); n > 0 && w.declared[n-1].depth == depth; n-- {
		w.declared = w.declared[:n-1]
	}
}

// Text writes character data inside the open element.
func (w *Writer) Text(s string) {
	if w.err != nil {
		return
	}
	if len(w.open) == 0 {
		w.err = errors.New("xmldoc: Text outside an element")
		return
	}
	w.escape(s, &textEscapes)
}

// TextHole leaves a place for character data inside the open element, in a document that becomes a [Template].
func (w *Writer) TextHole() { w.holes = append(w.holes, hole{len(w.buf), &textEscapes}) }

// Element writes an element that holds only text.
func (w *Writer) Element(name Name, text string, attrs ...Attr) {
	w.Start(name, attrs...)
	w.Text(text)
	w.End()
}

// Len is the number of bytes written so far.
func (w *Writer) Len() int { return len(w.buf) }

// Bytes returns the document, or why it could not be written.
func (w *Writer) Bytes() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	if len(w.open) != 0 {
		return nil, fmt.Errorf("xmldoc: %s is not closed", w.open[len(w.open)-1].Local)
	}
	if len(w.holes) != 0 {
		return nil, errors.New("xmldoc: a document with holes is a template")
	}
	return w.buf, nil
}

func (w *Writer) name(n Name) {
	if n.Space.Prefix != "" {
		w.buf = append(w.buf, n.Space.Prefix...)
		w.buf = append(w.buf, ':')
	}
	w.buf = append(w.buf, n.Local...)
}

// declare writes the namespace declaration unless an open element has written it.
func (w *Writer) declare(ns Namespace) {
	for _, d := range w.declared {
		if d.space.Prefix != ns.Prefix {
			continue
		}
		if d.space != ns && w.err == nil {
			w.err = fmt.Errorf("xmldoc: the prefix %q stands for %q and %q", ns.Prefix, d.space.URI, ns.URI)
		}
		return
	}
	w.declared = append(w.declared, declaration{ns, len(w.open)})
	if ns.Prefix == "" {
		w.attr(Attr{Name: "xmlns", Value: ns.URI})
		return
	}
	w.attr(Attr{Name: "xmlns:" + ns.Prefix, Value: ns.URI})
}

func (w *Writer) attr(a Attr) {
	w.buf = append(w.buf, ' ')
	w.buf = append(w.buf, a.Name...)
	w.buf = append(w.buf, '=', '"')
	w.escape(a.Value, &attrEscapes)
	if a.Hole {
		w.holes = append(w.holes, hole{len(w.buf), &attrEscapes})
	}
	w.buf = append(w.buf, '"')
}

func (w *Writer) escape(s string, escapes *escapeTable) {
	buf, err := escapes.append(w.buf, s)
	if err != nil {
		w.err = err
		return
	}
	w.buf = buf
}
