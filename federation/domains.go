package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// DomainStatus is a domain and what is to be done next for it.
type DomainStatus struct {
	Domain  Domain      `json:"domain"`
	Records []DNSRecord `json:"records,omitempty"` // of a domain that is not verified
	Next    string      `json:"next,omitempty"`    // in a sentence; empty where nothing is
}

// AddDomain adds a domain to the tenant, if it is not there, and says which DNS record proves that it is the organisation's.
// A domain below one that is verified is verified at once, and signs in as that does.
//
// Where the domain is in the tenant and its records cannot be read, the error comes with the status as far as it is known.
// Without the interface [DomainChanges] of the Directory, the error matches [ErrUnsupported].
//
// Source: https://learn.microsoft.com/graph/api/domain-post-domains.
func (f *Federator) AddDomain(ctx context.Context, name string) (DomainStatus, error) {
	name, err := domainName(name)
	if err != nil {
		return DomainStatus{}, err
	}
	changer, can := f.dir.(DomainChanges)
	if !can {
		return DomainStatus{}, fmt.Errorf("%w: it cannot add domains", ErrUnsupported)
	}
	domains, err := read(ctx, f, f.dir.Domains)
	if err != nil {
		return DomainStatus{}, err
	}
	if d := domainNamed(domains, name); d != nil {
		return f.statusOfDomain(ctx, *d, domains)
	}
	added := Domain{Name: name}
	failed := write(ctx, f, func(ctx context.Context) (err error) {
		added, err = changer.AddDomain(ctx, name)
		return err
	})
	// Also after a failure: the answer may be lost, or another process may have been faster.
	patient := failed == nil || errors.Is(failed, ErrUnavailable)
	inherits := rootAbove(domains, name) != nil
	d, domains, err := f.settled(ctx, name, patient, func(d Domain) bool { return d.IsVerified || !inherits })
	switch {
	case err != nil:
		return DomainStatus{Domain: added}, errors.Join(failed, err)
	case d != nil:
		return f.statusOfDomain(ctx, *d, domains)
	case failed != nil:
		return DomainStatus{}, fmt.Errorf("federation: %s was not added: %w", name, failed)
	}
	f.log.InfoContext(ctx, "federation: the domain was added, and is not listed yet", "domain", name)
	return f.statusOfDomain(ctx, added, append(domains, added))
}

// How often the list of domains is read until it shows a change, and the pause in between: a change reaches the servers
// within seconds.
const (
	settleReads = 5
	settlePause = 2 * time.Second
)

// settled reads the domains until the one of the name is there and as it should be. What the last read shows is returned;
// nil where it does not show the domain. Without patience it reads once.
func (f *Federator) settled(ctx context.Context, name string, patient bool,
	good func(Domain) bool) (d *Domain, domains []Domain, err error) {
	for attempt := 1; ; attempt++ {
		if domains, err = read(ctx, f, f.dir.Domains); err != nil {
			return nil, nil, err
		}
		d = domainNamed(domains, name)
		if d != nil && good(*d) || attempt == settleReads || !patient {
			return d, domains, nil
		}
		if err := f.sleep(ctx, settlePause); err != nil {
			return nil, nil, err
		}
	}
}

// DomainStatus reads a domain and its records. A domain that the tenant does not have is an error that matches
// [ErrNotFound].
func (f *Federator) DomainStatus(ctx context.Context, name string) (DomainStatus, error) {
	name, err := domainName(name)
	if err != nil {
		return DomainStatus{}, err
	}
	domains, err := read(ctx, f, f.dir.Domains)
	if err != nil {
		return DomainStatus{}, err
	}
	d := domainNamed(domains, name)
	if d == nil {
		return DomainStatus{}, fmt.Errorf("%w: %s: add it first", ErrNotFound, name)
	}
	return f.statusOfDomain(ctx, *d, domains)
}

