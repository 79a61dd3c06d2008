package entratest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/internal/aadsts"
)

// Level says how sure it is that Entra enforces a rule.
type Level string

// The levels.
const (
	Must   Level = "must"   // Microsoft documents it, or a refusal has been observed
	Should Level = "should" // documented or seen in samples; that Entra enforces it is not proven
)

// Outcome is what became of one rule for one response.
type Outcome string

// The outcomes.
const (
	Passed     Outcome = "pass"
	Failed     Outcome = "fail"        // the response is refused
	Warned     Outcome = "warn"        // worth a look; the response is not refused for it
	NotChecked Outcome = "not checked" // something the rule needs is missing: see Finding.Detail
)

// Rule is one thing that a SAML response must be, or that a request of the simulated tenant is, for a sign-in to
// succeed.
type Rule struct {
	Number int
	Level  Level
	Code   string // what Entra shows when the rule is broken, for example "AADSTS50107"
	Title  string // the rule in one sentence
	Source string // where the rule comes from: a page of Microsoft's, a report, or how it was inferred
	Remedy string // what the operator of the identity provider does when it is broken

	needs  []int // rules that must hold before this one can be looked at
	always bool  // a rule of level Should that decides in lenient mode too
	check  func(*examination) result
}

// Finding is what one rule has to say about one response.
type Finding struct {
	Rule    int     `json:"rule"`
	Level   Level   `json:"level"`
	Title   string  `json:"title"`
	Outcome Outcome `json:"outcome"`
	Code    string  `json:"code,omitempty"`   // for example "AADSTS50107"; only of a rule that failed or warned
	Detail  string  `json:"detail,omitempty"` // what was found
	Cause   string  `json:"cause,omitempty"`  // what usually brings this about, and how sure that is
	Remedy  string  `json:"remedy,omitempty"` // what the operator does next
}

// Rules lists the rules that a SAML response is checked by, in the order in which they are applied: the first that
// fails decides which error is shown. The order is this package's own; Entra's is not public. The response of a guest is
// checked by [GuestRules].
//
// Each rule is shown by examples in testdata/vectors, which programs in other languages can read too.
//
// # Strict and lenient
//
// Strict checking, the default, enforces all rules. Lenient checking enforces what Entra is known to enforce, and makes
// a warning of the rest:
//
//   - Rules 3, 7, 8, 9, 17, 24, 28, 29 and 31, which are of level [Should], warn and do not fail. Rules 27 and 35 are of
//     that level too and fail all the same: a replay, and a value that may be read in two ways, are attacks.
//   - Rule 13 warns of a Signature that stands elsewhere in the Assertion than after its Issuer, and of a signed
//     Response around an Assertion that is not.
//   - Rule 14 warns of a registered certificate that is not valid today.
//   - Rules 16 and 18 warn of SHA-1.
//   - Rule 19 warns of a NameID without a Format.
//   - Rule 28 reads the UPN from the older attribute http://schemas.xmlsoap.org/claims/UPN where there is no IDPEmail.
//
// Rule 22 never fails, and only warns, in either.
func Rules() []Rule { return slices.Concat(arrivalRules(), memberRules()) }

// arrivalRules come before it is known whose response it is.
func arrivalRules() []Rule { return slices.Concat(messageRules(), realmRules()) }

// memberRules are those that come once it is known that the realm is one of the tenant's own domains.
func memberRules() []Rule { return slices.Concat(signatureRules(), assertionRules(), accountRules()) }

// result is what a check found. The engine adds what the rule says of itself.
type result struct {
	outcome   Outcome
	detail    string
	code      string // without AADSTS; empty: the rule's
	remedy    string // empty: the rule's
	tolerable bool   // a failure that is a warning in lenient mode, whatever the rule's level
}

func passed(format string, args ...any) result {
	return result{outcome: Passed, detail: say(format, args)}
}
func failed(format string, args ...any) result {
	return result{outcome: Failed, detail: say(format, args)}
}
func warned(format string, args ...any) result {
	return result{outcome: Warned, detail: say(format, args)}
}
func unchecked(format string, args ...any) result {
	return result{outcome: NotChecked, detail: say(format, args)}
}

func say(format string, args []any) string { return fmt.Sprintf(format, args...) }

func (r result) as(code string) result       { r.code = code; return r }
func (r result) advise(remedy string) result { r.remedy = remedy; return r }

// tolerated marks a failure that some source says Entra lets through.
func (r result) tolerated() result { r.tolerable = true; return r }

// judged applies the rules of the kind of realm that the response is from; where that is not known, those of members.
func (e *examination) judged() []Finding {
	outcomes := map[int]Outcome{}
	findings := apply(arrivalRules(), e, outcomes)
	if e.realm.External {
		return append(findings, apply(guestRules(), e, outcomes)...)
	}
	return append(findings, apply(memberRules(), e, outcomes)...)
}

// apply runs the rules in order, and adds to the outcomes of those before. A rule whose needs are not met is not checked.
func apply(rules []Rule, e *examination, outcomes map[int]Outcome) []Finding {
	findings := make([]Finding, 0, len(rules))
	for _, rule := range rules {
		f := rule.finding(e.Lenient, rule.judge(e, outcomes))
		outcomes[rule.Number] = f.Outcome
		findings = append(findings, f)
	}
	return findings
}

func (r Rule) judge(e *examination, outcomes map[int]Outcome) result {
	for _, needed := range r.needs {
		if o := outcomes[needed]; o != Passed && o != Warned {
			return unchecked("rule %d comes first", needed)
		}
	}
	return r.check(e)
}

// finding adds what the rule says of itself, and makes a warning of what lenient mode lets through.
func (r Rule) finding(lenient bool, res result) Finding {
	if res.outcome == Failed && lenient && (res.tolerable || r.Level == Should && !r.always) {
		res.outcome = Warned
	}
	f := Finding{Rule: r.Number, Level: r.Level, Title: r.Title, Outcome: res.outcome, Detail: res.detail}
	if f.Outcome != Failed && f.Outcome != Warned {
		return f
	}
	f.Code = r.Code
	if res.code != "" {
		f.Code = "AADSTS" + res.code
	}
	if known, ok := aadsts.Lookup(f.Code); ok {
		f.Cause = known.Cause
	}
	f.Remedy = orElse(res.remedy, r.Remedy)
	return f
}

// plural is "1 Assertion" or "2 Assertions".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// quoted shows a value from a message without letting it flood a page or a log.
func quoted(s string) string {
	const limit = 200
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}
