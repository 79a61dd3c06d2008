package federation

import (
	"fmt"
	"strings"
	"time"

	"github.com/entrafed/entrafed/internal/aadsts"
)

// String shows the diagnosis to people: how many findings there are, what Entra's sign-in service says, and each finding
// with what people see, what to do, and the command that does it. The worst is first.
func (d Diagnosis) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s: %s\n", d.Domain, d.At.UTC().Format(time.RFC3339), d.counts())
	d.writeSignIn(&b)
	for _, found := range d.Findings {
		found.write(&b)
	}
	return b.String()
}

// counts says how many findings there are of each severity.
func (d Diagnosis) counts() string {
	if len(d.Findings) == 0 {
		return "nothing found"
	}
	number := map[Severity]int{}
	for _, found := range d.Findings {
		number[found.Severity]++
	}
	var parts []string
	for _, s := range []Severity{SeverityError, SeverityWarning, SeverityNotice} {
		if number[s] > 0 {
			parts = append(parts, plural(number[s], string(s)))
		}
	}
	return strings.Join(parts, ", ")
}

// plural is a number with its word.
func plural(number int, word string) string {
	if number != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", number, word)
}

func (d Diagnosis) writeSignIn(b *strings.Builder) {
	v := d.Verification
	if v.Realm.Type != "" {
		fmt.Fprintf(b, "  sign-in  %s", v.Realm.Type)
		if v.Realm.SignInURL != "" {
			fmt.Fprintf(b, " to %s", v.Realm.SignInURL)
		}
		b.WriteString("\n")
	}
	for _, difference := range v.Differences {
		fmt.Fprintf(b, "           %s\n", difference)
	}
	if v.SignInLink != "" {
		fmt.Fprintf(b, "  to try   %s\n", v.SignInLink)
	}
}

// write shows one finding.
func (found Finding) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %-8s %s\n", found.Severity, found.Summary)
	for _, detail := range found.Details {
		fmt.Fprintf(b, "           - %s\n", detail)
	}
	if found.AADSTS != "" {
		text := found.AADSTS
		if code, known := aadsts.Lookup(text); known {
			text += ": " + code.Message
		}
		fmt.Fprintf(b, "           people see: %s\n", text)
	}
	if found.Remedy != "" {
		fmt.Fprintf(b, "           remedy: %s\n", found.Remedy)
	}
	if found.Command != "" {
		fmt.Fprintf(b, "           command: %s\n", found.Command)
	}
}
