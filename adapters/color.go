package adapters

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// Colors are the colours of the pages, each as "#rrggbb" or "#rgb". The name of each as a CSS variable stands behind it;
// a [Brand.Stylesheet] and a [Brand.Layout] may use them.
//
// The contrasts are those of WCAG 2.2, 1.4.3 and 1.4.11, and New refuses less: 4.5 for text, 3 for the edges of fields and
// the marks of steps (https://www.w3.org/TR/WCAG22/#contrast-minimum).
type Colors struct {
	Background       string // --entrafed-background: of the page
	Surface          string // --entrafed-surface: of the part with the content
	Text             string // --entrafed-text: on both
	Muted            string // --entrafed-muted: smaller text, on both
	Accent           string // --entrafed-accent: links on both, buttons, the mark of the keyboard
	OnAccent         string // --entrafed-on-accent: the text of buttons
	Border           string // --entrafed-border: of fields
	Success          string // --entrafed-success: the mark of a step that is done
	Danger           string // --entrafed-danger: what went wrong, on Surface
	NoticeBackground string // --entrafed-notice-background: behind Config.Notice
	NoticeText       string // --entrafed-notice-text: of Config.Notice
}

// lightColors are the defaults of [Brand.Light].
func lightColors() Colors {
	return Colors{
		Background: "#f3f5f8", Surface: "#ffffff", Text: "#1b1d21", Muted: "#565b63", Accent: "#0b57d0", OnAccent: "#ffffff",
		Border: "#767b84", Success: "#137333", Danger: "#b3261e", NoticeBackground: "#fff3cd", NoticeText: "#4a3900",
	}
}

// darkColors are the defaults of [Brand.Dark].
func darkColors() Colors {
	return Colors{
		Background: "#121418", Surface: "#1c1f25", Text: "#ececec", Muted: "#b9bcc2", Accent: "#8ab4f8", OnAccent: "#10131a",
		Border: "#8a8f99", Success: "#81c995", Danger: "#f2b8b5", NoticeBackground: "#4a3900", NoticeText: "#ffe9a8",
	}
}

// tone is one of the colours.
type tone struct {
	name  string // of the variable, without its prefix
	field string
	value *string
}

// tones lists the colours, in the order of the fields.
func (c *Colors) tones() []tone {
	return []tone{
		{"background", "Background", &c.Background}, {"surface", "Surface", &c.Surface}, {"text", "Text", &c.Text},
		{"muted", "Muted", &c.Muted}, {"accent", "Accent", &c.Accent}, {"on-accent", "OnAccent", &c.OnAccent},
		{"border", "Border", &c.Border}, {"success", "Success", &c.Success}, {"danger", "Danger", &c.Danger},
		{"notice-background", "NoticeBackground", &c.NoticeBackground}, {"notice-text", "NoticeText", &c.NoticeText},
	}
}

// or returns the colours with the defaults for those that are empty.
func (c Colors) or(defaults Colors) Colors {
	given := defaults.tones()
	for i, t := range c.tones() {
		if *t.value == "" {
			*t.value = *given[i].value
		}
	}
	return c
}

var colorPattern = regexp.MustCompile(`^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$`)

// legible is a pair of colours that must differ.
type legible struct {
	over, under string // fields
	least       float64
}

// The pairs that occur on the pages.
func legiblePairs() []legible {
	const text, mark = 4.5, 3
	return []legible{
		{"Text", "Background", text}, {"Text", "Surface", text}, {"Muted", "Background", text}, {"Muted", "Surface", text},
		{"Accent", "Background", text}, {"Accent", "Surface", text}, {"OnAccent", "Accent", text},
		{"Border", "Surface", mark}, {"Success", "Surface", mark}, {"Danger", "Surface", text},
		{"NoticeText", "NoticeBackground", text},
	}
}

// check returns the colours that are none, or, if all are, the pairs that cannot be told apart.
func (c Colors) check() (errs []error) {
	values := map[string]string{}
	for _, t := range c.tones() {
		values[t.field] = *t.value
		if !colorPattern.MatchString(*t.value) {
			errs = append(errs, fmt.Errorf("%s %q is not a colour such as \"#0b57d0\"", t.field, *t.value))
		}
	}
	if len(errs) > 0 {
		return errs
	}
	for _, p := range legiblePairs() {
		if got := contrast(values[p.over], values[p.under]); got < p.least {
			errs = append(errs, fmt.Errorf("%s %s on %s %s has a contrast of %.2f: not everybody can read it, it must be %g at least",
				p.over, values[p.over], p.under, values[p.under], got, p.least))
		}
	}
	return errs
}

// contrast is the ratio of two colours, from 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.
func contrast(one, other string) float64 {
	a, b := luminance(one), luminance(other)
	return (math.Max(a, b) + 0.05) / (math.Min(a, b) + 0.05)
}

// luminance is https://www.w3.org/TR/WCAG22/#dfn-relative-luminance.
func luminance(color string) float64 {
	digits := color[1:]
	if len(digits) == 3 {
		digits = digits[0:1] + digits[0:1] + digits[1:2] + digits[1:2] + digits[2:3] + digits[2:3]
	}
	linear := func(at int) float64 {
		channel, _ := strconv.ParseUint(digits[at:at+2], 16, 8) // it was checked
		c := float64(channel) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(0) + 0.7152*linear(2) + 0.0722*linear(4)
}
