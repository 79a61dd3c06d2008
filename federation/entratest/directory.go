package entratest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// User is a user of the tenant.
type User struct {
	// ObjectID is the id in Graph, a GUID. Empty in Config.Users: the tenant chooses.
	ObjectID string

	// UPN is the user principal name. Required; its domain is one of the tenant's.
	UPN string

	// ImmutableID is the onPremisesImmutableId: unique, and compared with regard to case. Graph creates no user in a
	// federated domain without one; a user of Config.Users may lack it, and then cannot sign in.
	ImmutableID string

	DisplayName   string // empty in Config.Users: the part of the UPN before the @
	MailNickname  string // empty in Config.Users: the part of the UPN before the @
	GivenName     string
	Surname       string
	Mail          string
	UsageLocation string // ISO 3166-1 alpha-2; without it no licence can be assigned

	// Enabled is accountEnabled: a user whose account is not enabled cannot sign in. Set it in Config.Users.
	Enabled bool

	// DirectorySynced is onPremisesSyncEnabled: a directory sync owns the object, and Graph refuses most changes.
	DirectorySynced bool

	// SKUIDs are the subscriptions of which the user holds a seat.
	SKUIDs []string

	// CreatedAt is when the user was created. Zero in Config.Users: when the tenant was.
	CreatedAt time.Time
}

// The views of the directory: three replicas that answer Graph, the index that answers advanced queries, and the
// replica that the sign-in service reads. The primary, which accepts writes and guards uniqueness, is no view: it is
// the last revision.
const (
	replicas   = 3
	viewIndex  = replicas
	viewSignIn = replicas + 1
	views      = replicas + 2
)

// revision is one state of a user and the time from which each view shows it.
type revision struct {
	user    *userObject
	visible [views]time.Time
}

// userObject is one state of a user object. It is never changed once it is in a revision: a change is a clone.
type userObject struct {
	id       string
	values   map[string]any // property name to string, bool, []string or map[string]any; absent means null
	licenses []license
	created  time.Time
	deleted  time.Time // when it was soft-deleted, or zero
	revoked  time.Time // when its sessions were last revoked, or zero
}

// license is a seat of a SKU, held directly.
type license struct {
	skuID         string
	disabledPlans []string
	assigned      time.Time
}

func (u *userObject) text(name string) string {
	s, _ := u.values[name].(string)
	return s
}

func (u *userObject) enabled() bool {
	b, _ := u.values["accountEnabled"].(bool)
	return b
}

func (u *userObject) synced() bool {
	b, _ := u.values["onPremisesSyncEnabled"].(bool)
	return b
}

func (u *userObject) active() bool { return u.deleted.IsZero() }

func (u *userObject) holds(skuID string) bool {
	return slices.ContainsFunc(u.licenses, func(l license) bool { return l.skuID == skuID })
}

func (u *userObject) clone() *userObject {
	c := *u
	c.values = maps.Clone(u.values)
	c.licenses = slices.Clone(u.licenses)
	return &c
}

func (u *userObject) export() User {
	out := User{
		ObjectID:        u.id,
		UPN:             u.text("userPrincipalName"),
		ImmutableID:     u.text("onPremisesImmutableId"),
		DisplayName:     u.text("displayName"),
		MailNickname:    u.text("mailNickname"),
		GivenName:       u.text("givenName"),
		Surname:         u.text("surname"),
		Mail:            u.text("mail"),
		UsageLocation:   u.text("usageLocation"),
		Enabled:         u.enabled(),
		DirectorySynced: u.synced(),
		CreatedAt:       u.created,
	}
	for _, l := range u.licenses {
		out.SKUIDs = append(out.SKUIDs, l.skuID)
	}
	return out
}

// directory holds the users: every object with those of its revisions that some view may still show. The caller of its
// methods holds the tenant's mutex.
type directory struct {
	history map[string][]revision // by object ID
	order   []string              // object IDs in order of creation
	keys    map[string][]string   // lookup key to the object IDs that ever had it
	seats   map[string]int        // SKU ID to the number of seats in use
	lag     func() time.Duration
	signIn  time.Duration
}

