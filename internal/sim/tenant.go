package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// replicas is how many copies of the directory answer.
const replicas = 3

// tenant is the simulated directory itself: what it knows, and what it answers. It never waits, and is used by one
// goroutine at a time.
//
// Writes are checked for uniqueness against what is true (the primary), and arrive at each replica after a delay of its
// own. Reads, and the objects that a write refers to, are answered by a replica that is drawn anew each time, so that
// somebody who was just created is there, then not there, then there.
type tenant struct {
	weather *weather
	now     func() time.Duration
	objects []*object
	groups  []*group
	skus    []provision.SKU
	changes []changed // of all objects, in their order
	due     []processing
	engine  dice // what the licensing of groups draws from
}

// object is one user, deleted or not.
type object struct {
	provision.User                             // what is true
	direct         []string                    // the SKU IDs of seats that were given directly
	inherited      []provision.AssignedLicense // what groups give, or cannot give
	state          state
	versions       []version
	wroteAt        time.Duration
	writer         string // who wrote last

	creator int // the number of the person it was created for; 0 for what was there before
	store   *memory
	madeAt  time.Duration
	upn     string // the UPN before it was deleted
}

// state is where a user is.
type state int

const (
	active state = iota
	deleted
	purged
)

// version is a user as a write left it, and when each replica has it.
type version struct {
	user  provision.User
	state state
	at    [replicas]time.Duration
}

type group struct {
	provision.Group
	members []string
}

func newTenant(p *plan, now func() time.Duration) *tenant {
	t := &tenant{weather: &p.weather, now: now, skus: slices.Clone(p.skus), engine: newDice(p.seed, forLicensing)}
	for i, g := range tenantGroups() {
		g.ObjectID = objectID(900 + i)
		t.groups = append(t.groups, &group{Group: g})
	}
	for _, user := range p.foreign {
		user.ObjectID = objectID(len(t.objects) + 1)
		t.objects = append(t.objects, &object{User: user, versions: []version{{user: user}}})
	}
	return t
}

func objectID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// wrote publishes what a write left to the replicas, in the order of the writes.
func (t *tenant) wrote(o *object, d *dice, by string) { t.wroteThen(o, d, by, t.now()) }

func (t *tenant) wroteThen(o *object, d *dice, by string, at time.Duration) {
	o.wroteAt, o.writer = at, by
	v := version{user: o.User, state: o.state}
	for r := range v.at {
		v.at[r] = o.wroteAt + t.weather.lag.delay(d)
		if n := len(o.versions); n > 0 {
			v.at[r] = max(v.at[r], o.versions[n-1].at[r])
		}
	}
	o.versions = append(o.versions, v)
	t.changes = append(t.changes, changed{o.ObjectID, o.state, v.at})
}

// seen is an object as a replica has it.
func (t *tenant) seen(o *object, replica int) (version, bool) {
	now := t.now()
	for _, v := range slices.Backward(o.versions) {
		if v.at[replica] <= now {
			return v, true
		}
	}
	return version{}, false
}

// resolve is the object that a write refers to, as the replica has it that works on the write.
func (t *tenant) resolve(d *dice, op, id string) (*object, version, error) {
	replica := d.below(replicas)
	for _, o := range t.objects {
		if o.ObjectID != id || o.state != active {
			continue
		}
		if v, ok := t.seen(o, replica); ok && v.state == active {
			return o, v, nil
		}
	}
	if d.in(30) {
		return nil, version{}, badRequest(op, "Resource '"+id+
			"' does not exist or one of its queried reference-property objects are not present.")
	}
	return nil, version{}, notFound(op, id)
}

// busy refuses a write to an object that somebody else has just written to.
func (t *tenant) busy(o *object, d *dice, op, by string) error {
	if o.writer != by && o.wroteAt > 0 && t.now()-o.wroteAt < 200*time.Millisecond && d.in(50) {
		return concurrencyViolation(op)
	}
	return nil
}

// taken finds who else has an ImmutableID or a UPN. A deleted user keeps its ImmutableID and frees its UPN.
func (t *tenant) taken(op string, self *object, immutableID, upn string) error {
	for _, o := range t.objects {
		switch {
		case o == self || o.state == purged:
		case immutableID != "" && o.ImmutableID == immutableID:
			return clashWith(op, "onPremisesImmutableId", o.ObjectID, t.weather.clash)
		case upn != "" && o.state == active && strings.EqualFold(o.UserPrincipalName, upn):
			return clashWith(op, "userPrincipalName", o.ObjectID, t.weather.clash)
		}
	}
	return nil
}

