package main

import (
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/federation/entratest"
)

// page is a report for people.
type page struct{ *terminal.Page }

func (r report) writeText(w io.Writer, coloured bool) error {
	p := page{terminal.NewPage(w, coloured)}
	if r.isAnswer() && r.Verdict != nil {
		p.answer(r)
	} else {
		p.decoded(r)
	}
	return p.Err()
}

func (r report) isAnswer() bool { return r.What == kindResponse || r.What == kindLogoutResponse }

// answer prints the check of a response, the conclusion last.
func (p page) answer(r report) {
	p.Line(terminal.Bold, "%s, checked as of %s, %s", r.What, r.CheckedAt, r.Mode)
	p.Line(terminal.None, "")
	if r.Request != nil {
		p.Line(terminal.Bold, "The request: %s", r.Request.Kind)
		p.message(r.Request)
		p.Line(terminal.None, "")
	}
	p.findings(r.Verdict.Findings, true)
	p.claims(r.Verdict.Claims)
	p.Line(terminal.None, "")
	p.conclusion(r)
}

// findings prints one rule after the other. The codes are Entra's, and mean nothing where Entra is the sender.
func (p page) findings(findings []entratest.Finding, codes bool) {
	for _, f := range findings {
		word, s := wordFor(f.Outcome)
		p.Line(s, "%-11s  rule %2d  %-6s  %s", word, f.Rule, f.Level, f.Title)
		if f.Detail != "" {
			p.Line(terminal.None, "%30s%s", "", f.Detail)
		}
		switch {
		case f.Remedy == "":
		case codes:
			p.Line(terminal.None, "%30s%s: %s", "", f.Code, f.Remedy)
		default:
			p.Line(terminal.None, "%30s%s", "", f.Remedy)
		}
	}
}

func wordFor(o entratest.Outcome) (string, terminal.Style) {
	switch o {
	case entratest.Passed:
		return "pass", terminal.Good
	case entratest.Failed:
		return "FAIL", terminal.Bad
	case entratest.Warned:
		return "warn", terminal.Warn
	}
	return "not checked", terminal.Dim
}

// claims prints what the assertion says, once its signature was verified.
func (p page) claims(c entratest.Claims) {
	if c.AssertionID == "" {
		return
	}
	p.Line(terminal.None, "")
	p.Line(terminal.Bold, "What the assertion says; its signature was verified")
	p.parts([][2]string{
		{"AssertionID", c.AssertionID}, {"Issuer", c.Issuer}, {"NameID", c.NameID}, {"NameID Format", c.NameIDFormat},
		{"UPN", c.UPN}, {"Audience", strings.Join(c.Audiences, " ")}, {"InResponseTo", c.InResponseTo},
		{"NotBefore", moment(c.NotBefore)}, {"NotOnOrAfter", moment(c.NotOnOrAfter)},
		{"AuthnInstant", moment(c.AuthnInstant)}, {"AuthnContextClassRef", c.AuthnContextClassRef},
		{"SessionIndex", c.SessionIndex},
	})
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// parts prints names and values; what is empty is left out.
func (p page) parts(pairs [][2]string) {
	for _, pair := range pairs {
		if pair[1] != "" {
			p.Line(terminal.None, "  %-29s  %s", pair[0], pair[1])
		}
	}
}

func (p page) conclusion(r report) {
	v := r.Verdict
	switch r.Outcome {
	case outcomeRefused:
		p.Line(terminal.Bad, "Entra would refuse it: %s, rule %d", v.Code, v.Rule)
		p.parts([][2]string{{"message", v.Message}, {"found", v.Detail}, {"cause", v.Cause}, {"what to do", v.Remedy}})
		p.alsoFailing(v)
	case outcomeAccepted:
		p.Line(terminal.Good, "Entra would let %s in.", v.User.UPN)
	default:
		p.Line(terminal.Good, "Nothing speaks against it, as far as can be seen from here.")
	}
	if warnings := v.Warnings(); len(warnings) > 0 {
		p.Line(terminal.Warn, "Worth a look: %s", ruleNumbers(warnings))
	}
	for _, missing := range r.Missing {
		p.Line(terminal.Dim, "Not checked: %s", missing)
	}
}

func (p page) alsoFailing(v *entratest.Verdict) {
	others := slices.DeleteFunc(v.Failures(), func(f entratest.Finding) bool { return f.Rule == v.Rule })
	if len(others) > 0 {
		p.Line(terminal.Bad, "It also fails %s.", ruleNumbers(others))
	}
}

// ruleNumbers is "rule 8" or "rules 8, 24".
func ruleNumbers(findings []entratest.Finding) string {
	var numbers []string
	for _, f := range findings {
		numbers = append(numbers, fmt.Sprint(f.Rule))
	}
	if len(numbers) == 1 {
		return "rule " + numbers[0]
	}
	return "rules " + strings.Join(numbers, ", ")
}

// decoded prints what -decode found.
func (p page) decoded(r report) {
	title := r.What
	if r.SentBy != "" {
		title += ", sent by " + r.SentBy
	}
	p.Line(terminal.Bold, "%s", title)
	if r.Message != nil {
		p.Line(terminal.None, "")
		p.message(r.Message)
	}
	if len(r.Parameters) > 0 {
		p.Line(terminal.None, "")
		p.parameters(r.Parameters)
	}
	if r.Link != nil {
		p.Line(terminal.None, "")
		p.parts([][2]string{
			{"form", r.Link.Form}, {"domain", r.Link.Domain}, {"target", r.Link.Target}, {"login hint", r.Link.LoginHint},
			{"client", r.Link.Client}, {"connection", r.Link.Connection}, {"the same today", r.Link.Modern},
		})
	}
	if r.Verdict != nil {
		p.Line(terminal.None, "")
		p.findings(slices.DeleteFunc(slices.Clone(r.Verdict.Findings), func(f entratest.Finding) bool {
			return f.Outcome == entratest.NotChecked
		}), false)
	}
	if r.XML != "" {
		p.Line(terminal.None, "")
		p.Line(terminal.None, "%s", r.XML)
	}
	p.Line(terminal.None, "")
	p.oddities(r)
}

// parameters prints those of a form or a query; long ones only in part.
func (p page) parameters(form url.Values) {
	const shown = 60
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			if value == "" {
				value = "(empty)"
			}
			if len(value) > 2*shown {
				value = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(value[:shown], ""), len(value))
			}
			p.Line(terminal.None, "  %-29s  %s", name, value)
		}
	}
}