func newDirectory(lag func() time.Duration, signIn time.Duration) *directory {
	return &directory{
		history: map[string][]revision{}, keys: map[string][]string{}, seats: map[string]int{},
		lag: lag, signIn: signIn,
	}
}

// commit makes user the last state of its object. The replicas follow, each in its own time, and never show an older
// state after a newer one.
func (d *directory) commit(user *userObject, now time.Time) {
	rev := revision{user: user}
	for v := range replicas {
		rev.visible[v] = now.Add(d.lag())
	}
	rev.visible[viewIndex] = now.Add(3 * d.lag())
	rev.visible[viewSignIn] = now.Add(d.signIn)
	d.store(rev, now)
}

// settle stores a state that every view shows at once.
func (d *directory) settle(user *userObject) { d.store(revision{user: user}, time.Time{}) }

func (d *directory) store(rev revision, now time.Time) {
	revs := d.history[rev.user.id]
	if len(revs) == 0 {
		d.order = append(d.order, rev.user.id)
	} else {
		last := revs[len(revs)-1]
		d.countSeats(last.user, -1)
		for v := range views {
			if last.visible[v].After(rev.visible[v]) {
				rev.visible[v] = last.visible[v]
			}
		}
	}
	d.countSeats(rev.user, +1)
	d.history[rev.user.id] = append(forgetShadowed(revs, now), rev)
	for _, key := range keysOf(rev.user) {
		if !slices.Contains(d.keys[key], rev.user.id) {
			d.keys[key] = append(d.keys[key], rev.user.id)
		}
	}
}

// countSeats adds the seats that a user holds, times sign, to those in use.
func (d *directory) countSeats(u *userObject, sign int) {
	for _, l := range u.licenses {
		d.seats[l.skuID] += sign
	}
}

// forgetShadowed drops the revisions that no view shows any more.
func forgetShadowed(revs []revision, now time.Time) []revision {
	for len(revs) > 1 {
		for _, at := range revs[1].visible {
			if at.After(now) {
				return revs
			}
		}
		revs = revs[1:]
	}
	return revs
}

// primary returns the last state of an object, deleted or not, or nil.
func (d *directory) primary(id string) *userObject {
	revs := d.history[id]
	if len(revs) == 0 {
		return nil
	}
	return revs[len(revs)-1].user
}

// seen returns the state of an object that a view shows, or nil while it shows none or shows it deleted.
func (d *directory) seen(id string, view int, now time.Time) *userObject {
	revs := d.history[id]
	for i := len(revs) - 1; i >= 0; i-- {
		if !revs[i].visible[view].After(now) {
			if !revs[i].user.active() {
				return nil
			}
			return revs[i].user
		}
	}
	return nil
}

// seenByKey returns the users that have the lookup key in a view.
func (d *directory) seenByKey(key string, view int, now time.Time) []*userObject {
	var out []*userObject
	for _, id := range d.keys[key] {
		if u := d.seen(id, view, now); u != nil && slices.Contains(keysOf(u), key) {
			out = append(out, u)
		}
	}
	return out
}

// primaryByKey returns the objects, deleted ones included, whose last state has the lookup key.
func (d *directory) primaryByKey(key string) []*userObject {
	var out []*userObject
	for _, id := range d.keys[key] {
		if u := d.primary(id); u != nil && slices.Contains(keysOf(u), key) {
			out = append(out, u)
		}
	}
	return out
}

// Lookup keys: what users are found by.
func keyOfID(id string) string          { return "id:" + strings.ToLower(id) }
func keyOfUPN(upn string) string        { return "upn:" + strings.ToLower(upn) }
func keyOfImmutableID(id string) string { return "immutableId:" + id }
func keyOfAddress(addr string) string   { return "address:" + strings.ToLower(addr) }

func keysOf(u *userObject) []string {
	keys := []string{keyOfID(u.id), keyOfUPN(u.text("userPrincipalName"))}
	if id := u.text("onPremisesImmutableId"); id != "" {
		keys = append(keys, keyOfImmutableID(id))
	}
	if mail := u.text("mail"); mail != "" {
		keys = append(keys, keyOfAddress(mail))
	}
	return keys
}

