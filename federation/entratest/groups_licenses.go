package entratest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Licences that users inherit from their groups:
// https://learn.microsoft.com/entra/fundamentals/concept-group-based-licensing. What a group gives is worked out some
// time after each change of the group's licences or members, as Config.Lag says, and what is wrong is recorded at the
// user.

// Problems of a licence, as licenseAssignmentState has them:
// https://learn.microsoft.com/graph/api/resources/licenseassignmentstate.
const (
	problemCount      = "CountViolation"
	problemExclusive  = "MutuallyExclusiveViolation"
	problemDependency = "DependencyViolation"
	problemLocation   = "ProhibitedInUsageLocationViolation"
	problemUnique     = "UniquenessViolation"
	problemOther      = "Other"
)

// licenseJob is a user's licences from a group that are to be worked out; without a user, those of all members.
type licenseJob struct {
	group, user string
	queued, due time.Time
}

// queueLicenses has the licences from a group worked out for one user, or for all members if user is empty, some time
// after now. The caller holds t.mu.
func (t *Tenant) queueLicenses(group, user string, now time.Time) {
	g := t.directory.primary(group)
	if user != "" && len(g.licenses) == 0 && !t.directory.primary(user).inherits(group) {
		return
	}
	job := licenseJob{group: group, user: user, queued: now, due: now.Add(t.cfg.Lag.at(t.processing.share()))}
	i, _ := slices.BinarySearchFunc(t.jobs, job, func(a, b licenseJob) int {
		if a.due.After(b.due) {
			return 1
		}
		return -1
	})
	t.jobs = slices.Insert(t.jobs, i, job)
}

// inherits reports whether the user has licences from the group, or failed to get them.
func (e *entity) inherits(group string) bool {
	return slices.ContainsFunc(e.licenses, func(l license) bool { return l.group == group })
}

// processLicenses does the jobs that are due, each as of its time. The caller holds t.mu.
func (t *Tenant) processLicenses() {
	for len(t.jobs) > 0 && !t.jobs[0].due.After(t.now()) {
		job := t.jobs[0]
		t.jobs = t.jobs[1:]
		users := []string{job.user}
		if job.user == "" {
			users = t.concerned(job.group)
		}
		for _, id := range users {
			t.giveLicenses(id, job.group, job.due)
		}
	}
}

// concerned lists the members of a group, and those who still have licences from it. The caller holds t.mu.
func (t *Tenant) concerned(group string) []string {
	var out []string
	for _, l := range t.directory.linksOf[group] {
		if l.group == group && (t.directory.links[l].last() || t.directory.primary(l.member).inherits(group)) {
			out = append(out, l.member)
		}
	}
	return out
}

// giveLicenses brings a user's licences from a group up to date, and says what stands in the way of its plans. The
// caller holds t.mu.
func (t *Tenant) giveLicenses(user, group string, at time.Time) (obstacle *graphError) {
	before := t.directory.primary(user)
	if before.class != userClass || !before.active() {
		return nil
	}
	after, obstacle := t.inherit(before, t.directory.primary(group), at)
	if !slices.EqualFunc(before.licenses, after.licenses, license.equal) {
		_ = t.openMailbox(before, after) // an address in the way is a problem that inherit has found
		t.directory.commit(after, at)
	}
	return obstacle
}

// inherit returns the user with what the group gives now. If one of the group's licences cannot be given, none is that
// the user does not have yet: https://learn.microsoft.com/entra/identity/users/licensing-groups-resolve-problems. A licence
// that the group does not give any more stays, with an error, if another one depends on it. The caller holds t.mu.
func (t *Tenant) inherit(user, group *entity, at time.Time) (*entity, *graphError) {
	after := user.clone()
	after.licenses = slices.DeleteFunc(after.licenses, func(l license) bool { return l.group == group.id })
	var given []license
	if t.directory.links[link{group.id, user.id}].last() {
		given = licensesGiven(user, group, at)
	}
	problem, obstacle := t.checkPlans(after.with(given))
	if problem == problemDependency {
		after.licenses = append(after.licenses, licensesStuck(user, group, given)...)
	}
	problems, inTheWay := t.problemsOf(user, after, given)
	failed := slices.ContainsFunc(problems, func(p string) bool { return p != "" })
	for i, problem := range problems {
		had := user.inheritedSeat(group.id, given[i].skuID)
		if problem == "" && failed && !had {
			problem = problemOther
		}
		given[i].problem, given[i].held = problem, problem != "" && had
	}
	if obstacle == nil {
		obstacle = inTheWay
	}
	return after.with(given), obstacle
}

