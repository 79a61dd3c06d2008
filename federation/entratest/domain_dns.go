package entratest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// maxRecords is how many DNS records are remembered.
const maxRecords = 10_000

// PublishDNS makes a DNS record visible from now on, so that POST /domains/{id}/verify finds it: a TXT record with the
// text, or an MX record whose target is the text. What must be published is in GET /domains/{id}/verificationDnsRecords,
// as text ("MS=ms12345678") or as mailExchange ("ms12345678.msv1.invalid"). Names are compared without regard to case and
// to a dot at the end. Of more than 10,000 records the rest is ignored.
func (t *Tenant) PublishDNS(name, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	record := dnsRecord{plainName(name), strings.TrimSpace(text)}
	if len(t.dns) < maxRecords && !slices.Contains(t.dns, record) {
		t.dns = append(t.dns, record)
	}
}

// dnsRecord is a TXT record, or an MX record with its target.
type dnsRecord struct{ name, text string }

func plainName(name string) string {
	return strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
}

// proof is what the owner of a domain publishes. It is the same whenever this tenant asks for it.
type proof struct{ text, mailExchange string }

func (t *Tenant) proofOf(domain string) proof {
	sum := sha256.Sum256([]byte(t.cfg.TenantID + "/" + domain))
	code := fmt.Sprintf("ms%08d", binary.BigEndian.Uint32(sum[:])%100_000_000)
	return proof{text: "MS=" + code, mailExchange: code + ".msv1.invalid"}
}

// proven reports whether the proof of a domain is published. The caller holds t.mu.
func (t *Tenant) proven(domain string) bool {
	want := t.proofOf(domain)
	return slices.ContainsFunc(t.dns, func(r dnsRecord) bool {
		return r.name == domain && (r.text == want.text || plainName(r.text) == want.mailExchange)
	})
}