// Users lists the users as the primary has them, without the deleted ones, in order of their UPNs.
func (t *Tenant) Users() []User {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []User
	for _, id := range t.users.order {
		if u := t.users.primary(id); u.active() {
			out = append(out, u.export())
		}
	}
	slices.SortFunc(out, func(a, b User) int { return cmp.Compare(strings.ToLower(a.UPN), strings.ToLower(b.UPN)) })
	return out
}

// signInUsers returns the users who have exactly this ImmutableID on the replica that the sign-in service reads,
// enabled or not.
func (t *Tenant) signInUsers(immutableID string) []User {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []User
	for _, u := range t.users.seenByKey(keyOfImmutableID(immutableID), viewSignIn, t.now()) {
		out = append(out, u.export())
	}
	return out
}

// signInUserByUPN returns the user who has this UPN on the replica that the sign-in service reads, enabled or not.
func (t *Tenant) signInUserByUPN(upn string) (User, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, u := range t.users.seenByKey(keyOfUPN(upn), viewSignIn, t.now()) {
		return u.export(), true
	}
	return User{}, false
}

// now is the tenant's time.
func (t *Tenant) now() time.Time {
	if t.cfg.Clock != nil {
		return t.cfg.Clock.Now()
	}
	return time.Now()
}

// newGUID returns a random GUID in lower case.
func (t *Tenant) newGUID() string { return t.guids.guid() }

var guidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func isGUID(s string) bool { return guidPattern.MatchString(s) }

func (c Config) validateUsers() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	once := func(field, key string) {
		if seen[key] {
			wrong("%s is already another user's", field)
		}
		seen[key] = true
	}
	for i, u := range c.Users {
		field := fmt.Sprintf("Users[%d]", i)
		if !validUPN(u.UPN) || !c.hasDomain(domainPart(u.UPN)) {
			wrong("%s.UPN %q is not a name in one of the tenant's domains", field, u.UPN)
		}
		once(fmt.Sprintf("%s.UPN %q", field, u.UPN), keyOfUPN(u.UPN))
		if u.ImmutableID != "" {
			once(fmt.Sprintf("%s.ImmutableID %q", field, u.ImmutableID), keyOfImmutableID(u.ImmutableID))
		}
		if u.ObjectID != "" {
			once(fmt.Sprintf("%s.ObjectID %q", field, u.ObjectID), keyOfID(u.ObjectID))
			if !isGUID(u.ObjectID) {
				wrong("%s.ObjectID %q is not a GUID", field, u.ObjectID)
			}
		}
		for _, id := range u.SKUIDs {
			if !slices.ContainsFunc(c.SKUs, func(s SKU) bool { return strings.EqualFold(s.ID, id) }) {
				wrong("%s.SKUIDs: %q is not a subscription of the tenant", field, id)
			}
		}
	}
	return errors.Join(errs...)
}

func (t *Tenant) addConfiguredUsers() {
	for _, u := range t.cfg.Users {
		local, _, _ := strings.Cut(u.UPN, "@")
		object := &userObject{
			id:      strings.ToLower(orElse(u.ObjectID, t.objectIDs.guid())),
			created: u.CreatedAt,
			values: map[string]any{
				"accountEnabled":    u.Enabled,
				"displayName":       orElse(u.DisplayName, local),
				"mailNickname":      orElse(u.MailNickname, local),
				"userPrincipalName": u.UPN,
				"userType":          "Member",
			},
		}
		if object.created.IsZero() {
			object.created = t.now()
		}
		for name, value := range map[string]string{
			"onPremisesImmutableId": u.ImmutableID, "givenName": u.GivenName, "surname": u.Surname,
			"mail": u.Mail, "usageLocation": u.UsageLocation,
		} {
			if value != "" {
				object.values[name] = value
			}
		}
		if u.DirectorySynced {
			object.values["onPremisesSyncEnabled"] = true
		}
		for _, id := range u.SKUIDs {
			object.licenses = append(object.licenses, license{skuID: strings.ToLower(id), assigned: object.created})
		}
		t.users.settle(object)
	}
}