func (t *tenant) create(d *dice, by *host, n provision.NewUser) (provision.User, error) {
	if err := t.taken(opCreateUser, nil, n.ImmutableID, n.UserPrincipalName); err != nil {
		return provision.User{}, err
	}
	o := &object{User: provision.User{
		ObjectID:          objectID(len(t.objects) + 1),
		UserPrincipalName: n.UserPrincipalName,
		ImmutableID:       n.ImmutableID,
		DisplayName:       n.DisplayName,
		UsageLocation:     n.UsageLocation,
		AccountEnabled:    true,
		CreatedAt:         epoch.Add(t.now()),
	}, creator: by.w.numbered(n.DisplayName), store: by.store, madeAt: t.now()}
	t.objects = append(t.objects, o)
	t.wrote(o, d, by.name)
	return o.User, nil
}

func (t *tenant) find(d *dice, key provision.UserKey) (provision.User, error) {
	replica := d.below(replicas)
	for _, o := range t.objects {
		if v, ok := t.seen(o, replica); ok && v.state == active && t.matches(&v.user, v.user.UserPrincipalName, key) {
			return v.user, nil
		}
	}
	return provision.User{}, notFound(opFindUser, keyText(key))
}

func (t *tenant) matches(u *provision.User, upn string, key provision.UserKey) bool {
	switch {
	case key.ObjectID != "":
		return u.ObjectID == key.ObjectID
	case key.ImmutableID != "" && t.weather.foldsIDs:
		return strings.EqualFold(u.ImmutableID, key.ImmutableID)
	case key.ImmutableID != "":
		return u.ImmutableID == key.ImmutableID
	}
	return strings.EqualFold(upn, key.UserPrincipalName)
}

func keyText(key provision.UserKey) string {
	switch {
	case key.ObjectID != "":
		return key.ObjectID
	case key.ImmutableID != "":
		return key.ImmutableID
	}
	return key.UserPrincipalName
}

func (t *tenant) byID(id string) *object {
	for _, o := range t.objects {
		if o.ObjectID == id {
			return o
		}
	}
	return nil
}

func (t *tenant) sku(id string) *provision.SKU {
	for i := range t.skus {
		if strings.EqualFold(t.skus[i].ID, id) {
			return &t.skus[i]
		}
	}
	return nil
}

// changeLicenses gives and takes seats. Which ones the user has already is answered by a replica: one that does not know
// of a seat yet finds no seat left, although the user has the last one.
func (t *tenant) changeLicenses(d *dice, by, id string, change provision.LicenseChange) error {
	o, known, err := t.resolve(d, opChangeLicenses, id)
	if err == nil {
		err = t.busy(o, d, opChangeLicenses, by)
	}
	if err != nil {
		return err
	}
	if known.user.UsageLocation == "" {
		return badRequest(opChangeLicenses, badLocation)
	}
	seats := slices.Clone(o.direct)
	for _, id := range change.Remove {
		i := slices.Index(seats, id)
		switch {
		case i < 0 && slices.Contains(o.SKUIDs, id):
			return badRequest(opChangeLicenses, inheritedSeat)
		case i < 0:
			return badRequest(opChangeLicenses, "User does not have a corresponding license.")
		}
		seats = slices.Delete(seats, i, i+1)
	}
	for _, grant := range change.Add {
		sku := t.sku(grant.SKUID)
		switch {
		case sku == nil:
			return badRequest(opChangeLicenses, "License "+grant.SKUID+" does not correspond to a valid company License.")
		case sku.Free() == 0 && !(slices.Contains(known.user.SKUIDs, sku.ID) && slices.Contains(o.SKUIDs, sku.ID)):
			return noSeat(opChangeLicenses, sku.ID)
		case !slices.Contains(seats, sku.ID):
			seats = append(seats, sku.ID)
		}
	}
	t.seat(o, seats)
	t.wrote(o, d, by)
	return nil
}

func (t *tenant) findGroup(key provision.GroupKey) (*group, error) {
	for _, g := range t.groups {
		if key.ObjectID != "" && g.ObjectID == key.ObjectID || key.UniqueName != "" && g.UniqueName == key.UniqueName {
			return g, nil
		}
	}
	return nil, notFound(opFindGroup, key.ObjectID+key.UniqueName)
}