// statusOf reads the records of a domain that needs them, and says what is next.
func (f *Federator) statusOfDomain(ctx context.Context, d Domain, domains []Domain) (DomainStatus, error) {
	s := DomainStatus{Domain: d}
	if proofs, can := f.dir.(DomainProofs); can && !d.IsVerified {
		var err error
		if s.Records, err = f.records(ctx, proofs, d.Name); err != nil {
			return s, fmt.Errorf("federation: %s is in the tenant, but its DNS records cannot be read: %w", d.Name, err)
		}
	}
	s.Next = s.next(domains)
	return s, nil
}

// records reads the records of a domain, which a server may not know yet.
func (f *Federator) records(ctx context.Context, proofs DomainProofs, name string) ([]DNSRecord, error) {
	for attempt := 1; ; attempt++ {
		records, err := read(ctx, f, func(ctx context.Context) ([]DNSRecord, error) { return proofs.DNSRecords(ctx, name) })
		if !errors.Is(err, ErrNotFound) || attempt == settleReads {
			return records, err
		}
		if err := f.sleep(ctx, settlePause); err != nil {
			return nil, err
		}
	}
}

// next says what is to be done for the domain.
func (s DomainStatus) next(domains []Domain) string {
	d := s.Domain
	root := rootAbove(domains, d.Name)
	switch {
	case !d.IsVerified && len(s.Records) == 0:
		return "Publish the DNS record that the tenant shows for it, and have the domain verified."
	case !d.IsVerified:
		return fmt.Sprintf("Publish %s, and have the domain verified.", s.Records[s.preferred()])
	case d.AuthenticationType == Federated || d.IsInitial:
		return ""
	case !d.IsRoot && root != nil:
		return fmt.Sprintf("It signs in as %s does: federate that, or promote this one.", root.Name)
	case d.IsDefault:
		return "Make another domain the tenant's default before this one is federated."
	}
	return "Plan its federation."
}

// preferred is the record to publish: a TXT record disturbs nobody's mail.
func (s DomainStatus) preferred() int {
	return max(0, slices.IndexFunc(s.Records, func(r DNSRecord) bool { return strings.EqualFold(r.Type, "Txt") }))
}

// String is the record in a sentence: what is published, and where.
func (r DNSRecord) String() string {
	value := fmt.Sprintf("%q", r.Text)
	if strings.EqualFold(r.Type, "Mx") {
		value = fmt.Sprintf("%q with preference %d", r.MailServer, r.Preference)
	}
	text := fmt.Sprintf("the %s record %s at %s", strings.ToUpper(r.Type), value, r.Name)
	if r.TTL > 0 {
		text += fmt.Sprintf(" (TTL %d)", int(r.TTL/time.Second))
	}
	return text
}

// rootAbove is the verified root above a domain, not the domain itself; nil if there is none.
func rootAbove(domains []Domain, name string) *Domain {
	_, parent, _ := strings.Cut(name, ".")
	if root := rootOf(domains, parent); root != nil && root.IsVerified {
		return root
	}
	return nil
}

// VerifyDomain asks the tenant to look for the DNS record, as often as [Federator.Wait] asks, for as long as wait says.
// Zero: once. While the record is not seen, the error matches [ErrNotLive] in the end. A domain that is verified already is
// left alone.
//
// progress is called from this goroutine: [EventWaiting] whenever the record was not seen, [EventWritten] in the end, or
// [EventFound] where the domain was verified before. Nil: not.
//
// Source: https://learn.microsoft.com/graph/api/domain-verify.
func (f *Federator) VerifyDomain(ctx context.Context, name string, wait time.Duration,
	progress func(Event)) (DomainStatus, error) {
	proofs, can := f.dir.(DomainProofs)
	if !can {
		return DomainStatus{}, fmt.Errorf("%w: it cannot verify domains", ErrUnsupported)
	}
	status, err := f.DomainStatus(ctx, name)
	if err != nil {
		return status, err
	}
	name = status.Domain.Name
	tell := func(kind EventKind, message string) { f.tell(progress, Event{Kind: kind, Message: message}) }
	if status.Domain.IsVerified {
		tell(EventFound, fmt.Sprintf("%s is verified.", name))
		return status, nil
	}
	begun := f.now()
	for {
		verified, domains, err := f.verifyOnce(ctx, proofs, name)
		if err == nil {
			tell(EventWritten, fmt.Sprintf("The record was seen, and %s is verified.", name))
			return f.statusOfDomain(ctx, verified, domains)
		}
		if !unseen(err) {
			return status, err
		}
		waited := f.now().Sub(begun)
		pause := min(pauseAfter(waited, err), wait-waited)
		if pause <= 0 {
			return status, fmt.Errorf("%w: the record of %s is not seen. %s (%w)", ErrNotLive, name, status.Next, err)
		}
		tell(EventWaiting, fmt.Sprintf("The record of %s is not seen yet; the next look is in %s.", name,
			pause.Round(time.Second)))
		if err := f.sleep(ctx, pause); err != nil {
			return status, fmt.Errorf("%w: the record of %s was not seen: %w", ErrNotLive, name, err)
		}
	}
}

