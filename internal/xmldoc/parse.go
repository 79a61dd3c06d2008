package xmldoc

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// What [Parse] refuses, for errors.Is. Whatever is not named here matches [ErrMalformed].
var (
	ErrMalformed   = errors.New("not well-formed XML")
	ErrDoctype     = errors.New("a document type declaration is not allowed")
	ErrComment     = errors.New("comments, processing instructions and CDATA sections are not allowed")
	ErrDuplicateID = errors.New("an ID occurs more than once")
	ErrTooDeep     = errors.New("too many or too deeply nested elements, or too many attributes or namespaces")
)

// Limits of a document that [Parse] accepts; its size is the caller's to bound.
const (
	MaxDepth      = 32
	MaxElements   = 1000
	MaxAttributes = 64 // of one element, namespace declarations included
	MaxNamespaces = 64 // declarations in force at one element: canonicalisation copies them for each
)

// Element is an element with its namespace resolved.
type Element struct {
	Space, Local string
	Attrs        []Attribute
	Text         string // the character data directly inside, concatenated
	Children     []*Element
}

// Attribute is an attribute with its namespace resolved. Namespace declarations are not among them.
type Attribute struct{ Space, Local, Value string }

// Attr returns the value of an attribute without a namespace.
func (e *Element) Attr(local string) (string, bool) {
	for _, a := range e.Attrs {
		if a.Space == "" && a.Local == local {
			return a.Value, true
		}
	}
	return "", false
}

// All returns the children of that name.
func (e *Element) All(space, local string) []*Element {
	var found []*Element
	for _, c := range e.Children {
		if c.Space == space && c.Local == local {
			found = append(found, c)
		}
	}
	return found
}

// Parse reads a whole document and returns its root.
func Parse(doc []byte) (*Element, error) {
	if !utf8.Valid(doc) {
		return nil, fmt.Errorf("%w: it is not UTF-8", ErrMalformed)
	}
	// encoding/xml hands a CDATA section over as ordinary text; here it cannot be anything else, because '<' is
	// allowed neither in attribute values nor in text.
	if bytes.Contains(doc, []byte("<![CDATA[")) {
		return nil, ErrComment
	}
	p := parser{decoder: xml.NewDecoder(bytes.NewReader(doc))}
	for {
		token, err := p.decoder.RawToken()
		if err == io.EOF {
			return p.finish()
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %.200w", ErrMalformed, err)
		}
		if err := p.token(token); err != nil {
			return nil, err
		}
	}
}

type parser struct {
	decoder  *xml.Decoder
	root     *Element
	stack    []frame
	bindings []binding
	ids      []string
	count    int
	begun    bool // anything but the XML declaration was seen
}

type frame struct {
	element  *Element
	raw      xml.Name // as written: prefix and local name
	bindings int      // how many were in force outside
}

type binding struct{ prefix, uri string }

const (
	xmlPrefixURI   = "http://www.w3.org/XML/1998/namespace"
	xmlnsPrefixURI = "http://www.w3.org/2000/xmlns/"
)

func (p *parser) token(token xml.Token) error {
	first := !p.begun
	p.begun = true
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t)
	case xml.EndElement:
		return p.end(t)
	case xml.CharData:
		return p.text(t)
	case xml.Directive:
		return ErrDoctype
	case xml.ProcInst:
		if first && t.Target == "xml" {
			return nil
		}
	}
	return ErrComment
}

func (p *parser) start(t xml.StartElement) error {
	if p.root != nil && len(p.stack) == 0 {
		return fmt.Errorf("%w: more than one root element", ErrMalformed)
	}
	p.count++
	if p.count > MaxElements || len(p.stack) >= MaxDepth || len(t.Attr) > MaxAttributes {
		return ErrTooDeep
	}
	outside := len(p.bindings)
	if err := p.bind(t.Attr); err != nil {
		return err
	}
	if len(p.bindings) > MaxNamespaces {
		return ErrTooDeep
	}
	space, err := p.resolve(t.Name, true)
	if err != nil {
		return err
	}
	e := &Element{Space: space, Local: t.Name.Local}
	if err := p.attributes(e, t.Attr); err != nil {
		return err
	}
	if len(p.stack) == 0 {
		p.root = e
	} else {
		parent := p.stack[len(p.stack)-1].element
		parent.Children = append(parent.Children, e)
	}
	p.stack = append(p.stack, frame{e, t.Name, outside})
	return nil
}

