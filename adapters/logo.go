package adapters

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"
)

// Logo is a picture inside the pages. An SVG is shown as a picture too, so that scripts in it never run.
type Logo struct {
	// MediaType is "image/png", "image/jpeg" or "image/svg+xml".
	MediaType string

	// Content is the file. At most 48 KB, because every page carries it.
	Content []byte

	// Alt says what the picture shows, for people who do not see it. Empty: Brand.Name, which must not be empty then.
	Alt string
}

const maxLogo = 48 << 10

func (l Logo) isZero() bool { return l.MediaType == "" && len(l.Content) == 0 && l.Alt == "" }

// check compares what the logo is said to be with what it is.
func (l Logo) check(name string) error {
	switch {
	case l.isZero():
		return nil
	case len(l.Content) == 0:
		return errors.New("has no Content")
	case len(l.Content) > maxLogo:
		return fmt.Errorf("has %d bytes, more than %d", len(l.Content), maxLogo)
	case l.Alt == "" && name == "":
		return errors.New("needs Alt or Brand.Name, for people who do not see it")
	}
	if err := l.checkContent(); err != nil {
		return fmt.Errorf("is not %q: %w", l.MediaType, err)
	}
	return nil
}

func (l Logo) checkContent() error {
	var begins string
	switch l.MediaType {
	case "image/png":
		begins = "\x89PNG\r\n\x1a\n"
	case "image/jpeg":
		begins = "\xff\xd8\xff"
	case "image/svg+xml":
		return checkSVG(l.Content)
	default:
		return errors.New("use image/png, image/jpeg or image/svg+xml")
	}
	if !bytes.HasPrefix(l.Content, []byte(begins)) {
		return errors.New("the file begins otherwise")
	}
	return nil
}

// checkSVG reads the whole document, so that a file that browsers cannot show is found here.
func checkSVG(content []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(content))
	root := ""
	for {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && root == "svg":
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("it has no svg element")
		case err != nil:
			return err
		}
		if element, begins := token.(xml.StartElement); begins && root == "" {
			if element.Name.Space != "http://www.w3.org/2000/svg" {
				return errors.New("its first element is not of the namespace http://www.w3.org/2000/svg")
			}
			root = element.Name.Local
		}
	}
}

// url is the picture as a data: URL, or "" without one.
func (l Logo) url() template.URL {
	if len(l.Content) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("data:" + l.MediaType + ";base64,")
	b.WriteString(base64.StdEncoding.EncodeToString(l.Content))
	return template.URL(b.String())
}