// with is the object with more licences.
func (e *entity) with(more []license) *entity {
	c := e.clone()
	c.licenses = append(c.licenses, more...)
	return c
}

// licensesStuck lists the licences that the user has from the group, and the group does not give any more.
func licensesStuck(user, group *entity, given []license) []license {
	var stuck []license
	for _, l := range user.licenses {
		if l.group != group.id || !l.active() ||
			slices.ContainsFunc(given, func(g license) bool { return g.skuID == l.skuID }) {
			continue
		}
		l.held, l.problem = true, problemDependency
		stuck = append(stuck, l)
	}
	return stuck
}

// licensesGiven lists what the group gives the user, with the dates of what the user had already.
func licensesGiven(user, group *entity, at time.Time) []license {
	var given []license
	for _, l := range group.licenses {
		l.group, l.assigned = group.id, at
		for _, had := range user.licenses {
			if had.group == group.id && had.skuID == l.skuID && slices.Equal(had.disabledPlans, l.disabledPlans) {
				l.assigned = had.assigned
			}
		}
		given = append(given, l)
	}
	return given
}

// problemsOf finds what is wrong with each of the licences that a group is to give a user, who has others. A user without
// a usage location has the tenant's. The caller holds t.mu.
func (t *Tenant) problemsOf(user, others *entity, given []license) ([]string, *graphError) {
	problems := make([]string, len(given))
	location := orElse(user.text("usageLocation"), t.cfg.Country)
	for i, l := range given {
		sku, _ := t.sku(l.skuID)
		switch {
		case !sku.assignable():
			problems[i] = problemOther
		case sku.prohibitedIn(location):
			problems[i] = problemLocation
		case !user.holds(l.skuID) && t.directory.seats[l.skuID] >= sku.places():
			problems[i] = problemCount
		case t.openMailbox(user, others.with([]license{l})) != nil:
			problems[i] = problemUnique
		}
	}
	problem, obstacle := t.checkPlans(others.with(given))
	for i := range problems {
		problems[i] = orElse(problems[i], problem)
	}
	return problems, obstacle
}

// inheritedSeat reports whether the user has a seat of a SKU from a group.
func (e *entity) inheritedSeat(group, skuID string) bool {
	return slices.ContainsFunc(e.licenses, func(l license) bool {
		return l.group == group && l.skuID == skuID && l.active()
	})
}

// membersInError lists the users who have a problem with the licences of a group, in order of creation. Some of them are
// no members any more. The caller holds t.mu.
func (t *Tenant) membersInError(group string, state func(id string) *entity) []*entity {
	var ids []string
	for _, l := range t.directory.linksOf[group] {
		if l.group == group {
			ids = append(ids, l.member)
		}
	}
	var out []*entity
	for _, id := range t.directory.inOrder(ids) {
		if e := state(id); e != nil && e.active() && e.inError(group) {
			out = append(out, e)
		}
	}
	return out
}

// inError reports whether there is a problem with a licence that the user has, or should have, from the group.
func (e *entity) inError(group string) bool {
	return slices.ContainsFunc(e.licenses, func(l license) bool { return l.group == group && l.problem != "" })
}

