package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// log is what happened, in order. It is kept for histories that somebody looks at.
type log struct {
	on      bool
	entries []entry
}

type entry struct {
	at   time.Duration
	host string
	who  int
	text string
}

// note adds an entry. The world is locked.
func (w *world) note(h *host, who int, format string, args ...any) {
	if !w.log.on {
		return
	}
	e := entry{at: w.now(), who: who, text: fmt.Sprintf(format, args...)}
	if h != nil {
		e.host = h.name
	}
	w.log.entries = append(w.log.entries, e)
}

// noteAt is note for who has not locked the world.
func (w *world) noteAt(h *host, who int, text string) {
	if !w.log.on {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(h, who, "%s", text)
}

func (w *world) noteCall(c *call, how string, err error) {
	if !w.log.on {
		return
	}
	result := "ok"
	if err != nil {
		result = err.Error()
	}
	if how != "" {
		how += "; "
	}
	w.note(c.h, c.who, "%s %s: %s%s", c.op, c.text, how, result)
}

func (w *world) noteAnswer(a answer) {
	if !w.log.on {
		return
	}
	switch {
	case a.err != nil && a.h.dead: // which step it died in depends on what its goroutines saw first
		w.note(a.h, a.who, "is told nothing, after %v", a.ended-a.began)
		return
	case a.err != nil:
		w.note(a.h, a.who, "is told, after %v: %v", a.ended-a.began, a.err)
		return
	}
	w.note(a.h, a.who, "is told, after %v: %s, ImmutableID %s, object %s", a.ended-a.began, a.account.UPN,
		a.account.ImmutableID, a.account.ObjectID)
}

// notePlan says what the seed has drawn.
func (w *world) notePlan() {
	if !w.log.on {
		return
	}
	p := &w.plan
	for i, s := range p.stores {
		w.note(nil, 0, "store %d: leases %v, fails %d %%", i+1, s.leases, s.fails)
	}
	for i, h := range p.hosts {
		w.note(nil, 0, "host %d: store %d, crashes %+v", i+1, h.store+1, h.crashes)
	}
	for i, one := range p.people[1:] {
		w.note(nil, i+1, "connection %s, ID %s, address %q, UPN %q, ImmutableID %s, refused %v, banned %v, skipped %v, own licences %v",
			one.Connection, one.ID, one.Email, one.UPN, one.immutableID, one.refused, one.banned, one.skipped, one.licenses)
	}
	for _, user := range p.foreign {
		w.note(nil, 0, "foreign account %s, ImmutableID %q", user.UserPrincipalName, user.ImmutableID)
	}
	for _, sku := range p.skus {
		w.note(nil, 0, "subscription %s (%s): %d seats", sku.PartNumber, sku.ID, sku.Enabled)
	}
	w.note(nil, 0, "rules: licences %v, groups %v, settle %+v", p.rules.Licenses, p.rules.Groups, p.settle)
	if p.deployment.at > 0 {
		w.note(nil, 0, "rules from %v on: licences %v", p.deployment.at, p.deployment.licenses)
	}
	if p.pace != nil {
		w.note(nil, 0, "the hosts share a pacer: %+v", *p.pace)
	}
	for _, r := range p.reconcilers {
		w.note(nil, 0, "host %d reconciles from %v on, and repairs %v", r.host+1, r.at, r.repairs)
	}
	w.note(nil, 0, "weather: %d %% of calls fail for %v, lag %v, rarely %v, writes %v, units %v", p.weather.failing,
		p.weather.lasts, p.weather.lag.most, p.weather.lag.seldom, p.weather.writes, p.weather.units)
	for _, a := range p.actions {
		w.note(nil, a.person, "at %v, host %d: %s, %d retries", a.at, a.host+1, a.kind.name, a.retries)
	}
}

// joined is some texts as the log shows them.
func (w *world) joined(texts ...string) string {
	if !w.log.on {
		return ""
	}
	return strings.Join(texts, " ")
}

// recordText is a record as the log shows it.
func (w *world) recordText(rec provision.Record) string {
	if !w.log.on {
		return ""
	}
	return fmt.Sprintf("%s %s object %q (%q), version %d, licences %q, created %s, joined %s, licensed %s, ready %s", rec.UPN,
		rec.ImmutableID, rec.ObjectID, rec.DirectoryUPN, rec.Version, rec.Licenses, moment(rec.CreatedAt),
		moment(rec.JoinedAt), moment(rec.LicensedAt), moment(rec.ReadyAt))
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Sub(epoch).String()
}

// write prints the log.
func (l log) write(w io.Writer) {
	for _, e := range l.entries {
		who := ""
		if e.who > 0 {
			who = fmt.Sprintf("person %d", e.who)
		}
		fmt.Fprintf(w, "%15.9f  %-9s %-9s %s\n", e.at.Seconds(), e.host, who, e.text)
	}
}
