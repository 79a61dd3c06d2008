package federation

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Style marks up the parts of a printed plan, for example with colours. A nil function leaves its part as it is. Each gets
// whole lines, or a word in one, and returns it with whatever is to stand around it.
type Style struct {
	Heading func(string) string // what is asked of the tenant: "POST /domains/…"
	Removed func(string) string // a line with what a property was
	Added   func(string) string // a line with what it will be
	Error   func(string) string // the severity of a finding
	Warning func(string) string
	Notice  func(string) string
}

// String shows the plan as a diff: each write as a request, the properties before and after, and what was found.
// Certificates are shown by subject, SHA-256 and validity. What a terminal would act on is not in it.
func (p *Plan) String() string {
	var b strings.Builder
	_ = p.Print(&b, Style{}) // a Builder takes everything
	return b.String()
}

// Print writes the plan as [Plan.String] shows it, with a style. The error is that of w.
func (p *Plan) Print(w io.Writer, style Style) error {
	out := &printer{style: style}
	out.line("Plan %s: %s %s, as the tenant was at %s.", p.ID, p.Purpose, p.Domain, p.Made.UTC().Format(time.DateTime+" MST"))
	for i, write := range p.Writes {
		out.write(i+1, write)
	}
	if len(p.Writes) == 0 {
		out.line("")
		out.line("Nothing is written.")
	}
	for _, f := range p.Findings {
		out.finding(f)
	}
	out.line("")
	out.line("%s", p.summary())
	_, err := io.WriteString(w, out.text.String())
	return err
}

// summary counts.
func (p *Plan) summary() string {
	text := count(len(p.Writes), "write", "writes") + ", " + counted(p.Findings)
	if slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Severity == SeverityError }) {
		text += " The plan cannot be applied."
	}
	return text
}

// counted says how many findings of each severity there are.
func counted(findings []Finding) string {
	number := map[Severity]int{}
	for _, f := range findings {
		number[f.Severity]++
	}
	return fmt.Sprintf("%s, %s, %s.", count(number[SeverityError], "error", "errors"),
		count(number[SeverityWarning], "warning", "warnings"), count(number[SeverityNotice], "notice", "notices"))
}

// printer collects lines. Everything that comes from outside goes through printable.
type printer struct {
	style Style
	text  strings.Builder
}

func (o *printer) line(format string, arguments ...any) {
	o.styled(nil, format, arguments...)
}

func (o *printer) styled(style func(string) string, format string, arguments ...any) {
	o.text.WriteString(styled(style, printable(fmt.Sprintf(format, arguments...))))
	o.text.WriteByte('\n')
}

func styled(style func(string) string, text string) string {
	if style == nil {
		return text
	}
	return style(text)
}

func (o *printer) write(number int, w Write) {
	method, path := w.Request()
	o.line("")
	o.styled(o.style.Heading, "%d. %s %s", number, method, path)
	if w.Reason != "" {
		o.line("   %s", w.Reason)
	}
	for _, c := range w.Changes {
		if c.From != nil {
			o.styled(o.style.Removed, "   - %s: %s", c.Property, printed(c.Property, c.From))
		}
		if c.To != nil {
			o.styled(o.style.Added, "   + %s: %s", c.Property, printed(c.Property, c.To))
		}
	}
}

func (o *printer) finding(f Finding) {
	mark := map[Severity]func(string) string{
		SeverityError: o.style.Error, SeverityWarning: o.style.Warning, SeverityNotice: o.style.Notice,
	}[f.Severity]
	o.line("")
	o.text.WriteString(styled(mark, printable(string(f.Severity))))
	o.line(" %s: %s", f.Rule, f.Summary)
	for _, d := range f.Details {
		o.line("   · %s", d)
	}
	if f.AADSTS != "" {
		o.line("   Somebody who signs in may see %s.", f.AADSTS)
	}
	if f.Remedy != "" {
		o.line("   %s", f.Remedy)
	}
	if f.Command != "" {
		o.line("   Command: federate %s", f.Command)
	}
}

// printed is the value of a property, for people.
func printed(property string, value any) string {
	text, isText := value.(string)
	if isText && isCertificate(property) {
		return describeCertificate(text)
	}
	if value == nil {
		return "nothing"
	}
	if isText {
		return fmt.Sprintf("%q", text)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%v", value)
	}
	return string(encoded)
}

// printable has a question mark for each character that a terminal would act on, or that changes the order of the others.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

const guestFederations = "/directory/federationConfigurations"

// guestType is the type in the paths of federations with partners.
const guestType = "/microsoft.graph.samlOrWsFedExternalDomainFederation"

// Request is the HTTP method of the write, and its path below the version of Graph, such as
// /domains/contoso.com/federationConfiguration. Both are empty for an unknown operation.
func (w Write) Request() (method, path string) {
	domain, id := "/domains/"+url.PathEscape(w.Domain), "/"+url.PathEscape(w.ID)
	switch w.Operation {
	case CreateConfiguration:
		return "POST", domain + "/federationConfiguration"
	case ChangeConfiguration:
		return "PATCH", domain + "/federationConfiguration" + id
	case DeleteConfiguration:
		return "DELETE", domain + "/federationConfiguration" + id
	case ChangeDomain:
		return "PATCH", domain
	case PromoteDomain:
		return "POST", domain + "/promote"
	case CreateGuests:
		return "POST", guestFederations + guestType
	case ChangeGuests:
		return "PATCH", guestFederations + guestType + id
	case DeleteGuests:
		return "DELETE", guestFederations + id
	case AddGuestDomain:
		return "POST", guestFederations + id + guestType + "/domains"
	case RemoveGuestDomain:
		return "DELETE", guestFederations + id + guestType + domain
	}
	return "", ""
}
