package entratest

import (
	"cmp"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// class is a type of Graph's.
type class string

const (
	userClass  class = "user"
	groupClass class = "group"
)

// Types of Graph's that are no directory objects, and have a schema all the same.
const (
	domainClass             class = "domain"
	federationClass         class = "internalDomainFederation"
	externalFederationClass class = "samlOrWsFedExternalDomainFederation"
)

// resource is the class as error messages name it.
func (c class) resource() string { return strings.ToUpper(string(c[:1])) + string(c[1:]) }

// The views of the directory: three replicas that answer Graph, the index that answers advanced queries, and the
// replica that the sign-in service reads. The primary, which accepts writes and guards uniqueness, is no view: it is
// the last revision. Delta queries are answered from the first of the replicas.
const (
	replicas   = 3
	viewDelta  = 0
	viewIndex  = replicas
	viewSignIn = replicas + 1
	views      = replicas + 2
)

// entity is one state of a user or a group. It is never changed once it is in a revision: a change is a clone.
type entity struct {
	id       string
	class    class
	values   map[string]any // property name to string, bool, []string or map[string]any; absent means null
	licenses []license
	manager  string // object ID, or empty
	admin    bool   // the user holds an administrator's role
	global   bool   // and that of the Global Administrator
	created  time.Time
	deleted  time.Time // when it was soft-deleted, or zero
	purged   time.Time // when it was deleted for good before its time, or zero
	revoked  time.Time // when its sessions were last revoked, or zero

	// changes says when each tracked name was last changed, as delta queries see it. [directory.store] keeps it.
	changes map[string]moment
}

// What delta queries track beside the stored properties.
const (
	trackPresence = "@present" // created or restored
	trackDeletion = "@deleted"
	trackPurge    = "@purged"
	trackLicenses = "@licenses"
	trackManager  = "manager"
	trackSessions = "@sessions"
)

// moment is a place in the order of changes: when the view of delta queries shows a change, and which of several changes
// at that time it was.
type moment struct{ at, sequence int64 } // nanoseconds since 1970, number of the change

func (m moment) after(other moment) bool {
	return m.at > other.at || m.at == other.at && m.sequence > other.sequence
}

func (e *entity) text(name string) string {
	s, _ := e.values[name].(string)
	return s
}

func (e *entity) flag(name string) bool {
	b, _ := e.values[name].(bool)
	return b
}

func (e *entity) list(name string) []string {
	l, _ := e.values[name].([]string)
	return l
}

func (e *entity) active() bool { return e.deleted.IsZero() }

// gone reports whether a deleted object can no longer be restored.
func (e *entity) gone(now time.Time) bool {
	return !e.active() && (!e.purged.IsZero() || !now.Before(e.deleted.Add(deletedFor)))
}

func (e *entity) clone() *entity {
	c := *e
	c.values = maps.Clone(e.values)
	c.licenses = slices.Clone(e.licenses)
	return &c
}

// revision is one state of something and the time from which each view shows it.
type revision[T any] struct {
	state   T
	visible [views]time.Time
}

// history is those revisions of one thing that some view may still show, the oldest first.
type history[T any] []revision[T]

// last is the state on the primary, or the zero T.
func (h history[T]) last() (state T) {
	if len(h) > 0 {
		state = h[len(h)-1].state
	}
	return state
}

// seen is the state that a view shows, or the zero T.
func (h history[T]) seen(view int, now time.Time) (state T) {
	for i := len(h) - 1; i >= 0; i-- {
		if !h[i].visible[view].After(now) {
			return h[i].state
		}
	}
	return state
}

// following is rev, delayed where a view would otherwise show it before the last revision.
func (h history[T]) following(rev revision[T]) revision[T] {
	if len(h) == 0 {
		return rev
	}
	for v, at := range h[len(h)-1].visible {
		if at.After(rev.visible[v]) {
			rev.visible[v] = at
		}
	}
	return rev
}

// add appends rev and drops the revisions that no view shows any more.
func (h history[T]) add(rev revision[T], now time.Time) history[T] {
	h = append(h, rev)
	for len(h) > 1 {
		for _, at := range h[1].visible {
			if at.After(now) {
				return h
			}
		}
		h = h[1:]
	}
	return h
}

// link is the membership of an object in a group.
type link struct{ group, member string }

// directory holds the users, the groups and the memberships. The caller of its methods holds the tenant's mutex.
type directory struct {
	objects  map[string]history[*entity] // by object ID
	order    []string                    // object IDs in order of creation
	places   map[string]int              // object ID to its place in that order
	keys     map[string][]string         // lookup key to the object IDs that ever had it
	links    map[link]history[bool]
	linksOf  map[string][]link // by the object ID of either end, in order of creation
	seats    map[string]int    // SKU ID to the number of seats in use
	users    int               // how many users there are
	sequence int64             // number of the last change
	lag      func() time.Duration
	signIn   time.Duration
}

func newDirectory(lag func() time.Duration, signIn time.Duration) *directory {
	return &directory{
		objects: map[string]history[*entity]{}, keys: map[string][]string{}, seats: map[string]int{},
		places: map[string]int{}, links: map[link]history[bool]{}, linksOf: map[string][]link{},
		lag: lag, signIn: signIn,
	}
}

// commit makes e the last state of its object. The replicas follow, each in its own time, and never show an older state
// after a newer one.
func (d *directory) commit(e *entity, now time.Time) {
	d.store(revision[*entity]{state: e, visible: d.spread(now)}, now)
}

// settle stores a state that every view shows at once.
func (d *directory) settle(e *entity) { d.store(revision[*entity]{state: e}, time.Time{}) }

// spread draws when each view learns of a change that is made now.
func (d *directory) spread(now time.Time) (visible [views]time.Time) {
	for v := range replicas {
		visible[v] = now.Add(d.lag())
	}
	visible[viewIndex] = now.Add(3 * d.lag())
	visible[viewSignIn] = now.Add(d.signIn)
	return visible
}

func (d *directory) store(rev revision[*entity], now time.Time) {
	e := rev.state
	past := d.objects[e.id]
	before := past.last()
	if before == nil {
		d.places[e.id] = len(d.order)
		d.order = append(d.order, e.id)
	}
	rev = past.following(rev)
	d.track(before, e, rev.visible[viewDelta])
	d.count(before, -1)
	d.count(e, +1)
	d.objects[e.id] = past.add(rev, now)
	d.index(before, e)
}

// track records what changed between two states of an object. The state before may be nil.
func (d *directory) track(before, after *entity, visible time.Time) {
	d.sequence++
	now := moment{sequence: d.sequence}
	if !visible.IsZero() {
		now.at = visible.UnixNano()
	}
	if before == nil {
		before = &entity{deleted: time.Unix(0, 0)}
	}
	after.changes = maps.Clone(before.changes)
	if after.changes == nil {
		after.changes = map[string]moment{}
	}
	changed := func(name string, differs bool) {
		if differs {
			after.changes[name] = now
		}
	}
	for name, value := range after.values {
		changed(name, !reflect.DeepEqual(value, before.values[name]))
	}
	for name := range before.values {
		_, present := after.values[name]
		changed(name, !present)
	}
	changed(trackPresence, after.active() && !before.active())
	changed(trackDeletion, !after.active() && before.active())
	changed(trackPurge, !after.purged.IsZero() && before.purged.IsZero())
	changed(trackLicenses, !slices.EqualFunc(after.licenses, before.licenses, license.equal))
	changed(trackManager, after.manager != before.manager)
	changed(trackSessions, !after.revoked.Equal(before.revoked))
}

// count adds what an object occupies, times sign, to the sums of the directory.
func (d *directory) count(e *entity, sign int) {
	if e == nil || e.class != userClass || !e.active() {
		return
	}
	d.users += sign
	for _, skuID := range e.seats() {
		d.seats[skuID] += sign
	}
}

// index makes an object findable by the keys that it did not have before.
func (d *directory) index(before, after *entity) {
	var had []string
	if before != nil {
		had = before.lookupKeys()
	}
	for _, key := range after.lookupKeys() {
		if slices.Contains(had, key) || before != nil && slices.Contains(d.keys[key], after.id) {
			continue
		}
		d.keys[key] = append(d.keys[key], after.id)
	}
}

// primary returns the last state of an object, deleted or not, or nil.
func (d *directory) primary(id string) *entity { return d.objects[id].last() }

// shown returns the state of an object that a view shows, deleted or not, or nil.
func (d *directory) shown(id string, view int, now time.Time) *entity {
	return d.objects[id].seen(view, now)
}

// seen returns the state of an object that a view shows, or nil while it shows none or shows it deleted.
func (d *directory) seen(id string, view int, now time.Time) *entity {
	if e := d.shown(id, view, now); e != nil && e.active() {
		return e
	}
	return nil
}

// in is the directory as a view shows it: the state of an object by its ID, as seen returns it.
func (d *directory) in(view int, now time.Time) func(id string) *entity {
	return func(id string) *entity { return d.seen(id, view, now) }
}

// seenByKey returns the objects that have the lookup key in a view.
func (d *directory) seenByKey(key string, view int, now time.Time) []*entity {
	return d.byKey(key, d.in(view, now))
}

// primaryByKey returns the objects, deleted ones included, whose last state has the lookup key.
func (d *directory) primaryByKey(key string) []*entity { return d.byKey(key, d.primary) }

func (d *directory) byKey(key string, state func(id string) *entity) []*entity {
	var out []*entity
	for _, id := range d.keys[key] {
		if e := state(id); e != nil && slices.Contains(e.lookupKeys(), key) {
			out = append(out, e)
		}
	}
	return out
}

// inOrder sorts object IDs in order of creation, in place.
func (d *directory) inOrder(ids []string) []string {
	slices.SortFunc(ids, func(a, b string) int { return cmp.Compare(d.places[a], d.places[b]) })
	return ids
}

// connect makes an object a member of a group, or no longer one. The replicas follow, each in its own time.
func (d *directory) connect(l link, present bool, now time.Time) {
	d.storeLink(l, revision[bool]{state: present, visible: d.spread(now)}, now)
}

func (d *directory) storeLink(l link, rev revision[bool], now time.Time) {
	past := d.links[l]
	if len(past) == 0 {
		d.linksOf[l.group] = append(d.linksOf[l.group], l)
		d.linksOf[l.member] = append(d.linksOf[l.member], l)
	}
	d.links[l] = past.add(past.following(rev), now)
}

// members lists the object IDs of a group's members on the primary, deleted ones included.
func (d *directory) members(group string) []string {
	var out []string
	for _, l := range d.linksOf[group] {
		if l.group == group && d.links[l].last() {
			out = append(out, l.member)
		}
	}
	return out
}

// groupsOf lists the object IDs of the groups that an object is a member of on the primary.
func (d *directory) groupsOf(member string) []string {
	var out []string
	for _, l := range d.linksOf[member] {
		if l.member == member && d.links[l].last() {
			out = append(out, l.group)
		}
	}
	return out
}

// Lookup keys: what objects are found by.
func keyOfID(id string) string           { return "id:" + strings.ToLower(id) }
func keyOfUPN(upn string) string         { return "upn:" + strings.ToLower(upn) }
func keyOfImmutableID(id string) string  { return "immutableId:" + id }
func keyOfAddress(addr string) string    { return "address:" + strings.ToLower(addr) }
func keyOfUniqueName(name string) string { return "uniqueName:" + strings.ToLower(name) }

func (e *entity) lookupKeys() []string {
	keys := []string{keyOfID(e.id)}
	if upn := e.text("userPrincipalName"); upn != "" {
		keys = append(keys, keyOfUPN(upn))
	}
	if id := e.text("onPremisesImmutableId"); id != "" {
		keys = append(keys, keyOfImmutableID(id))
	}
	if name := e.text("uniqueName"); name != "" {
		keys = append(keys, keyOfUniqueName(name))
	}
	for _, address := range e.addresses() {
		if key := keyOfAddress(address); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
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