// addMembers adds users to a group: all of them or none.
func (t *tenant) addMembers(d *dice, groupID string, ids []string) error {
	g, err := t.findGroup(provision.GroupKey{ObjectID: groupID})
	if err != nil {
		return err
	}
	if len(ids) == 0 || len(ids) > provision.MaxMembers {
		return badRequest(opAddMembers, "The number of references is out of range.")
	}
	for _, id := range ids {
		if _, _, err := t.resolve(d, opAddMembers, id); err != nil {
			return err
		}
		if slices.Contains(g.members, id) {
			return alreadyMember(opAddMembers)
		}
	}
	g.members = append(g.members, ids...)
	for _, id := range ids {
		t.process(g, id)
	}
	return nil
}

// removeMember takes a user out of a group. A replica that does not know the user yet knows of no membership either.
func (t *tenant) removeMember(d *dice, groupID, id string) error {
	g, err := t.findGroup(provision.GroupKey{ObjectID: groupID})
	if err != nil {
		return err
	}
	if _, _, err := t.resolve(d, opRemoveMember, id); err != nil {
		return err
	}
	i := slices.Index(g.members, id)
	if i < 0 {
		return notFound(opRemoveMember, id)
	}
	g.members = slices.Delete(g.members, i, i+1)
	t.process(g, id)
	return nil
}

func (t *tenant) update(d *dice, by, id string, change provision.UserChange) error {
	o, _, err := t.resolve(d, opUpdateUser, id)
	if err == nil {
		err = t.busy(o, d, opUpdateUser, by)
	}
	if err != nil {
		return err
	}
	immutableID := ""
	if change.ImmutableID != nil {
		immutableID = *change.ImmutableID
	}
	if err := t.taken(opUpdateUser, o, immutableID, change.UserPrincipalName); err != nil {
		return err
	}
	if change.ImmutableID != nil {
		o.ImmutableID = immutableID
	}
	if change.AccountEnabled != nil {
		o.AccountEnabled = *change.AccountEnabled
	}
	for _, field := range []struct {
		to   *string
		from string
	}{
		{&o.UserPrincipalName, change.UserPrincipalName},
		{&o.UsageLocation, change.UsageLocation},
		{&o.DisplayName, change.DisplayName},
	} {
		if field.from != "" {
			*field.to = field.from
		}
	}
	t.wrote(o, d, by)
	return nil
}

func (t *tenant) revoke(d *dice, id string) error {
	_, _, err := t.resolve(d, opRevokeSessions, id)
	return err
}

// remove deletes a user: the seats and the UPN are free again, the ImmutableID stays taken.
func (t *tenant) remove(d *dice, by, id string) error {
	o, _, err := t.resolve(d, opDeleteUser, id)
	if err != nil {
		return err
	}
	o.inherited = nil
	t.seat(o, nil)
	for _, g := range t.groups {
		g.members = slices.DeleteFunc(g.members, func(member string) bool { return member == id })
	}
	o.state, o.upn = deleted, o.UserPrincipalName
	o.UserPrincipalName = strings.ReplaceAll(id, "-", "") + o.upn
	o.DeletedAt = epoch.Add(t.now())
	t.wrote(o, d, by)
	return nil
}

func (t *tenant) findDeleted(d *dice, key provision.UserKey) []provision.User {
	replica := d.below(replicas)
	var found []provision.User
	for _, o := range t.objects {
		if v, ok := t.seen(o, replica); ok && v.state == deleted && t.matches(&v.user, o.upn, key) {
			found = append(found, v.user)
		}
	}
	return found
}

// gone is a deleted user.
func (t *tenant) gone(op, id string) (*object, error) {
	if o := t.byID(id); o != nil && o.state == deleted {
		return o, nil
	}
	return nil, notFound(op, id)
}

func (t *tenant) restore(d *dice, by *host, id, upn string) (provision.User, error) {
	o, err := t.gone(opRestoreUser, id)
	if err != nil {
		return provision.User{}, err
	}
	if upn == "" {
		upn = o.upn
	}
	if err := t.taken(opRestoreUser, o, "", upn); err != nil {
		return provision.User{}, err
	}
	o.state, o.UserPrincipalName, o.DeletedAt = active, upn, time.Time{}
	t.wrote(o, d, by.name)
	return o.User, nil
}

func (t *tenant) purge(d *dice, by *host, id string) error {
	o, err := t.gone(opPurgeUser, id)
	if err != nil {
		return err
	}
	o.state = purged
	t.wrote(o, d, by.name)
	return nil
}
