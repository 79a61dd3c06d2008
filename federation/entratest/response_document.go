package entratest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// The limits of a response. Entra's are not public; these are far above what a sign-in needs, and below the 1000
// elements at which goxmldsig stops.
const (
	maxPostedBytes   = 1 << 20
	maxDocumentBytes = 256 << 10
	maxElements      = 700
	maxDepth         = 40
	maxAttributes    = 64 // of one element
)

// The namespaces of a SAML response.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsDSig      = "http://www.w3.org/2000/09/xmldsig#"
	nsExcC14N   = "http://www.w3.org/2001/10/xml-exc-c14n#"
)

var (
	errDoctype = errors.New("it has a document type declaration")
	errLimits  = errors.New("it is larger than any SAML response needs to be")
)

// readDocument reads a whole document and returns its root. The document is read twice, once token by token to refuse
// what must not be there, and once into the tree that everything else looks at.
func readDocument(raw []byte) (*etree.Element, error) {
	if len(raw) > maxDocumentBytes {
		return nil, fmt.Errorf("%w: %d bytes", errLimits, len(raw))
	}
	if !utf8.Valid(raw) {
		return nil, errors.New("it is not UTF-8")
	}
	if err := scan(raw); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{PreserveDuplicateAttrs: true, MaxDepth: maxDepth + 1}
	if err := doc.ReadFromBytes(raw); err != nil {
		return nil, fmt.Errorf("it is not well-formed: %w", err)
	}
	root := doc.Root()
	if root == nil {
		return nil, errors.New("it has no element")
	}
	return root, wellNamed(root, map[string]bool{"xml": true})
}

// scan checks well-formedness and limits.
func scan(raw []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	elements, depth, roots := 0, 0, 0
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("it is not well-formed: %w", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return errDoctype
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			elements++
			depth++
			if elements > maxElements || depth > maxDepth || len(t.Attr) > maxAttributes {
				return fmt.Errorf("%w: over %d elements, %d levels or %d attributes of one element",
					errLimits, maxElements, maxDepth, maxAttributes)
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return errors.New("it is not well-formed: there is text outside the root element")
			}
		}
	}
	if roots != 1 {
		return fmt.Errorf("it is not well-formed: it has %s", plural(roots, "root element"))
	}
	return nil
}

// wellNamed checks what encoding/xml does not: every prefix is declared, no attribute is repeated, and names have at
// most one colon.
func wellNamed(e *etree.Element, declared map[string]bool) error {
	own, seen := map[string]bool{}, map[string]bool{}
	for prefix := range declared {
		own[prefix] = true
	}
	for _, a := range e.Attr {
		if a.Space == "xmlns" && a.Value != "" {
			own[a.Key] = true
		}
		if seen[a.FullKey()] {
			return fmt.Errorf("it is not well-formed: the attribute %s of %s is repeated", quoted(a.FullKey()), quoted(e.Tag))
		}
		seen[a.FullKey()] = true
	}
	for _, a := range e.Attr {
		if a.Space != "" && a.Space != "xmlns" && !own[a.Space] || strings.Contains(a.Key, ":") {
			return fmt.Errorf("it is not well-formed: the attribute name %s is not declared", quoted(a.FullKey()))
		}
	}
	if e.Space != "" && !own[e.Space] || strings.Contains(e.Tag, ":") {
		return fmt.Errorf("it is not well-formed: the element name %s is not declared", quoted(e.FullTag()))
	}
	for _, c := range e.ChildElements() {
		if err := wellNamed(c, own); err != nil {
			return err
		}
	}
	return nil
}

// is reports whether e has the name. A nil element has none.
func is(e *etree.Element, space, tag string) bool {
	return e != nil && e.Tag == tag && e.NamespaceURI() == space
}

// children returns the child elements of that name. A nil element has none.
func children(e *etree.Element, space, tag string) []*etree.Element {
	if e == nil {
		return nil
	}
	var found []*etree.Element
	for _, c := range e.ChildElements() {
		if is(c, space, tag) {
			found = append(found, c)
		}
	}
	return found
}

// child returns the first child element of that name, or nil.
func child(e *etree.Element, space, tag string) *etree.Element {
	if found := children(e, space, tag); len(found) > 0 {
		return found[0]
	}
	return nil
}

// descend calls visit for e and every element below it.
func descend(e *etree.Element, visit func(*etree.Element)) {
	visit(e)
	for _, c := range e.ChildElements() {
		descend(c, visit)
	}
}

// attr returns the value of an attribute without a namespace.
func attr(e *etree.Element, name string) (string, bool) {
	if e == nil {
		return "", false
	}
	for _, a := range e.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value, true
		}
	}
	return "", false
}

// value returns all the text directly inside e: a comment in the middle does not cut it short.
func value(e *etree.Element) string {
	if e == nil {
		return ""
	}
	var b strings.Builder
	for _, token := range e.Child {
		if text, ok := token.(*etree.CharData); ok {
			b.WriteString(text.Data)
		}
	}
	return b.String()
}

// foreign says what stands inside e beside text and comments, or nothing.
func foreign(e *etree.Element) string {
	for _, token := range e.Child {
		switch t := token.(type) {
		case *etree.CharData, *etree.Comment:
		case *etree.Element:
			return "an element " + quoted(t.Tag)
		case *etree.ProcInst:
			return "a processing instruction"
		default:
			return "markup"
		}
	}
	return ""
}

// instant reads an xs:dateTime in UTC, which is the only zone that SAML allows (saml-core-2.0-os section 1.3.3).
func instant(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !strings.HasSuffix(s, "Z") {
		return time.Time{}, fmt.Errorf("%s is not a time in UTC such as 2026-01-31T12:00:00Z", quoted(s))
	}
	return t, nil
}

// instantOf reads a time that may be absent.
func instantOf(e *etree.Element, name string) (at time.Time, present bool, err error) {
	s, present := attr(e, name)
	if !present {
		return time.Time{}, false, nil
	}
	at, err = instant(s)
	return at, true, err
}