func (p page) message(m *entratest.Message) {
	assertions := ""
	if m.Assertions > 0 {
		assertions = fmt.Sprint(m.Assertions)
	}
	pairs := [][2]string{
		{"ID", m.ID}, {"Version", m.Version}, {"IssueInstant", m.IssueInstant}, {"Issuer", m.Issuer},
		{"Destination", m.Destination}, {"InResponseTo", m.InResponseTo}, {"Status", strings.Join(m.Status, " ")},
		{"StatusMessage", m.StatusMessage}, {"AssertionConsumerServiceURL", m.AssertionConsumerServiceURL},
		{"AssertionConsumerServiceIndex", m.AssertionConsumerServiceIndex}, {"ProtocolBinding", m.ProtocolBinding},
		{"ForceAuthn", m.ForceAuthn}, {"IsPassive", m.IsPassive}, {"AllowCreate", m.AllowCreate},
		{"AuthnContextClassRef", strings.Join(m.AuthnContextClassRefs, " ")},
		{"NameID", m.NameID}, {"NameID Format", m.NameIDFormat}, {"SessionIndex", strings.Join(m.SessionIndexes, " ")},
		{"Assertions", assertions},
	}
	for _, s := range m.Signatures {
		pairs = append(pairs, [2]string{"Signature of the " + s.Signs, s.Method}, [2]string{"  digest", s.Digest},
			[2]string{"  X509SKI", s.X509SKI}, [2]string{"  KeyName", s.KeyName}, [2]string{"  certificate", s.Certificate})
	}
	p.parts(pairs)
}

// oddities is the conclusion of -decode.
func (p page) oddities(r report) {
	for _, odd := range r.Odd {
		p.Line(terminal.Warn, "Odd: %s", odd)
	}
	switch {
	case r.Outcome == outcomeRefused && r.Verdict != nil:
		p.Line(terminal.Bad, "Entra does not send it like this: rule %d.", r.Verdict.Rule)
	case r.Outcome == outcomeRefused:
		p.Line(terminal.Bad, "This cannot be used.")
	case r.isAnswer():
		p.Line(terminal.None, "To check it: inspect -issuer URI -cert FILE and this file.")
	case len(r.Odd) == 0:
		p.Line(terminal.Good, "Nothing is odd about it.")
	}
}
