package xmldoc

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Namespace is a namespace with the one prefix that this module writes for it.
type Namespace struct{ Prefix, URI string }

// Name is an element's qualified name.
type Name struct {
	Space Namespace
	Local string
}

// Attr is an attribute without a namespace. Value is raw: the writer escapes it.
type Attr struct{ Name, Value string }

// Writer appends one element after the other in exclusive canonical form. The first misuse or value that XML cannot
// carry is kept and returned by [Writer.Bytes]; later calls do nothing. It is not safe for concurrent use.
type Writer struct {
	buf      []byte
	open     []Name
	declared []declaration
	err      error
}

type declaration struct {
	prefix string
	depth  int // of the element that declares the prefix
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
		w.attr(a.Name, a.Value)
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
	w.escape(s, textEscapes)
}

// Element writes an element that holds only text.
func (w *Writer) Element(name Name, text string, attrs ...Attr) {
	w.Start(name, attrs...)
	w.Text(text)
	w.End()
}

// Len is the number of bytes written, a position for [Writer.Insert] and [Writer.Since].
func (w *Writer) Len() int { return len(w.buf) }

// Since returns what was written from position on. It is valid until the next write.
func (w *Writer) Since(position int) []byte { return w.buf[position:] }

// Insert puts a finished element, written by another Writer, at a position. Its apex must declare its own namespaces,
// as a document of its own does.
func (w *Writer) Insert(position int, element []byte) {
	if w.err != nil {
		return
	}
	n := len(w.buf)
	w.buf = append(w.buf, element...)
	copy(w.buf[position+len(element):], w.buf[position:n])
	copy(w.buf[position:], element)
}

// Err returns the first misuse, or the first value that XML cannot carry.
func (w *Writer) Err() error { return w.err }

// Bytes returns the document, or why it could not be written.
func (w *Writer) Bytes() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	if len(w.open) != 0 {
		return nil, fmt.Errorf("xmldoc: %s is not closed", w.open[len(w.open)-1].Local)
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
		if d.prefix == ns.Prefix {
			return
		}
	}
	w.declared = append(w.declared, declaration{ns.Prefix, len(w.open)})
	if ns.Prefix == "" {
		w.attr("xmlns", ns.URI)
		return
	}
	w.buf = append(w.buf, " xmlns:"...)
	w.buf = append(w.buf, ns.Prefix...)
	w.buf = append(w.buf, '=', '"')
	w.escape(ns.URI, attrEscapes)
	w.buf = append(w.buf, '"')
}

func (w *Writer) attr(name, value string) {
	w.buf = append(w.buf, ' ')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '=', '"')
	w.escape(value, attrEscapes)
	w.buf = append(w.buf, '"')
}

// The replacements of https://www.w3.org/TR/2001/REC-xml-c14n-20010315#ProcessingModel, text and attribute nodes.
func textEscapes(c byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\r':
		return "&#xD;"
	}
	return ""
}

func attrEscapes(c byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '"':
		return "&quot;"
	case '\t':
		return "&#x9;"
	case '\n':
		return "&#xA;"
	case '\r':
		return "&#xD;"
	}
	return ""
}

func (w *Writer) escape(s string, escapes func(byte) string) {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if (r == utf8.RuneError && size == 1) || !IsChar(r) {
				w.err = &CharError{Offset: i}
				return
			}
			i += size
			continue
		}
		if !IsChar(rune(c)) {
			w.err = &CharError{Offset: i}
			return
		}
		if e := escapes(c); e != "" {
			w.buf = append(w.buf, s[from:i]...)
			w.buf = append(w.buf, e...)
			from = i + 1
		}
		i++
	}
	w.buf = append(w.buf, s[from:]...)
}

// CharError is a value that XML cannot carry: not UTF-8, or a character outside the Char production.
type CharError struct{ Offset int }

func (e *CharError) Error() string {
	return fmt.Sprintf("xmldoc: the value has a character at byte %d that XML cannot carry", e.Offset)
}

// IsChar reports whether r is a Char of https://www.w3.org/TR/xml/#charsets.
func IsChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}