// bind takes the namespace declarations of one start tag.
func (p *parser) bind(attrs []xml.Attr) error {
	for _, a := range attrs {
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			if a.Value == xmlPrefixURI || a.Value == xmlnsPrefixURI {
				return fmt.Errorf("%w: a reserved namespace cannot be the default", ErrMalformed)
			}
			p.bindings = append(p.bindings, binding{"", a.Value})
		case a.Name.Space == "xmlns":
			reserved := a.Name.Local == "xml" || a.Name.Local == "xmlns" ||
				a.Value == "" || a.Value == xmlPrefixURI || a.Value == xmlnsPrefixURI
			if reserved {
				return fmt.Errorf("%w: the namespace declaration of %.100q is not allowed", ErrMalformed, a.Name.Local)
			}
			p.bindings = append(p.bindings, binding{a.Name.Local, a.Value})
		}
	}
	return nil
}

func (p *parser) resolve(n xml.Name, isElement bool) (string, error) {
	if strings.Contains(n.Local, ":") || strings.Contains(n.Space, ":") {
		return "", fmt.Errorf("%w: the name %.100q has a misplaced colon", ErrMalformed, n.Local)
	}
	if n.Space == "xml" {
		return xmlPrefixURI, nil
	}
	if n.Space == "" && !isElement {
		return "", nil
	}
	for i := len(p.bindings) - 1; i >= 0; i-- {
		if p.bindings[i].prefix == n.Space {
			return p.bindings[i].uri, nil
		}
	}
	if n.Space != "" {
		return "", fmt.Errorf("%w: the prefix %.100q is not declared", ErrMalformed, n.Space)
	}
	return "", nil
}

func (p *parser) attributes(e *Element, attrs []xml.Attr) error {
	for i, a := range attrs {
		for _, other := range attrs[:i] {
			if other.Name == a.Name {
				return fmt.Errorf("%w: the attribute %.100q is repeated", ErrMalformed, a.Name.Local)
			}
		}
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		space, err := p.resolve(a.Name, false)
		if err != nil {
			return err
		}
		for _, known := range e.Attrs {
			if known.Space == space && known.Local == a.Name.Local {
				return fmt.Errorf("%w: the attribute %.100q is repeated", ErrMalformed, a.Name.Local)
			}
		}
		e.Attrs = append(e.Attrs, Attribute{space, a.Name.Local, a.Value})
		if err := p.id(a.Name.Local, a.Value); err != nil {
			return err
		}
	}
	return nil
}

// id remembers the value of whatever anybody might take for an ID, in any namespace and any case.
func (p *parser) id(local, value string) error {
	if !strings.EqualFold(local, "ID") && local != "AssertionID" {
		return nil
	}
	for _, known := range p.ids {
		if known == value {
			return ErrDuplicateID
		}
	}
	p.ids = append(p.ids, value)
	return nil
}

func (p *parser) end(t xml.EndElement) error {
	if len(p.stack) == 0 {
		return fmt.Errorf("%w: an end tag without a start", ErrMalformed)
	}
	top := p.stack[len(p.stack)-1]
	if top.raw != t.Name {
		return fmt.Errorf("%w: the end tag %.100q closes %.100q", ErrMalformed, t.Name.Local, top.raw.Local)
	}
	p.stack = p.stack[:len(p.stack)-1]
	p.bindings = p.bindings[:top.bindings]
	return nil
}

func (p *parser) text(t xml.CharData) error {
	if len(p.stack) > 0 {
		top := p.stack[len(p.stack)-1].element
		top.Text += string(t)
		return nil
	}
	if len(bytes.Trim(t, " \t\r\n")) > 0 {
		return fmt.Errorf("%w: text outside the root element", ErrMalformed)
	}
	return nil
}

func (p *parser) finish() (*Element, error) {
	switch {
	case p.root == nil:
		return nil, fmt.Errorf("%w: there is no element", ErrMalformed)
	case len(p.stack) > 0:
		return nil, fmt.Errorf("%w: %.100q is not closed", ErrMalformed, p.stack[len(p.stack)-1].raw.Local)
	}
	return p.root, nil
}
