package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// The limits of a plan that is read.
const (
	maxPlan     = 1 << 20 // bytes of JSON
	maxWrites   = 100
	maxFindings = 1000
)

// ReadPlan reads a plan that was stored as JSON, of at most 1 MiB, and validates it: see [Plan.Validate].
func ReadPlan(r io.Reader) (*Plan, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxPlan+1))
	if err != nil {
		return nil, fmt.Errorf("federation: the plan cannot be read: %w", err)
	}
	if len(raw) > maxPlan {
		return nil, fmt.Errorf("federation: the plan has more than %d bytes, so it is none", maxPlan)
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	var p Plan
	if err := decoder.Decode(&p); err != nil {
		return nil, fmt.Errorf("federation: this is not a plan: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("federation: there is something after the plan")
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &p, nil
}

// Validate checks a plan that comes from somewhere else, such as a file: that it is complete, that it has nothing but what
// this package plans, that each write sends exactly what it shows, and that no federation is made without a certificate. The
// error lists everything that is wrong. It does not say whether the tenant is still as it was: [Federator.Apply] does.
func (p *Plan) Validate() error {
	v := &validation{}
	v.plan(p)
	if len(v.errs) == 0 {
		return nil
	}
	return fmt.Errorf("federation: the plan cannot be used; make a new one: %w", errors.Join(v.errs...))
}

// validation collects what is wrong.
type validation struct{ errs []error }

func (v *validation) check(ok bool, format string, arguments ...any) {
	if !ok {
		v.errs = append(v.errs, fmt.Errorf(format, arguments...))
	}
}

func (v *validation) plan(p *Plan) {
	v.check(len(p.ID) == 32 && strings.Trim(p.ID, "0123456789abcdef") == "", "the ID %q is not 32 hexadecimal digits", p.ID)
	v.check(slices.Contains([]Purpose{PurposeFederate, PurposeRevert, PurposeRotate, PurposePromote, PurposeMakeDefault,
		PurposeFederateGuest, PurposeRevertGuest}, p.Purpose), "the purpose %q is not known", p.Purpose)
	// Of a domain that is no name there is a plan, too: one without writes, whose findings say so.
	v.check(isDomainName(p.Domain) || len(p.Writes) == 0, "the domain %q is not a domain name in lower case", p.Domain)
	v.check(!p.Made.IsZero(), "it does not say when it was made")
	v.check(len(p.Writes) <= maxWrites, "there are %d writes, and %d are the most", len(p.Writes), maxWrites)
	v.check(len(p.Findings) <= maxFindings, "there are %d findings, and %d are the most", len(p.Findings), maxFindings)
	if d := p.Before.Domain; d != nil {
		v.check(strings.EqualFold(d.Name, p.Domain), "before: it is about %q and not about %q", d.Name, p.Domain)
	}
	for i, w := range p.Writes[:min(len(p.Writes), maxWrites)] {
		v.write(fmt.Sprintf("write %d", i+1), p, w)
	}
	for i, f := range p.Findings[:min(len(p.Findings), maxFindings)] {
		v.finding(fmt.Sprintf("finding %d", i+1), f)
	}
}

func (v *validation) finding(at string, f Finding) {
	v.check(f.Rule != "" && f.Summary != "", "%s: it has no rule or no summary", at)
	v.check(slices.Contains([]Severity{SeverityError, SeverityWarning, SeverityNotice}, f.Severity),
		"%s: the severity %q is not known", at, f.Severity)
	v.check(len(f.Details) <= MaxDetails, "%s: it has %d details, and %d are the most", at, len(f.Details), MaxDetails)
}

func (v *validation) write(at string, p *Plan, w Write) {
	if method, _ := w.Request(); method == "" {
		v.check(false, "%s: the operation %q is not known", at, w.Operation)
		return
	}
	switch w.Operation {
	case CreateConfiguration, ChangeConfiguration:
		v.check(w.Domain == p.Domain, "%s: it is about %q and not about %q", at, w.Domain, p.Domain)
		v.known(at, w.Body, slices.Collect(maps.Keys(Configuration{}.properties())))
		v.certificates(at, w)
	case DeleteConfiguration, PromoteDomain:
		v.check(w.Domain == p.Domain, "%s: it is about %q and not about %q", at, w.Domain, p.Domain)
		v.check(len(w.Body) == 0, "%s: it must not send anything", at)
	case ChangeDomain:
		v.check(isDomainName(w.Domain), "%s: %q is not a domain name in lower case", at, w.Domain)
		v.known(at, w.Body, []string{"authenticationType", "isDefault"})
	case CreateGuests:
		v.known(at, w.Body, append(slices.Collect(maps.Keys(GuestConfiguration{}.properties())), "domains"))
		v.certificates(at, w)
		v.domains(at, w.Body["domains"])
	case ChangeGuests:
		v.known(at, w.Body, slices.Collect(maps.Keys(GuestConfiguration{}.properties())))
		v.certificates(at, w)
	case DeleteGuests:
		v.check(len(w.Body) == 0, "%s: it must not send anything", at)
	case AddGuestDomain, RemoveGuestDomain:
		v.check(isDomainName(w.Domain), "%s: %q is not a domain name in lower case", at, w.Domain)
		v.check(len(w.Body) == 0, "%s: it must not send anything but the domain", at)
	}
	v.id(at, p, w)
	v.shown(at, w)
}

// id checks that a write to something that exists says to what, and that it is what was there.
func (v *validation) id(at string, p *Plan, w Write) {
	switch w.Operation {
	case CreateConfiguration, ChangeDomain, PromoteDomain, CreateGuests:
		v.check(w.ID == "", "%s: it has an ID, %q, and nothing to use it for", at, w.ID)
	case ChangeConfiguration, DeleteConfiguration:
		v.check(w.ID != "", "%s: it has no ID", at)
		c := p.Before.Configuration
		v.check(c != nil && c.ID == w.ID, "%s: the federation %q is not the one that was there before", at, w.ID)
		if c != nil {
			v.from(at, w, c.properties())
		}
	default:
		v.check(w.ID != "", "%s: it has no ID", at)
		g := p.Before.Guests
		v.check(g != nil && g.ID == w.ID, "%s: the federation %q is not the one that was there before", at, w.ID)
		if g != nil && w.Operation == ChangeGuests {
			v.from(at, w, g.properties())
		}
	}
}

// domains checks the domains of a new federation for guests.
func (v *validation) domains(at string, value any) {
	names := texts(value)
	v.check(len(names) > 0, "%s: it would make a federation without a domain", at)
	for _, name := range names {
		v.check(isDomainName(name), "%s: %q is not a domain name in lower case", at, name)
	}
}

// from checks that what is shown as it was is what it was.
func (v *validation) from(at string, w Write, before Properties) {
	for _, c := range w.Changes {
		v.check(reflect.DeepEqual(c.From, before[c.Property]), "%s: %s was not so before", at, c.Property)
	}
}

// known checks that a body has something, and nothing but certain properties.
func (v *validation) known(at string, body Properties, names []string) {
	v.check(len(body) > 0, "%s: it sends nothing", at)
	for _, name := range slices.Sorted(maps.Keys(body)) {
		v.check(slices.Contains(names, name), "%s: the property %q is not known", at, name)
		switch body[name].(type) {
		case nil, string, bool:
		case []string, []any:
			v.check(name == "domains", "%s: %s is a list", at, name)
		default:
			v.check(false, "%s: %s is neither a text nor true, false or null", at, name)
		}
	}
}

// certificates checks that the federation has a signing certificate afterwards, and that all of them can be read.
func (v *validation) certificates(at string, w Write) {
	signing, sent := w.Body["signingCertificate"]
	creates := w.Operation == CreateConfiguration || w.Operation == CreateGuests
	v.check(sent || !creates, "%s: it would make a federation without a signing certificate", at)
	v.check(!sent || signing != nil, "%s: it would leave a federation without a signing certificate", at)
	for _, name := range certificateProperties() {
		value := w.Body[name]
		if value == nil {
			continue
		}
		text, _ := value.(string)
		_, err := certificateOf(text)
		v.check(err == nil, "%s: the %s cannot be read", at, name)
	}
}

// promoted is what a promotion brings about, which sends nothing.
func promoted() Properties { return Properties{"isRoot": true, "authenticationType": Managed} }

// shown checks that what is shown of a write is what it sends or brings about. The domain of a guest federation is shown by
// its name.
func (v *validation) shown(at string, w Write) {
	if w.Operation == AddGuestDomain || w.Operation == RemoveGuestDomain {
		return
	}
	shown := Properties{}
	for _, c := range w.Changes {
		_, twice := shown[c.Property]
		v.check(!twice, "%s: it shows %s twice", at, c.Property)
		shown[c.Property] = c.To
	}
	for _, name := range slices.Sorted(maps.Keys(w.Body)) {
		to, listed := shown[name]
		v.check(listed && reflect.DeepEqual(to, w.Body[name]), "%s: it sends another %s than it shows", at, name)
	}
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		_, sent := w.Body[name]
		effect := shown[name] == nil || w.Operation == PromoteDomain && shown[name] == promoted()[name]
		v.check(sent || effect, "%s: it shows %s, and does not send it", at, name)
	}
}
