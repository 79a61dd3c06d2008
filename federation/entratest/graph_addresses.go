package entratest

import (
	"regexp"
	"slices"
	"strings"
)

// Mail addresses of users and groups. An address belongs to one object of the tenant, whether it is its mail or one of
// its proxyAddresses: https://learn.microsoft.com/graph/api/resources/user#mail-and-proxyaddresses-properties. That page
// says that a clash leaves the mail changed and the proxyAddresses as they were; what has been seen is a refusal
// (microsoftgraph/microsoft-graph-docs-contrib#8421). otherMails are no addresses of this kind: Entra itself puts an
// address that is taken there (MicrosoftDocs/azure-docs#74908).

var proxyPattern = regexp.MustCompile(`^(?i:smtp):[^@\s]+@[^@\s]+$`)

// addresses lists the addresses that are the object's alone.
func (e *entity) addresses() []string {
	var out []string
	for _, proxy := range e.list("proxyAddresses") {
		_, address, _ := strings.Cut(proxy, ":")
		out = append(out, address)
	}
	if mail := e.text("mail"); mail != "" {
		out = append(out, mail)
	}
	return out
}

// followMail makes the mail the primary one of the proxyAddresses. The address that was the mail before stays a secondary
// one; if there is no mail any more, it goes.
func (e *entity) followMail(before string) {
	mail := e.text("mail")
	var proxies []string
	for _, proxy := range e.list("proxyAddresses") {
		kind, address, _ := strings.Cut(proxy, ":")
		switch {
		case strings.EqualFold(address, mail):
			continue
		case mail == "" && strings.EqualFold(address, before):
			continue
		case mail != "" && kind == "SMTP":
			proxy = "smtp:" + address
		}
		proxies = append(proxies, proxy)
	}
	if mail != "" {
		proxies = slices.Insert(proxies, 0, "SMTP:"+mail)
	}
	delete(e.values, "proxyAddresses")
	if len(proxies) > 0 {
		e.values["proxyAddresses"] = proxies
	}
}

// dropTakenAddresses takes those addresses away from the object that belong to another active one. The caller holds
// t.mu.
func (t *Tenant) dropTakenAddresses(e *entity) {
	taken := func(address string) bool { return t.ownerOfAddress(e, address) != nil }
	if taken(e.text("mail")) {
		delete(e.values, "mail")
	}
	proxies := slices.DeleteFunc(slices.Clone(e.list("proxyAddresses")), func(proxy string) bool {
		_, address, _ := strings.Cut(proxy, ":")
		return taken(address)
	})
	delete(e.values, "proxyAddresses")
	if len(proxies) > 0 {
		e.values["proxyAddresses"] = proxies
	}
}

// ownerOfAddress is the active object other than e that has the address on the primary, or nil. The caller holds t.mu.
func (t *Tenant) ownerOfAddress(e *entity, address string) *entity {
	if address == "" {
		return nil
	}
	for _, other := range t.directory.primaryByKey(keyOfAddress(address)) {
		if other.id != e.id && other.active() {
			return other
		}
	}
	return nil
}

// checkAddresses refuses an address that is another object's. The caller holds t.mu.
func (t *Tenant) checkAddresses(e *entity) *graphError {
	for _, address := range e.addresses() {
		if other := t.ownerOfAddress(e, address); other != nil {
			return t.errConflict("proxyAddresses", other)
		}
	}
	return nil
}
