package federation

import (
	"io"
	"strings"
	"time"
)

// String shows the diagnosis to people: what Entra's sign-in service says, and each finding with what people see, what to do
// and the command that does it. The worst is first. What a terminal would act on is not in it.
func (d Diagnosis) String() string {
	var b strings.Builder
	_ = d.Print(&b, Style{}) // a Builder takes everything
	return b.String()
}

// Print writes the diagnosis as [Diagnosis.String] shows it, with a style. The error is that of w.
func (d Diagnosis) Print(w io.Writer, style Style) error {
	out := &printer{style: style}
	out.line("Diagnosis of %s, as the tenant was at %s.", d.Domain, d.At.UTC().Format(time.DateTime+" MST"))
	out.verification(d.Verification)
	for _, f := range d.Findings {
		out.finding(f)
	}
	out.line("")
	if len(d.Findings) == 0 {
		out.line("Nothing was found.")
	} else {
		out.line("%s", counted(d.Findings))
	}
	_, err := io.WriteString(w, out.text.String())
	return err
}

// verification shows how people are led, as far as it was said.
func (o *printer) verification(v Verification) {
	switch {
	case v.Realm.SignInURL != "":
		o.line("Entra's sign-in service: %s, to %s.", v.Realm.Type, v.Realm.SignInURL)
	case v.Realm.Type != "":
		o.line("Entra's sign-in service: %s.", v.Realm.Type)
	}
	for _, difference := range v.Differences {
		o.line("   · %s", difference)
	}
	if v.SignInLink != "" {
		o.line("To try it: %s", v.SignInLink)
	}
}