// licenseProcessingState says how far the group's licences have been worked out. The caller holds t.mu.
func (t *Tenant) licenseProcessingState(e *entity) any {
	state := ""
	if len(e.licenses) > 0 {
		state = "ProcessingComplete"
	}
	now := t.now()
	for _, job := range t.jobs {
		if job.group != e.id {
			continue
		}
		if state = "QueuedForProcessing"; now.Sub(job.queued) >= job.due.Sub(now) {
			state = "ProcessingInProgress"
			break
		}
	}
	if state == "" {
		return nil
	}
	return object{{"state", state}}
}

// assignGroupLicense is https://learn.microsoft.com/graph/api/group-assignlicense. It answers at once; the members
// follow.
func (t *Tenant) assignGroupLicense(req *graphRequest) (*graphReply, *graphError) {
	id, refusal := req.beginGroupChange()
	if refusal != nil {
		return nil, refusal
	}
	change, refusal := req.readLicenseChange()
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	before, refusal := t.lastState(id)
	if refusal != nil {
		return nil, refusal
	}
	after, refusal := t.changeGroupLicenses(before, change)
	if refusal != nil {
		return nil, refusal
	}
	t.directory.commit(after, t.now())
	t.queueLicenses(id, "", t.now())
	reply := req.entity("groups/$entity", standardObject(t, after))
	reply.status, reply.location = http.StatusAccepted, t.locationOf(after)
	return reply, nil
}

// changeGroupLicenses returns the group as changed. Seats are not counted here: a group may give more than there are.
// That it must have the prerequisites of what it gives is checked at once. The caller holds t.mu.
func (t *Tenant) changeGroupLicenses(before *entity, change licenseChange) (*entity, *graphError) {
	if !before.flag("securityEnabled") {
		return nil, requestError("Licenses can only be assigned to security-enabled groups.") // assumed text
	}
	after := before.clone()
	for _, skuID := range change.remove {
		if !after.holds(skuID) {
			return nil, requestError("Group does not have a corresponding license.") // assumed, as for a user
		}
		after.licenses = slices.DeleteFunc(after.licenses, func(l license) bool { return l.skuID == skuID })
	}
	for _, added := range change.add {
		if sku, ok := t.sku(added.skuID); !ok || !sku.assignable() {
			return nil, errUnknownLicense(added.skuID)
		}
		if refusal := t.checkDisabledPlans(added); refusal != nil {
			return nil, refusal
		}
		after.replaceLicense(added, t.now())
	}
	if problem, obstacle := t.checkPlans(after); problem != "" {
		return nil, obstacle
	}
	return after, nil
}

// listMembersInError is the relationship membersWithLicenseErrors of
// https://learn.microsoft.com/graph/api/resources/group.
func (t *Tenant) listMembersInError(req *graphRequest) (*graphReply, *graphError) {
	wanted, refusal := req.properties(userClass, req.selectedNames())
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	q, refusal := req.listQuery(userClass)
	if refusal != nil {
		return nil, refusal
	}
	group, refusal := t.groupByKey(req.keys[0], q.view)
	if refusal != nil {
		return nil, refusal
	}
	found := t.membersInError(group.id, t.directory.in(q.view, t.now()))
	return t.page(req, q, fmt.Sprintf("groups('%s')/membersWithLicenseErrors%s", group.id, req.selection()), found,
		req.memberObject(map[class][]property{userClass: wanted}, q.view))
}

// reprocessLicenses is https://learn.microsoft.com/graph/api/user-reprocesslicenseassignment: what the user's groups give
// is worked out at once. Service plans that exclude or miss one another are an error of the request as well, as has been
// reported; that a missing seat is not is assumed.
func (t *Tenant) reprocessLicenses(req *graphRequest) (*graphReply, *graphError) {
	id, refusal := req.beginUserChange()
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	if _, refusal := t.lastState(id); refusal != nil {
		return nil, refusal
	}
	var obstacle *graphError
	for _, l := range t.directory.linksOf[id] {
		if l.member != id {
			continue
		}
		if found := t.giveLicenses(id, l.group, t.now()); obstacle == nil {
			obstacle = found
		}
	}
	if obstacle != nil {
		return nil, obstacle
	}
	return req.entity("users/$entity", standardObject(t, t.directory.primary(id))), nil
}