// verifyOnce asks the tenant to look for the record. After a failure it reads the domain, because the answer may be lost.
func (f *Federator) verifyOnce(ctx context.Context, proofs DomainProofs, name string) (Domain, []Domain, error) {
	var verified Domain
	failed := write(ctx, f, func(ctx context.Context) (err error) {
		verified, err = proofs.VerifyDomain(ctx, name)
		return err
	})
	d, domains, err := f.settled(ctx, name, failed == nil, func(d Domain) bool { return d.IsVerified })
	switch {
	case err != nil:
		return Domain{}, nil, errors.Join(failed, err)
	case d != nil && d.IsVerified:
		return *d, domains, nil
	case failed != nil:
		return Domain{}, nil, failed
	}
	return verified, domains, nil
}

// unseen reports whether a failure may pass: the record is not there yet, or the tenant could not look.
func unseen(err error) bool {
	var answer *DirectoryError
	return errors.As(err, &answer) && answer.Status == http.StatusBadRequest ||
		errors.Is(err, ErrUnavailable) || errors.Is(err, ErrThrottled)
}

// PlanPromote plans to make a child domain a root of its own. The side effect is a finding: it is managed from then on,
// whatever its parent is, and everybody in it needs a password or a federation of its own.
//
// Source: https://learn.microsoft.com/graph/api/domain-promote.
func (f *Federator) PlanPromote(ctx context.Context, name string) (*Plan, error) {
	return f.planDomain(ctx, name, PurposePromote, func(d Domain) []Write {
		if d.IsRoot {
			return nil
		}
		changes := []Change{{Property: "isRoot", From: false, To: true}}
		if d.AuthenticationType != Managed {
			changes = append(changes, Change{Property: "authenticationType", From: d.AuthenticationType, To: Managed})
		}
		return []Write{{
			Operation: PromoteDomain, Domain: d.Name, Changes: changes,
			Reason: "A child domain signs in as its root does; a root of its own can be federated by itself.",
		}}
	})
}

// PlanMakeDefault plans to make a managed domain the tenant's default. A federated one cannot be.
//
// Source: https://learn.microsoft.com/graph/api/domain-update.
func (f *Federator) PlanMakeDefault(ctx context.Context, name string) (*Plan, error) {
	return f.planDomain(ctx, name, PurposeMakeDefault, func(d Domain) []Write {
		if d.IsDefault {
			return nil
		}
		return []Write{makeDefault(d.Name,
			"New users are in the default domain where nobody says otherwise, and the default domain cannot be federated.")}
	})
}

// planDomain plans a change of a domain itself.
func (f *Federator) planDomain(ctx context.Context, name string, purpose Purpose,
	writes func(Domain) []Write) (*Plan, error) {
	name, err := domainName(name)
	if err != nil {
		return nil, err
	}
	x := &examination{domain: name}
	if err := f.examine(ctx, x); err != nil {
		return nil, err
	}
	if own := x.own(); own != nil {
		x.writes = writes(*own)
	}
	return f.planOf(purpose, x)
}

// domainName is the name of a domain in lower case.
func domainName(name string) (string, error) {
	lower := strings.ToLower(name)
	if !isDomainName(lower) {
		return "", fmt.Errorf("federation: %q is not the name of a domain: write it like contoso.com, and an international "+
			"one in punycode", name)
	}
	return lower, nil
}
