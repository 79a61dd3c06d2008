package adapters

import (
	"errors"
	"fmt"
	"html/template"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Brand is how the Bridge's own pages look, and in which languages they speak. The zero Brand is plain: neither name nor
// logo, blue on white, dark where the browser prefers it, in English, German and French.
//
// [New] checks all of it: that nothing of it can break out of its place in the page, that every page can be shown in every
// language, and that every text has the contrast that WCAG 2.2 AA asks for. None of it is secret: everybody sees it.
type Brand struct {
	// Name is the organisation's, as people know it: at the top of every page and in its title. At most 100 bytes. Empty:
	// none.
	Name string

	// Logo is shown at the top of every page in place of the name. The zero Logo: none.
	Logo Logo

	// DarkLogo is shown in place of Logo where the browser prefers dark pages. The zero Logo: Logo serves both.
	DarkLogo Logo

	// Light and Dark are the colours. Each that is empty has its default.
	Light, Dark Colors

	// LightOnly leaves the pages light where the browser prefers dark ones, and does without Dark and DarkLogo: for a Layout
	// or a Stylesheet that knows only light ones.
	LightOnly bool

	// Font is the list of font families, as CSS writes it: `"Segoe UI", Roboto, sans-serif`. Only fonts that the person's
	// device has can be used. Empty: the device's own.
	Font string

	// Stylesheet is CSS that follows the Bridge's own. It may use the colours as var(--entrafed-accent) and so on: see
	// [Colors]. It can load nothing but data: images. At most 64 KB. Empty: none.
	Stylesheet string

	// Layout is the page around the Bridge's own content; it is executed with a [Page]. nil: a plain one, with the notice
	// and the logo or the name on top.
	Layout *template.Template

	// Languages are what the pages speak. The browser chooses, by Accept-Language; where it accepts none of them, the first
	// one is used. nil: [English], [German] and [French].
	Languages []Language
}

const (
	maxName       = 100
	maxStylesheet = 64 << 10
)

// withDefaults fills in what the zero values stand for.
func (b Brand) withDefaults() Brand {
	b.Light, b.Dark = b.Light.or(lightColors()), b.Dark.or(darkColors())
	if b.LightOnly {
		b.Dark, b.DarkLogo = b.Light, Logo{}
	}
	if b.Font == "" {
		b.Font = defaultFont
	}
	if b.Layout == nil {
		b.Layout = template.Must(template.New("layout").Parse(layoutHTML))
	}
	if b.Languages == nil {
		b.Languages = builtInLanguages()
	}
	return b
}

const defaultFont = `system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif`

// check returns everything that is wrong with the parts. What the Layout makes of them shows when it is executed.
func (b Brand) check() (errs []error) {
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("adapters: Brand."+format, args...)) }
	if len(b.Name) > maxName || !utf8.ValidString(b.Name) || strings.ContainsFunc(b.Name, unicode.IsControl) {
		add("Name %q is not plain text of at most %d bytes", b.Name, maxName)
	}
	if err := b.Logo.check(b.Name); err != nil {
		add("Logo %w", err)
	}
	if err := b.DarkLogo.check(b.Name); err != nil {
		add("DarkLogo %w", err)
	}
	if b.Logo.isZero() && !b.DarkLogo.isZero() {
		add("DarkLogo is set, but Logo is not")
	}
	for _, err := range b.Light.check() {
		add("Light.%w", err)
	}
	for _, err := range b.Dark.check() {
		add("Dark.%w", err)
	}
	if !fontPattern.MatchString(b.Font) {
		add(`Font %q is not a list of font families such as "Segoe UI", sans-serif`, b.Font)
	}
	if err := checkStylesheet(b.Stylesheet); err != nil {
		add("Stylesheet %w", err)
	}
	if b.Languages != nil && len(b.Languages) == 0 {
		add("Languages is empty: leave it nil for those that are built in")
	}
	return append(errs, checkLanguages(b.Languages)...)
}

var fontPattern = regexp.MustCompile(`^([A-Za-z-]+|"[A-Za-z0-9 _-]+")([ ]*,[ ]*([A-Za-z-]+|"[A-Za-z0-9 _-]+"))*$`)

var urlPattern = regexp.MustCompile(`(?i)url\(\s*["']?\s*([^"')]*)`)

// loads reports whether CSS loads something. The pages' policy stops that anyway; but then it would show only there.
func loads(css string) bool {
	if strings.Contains(strings.ToLower(css), "@import") {
		return true
	}
	for _, found := range urlPattern.FindAllStringSubmatch(css, -1) {
		if target := strings.ToLower(found[1]); !strings.HasPrefix(target, "data:image/") && !strings.HasPrefix(target, "#") {
			return true
		}
	}
	return false
}

func checkStylesheet(css string) error {
	switch {
	case len(css) > maxStylesheet:
		return fmt.Errorf("has %d bytes, more than %d", len(css), maxStylesheet)
	case !utf8.ValidString(css) || strings.ContainsRune(css, 0):
		return errors.New("is not UTF-8 text")
	case strings.Contains(css, "</") || strings.Contains(css, "<!"):
		return errors.New("contains </ or <!, which would end it")
	case loads(css):
		return errors.New("loads something: the pages load nothing; put images in as data: URLs")
	}
	return nil
}
