package entratest

import (
	"net/url"
	"strings"
)

// readReference reads a body that refers to one object: {"@odata.id": "https://graph.microsoft.com/v1.0/users/{id}"}.
func (req *graphRequest) readReference() (id string, refusal *graphError) {
	body, refusal := req.readAnnotated()
	if refusal != nil {
		return "", refusal
	}
	address, ok := body["@odata.id"].(string)
	if ok {
		id, ok = req.tenant.referredID(address)
	}
	if !ok {
		return "", badRequest("Invalid URL format specified in payload.")
	}
	return id, nil
}

// referredID is the object ID in the address of an object. The address must be at this cloud's Graph: an object of
// another cloud is not in this tenant (what Graph says of other hosts is not documented; the text is that of any bad
// address).
func (t *Tenant) referredID(address string) (string, bool) {
	base, err := url.Parse(t.cloud.Graph)
	target, targetErr := url.Parse(address)
	if err != nil || targetErr != nil || !strings.EqualFold(target.Scheme+"://"+target.Host, base.Scheme+"://"+base.Host) {
		return "", false
	}
	below, ok := cutPrefixFold(target.EscapedPath(), graphVersion+"/")
	if !ok {
		return "", false
	}
	parts, refusal := parsePath(below)
	if refusal != nil || len(parts) != 2 || !isGUID(parts[1].text) {
		return "", false
	}
	switch strings.ToLower(parts[0].text) {
	case "directoryobjects", "users", "groups":
		return strings.ToLower(parts[1].text), true
	}
	return "", false
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// referred finds an object that a body refers to, on a replica. The caller holds t.mu.
func (t *Tenant) referred(id string) (*entity, *graphError) {
	if e := t.directory.seen(id, t.pickReplica(), t.now()); e != nil {
		return e, nil
	}
	return nil, errNotFound(id)
}
