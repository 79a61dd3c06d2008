package adapters

import (
	"errors"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/internal/csp"
	"github.com/entrafed/entrafed/saml"
)

// inlineParts are the styles and scripts of a layout, as source expressions for a Content-Security-Policy.
type inlineParts struct {
	styles, scripts []string
	images          bool // it has images as data: URLs
}

// What stands in for our parts while a layout is tried.
const (
	headMarker    = `<meta name="entrafed-head" content="here" />`
	contentMarker = `<main id="entrafed-content"></main>`
)

// checkLayout shows every page in every language, and learns what the layout brings along.
func (p *pages) checkLayout() error {
	var errs []error
	told := map[string]bool{} // what is wrong with one page is, as a rule, wrong with all
	for _, l := range p.languages {
		for _, kind := range pageKinds() {
			if err := p.tryPage(kind, l); err != nil && !told[err.Error()] {
				told[err.Error()] = true
				errs = append(errs, fmt.Errorf("adapters: Brand.Layout, page %q in %q: %w", kind, l.Tag, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (p *pages) tryPage(kind PageKind, l Language) error {
	v := view{
		Language: l, Title: "First title", Text: "text", More: "more", Action: "https://example.net/", Label: "label", ID: "0",
		Self: "https://example.net/", Again: "https://example.net/", Seconds: 1, When: "when", Username: "name",
		Response: &saml.Response{Destination: "https://example.net/", RelayState: "state"},
		Steps:    []stepView{{Name: "create", Label: "label", State: "doing"}},
	}
	if _, err := p.show(kind, v); err != nil {
		return err
	}
	one, err := p.tryLayout(kind, v)
	if err != nil {
		return err
	}
	v.Title = "Second title"
	other, err := p.tryLayout(kind, v)
	if err != nil {
		return err
	}
	if !slices.Equal(one.styles, other.styles) || !slices.Equal(one.scripts, other.scripts) {
		return errors.New("a style or a script changes with what the page says, so that its hash cannot be known: take what changes out of it")
	}
	p.inline.add(one)
	return nil
}

// tryLayout executes the layout around marks, so that only its own markup is looked at.
func (p *pages) tryLayout(kind PageKind, v view) (inlineParts, error) {
	page, err := p.page(kind, v)
	if err != nil {
		return inlineParts{}, err
	}
	page.Head, page.Content, page.Header = headMarker, contentMarker, ""
	var whole strings.Builder
	if err := p.brand.Layout.Execute(&whole, page); err != nil {
		return inlineParts{}, err
	}
	return readLayout(whole.String(), page)
}

// readLayout returns the inline parts of a page, or everything that is missing in it or would not work.
func readLayout(markup string, page Page) (inlineParts, error) {
	var errs []error
	demand := func(holds bool, format string, args ...any) {
		if !holds {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	demand(strings.Count(markup, headMarker) == 1, "{{.Head}} must be there once, in the head element")
	demand(strings.Count(markup, contentMarker) == 1, "{{.Content}} must be there once, in the body element")
	demand(strings.HasPrefix(strings.ToLower(strings.TrimSpace(markup)), "<!doctype html>"), "it must begin with <!DOCTYPE html>")
	root := htmlPattern.FindString(markup)
	demand(attribute(root, "lang") == page.Language, `the html element needs lang="{{.Language}}"`)
	demand(!page.RightToLeft || attribute(root, "dir") == "rtl", `the html element needs {{if .RightToLeft}}dir="rtl"{{end}}`)
	demand(strings.Contains(html.UnescapeString(markup), page.Notice), "{{.Notice}} must be there: Config.Notice is set")

	var parts inlineParts
	rest := inlinePattern.ReplaceAllStringFunc(markup, func(element string) string {
		found := inlinePattern.FindStringSubmatch(element)
		if strings.EqualFold(found[1], "style") {
			parts.styles = append(parts.styles, hashOf(found[3]))
			demand(!loads(found[3]), "a style loads something: the pages load nothing")
		} else {
			parts.scripts = append(parts.scripts, hashOf(found[3]))
		}
		parts.images = parts.images || strings.Contains(found[3], "data:")
		return "<" + found[1] + found[2] + ">"
	})
	for _, tag := range tagsPattern.FindAllString(rest, -1) {
		lower := strings.ToLower(tag)
		demand(!loadingPattern.MatchString(lower), "%s loads something: the pages load nothing", shortened(tag))
		demand(!attributePattern.MatchString(lower), "%s has an attribute that does not work here: put styles and scripts into elements of their own",
			shortened(tag))
		source := attribute(lower, "src")
		demand(source == "" || strings.HasPrefix(source, "data:image/"), "%s loads something: only data: images can be shown", shortened(tag))
		parts.images = parts.images || source != ""
	}
	return parts, errors.Join(errs...)
}

var (
	htmlPattern      = regexp.MustCompile(`(?i)<html(\s[^>]*)?>`)
	inlinePattern    = regexp.MustCompile(`(?is)<(style|script)\b([^>]*)>(.*?)</(?:style|script)\s*>`)
	tagsPattern      = regexp.MustCompile(`(?s)<[a-zA-Z](?:"[^"]*"|'[^']*'|[^>"'])*>`)
	loadingPattern   = regexp.MustCompile(`^<(iframe|frame|object|embed|base)\b|^<link\b[^>]*stylesheet`)
	attributePattern = regexp.MustCompile(`\s(on[a-z]+|style)\s*=`)
)

// hashOf is the source expression of an inline style or script. Browsers compare after they have made every line end a
// single newline.
func hashOf(content string) string {
	return csp.Hash(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(content))
}

// attribute returns the value of an attribute of a tag, or "".
func attribute(tag, name string) string {
	found := regexp.MustCompile(`(?is)\s` + name + `\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)`).FindStringSubmatch(tag)
	if found == nil {
		return ""
	}
	return strings.Trim(found[1], `"'`)
}

func shortened(tag string) string {
	const most = 60
	if len(tag) > most {
		return tag[:most] + "…"
	}
	return tag
}

// add joins the parts of one page to those of the others, each once.
func (i *inlineParts) add(other inlineParts) {
	for _, s := range other.styles {
		if !slices.Contains(i.styles, s) {
			i.styles = append(i.styles, s)
		}
	}
	for _, s := range other.scripts {
		if !slices.Contains(i.scripts, s) {
			i.scripts = append(i.scripts, s)
		}
	}
	i.images = i.images || other.images
}
